import { RotateCw } from "lucide-react";

import { Button } from "./button";
import { cn } from "./cn";
import { formatInstant } from "./format";
import { Hint } from "./hint";
import { NowProvider, useNow } from "./now";

type FreshnessProps = {
  /** When the answer came (milliseconds, by the browser's clock); 0 before the first one. */
  updatedAt: number;
  busy: boolean;
  onRefresh: () => void;
};

/** How old what one sees is, and a button to see it anew. */
export function Freshness(props: FreshnessProps) {
  // Answers arrive in real time, whatever clock the customer on the page lives by.
  return (
    <NowProvider>
      <FreshnessButton {...props} />
    </NowProvider>
  );
}

function FreshnessButton({ updatedAt, busy, onRefresh }: FreshnessProps) {
  const now = Math.max(useNow(), updatedAt);
  return (
    <Hint text="Refresh">
      <Button look="quiet" size="small" className="font-normal text-muted" disabled={busy} onClick={onRefresh}>
        <RotateCw aria-hidden className={cn(busy && "animate-spin")} />
        <span className="tabular-nums max-sm:sr-only">
          {updatedAt === 0 ? (busy ? "Loading…" : "Refresh") : `Updated ${formatInstant(updatedAt, "relative", now)}`}
        </span>
        <span className="sr-only">Refresh</span>
      </Button>
    </Hint>
  );
}
