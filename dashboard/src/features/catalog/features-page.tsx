import { createColumnHelper, getCoreRowModel, useReactTable } from "@tanstack/react-table";
import { Gauge } from "lucide-react";
import { useMemo } from "react";

import { useFeatureNames, useFeatures, usePlans } from "@/api/catalog";
import { featureKind } from "@/api/plan-words";
import type { Feature } from "@/api/types";
import { Badge } from "@/ui/badge";
import { Copy } from "@/ui/copy";
import { DataTable } from "@/ui/data-table";
import { Nothing } from "@/ui/notice";
import { Quantity } from "@/ui/quantity";

import { CatalogPage } from "./catalog-page";

const SKELETON_ROWS = 6;

const column = createColumnHelper<Feature>();

/** What can be limited: every feature with its kind and the products that contain it. */
export function FeaturesPage() {
  const features = useFeatures();
  const plans = usePlans();
  const columns = useMemo(
    () => [
      column.display({
        id: "name",
        header: "Name",
        cell: ({ row: { original: feature } }) => (
          <div className="flex min-w-0 items-center gap-2">
            <span dir="auto" title={feature.name} className="truncate font-medium">
              {feature.name}
            </span>
            {feature.archived && <Badge>Archived</Badge>}
          </div>
        ),
        meta: { className: "w-[28%] max-w-0", skeleton: "w-28" },
      }),
      column.display({
        id: "id",
        header: "ID",
        cell: ({ row }) => <Copy mono value={row.original.id} label="id" />,
        meta: { className: "w-[20%] max-w-0 max-sm:hidden" },
      }),
      column.display({
        id: "kind",
        header: "Kind",
        cell: ({ row }) => <Kind feature={row.original} />,
        meta: { className: "max-md:pr-4", skeleton: "w-24" },
      }),
      column.display({
        id: "products",
        header: "Products",
        cell: ({ row: { original: feature } }) => {
          const names = (plans.data ?? [])
            .filter((plan) => plan.items.some((item) => item.feature_id === feature.id))
            .map((plan) => plan.name)
            .join(", ");
          return (
            <span dir="auto" title={names} className="block truncate text-soft">
              {names || "—"}
            </span>
          );
        },
        meta: { className: "w-[32%] max-w-0 max-md:hidden", skeleton: "w-32" },
      }),
    ],
    [plans.data],
  );
  const listed = features.data ?? [];
  const table = useReactTable({
    data: useMemo(() => features.data ?? [], [features.data]),
    columns,
    getCoreRowModel: getCoreRowModel(),
    getRowId: (feature) => feature.id,
  });
  return (
    <CatalogPage title="Features" query={features}>
      {features.isSuccess && listed.length === 0 ? (
        <Nothing icon={<Gauge aria-hidden />} title="No features yet" className="py-16">
          Create one with <code className="font-mono text-xs">features.create</code>.
        </Nothing>
      ) : (
        <DataTable
          table={table}
          label="Features"
          skeletonRows={features.isPending ? SKELETON_ROWS : undefined}
          rowClassName="hover:bg-hover"
        />
      )}
    </CatalogPage>
  );
}

function Kind({ feature }: { feature: Feature }) {
  const featureName = useFeatureNames();
  return (
    <>
      <p>{featureKind(feature)}</p>
      {feature.credit_schema?.map((cost) => (
        <p key={cost.metered_feature_id} className="text-xs text-muted">
          {featureName(cost.metered_feature_id)}: <Quantity value={cost.credit_cost} /> per unit
        </p>
      ))}
    </>
  );
}
