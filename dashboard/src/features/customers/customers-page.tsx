import { getRouteApi } from "@tanstack/react-router";
import { SearchX } from "lucide-react";
import { useCallback, useRef } from "react";

import { useCustomers } from "@/api/customers";
import { Button } from "@/ui/button";
import { Freshness } from "@/ui/freshness";
import { useKeys, useRowKeys } from "@/ui/keys";
import { useBelow } from "@/ui/media";
import { Nothing, Trouble } from "@/ui/notice";
import { cursorOf, nextPage, previousPage, readPaging } from "@/ui/paging";
import { useTitle } from "@/ui/title";

import { CustomerCards } from "./customer-cards";
import { CustomerTable } from "./customer-table";
import { changeListing, pageSizeOf, readListAddress, turnPage } from "./list-address";
import { ListFooter } from "./list-footer";
import { ListToolbar } from "./list-toolbar";
import { NoCustomers } from "./no-customers";

const route = getRouteApi("/shell/$env/customers");
const SKELETON_ROWS = 12;

/** Everyone who bills through the organization: searched, filtered, page by page. */
export function CustomersPage() {
  useTitle("Customers");
  const address = route.useSearch();
  const navigate = route.useNavigate();
  const narrow = useBelow("md");
  const panel = useRef<HTMLDivElement>(null);
  const paging = readPaging(address.page, address.at);
  const size = pageSizeOf(address);
  const customers = useCustomers({
    search: address.q,
    plan: address.plan,
    status: address.status,
    oldestFirst: address.sort === "oldest",
    limit: size,
    cursor: cursorOf(paging),
  });
  const nextCursor = customers.data?.next_cursor;

  const change = useCallback(
    (listing: Parameters<typeof changeListing>[1]) =>
      void navigate({ search: (before) => changeListing(before, listing), replace: true }),
    [navigate],
  );
  const turn = (to: typeof paging) => void navigate({ search: (before) => turnPage(before, to) });
  useRowKeys(panel);
  useKeys({
    ArrowRight: () => {
      if (nextCursor && !customers.isPlaceholderData) turn(nextPage(paging, nextCursor));
    },
    ArrowLeft: () => {
      if (paging.page > 1) turn(previousPage(paging));
    },
  });

  const listed = customers.data?.list ?? [];
  const filtered = address.q !== undefined || address.plan !== undefined || address.status !== undefined;
  const List = narrow ? CustomerCards : CustomerTable;
  return (
    <div className="mx-auto max-w-6xl px-4 py-6 md:px-8">
      <div className="mb-4 flex items-center gap-3">
        <h1 className="text-lg font-semibold tracking-tight">Customers</h1>
        <div className="ml-auto">
          <Freshness
            updatedAt={customers.dataUpdatedAt}
            busy={customers.isFetching}
            onRefresh={() => void customers.refetch()}
          />
        </div>
      </div>
      <ListToolbar address={address} onChange={change} />
      <div ref={panel} className="relative overflow-hidden rounded-xl border bg-panel">
        {customers.isPlaceholderData && <Sweep />}
        {customers.isError && !customers.data ? (
          <Trouble
            title="The customers could not be loaded"
            error={customers.error}
            onRetry={() => void customers.refetch()}
            className="py-16"
          />
        ) : customers.isSuccess && listed.length === 0 && !customers.isPlaceholderData ? (
          filtered ? (
            <NoMatch
              search={address.q}
              onClear={() => void navigate({ search: (before) => changeListing(before, readListAddress({})) })}
            />
          ) : (
            <NoCustomers />
          )
        ) : (
          <List
            customers={listed}
            stale={customers.isPlaceholderData}
            skeletonRows={customers.isPending ? SKELETON_ROWS : undefined}
          />
        )}
      </div>
      <ListFooter
        size={size}
        shown={listed.length}
        paging={paging}
        nextCursor={nextCursor}
        onSize={(chosen) => {
          change({ size: chosen });
        }}
        onTurn={turn}
      />
    </div>
  );
}

/** A thin line that moves while another page is on its way. */
function Sweep() {
  return (
    <div aria-hidden className="absolute inset-x-0 top-0 z-20 h-0.5 overflow-hidden">
      <div className="h-full w-1/4 animate-sweep rounded-full bg-accent" />
    </div>
  );
}

function NoMatch({ search, onClear }: { search: string | undefined; onClear: () => void }) {
  return (
    <Nothing
      icon={<SearchX aria-hidden />}
      title={search === undefined ? "No customer matches these filters" : `No customer matches “${search}”`}
      action={<Button onClick={onClear}>{search === undefined ? "Clear filters" : "Clear search"}</Button>}
      className="py-16"
    >
      The search looks at names, e-mail addresses and ids.
    </Nothing>
  );
}
