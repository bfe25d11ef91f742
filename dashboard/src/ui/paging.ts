/** How many starts are remembered; going back further leads to the first page. Keeps addresses short. */
const STARTS_MAX = 12;

/** Where a reader is in a list whose pages are found by cursor: `starts` are those of the pages from the second on, the current one last. */
export type Paging = { page: number; starts: readonly string[] };

export const FIRST_PAGE: Paging = { page: 1, starts: [] };

/** The cursor to ask with; "" for the first page. */
export function cursorOf(paging: Paging): string {
  return paging.starts.at(-1) ?? "";
}

export function nextPage(paging: Paging, cursor: string): Paging {
  return { page: paging.page + 1, starts: [...paging.starts, cursor].slice(-STARTS_MAX) };
}

export function previousPage(paging: Paging): Paging {
  if (paging.starts.length <= 1) return FIRST_PAGE;
  return { page: paging.page - 1, starts: paging.starts.slice(0, -1) };
}

/** As it stands in an address; nothing for the first page. Cursors are base64url, so a dot separates them. */
export type PagingInUrl = { page?: number | undefined; at?: string | undefined };

export function writePaging(paging: Paging): PagingInUrl {
  if (paging.starts.length === 0) return { page: undefined, at: undefined };
  return { page: paging.page, at: paging.starts.join(".") };
}

/** From an address; what makes no sense is the first page. */
export function readPaging(page: unknown, at: unknown): Paging {
  const number = Number(page);
  const starts = typeof at === "string" ? at.split(".") : [];
  const sensible =
    Number.isInteger(number) &&
    starts.length > 0 &&
    starts.length <= STARTS_MAX &&
    starts.length < number &&
    starts.every((start) => /^[\w-]+=*$/.test(start));
  return sensible ? { page: number, starts } : FIRST_PAGE;
}
