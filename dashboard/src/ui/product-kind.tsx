import { CircleDollarSign, PackagePlus, RefreshCw } from "lucide-react";

import { cn } from "./cn";
import { Hint } from "./hint";

export type ProductKind = "subscription" | "add-on" | "one-off";

const KINDS = {
  subscription: { label: "Subscription", Icon: RefreshCw, colour: "text-green" },
  "add-on": { label: "Add-on", Icon: PackagePlus, colour: "text-violet" },
  "one-off": { label: "One-off", Icon: CircleDollarSign, colour: "text-orange" },
} as const satisfies Record<ProductKind, unknown>;

/** The sign of a product's kind. */
export function ProductKindIcon({ kind }: { kind: ProductKind }) {
  const { label, Icon, colour } = KINDS[kind];
  return (
    <Hint text={label}>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- the hint can be read by keyboard */}
      <span tabIndex={0} role="img" aria-label={label} className="shrink-0 rounded-sm">
        <Icon aria-hidden className={cn("size-4", colour)} />
      </span>
    </Hint>
  );
}
