import { type PagingInUrl, readPaging, writePaging } from "@/ui/paging";

/** What the address of a customer's page says: the feature whose events are shown, and the page of the invoices. */
export type CustomerAddress = PagingInUrl & { feature?: string | undefined };

export function readCustomerAddress(raw: Readonly<Record<string, unknown>>): CustomerAddress {
  return {
    feature: typeof raw.feature === "string" && raw.feature !== "" ? raw.feature : undefined,
    ...writePaging(readPaging(raw.page, raw.at)),
  };
}
