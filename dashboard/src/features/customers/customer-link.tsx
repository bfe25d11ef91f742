import { Link } from "@tanstack/react-router";
import { Clock } from "lucide-react";

import { useEnvironment } from "@/api/environment";
import type { Customer } from "@/api/types";
import { cn } from "@/ui/cn";
import { Hint } from "@/ui/hint";

/** What a customer is called: the name, else the e-mail address, else the id. */
export function customerTitle(customer: Pick<Customer, "id" | "name" | "email">): string {
  return customer.name ?? customer.email ?? customer.id ?? "Unnamed customer";
}

/** The name as a link that covers its whole row. A customer who has no id yet has no page. */
export function CustomerLink({ customer }: { customer: Customer }) {
  const environment = useEnvironment();
  const name = (
    <span dir="auto" className={cn("block truncate font-medium", customer.name === null && "font-normal text-soft")}>
      {customerTitle(customer)}
    </span>
  );
  return (
    <span className="flex min-w-0 items-center gap-1.5">
      {customer.id === null ? (
        name
      ) : (
        <Link
          to="/$env/customers/$customerId"
          params={{ env: environment, customerId: customer.id }}
          title={customerTitle(customer)}
          data-row-link
          className="min-w-0 outline-none after:absolute after:inset-0 focus-visible:after:rounded-md focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent/70"
        >
          {name}
        </Link>
      )}
      {typeof customer.clock_at === "number" && (
        <Hint text="Lives by a clock of its own">
          <Clock
            role="img"
            aria-label="Has a clock of its own"
            className="relative z-10 size-3 shrink-0 text-muted/70"
          />
        </Hint>
      )}
    </span>
  );
}
