import { createColumnHelper, getCoreRowModel, getExpandedRowModel, useReactTable } from "@tanstack/react-table";
import { Activity } from "lucide-react";
import { useMemo } from "react";

import { useFeatureNames, useFeatures } from "@/api/catalog";
import { useEvents } from "@/api/events";
import type { UsageEvent } from "@/api/types";
import { Button } from "@/ui/button";
import { DataTable } from "@/ui/data-table";
import { Filter } from "@/ui/filter";
import { Nothing, Trouble } from "@/ui/notice";
import { Quantity } from "@/ui/quantity";
import { Section } from "@/ui/section";
import { Unfold } from "@/ui/unfold";
import { When } from "@/ui/when";

import { EventDetail } from "./event-detail";

const SKELETON_ROWS = 4;

const column = createColumnHelper<UsageEvent>();

type EventsSectionProps = {
  customerId: string;
  featureId: string | undefined;
  onFeature: (featureId: string | undefined) => void;
};

/** The usage that was recorded for a customer, newest first; of one feature or of all. */
export function EventsSection({ customerId, featureId, onFeature }: EventsSectionProps) {
  const events = useEvents(customerId, featureId);
  const features = useFeatures();
  const featureName = useFeatureNames();
  const columns = useMemo(
    () => [
      column.display({
        id: "unfold",
        header: () => <span className="sr-only">Properties</span>,
        cell: ({ row }) => (
          <Unfold
            open={row.getIsExpanded()}
            onToggle={row.getToggleExpandedHandler()}
            label={`Properties of event ${row.original.id}`}
          />
        ),
        meta: { className: "w-9 pr-0", skeleton: "w-4" },
      }),
      column.display({
        id: "feature",
        header: "Feature",
        cell: ({ row: { original: event } }) => (
          <span dir="auto" title={event.feature_id} className="block truncate font-medium">
            {featureName(event.feature_id)}
          </span>
        ),
        meta: { className: "max-w-0 w-[30%] sm:min-w-32", skeleton: "w-24" },
      }),
      column.display({
        id: "properties",
        header: "Properties",
        cell: ({ row: { original: event } }) => (
          <span className="block truncate font-mono text-2xs text-muted">{summary(event.properties)}</span>
        ),
        meta: { className: "w-[70%] max-w-0 max-sm:hidden", skeleton: "w-40" },
      }),
      column.display({
        id: "value",
        header: "Value",
        cell: ({ row }) => <Quantity value={row.original.value} />,
        meta: { className: "text-right", skeleton: "w-8" },
      }),
      column.display({
        id: "time",
        header: "Time",
        cell: ({ row }) => (
          <span className="text-soft">
            <When at={row.original.timestamp} form="second" />
          </span>
        ),
        meta: { className: "pl-4 text-right" },
      }),
    ],
    [featureName],
  );
  const listed = useMemo(() => events.data?.pages.flatMap((page) => page.list) ?? [], [events.data]);
  const table = useReactTable({
    data: listed,
    columns,
    getCoreRowModel: getCoreRowModel(),
    getExpandedRowModel: getExpandedRowModel(),
    getRowCanExpand: () => true,
    getRowId: (event) => event.id,
  });
  const countable = (features.data ?? []).filter((feature) => feature.type === "metered");
  return (
    <Section
      title="Events"
      actions={
        <Filter
          label="Feature"
          value={featureId}
          options={countable.map((feature) => ({ value: feature.id, label: feature.name }))}
          onChange={onFeature}
        />
      }
    >
      {events.isError && !events.data ? (
        <Trouble title="The events could not be loaded" error={events.error} onRetry={() => void events.refetch()} />
      ) : events.isSuccess && listed.length === 0 ? (
        <NoEvents featureId={featureId} onClear={onFeature} />
      ) : (
        <DataTable
          table={table}
          label="Events"
          skeletonRows={events.isPending ? SKELETON_ROWS : undefined}
          stale={events.isPlaceholderData}
          renderDetail={(event) => <EventDetail event={event} />}
        />
      )}
      {events.hasNextPage && (
        <div className="border-t p-2 text-center">
          <Button
            look="quiet"
            size="small"
            disabled={events.isFetchingNextPage}
            onClick={() => void events.fetchNextPage()}
          >
            {events.isFetchingNextPage ? "Loading…" : "Load more"}
          </Button>
        </div>
      )}
    </Section>
  );
}

function NoEvents({ featureId, onClear }: { featureId: string | undefined; onClear: (featureId: undefined) => void }) {
  if (featureId === undefined) {
    return (
      <Nothing icon={<Activity aria-hidden />} title="No events">
        Usage appears here as soon as your app calls <code className="font-mono text-xs">balances.track</code>.
      </Nothing>
    );
  }
  return (
    <Nothing
      icon={<Activity aria-hidden />}
      title="No events of this feature"
      action={
        <Button
          onClick={() => {
            onClear(undefined);
          }}
        >
          Show all features
        </Button>
      }
    />
  );
}

/** Properties in one line: `model=large region=eu`. */
function summary(properties: Readonly<Record<string, unknown>>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
}
