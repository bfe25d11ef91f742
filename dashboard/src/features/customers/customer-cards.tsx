import { usePlanNames } from "@/api/catalog";
import type { Customer } from "@/api/types";
import { cn } from "@/ui/cn";
import { Skeleton } from "@/ui/skeleton";
import { When } from "@/ui/when";

import { CustomerLink } from "./customer-link";
import { HeldPlans } from "./held-plans";

type CustomerCardsProps = {
  customers: Customer[];
  skeletonRows: number | undefined;
  stale: boolean;
};

/** The customers as cards, for a phone. */
export function CustomerCards({ customers, skeletonRows, stale }: CustomerCardsProps) {
  const planName = usePlanNames();
  return (
    <ul
      aria-label="Customers"
      aria-busy={stale || skeletonRows !== undefined}
      className={cn("divide-y", stale && "opacity-55")}
    >
      {skeletonRows === undefined
        ? customers.map((customer, index) => (
            <li
              key={customer.id ?? `pending:${index}`}
              className="relative grid grid-cols-1 gap-1 px-4 py-3 active:bg-hover"
            >
              <div className="flex min-w-0 items-center justify-between gap-3">
                <CustomerLink customer={customer} />
                <span className="relative z-10 shrink-0 text-xs text-muted">
                  <When at={customer.created_at} />
                </span>
              </div>
              <div className="flex min-w-0 items-center justify-between gap-3 text-muted">
                <span dir="auto" className="min-w-0 truncate">
                  {customer.name === null && customer.email !== null ? customer.id : (customer.email ?? customer.id)}
                </span>
                <span className="max-w-1/2 min-w-0 text-ink">
                  <HeldPlans customer={customer} planName={planName} />
                </span>
              </div>
            </li>
          ))
        : Array.from({ length: skeletonRows }, (_, index) => (
            <li key={index} className="grid gap-2 px-4 py-3.5">
              <Skeleton className="w-40" />
              <Skeleton className="w-56" />
            </li>
          ))}
    </ul>
  );
}
