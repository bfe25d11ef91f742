import { Check } from "lucide-react";
import type { ReactNode } from "react";

import type { PlanItem } from "@/api/types";
import { Period, When } from "@/ui/when";

import type { Holding } from "./holding";

/** What a product contains: each feature with its limit, how often it starts anew and what more of it costs. */
export function PlanLimits({ holding }: { holding: Holding }) {
  const items = holding.plan?.items ?? [];
  return (
    <div className="grid gap-4 pl-7 sm:grid-cols-[minmax(0,1fr)_14rem]">
      <div>
        <h3 className="mb-1.5 text-xs font-medium text-muted">Included</h3>
        {items.length === 0 ? (
          <p className="text-muted">This product has no features.</p>
        ) : (
          <ul className="grid gap-1.5">
            {items.map((item, index) => (
              <li key={`${item.feature_id}:${index}`} className="flex items-baseline gap-2">
                <Check aria-hidden className="size-3.5 shrink-0 translate-y-0.5 text-green" />
                <span>
                  {item.display?.primary_text ?? item.feature_id}
                  <span className="text-muted">{resetText(item)}</span>
                  {item.display?.secondary_text && <span className="text-muted"> · {item.display.secondary_text}</span>}
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
      <dl className="grid content-start gap-1.5 text-xs">
        <Fact name="Started">
          <When at={holding.startedAt} form="minute" />
        </Fact>
        {holding.period !== undefined && (
          <Fact name="Period">
            <Period from={holding.period.from} to={holding.period.to} />
          </Fact>
        )}
        {holding.endsAt !== null && (
          <Fact name="Ends">
            <When at={holding.endsAt} form="minute" />
          </Fact>
        )}
        {holding.plan !== undefined && <Fact name="Version">{holding.plan.version}</Fact>}
        <Fact name="Product ID">
          <span className="font-mono break-all">{holding.planId}</span>
        </Fact>
      </dl>
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="grid grid-cols-[5rem_minmax(0,1fr)] gap-2">
      <dt className="text-muted">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** " / month", " / 3 months"; nothing for what never starts anew. */
function resetText(item: PlanItem): string {
  const { reset } = item;
  if (reset === null || reset.interval === "one_off" || item.included === 0) return "";
  const count = reset.interval_count ?? 1;
  const word = reset.interval === "semi_annual" ? "half year" : reset.interval;
  return count === 1 ? ` / ${word}` : ` / ${count} ${word}s`;
}
