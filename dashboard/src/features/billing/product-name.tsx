import { priceText } from "@/api/plan-words";
import { Badge } from "@/ui/badge";
import { ProductKindIcon } from "@/ui/product-kind";

import type { Holding } from "./holding";

/** A product's kind, name, quantity and price. */
export function ProductName({ holding }: { holding: Holding }) {
  const name = holding.plan?.name ?? holding.planId;
  return (
    <div className="flex min-w-0 items-center gap-2.5">
      <ProductKindIcon kind={holding.kind} />
      <div className="min-w-0">
        <p className="flex items-center gap-1.5">
          <span dir="auto" title={name} className="font-medium max-sm:line-clamp-2 sm:truncate">
            {name}
          </span>
          {holding.quantity > 1 && <Badge>×{holding.quantity}</Badge>}
        </p>
        {holding.plan !== undefined && <p className="text-xs text-muted sm:truncate">{priceText(holding.plan)}</p>}
      </div>
    </div>
  );
}
