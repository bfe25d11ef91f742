import { createColumnHelper, getCoreRowModel, getExpandedRowModel, useReactTable } from "@tanstack/react-table";
import { Package } from "lucide-react";
import { useMemo } from "react";

import { useInvoices } from "@/api/invoices";
import { billsUsage } from "@/api/plan-words";
import type { Customer } from "@/api/types";
import { DataTable } from "@/ui/data-table";
import { Nothing } from "@/ui/notice";
import { useNow } from "@/ui/now";
import { Section } from "@/ui/section";
import { Unfold } from "@/ui/unfold";
import { Period, When } from "@/ui/when";

import { type Holding, holdingsOf } from "./holding";
import { PlanLimits } from "./plan-limits";
import { ProductName } from "./product-name";
import { StateBadge } from "./state-badge";
import { StateNote } from "./state-note";

const column = createColumnHelper<Holding>();
const DASH = <span className="text-muted">—</span>;
const OPEN_INVOICES_MAX = 20;

type ProductsSectionProps = { customerId: string; customer: Customer };

/** What a customer holds: its status and what that means, the billing dates, and the limits on unfolding. */
export function ProductsSection({ customerId, customer }: ProductsSectionProps) {
  const now = useNow();
  const holdings = useMemo(() => holdingsOf(customer, now), [customer, now]);
  const pastDue = holdings.some((holding) => holding.state === "past_due");
  const open = useInvoices({ customerId, cursor: "", limit: OPEN_INVOICES_MAX, status: "open" }, pastDue);
  const openInvoices = open.data?.list;

  const columns = useMemo(
    () => [
      column.display({
        id: "unfold",
        header: () => <span className="sr-only">Limits</span>,
        cell: ({ row }) => (
          <Unfold
            open={row.getIsExpanded()}
            onToggle={row.getToggleExpandedHandler()}
            label={`Limits of ${row.original.plan?.name ?? row.original.planId}`}
          />
        ),
        meta: { className: "w-9 pr-0" },
      }),
      column.display({
        id: "name",
        header: "Name",
        cell: ({ row }) => <ProductName holding={row.original} />,
        meta: { className: "w-[34%] max-w-0" },
      }),
      column.display({
        id: "status",
        header: "Status",
        cell: ({ row: { original: holding } }) => (
          <div className="grid justify-items-start gap-0.5">
            <StateBadge state={holding.state} />
            <p className="text-xs text-muted">
              <StateNote
                holding={holding}
                openInvoiceUrl={
                  openInvoices?.find((each) => each.plan_ids.includes(holding.planId))?.hosted_invoice_url ?? undefined
                }
              />
            </p>
          </div>
        ),
        meta: { className: "max-sm:pr-4" },
      }),
      column.display({
        id: "period",
        header: "Current period",
        cell: ({ row: { original: holding } }) =>
          holding.period === undefined ? DASH : <Period from={holding.period.from} to={holding.period.to} />,
        meta: { className: "max-xl:hidden" },
      }),
      column.display({
        id: "next",
        header: "Next billing",
        cell: ({ row }) => <NextBilling holding={row.original} />,
        meta: { className: "max-sm:hidden text-right" },
      }),
    ],
    [openInvoices],
  );
  const table = useReactTable({
    data: holdings,
    columns,
    getCoreRowModel: getCoreRowModel(),
    getExpandedRowModel: getExpandedRowModel(),
    getRowCanExpand: () => true,
    getRowId: (holding) => holding.key,
  });
  return (
    <Section title="Products">
      {holdings.length === 0 ? (
        <Nothing icon={<Package aria-hidden />} title="No products">
          This customer holds no product yet. Your app enables one with{" "}
          <code className="font-mono text-xs">billing.attach</code>.
        </Nothing>
      ) : (
        <DataTable table={table} label="Products" renderDetail={(holding) => <PlanLimits holding={holding} />} />
      )}
    </Section>
  );
}

function NextBilling({ holding }: { holding: Holding }) {
  if (holding.nextBillingAt === undefined || holding.plan === undefined) return DASH;
  const amount = holding.plan.price?.display.primary_text;
  const parts = [amount, billsUsage(holding.plan) ? "usage" : undefined].filter((part) => part !== undefined);
  return (
    <>
      <When at={holding.nextBillingAt} form="short" />
      <p className="text-xs whitespace-nowrap text-muted">{parts.join(" + ")}</p>
    </>
  );
}
