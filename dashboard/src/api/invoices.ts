import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { clientOf, unwrap } from "./client";
import { customerKey } from "./customers";
import { useEnvironment } from "./environment";

/** Which invoices of a customer, newest first. `cursor` is where the page starts, "" for the first one. */
export type InvoiceListing = {
  customerId: string;
  cursor: string;
  limit: number;
  status?: "open" | undefined;
};

export function useInvoices({ customerId, cursor, limit, status }: InvoiceListing, enabled = true) {
  const environment = useEnvironment();
  return useQuery({
    queryKey: [...customerKey(environment, customerId), "invoices", { cursor, limit, status }],
    queryFn: ({ signal }) =>
      unwrap(
        clientOf(environment).POST("/v1/invoices.list", {
          body: { customer_id: customerId, start_cursor: cursor, limit, ...(status ? { status: [status] } : {}) },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    enabled,
  });
}
