import { Link } from "@tanstack/react-router";
import { createColumnHelper, getCoreRowModel, getExpandedRowModel, useReactTable } from "@tanstack/react-table";
import { Package, Users } from "lucide-react";
import { useMemo } from "react";

import { usePlans } from "@/api/catalog";
import { useEnvironment } from "@/api/environment";
import { itemWords, priceText, trialText } from "@/api/plan-words";
import type { Plan } from "@/api/types";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Copy } from "@/ui/copy";
import { DataTable } from "@/ui/data-table";
import { Hint } from "@/ui/hint";
import { Included } from "@/ui/included";
import { Nothing } from "@/ui/notice";
import { ProductKindIcon } from "@/ui/product-kind";
import { Unfold } from "@/ui/unfold";

import { CatalogPage } from "./catalog-page";

const SKELETON_ROWS = 5;

const column = createColumnHelper<Plan>();

const columns = [
  column.display({
    id: "unfold",
    header: () => <span className="sr-only">Contents</span>,
    cell: ({ row }) => (
      <Unfold
        open={row.getIsExpanded()}
        onToggle={row.getToggleExpandedHandler()}
        label={`Contents of ${row.original.name}`}
      />
    ),
    meta: { className: "w-9 pr-0", skeleton: "w-4" },
  }),
  column.display({
    id: "name",
    header: "Name",
    cell: ({ row }) => <PlanName plan={row.original} />,
    meta: { className: "w-[34%] max-w-0 max-sm:w-[45%]", skeleton: "w-28" },
  }),
  column.display({
    id: "id",
    header: "ID",
    cell: ({ row }) => <Copy mono value={row.original.id} label="id" />,
    meta: { className: "w-[20%] max-w-0 max-sm:hidden" },
  }),
  column.display({
    id: "price",
    header: "Price",
    cell: ({ row: { original: plan } }) => (
      <>
        {priceText(plan)}
        {trialText(plan) !== undefined && <p className="text-xs text-muted">{trialText(plan)}</p>}
      </>
    ),
    meta: { skeleton: "w-24" },
  }),
  column.display({
    id: "version",
    header: "Version",
    cell: ({ row }) => <span className="text-soft tabular-nums">{row.original.version}</span>,
    meta: { className: "w-20 text-right max-md:hidden", skeleton: "w-4" },
  }),
  column.display({
    id: "customers",
    header: () => <span className="sr-only">Customers</span>,
    cell: ({ row }) => <HoldersLink plan={row.original} />,
    meta: { className: "w-12 pl-0", skeleton: "w-4" },
  }),
];

/** What is sold: every product with its price and what it contains. */
export function ProductsPage() {
  const plans = usePlans();
  const listed = useMemo(
    () => [...(plans.data ?? [])].sort((one, other) => Number(one.archived) - Number(other.archived)),
    [plans.data],
  );
  const table = useReactTable({
    data: listed,
    columns,
    getCoreRowModel: getCoreRowModel(),
    getExpandedRowModel: getExpandedRowModel(),
    getRowCanExpand: () => true,
    getRowId: (plan) => plan.id,
  });
  return (
    <CatalogPage title="Products" query={plans}>
      {plans.isSuccess && listed.length === 0 ? (
        <Nothing icon={<Package aria-hidden />} title="No products yet" className="py-16">
          Create one with <code className="font-mono text-xs">plans.create</code>.
        </Nothing>
      ) : (
        <DataTable
          table={table}
          label="Products"
          skeletonRows={plans.isPending ? SKELETON_ROWS : undefined}
          renderDetail={(plan) => (
            <div className="grid gap-2 pl-7">
              {plan.description !== null && <p className="max-w-prose text-soft">{plan.description}</p>}
              <Included items={plan.items.map(itemWords)} />
            </div>
          )}
        />
      )}
    </CatalogPage>
  );
}

function PlanName({ plan }: { plan: Plan }) {
  return (
    <div className="flex min-w-0 items-center gap-2.5">
      <ProductKindIcon
        kind={plan.price?.interval === "one_off" ? "one-off" : plan.add_on ? "add-on" : "subscription"}
      />
      <div className="flex min-w-0 items-center gap-2 max-sm:flex-wrap">
        <span dir="auto" title={plan.name} className="font-medium max-sm:line-clamp-2 sm:truncate">
          {plan.name}
        </span>
        {plan.auto_enable && <Badge tone="blue">Default</Badge>}
        {plan.archived && <Badge>Archived</Badge>}
      </div>
    </div>
  );
}

function HoldersLink({ plan }: { plan: Plan }) {
  const environment = useEnvironment();
  return (
    <Hint text="Show its customers">
      <Button asChild look="quiet" size="icon">
        <Link
          to="/$env/customers"
          params={{ env: environment }}
          search={{ plan: plan.id }}
          aria-label={`Customers of ${plan.name}`}
        >
          <Users aria-hidden />
        </Link>
      </Button>
    </Hint>
  );
}
