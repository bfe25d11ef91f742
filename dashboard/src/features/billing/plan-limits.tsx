import type { ReactNode } from "react";

import { itemWords } from "@/api/plan-words";
import { Included } from "@/ui/included";
import { Period, When } from "@/ui/when";

import type { Holding } from "./holding";

/** What a product contains: each feature with its limit, how often it starts anew and what more of it costs. */
export function PlanLimits({ holding }: { holding: Holding }) {
  return (
    <div className="grid gap-4 pl-7 sm:grid-cols-[minmax(0,1fr)_14rem]">
      <div>
        <h3 className="mb-1.5 text-xs font-medium text-muted">Included</h3>
        <Included items={holding.plan?.items.map(itemWords) ?? []} />
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
