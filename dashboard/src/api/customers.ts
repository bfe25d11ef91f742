import { keepPreviousData, queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";

import { clientOf, unwrap } from "./client";
import { type Environment, useEnvironment } from "./environment";
import type { Customer } from "./types";

/** Which customers to list. `cursor` is where the page starts, "" for the first one. */
export type CustomerListing = {
  search?: string | undefined;
  plan?: string | undefined;
  status?: "active" | "scheduled" | undefined;
  oldestFirst: boolean;
  limit: number;
  cursor: string;
};

export function customersQuery(environment: Environment, listing: CustomerListing) {
  return queryOptions({
    queryKey: [environment, "customers", "list", listing],
    queryFn: ({ signal }) =>
      unwrap(
        clientOf(environment).POST("/v1/customers.list", {
          body: {
            start_cursor: listing.cursor,
            limit: listing.limit,
            sort_order: listing.oldestFirst ? "asc" : "desc",
            ...(listing.search ? { search: listing.search } : {}),
            ...(listing.plan ? { plans: [{ id: listing.plan }] } : {}),
            ...(listing.status ? { subscription_status: listing.status } : {}),
          },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
}

export function useCustomers(listing: CustomerListing) {
  return useQuery(customersQuery(useEnvironment(), listing));
}

/** The key under which everything about one customer is kept, invoices and events included. */
export function customerKey(environment: Environment, customerId: string) {
  return [environment, "customers", "one", customerId] as const;
}

export function useCustomer(customerId: string) {
  const environment = useEnvironment();
  return useQuery({
    queryKey: customerKey(environment, customerId),
    queryFn: ({ signal }) =>
      unwrap(
        clientOf(environment).POST("/v1/customers.get", {
          body: {
            customer_id: customerId,
            expand: ["subscriptions.plan", "purchases.plan", "balances.feature", "flags.feature", "payment_method"],
          },
          signal,
        }),
      ),
  });
}

/** A customer as some list already showed them, without what only their own page asks for. */
export function useListedCustomer(customerId: string): Customer | undefined {
  const environment = useEnvironment();
  const lists = useQueryClient().getQueriesData<{ list: Customer[] }>({ queryKey: [environment, "customers", "list"] });
  return lists.flatMap(([, page]) => page?.list ?? []).find((customer) => customer.id === customerId);
}
