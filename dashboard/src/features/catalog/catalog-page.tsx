import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { Freshness } from "@/ui/freshness";
import { Trouble } from "@/ui/notice";
import { useTitle } from "@/ui/title";

type CatalogPageProps = {
  title: string;
  /** Where the rows come from. */
  query: UseQueryResult;
  children: ReactNode;
};

/** The frame of a list of the catalog: its title, how fresh it is, and what went wrong. */
export function CatalogPage({ title, query, children }: CatalogPageProps) {
  useTitle(title);
  return (
    <div className="mx-auto max-w-6xl px-4 py-6 md:px-8">
      <div className="mb-4 flex items-center gap-3">
        <h1 className="text-lg font-semibold tracking-tight">{title}</h1>
        <div className="ml-auto">
          <Freshness updatedAt={query.dataUpdatedAt} busy={query.isFetching} onRefresh={() => void query.refetch()} />
        </div>
      </div>
      <div className="overflow-hidden rounded-xl border bg-panel">
        {query.isError && query.data === undefined ? (
          <Trouble
            title={`The ${title.toLowerCase()} could not be loaded`}
            error={query.error}
            onRetry={() => void query.refetch()}
            className="py-16"
          />
        ) : (
          children
        )}
      </div>
    </div>
  );
}
