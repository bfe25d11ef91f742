import { CreditCard } from "lucide-react";

import type { Customer } from "@/api/types";
import { sentenceCase } from "@/ui/format";
import { Section } from "@/ui/section";

/** How a customer pays. */
export function BillingCard({ customer }: { customer: Customer }) {
  const card = readCard(customer.payment_method);
  return (
    <Section title="Billing" foldsWhenNarrow>
      <div className="flex items-center gap-3 px-4 py-3">
        <span className="grid h-7 w-10 shrink-0 place-items-center rounded-md border bg-sunken text-muted">
          <CreditCard aria-hidden className="size-4" />
        </span>
        {card === undefined ? (
          <div className="min-w-0">
            <p>No payment method</p>
            <p className="text-xs text-muted">The next checkout asks for one.</p>
          </div>
        ) : (
          <div className="min-w-0">
            <p className="truncate">
              {sentenceCase(card.brand)} <span className="tabular-nums">•••• {card.last4}</span>
            </p>
            <p className="text-xs text-muted">Default payment method</p>
          </div>
        )}
      </div>
    </Section>
  );
}

/** The card of a payment method, which the contract leaves open to what the payment provider says. */
function readCard(method: Customer["payment_method"]): { brand: string; last4: string } | undefined {
  const card = method?.card as Partial<Record<"brand" | "last4", unknown>> | undefined;
  if (typeof card?.brand !== "string" || typeof card.last4 !== "string") return undefined;
  return { brand: card.brand, last4: card.last4 };
}
