import { CircleDollarSign, PackagePlus, RefreshCw } from "lucide-react";

import { Badge } from "@/ui/badge";
import { cn } from "@/ui/cn";
import { Hint } from "@/ui/hint";

import { type Holding, priceText } from "./holding";

const KINDS = {
  subscription: { label: "Subscription", Icon: RefreshCw, colour: "text-green" },
  "one-off": { label: "One-off", Icon: CircleDollarSign, colour: "text-orange" },
  "add-on": { label: "Add-on", Icon: PackagePlus, colour: "text-violet" },
} as const;

/** A product's kind, name, quantity and price. */
export function ProductName({ holding }: { holding: Holding }) {
  const { label, Icon, colour } = KINDS[holding.kind];
  return (
    <div className="flex min-w-0 items-center gap-2.5">
      <Hint text={label}>
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- the hint can be read by keyboard */}
        <span tabIndex={0} role="img" aria-label={label} className="rounded-sm">
          <Icon aria-hidden className={cn("size-4", colour)} />
        </span>
      </Hint>
      <div className="min-w-0">
        <p className="flex items-center gap-1.5">
          <span dir="auto" className="truncate font-medium" title={holding.plan?.name}>
            {holding.plan?.name ?? holding.planId}
          </span>
          {holding.quantity > 1 && <Badge>×{holding.quantity}</Badge>}
        </p>
        {holding.plan !== undefined && <p className="truncate text-xs text-muted">{priceText(holding.plan)}</p>}
      </div>
    </div>
  );
}
