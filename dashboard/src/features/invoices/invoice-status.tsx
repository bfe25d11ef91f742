import type { Invoice } from "@/api/types";
import { Badge, type Tone } from "@/ui/badge";
import { sentenceCase } from "@/ui/format";

const TONES: Readonly<Record<string, Tone>> = { paid: "green", open: "orange", uncollectible: "red" };

/** What became of an invoice. */
export function InvoiceStatus({ invoice }: { invoice: Invoice }) {
  const refunded = refundText(invoice);
  return (
    <Badge tone={refunded === undefined ? (TONES[invoice.status] ?? "neutral") : "violet"}>
      {refunded ?? sentenceCase(invoice.status)}
    </Badge>
  );
}

/** How far a paid invoice was paid back; nothing when it was not. */
export function refundText({
  refunded_amount: refunded,
  amount_paid: paid,
}: Pick<Invoice, "refunded_amount" | "amount_paid">) {
  if (refunded === 0) return undefined;
  return refunded >= (paid ?? 0) ? "Refunded" : "Partially refunded";
}
