import { createColumnHelper, getCoreRowModel, useReactTable } from "@tanstack/react-table";
import { ExternalLink, Receipt } from "lucide-react";
import { useMemo } from "react";

import { usePlanNames } from "@/api/catalog";
import { useInvoices } from "@/api/invoices";
import type { Invoice } from "@/api/types";
import { Button } from "@/ui/button";
import { DataTable } from "@/ui/data-table";
import { Hint } from "@/ui/hint";
import { Money } from "@/ui/money";
import { Nothing, Trouble } from "@/ui/notice";
import { Pager } from "@/ui/pager";
import { cursorOf, type Paging } from "@/ui/paging";
import { Section } from "@/ui/section";
import { When } from "@/ui/when";

import { InvoiceStatus } from "./invoice-status";

const INVOICES_PER_PAGE = 10;
const SKELETON_ROWS = 3;

const column = createColumnHelper<Invoice>();

/** What an invoice is called; a draft, and one that was issued elsewhere, has no number of ours. */
function nameOf(invoice: Invoice): string {
  return invoice.number === null ? "–" : `#${invoice.number}`;
}

type InvoicesSectionProps = {
  customerId: string;
  paging: Paging;
  onTurn: (paging: Paging) => void;
};

/** A customer's invoices, newest first, each with its hosted page. */
export function InvoicesSection({ customerId, paging, onTurn }: InvoicesSectionProps) {
  const invoices = useInvoices({ customerId, cursor: cursorOf(paging), limit: INVOICES_PER_PAGE });
  const planName = usePlanNames();
  const columns = useMemo(
    () => [
      column.display({
        id: "number",
        header: "Number",
        cell: ({ row: { original: invoice } }) => <span className="font-medium tabular-nums">{nameOf(invoice)}</span>,
        meta: { className: "pr-4", skeleton: "w-8" },
      }),
      column.display({
        id: "date",
        header: "Date",
        cell: ({ row }) => <When at={row.original.created_at} />,
        meta: { className: "pr-4" },
      }),
      column.display({
        id: "products",
        header: "Products",
        cell: ({ row: { original: invoice } }) => {
          const names = invoice.plan_ids.map(planName).join(", ");
          return (
            <span dir="auto" title={names} className="block truncate text-soft">
              {names || "—"}
            </span>
          );
        },
        meta: { className: "w-full max-w-0 max-sm:hidden", skeleton: "w-32" },
      }),
      column.display({
        id: "status",
        header: "Status",
        cell: ({ row }) => <InvoiceStatus invoice={row.original} />,
        meta: { className: "pr-4" },
      }),
      column.display({
        id: "amount",
        header: "Amount",
        cell: ({ row: { original: invoice } }) => (
          <Money aligned amount={invoice.total} currency={invoice.currency} className="font-medium" />
        ),
        meta: { className: "text-right" },
      }),
      column.display({
        id: "page",
        header: () => <span className="sr-only">Invoice page</span>,
        cell: ({ row }) => <HostedPage invoice={row.original} />,
        meta: { className: "w-11 pl-0", skeleton: "w-4" },
      }),
    ],
    [planName],
  );
  const listed = invoices.data?.list ?? [];
  const table = useReactTable({
    data: listed,
    columns,
    getCoreRowModel: getCoreRowModel(),
    getRowId: (invoice) => invoice.id,
  });
  const paged = paging.page > 1 || Boolean(invoices.data?.next_cursor);
  return (
    <Section
      title="Invoices"
      actions={
        paged && <Pager label="invoices" paging={paging} nextCursor={invoices.data?.next_cursor} onChange={onTurn} />
      }
    >
      {invoices.isError && !invoices.data ? (
        <Trouble
          title="The invoices could not be loaded"
          error={invoices.error}
          onRetry={() => void invoices.refetch()}
        />
      ) : invoices.isSuccess && listed.length === 0 ? (
        <Nothing icon={<Receipt aria-hidden />} title="No invoices">
          The first one appears when this customer is charged.
        </Nothing>
      ) : (
        <DataTable
          table={table}
          label="Invoices"
          skeletonRows={invoices.isPending ? SKELETON_ROWS : undefined}
          stale={invoices.isPlaceholderData}
          rowClassName="hover:bg-hover"
        />
      )}
    </Section>
  );
}

function HostedPage({ invoice }: { invoice: Invoice }) {
  if (invoice.hosted_invoice_url === null) return null;
  return (
    <Hint text="Open the invoice page">
      <Button asChild look="quiet" size="icon">
        <a
          href={invoice.hosted_invoice_url}
          target="_blank"
          rel="noreferrer"
          aria-label={`Open the page of invoice ${nameOf(invoice)}`}
        >
          <ExternalLink aria-hidden />
        </a>
      </Button>
    </Hint>
  );
}
