import { FIRST_PAGE, type Paging, type PagingInUrl, readPaging, writePaging } from "@/ui/paging";

export const PAGE_SIZES = [25, 50, 100] as const;

export type PageSize = (typeof PAGE_SIZES)[number];

/** What the address of the customers list says; what stands at its default is left out. */
export type ListAddress = PagingInUrl & {
  q?: string | undefined;
  plan?: string | undefined;
  status?: "active" | "scheduled" | undefined;
  sort?: "oldest" | undefined;
  size?: PageSize | undefined;
};

const DEFAULT_SIZE = 50;

/** Reads an address as it was typed or kept; what makes no sense is left out. */
export function readListAddress(raw: Readonly<Record<string, unknown>>): ListAddress {
  const text = (key: string) => (typeof raw[key] === "string" && raw[key] !== "" ? raw[key] : undefined);
  const size = PAGE_SIZES.find((each) => each === Number(raw.size));
  return {
    q: text("q"),
    plan: text("plan"),
    status: raw.status === "active" || raw.status === "scheduled" ? raw.status : undefined,
    sort: raw.sort === "oldest" ? "oldest" : undefined,
    size: size === DEFAULT_SIZE ? undefined : size,
    ...writePaging(readPaging(raw.page, raw.at)),
  };
}

export function pageSizeOf(address: ListAddress): PageSize {
  return address.size ?? DEFAULT_SIZE;
}

/** The address after a change of what is listed: such a change starts again at the first page. */
export function changeListing(address: ListAddress, change: Omit<ListAddress, keyof PagingInUrl>): ListAddress {
  return readListAddress({ ...address, ...change, ...writePaging(FIRST_PAGE) });
}

export function turnPage(address: ListAddress, paging: Paging): ListAddress {
  return { ...address, ...writePaging(paging) };
}
