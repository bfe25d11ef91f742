import { usePlanNames } from "@/api/catalog";
import type { BalanceSource } from "@/api/types";
import { Dot, type Tone } from "@/ui/badge";
import { Quantity } from "@/ui/quantity";
import { When } from "@/ui/when";

import { cadenceText, sourceKind, type SourceKind } from "./reading";

const KINDS: Record<SourceKind, { label: string; tone: Tone }> = {
  included: { label: "Included", tone: "green" },
  prepaid: { label: "Prepaid", tone: "orange" },
  usage_based: { label: "Usage-based", tone: "blue" },
};

/** Where a balance comes from: each source with what it granted, what of it is used, and when it starts anew. */
export function Sources({ sources }: { sources: BalanceSource[] }) {
  const planName = usePlanNames();
  return (
    <ul className="ml-7 grid divide-y rounded-lg border bg-panel">
      {sources.map((source, index) => {
        const kind = KINDS[sourceKind(source)];
        return (
          <li
            key={source.id || index}
            className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 px-3 py-2"
          >
            <div className="min-w-0">
              <p dir="auto" className="truncate font-medium">
                {source.plan_id === null ? "No product" : planName(source.plan_id)}
              </p>
              <p className="flex items-center gap-1.5 text-xs text-muted">
                <Dot tone={kind.tone} /> {kind.label} · {cadenceText(source.reset)}
              </p>
            </div>
            <div className="text-right">
              <SourceUsage source={source} />
              <p className="text-xs text-muted">
                {typeof source.reset?.resets_at === "number" && (
                  <>
                    Resets <When at={source.reset.resets_at} form="minute" />
                  </>
                )}
                {source.expires_at !== null && (
                  <>
                    {" "}
                    Expires <When at={source.expires_at} form="minute" />
                  </>
                )}
              </p>
            </div>
          </li>
        );
      })}
    </ul>
  );
}

function SourceUsage({ source }: { source: BalanceSource }) {
  if (source.unlimited) return <p>Unlimited</p>;
  return (
    <p>
      <Quantity value={source.remaining} className="font-medium" />
      <span className="text-muted">
        {" left of "}
        <Quantity value={source.included_grant + source.prepaid_grant} />
        {source.prepaid_grant > 0 && source.included_grant > 0 && (
          <>
            {" ("}
            <Quantity value={source.prepaid_grant} /> prepaid)
          </>
        )}
        {" · "}
        <Quantity value={source.usage} /> used
      </span>
    </p>
  );
}
