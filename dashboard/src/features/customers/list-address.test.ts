import { describe, expect, it } from "vitest";

import { FIRST_PAGE, nextPage, readPaging } from "@/ui/paging";

import { changeListing, pageSizeOf, readListAddress, turnPage } from "./list-address";

describe("the address of the customers list", () => {
  it("says nothing while everything stands at its default", () => {
    const given = Object.values(readListAddress({ q: "", status: "", sort: "newest", size: "50", page: "1" }));

    expect(given.every((value) => value === undefined)).toBe(true);
    expect(pageSizeOf(readListAddress({}))).toBe(50);
  });

  it("keeps what makes sense and drops the rest", () => {
    const address = readListAddress({
      q: "acme",
      plan: "pro",
      status: "paused",
      sort: "oldest",
      size: "37",
      other: "x",
    });

    expect(address).toMatchObject({ q: "acme", plan: "pro", status: undefined, sort: "oldest", size: undefined });
    expect(address).not.toHaveProperty("other");
  });

  it("takes numbers for text: somebody may be called 2024", () => {
    expect(readListAddress({ q: "2024" }).q).toBe("2024");
  });

  it("keeps the filters while pages are turned, and goes to the first page when the filters change", () => {
    const filtered = readListAddress({ plan: "pro", size: "25" });
    const second = turnPage(filtered, nextPage(FIRST_PAGE, "c1"));
    const changed = changeListing(second, { status: "active" });

    expect(second).toMatchObject({ plan: "pro", size: 25, page: 2, at: "c1" });
    expect(changed).toMatchObject({ plan: "pro", size: 25, status: "active" });
    expect(readPaging(changed.page, changed.at)).toEqual(FIRST_PAGE);
  });
});
