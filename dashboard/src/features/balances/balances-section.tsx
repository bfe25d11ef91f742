import { createColumnHelper, getCoreRowModel, getExpandedRowModel, useReactTable } from "@tanstack/react-table";
import { Gauge } from "lucide-react";
import { useMemo } from "react";

import type { Balance, Customer } from "@/api/types";
import { DataTable } from "@/ui/data-table";
import { Nothing } from "@/ui/notice";
import { Section } from "@/ui/section";
import { Unfold } from "@/ui/unfold";
import { When } from "@/ui/when";

import { Flags } from "./flags";
import { sortBalances } from "./reading";
import { Sources } from "./sources";
import { Usage } from "./usage";

const column = createColumnHelper<Balance>();

const nameOf = (balance: Balance) => balance.feature?.name ?? balance.feature_id;

const columns = [
  column.display({
    id: "unfold",
    header: () => <span className="sr-only">Sources</span>,
    cell: ({ row }) => (
      <Unfold
        open={row.getIsExpanded()}
        onToggle={row.getToggleExpandedHandler()}
        label={`Sources of ${nameOf(row.original)}`}
      />
    ),
    meta: { className: "w-9 pr-0" },
  }),
  column.display({
    id: "feature",
    header: "Feature",
    cell: ({ row: { original: balance } }) => (
      <>
        <p dir="auto" className="truncate font-medium" title={nameOf(balance)}>
          {nameOf(balance)}
        </p>
        <p className="truncate font-mono text-2xs text-muted" title={balance.feature_id}>
          {balance.feature_id}
        </p>
      </>
    ),
    meta: { className: "w-[34%] max-w-0" },
  }),
  column.display({
    id: "usage",
    header: "Usage",
    cell: ({ row }) => <Usage balance={row.original} />,
    meta: { className: "max-sm:pr-4" },
  }),
  column.display({
    id: "resets",
    header: "Resets",
    cell: ({ row: { original: balance } }) =>
      balance.next_reset_at === null ? (
        <span className="text-muted">{balance.unlimited ? "—" : "Never"}</span>
      ) : (
        <span className="text-soft">
          <When at={balance.next_reset_at} form="short" />
        </span>
      ),
    meta: { className: "w-24 text-right max-sm:hidden" },
  }),
];

/** What a customer may use: how much of it is used, what is left, and when it starts anew. */
export function BalancesSection({ customer }: { customer: Customer }) {
  const balances = useMemo(() => sortBalances(customer.balances), [customer.balances]);
  const flags = Object.values(customer.flags);
  const table = useReactTable({
    data: balances,
    columns,
    getCoreRowModel: getCoreRowModel(),
    getExpandedRowModel: getExpandedRowModel(),
    getRowCanExpand: () => true,
    getRowId: (balance) => balance.feature_id,
  });
  return (
    <Section title="Available features">
      {balances.length === 0 && flags.length === 0 ? (
        <Nothing icon={<Gauge aria-hidden />} title="No features">
          Features come with products, or are granted on their own.
        </Nothing>
      ) : (
        <>
          {balances.length > 0 && (
            <DataTable
              table={table}
              label="Available features"
              renderDetail={(balance) => <Sources sources={balance.breakdown} />}
            />
          )}
          {flags.length > 0 && (
            <div className={balances.length > 0 ? "border-t" : undefined}>
              <Flags flags={flags} />
            </div>
          )}
        </>
      )}
    </Section>
  );
}
