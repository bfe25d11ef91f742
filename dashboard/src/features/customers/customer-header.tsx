import { Link } from "@tanstack/react-router";
import { ChevronRight, Clock } from "lucide-react";
import type { ReactNode } from "react";

import { useEnvironment } from "@/api/environment";
import type { Customer } from "@/api/types";
import { Badge } from "@/ui/badge";
import { cn } from "@/ui/cn";
import { Copy } from "@/ui/copy";
import { Hint } from "@/ui/hint";
import { When } from "@/ui/when";

import { customerTitle } from "./customer-link";

type CustomerHeaderProps = {
  customer: Customer;
  actions: ReactNode;
};

/** Who this is, and by which clock they live. */
export function CustomerHeader({ customer, actions }: CustomerHeaderProps) {
  const environment = useEnvironment();
  const title = customerTitle(customer);
  return (
    <header className="mb-5">
      <div className="mb-3 flex min-h-7 items-center gap-3">
        <nav aria-label="Breadcrumb" className="flex min-w-0 items-center gap-1 text-muted">
          <Link to="/$env/customers" params={{ env: environment }} className="rounded-sm hover:text-ink">
            Customers
          </Link>
          <ChevronRight aria-hidden className="size-3.5 shrink-0" />
          <span dir="auto" aria-current="page" className="truncate text-soft">
            {title}
          </span>
        </nav>
        <div className="ml-auto shrink-0">{actions}</div>
      </div>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
        <h1
          dir="auto"
          title={title}
          className={cn(
            "max-w-full truncate text-2xl font-semibold tracking-tight",
            customer.name === null && "text-soft",
            customer.name === null && customer.email === null && "font-mono text-xl",
          )}
        >
          {title}
        </h1>
        {typeof customer.clock_at === "number" && <ClockChip at={customer.clock_at} />}
      </div>
      <div className="mt-1.5 flex max-w-full flex-wrap items-center gap-x-6 gap-y-1">
        {customer.email !== null && customer.name !== null && (
          <Copy value={customer.email} label="e-mail address" className="max-w-[calc(100%-1.25rem)]" />
        )}
        {customer.id !== null && <Copy mono value={customer.id} label="id" className="max-w-[calc(100%-1.25rem)]" />}
      </div>
    </header>
  );
}

function ClockChip({ at }: { at: number }) {
  return (
    <Badge tone="sandbox" className="h-6 text-xs">
      <Hint text="This customer lives by a clock of its own. Every date on this page counts from there.">
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- the hint can be read by keyboard */}
        <span tabIndex={0} className="flex items-center gap-1">
          <Clock aria-hidden /> Clock at
        </span>
      </Hint>
      <When at={at} form="minute" />
    </Badge>
  );
}
