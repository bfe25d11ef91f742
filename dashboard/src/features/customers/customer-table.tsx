import { createColumnHelper, getCoreRowModel, useReactTable } from "@tanstack/react-table";
import { useMemo } from "react";

import { usePlanNames } from "@/api/catalog";
import type { Customer } from "@/api/types";
import { Copy } from "@/ui/copy";
import { DataTable } from "@/ui/data-table";
import { When } from "@/ui/when";

import { CustomerLink } from "./customer-link";
import { HeldPlans } from "./held-plans";

const column = createColumnHelper<Customer>();

const DASH = <span className="text-muted">—</span>;

type CustomerTableProps = {
  customers: Customer[];
  skeletonRows: number | undefined;
  stale: boolean;
};

/** The customers as rows; each is a real link. */
export function CustomerTable({ customers, skeletonRows, stale }: CustomerTableProps) {
  const planName = usePlanNames();
  const columns = useMemo(
    () => [
      column.display({
        id: "name",
        header: "Name",
        cell: ({ row }) => <CustomerLink customer={row.original} />,
        meta: { className: "w-[26%] max-w-0", skeleton: "w-32" },
      }),
      column.display({
        id: "id",
        header: "ID",
        cell: ({ row: { original: customer } }) =>
          customer.id === null ? (
            <span className="text-xs text-muted italic">pending</span>
          ) : (
            <Copy mono value={customer.id} label="id" className="relative z-10" />
          ),
        meta: { className: "w-[20%] max-w-0", skeleton: "w-24" },
      }),
      column.display({
        id: "email",
        header: "Email",
        cell: ({ row: { original: customer } }) =>
          customer.email === null ? (
            DASH
          ) : (
            <Copy value={customer.email} label="e-mail address" className="relative z-10" />
          ),
        meta: { className: "w-[25%] max-w-0", skeleton: "w-40" },
      }),
      column.display({
        id: "products",
        header: "Products",
        cell: ({ row }) => <HeldPlans customer={row.original} planName={planName} />,
        meta: { className: "w-[19%] max-w-0", skeleton: "w-20" },
      }),
      column.display({
        id: "created",
        header: "Created",
        cell: ({ row }) => (
          <span className="relative z-10 text-soft">
            <When at={row.original.created_at} />
          </span>
        ),
        meta: { className: "w-28 text-right", skeleton: "w-16" },
      }),
    ],
    [planName],
  );
  const table = useReactTable({
    data: customers,
    columns,
    getCoreRowModel: getCoreRowModel(),
    getRowId: (customer, index) => customer.id ?? `pending:${index}`,
  });
  return (
    <DataTable
      table={table}
      label="Customers"
      skeletonRows={skeletonRows}
      stale={stale}
      rowClassName="hover:bg-hover has-[a:focus-visible]:bg-hover"
    />
  );
}
