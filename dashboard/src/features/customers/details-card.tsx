import type { ReactNode } from "react";

import type { Customer } from "@/api/types";
import { Copy } from "@/ui/copy";
import { Section } from "@/ui/section";
import { When } from "@/ui/when";

const DASH = <span className="text-muted">—</span>;

/** The facts about a customer. */
export function DetailsCard({ customer }: { customer: Customer }) {
  const metadata = Object.entries(customer.metadata);
  return (
    <Section title="Details" foldsWhenNarrow>
      <dl className="grid gap-2.5 px-4 py-3">
        <Detail name="Name">
          {customer.name === null ? DASH : <Copy className="text-ink" value={customer.name} label="name" />}
        </Detail>
        <Detail name="Email">
          {customer.email === null ? DASH : <Copy className="text-ink" value={customer.email} label="e-mail address" />}
        </Detail>
        <Detail name="ID">
          {customer.id === null ? DASH : <Copy mono className="text-ink" value={customer.id} label="id" />}
        </Detail>
        <Detail name="Fingerprint">
          {customer.fingerprint === null ? (
            DASH
          ) : (
            <Copy mono className="text-ink" value={customer.fingerprint} label="fingerprint" />
          )}
        </Detail>
        <Detail name="Stripe ID">
          {customer.stripe_id === null ? (
            DASH
          ) : (
            <Copy mono className="text-ink" value={customer.stripe_id} label="Stripe id" />
          )}
        </Detail>
        <Detail name="Created">
          <When at={customer.created_at} form="minute" />
        </Detail>
      </dl>
      <div className="border-t px-4 py-3">
        <h3 className="mb-2 text-xs font-medium text-muted">Metadata</h3>
        {metadata.length === 0 ? (
          <p className="text-muted">None</p>
        ) : (
          <dl className="grid gap-2">
            {metadata.map(([key, value]) => (
              <Detail key={key} name={key} mono>
                <Copy
                  mono
                  className="text-ink"
                  value={typeof value === "string" ? value : JSON.stringify(value)}
                  label={key}
                />
              </Detail>
            ))}
          </dl>
        )}
      </div>
    </Section>
  );
}

type DetailProps = { name: string; mono?: boolean; children: ReactNode };

function Detail({ name, mono = false, children }: DetailProps) {
  return (
    <div className="grid grid-cols-[5.5rem_minmax(0,1fr)] items-baseline gap-2">
      <dt title={name} className={mono ? "truncate font-mono text-xs text-muted" : "text-muted"}>
        {name}
      </dt>
      <dd className="min-w-0">{children}</dd>
    </div>
  );
}
