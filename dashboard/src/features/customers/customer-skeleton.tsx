import type { Customer } from "@/api/types";
import { Skeleton } from "@/ui/skeleton";

import { CustomerHeader } from "./customer-header";

/** The shape of a customer's page while it loads; under the customer's name if a list has shown it. */
export function CustomerSkeleton({ listed }: { listed: Customer | undefined }) {
  return (
    <div role="status" aria-label="Loading the customer" className="mx-auto max-w-6xl px-4 py-6 md:px-8">
      {listed === undefined ? <HeaderSkeleton /> : <CustomerHeader customer={listed} actions={null} />}
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_18rem]">
        <div className="grid gap-4">
          {[2, 3, 4].map((rows) => (
            <Panel key={rows} rows={rows} />
          ))}
        </div>
        <Panel rows={5} />
      </div>
    </div>
  );
}

function HeaderSkeleton() {
  return (
    <div className="mb-5">
      <div className="mb-3 flex h-7 items-center">
        <Skeleton className="w-40" />
      </div>
      <div className="flex h-8 items-center">
        <Skeleton className="h-6 w-64" />
      </div>
      <div className="mt-1.5 flex h-5 items-center gap-4">
        <Skeleton className="w-44" />
        <Skeleton className="w-28" />
      </div>
    </div>
  );
}

function Panel({ rows }: { rows: number }) {
  return (
    <div className="rounded-xl border bg-panel">
      <div className="flex h-11 items-center border-b px-4">
        <Skeleton className="w-28" />
      </div>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="flex h-12 items-center justify-between px-4">
          <Skeleton className="w-2/5" />
          <Skeleton className="w-1/5" />
        </div>
      ))}
    </div>
  );
}
