import { describe, expect, it } from "vitest";

import { parseSearch, readLink, readNext, stringifySearch } from "./address";

describe("search parameters", () => {
  it("come back as they were written", () => {
    const search = { q: "a&b=c ü 🌿", plan: "pro", page: "3" };

    expect(parseSearch(stringifySearch(search))).toEqual(search);
  });

  it("leave out what is not given", () => {
    expect(stringifySearch({ q: undefined, plan: "pro", page: 2 })).toBe("?plan=pro&page=2");
    expect(stringifySearch({ q: undefined })).toBe("");
  });
});

describe("where to go after signing in", () => {
  it.each(["/sandbox/customers?q=a", "/live/customers/a%2Fb"])("may be %s", (next) => {
    expect(readNext(next)).toBe(next);
  });

  it.each([
    "//evil.example",
    "/\\evil.example",
    "https://evil.example",
    "javascript:alert(1)",
    "",
    "/sign-in",
    7,
    undefined,
  ])("is never %s", (next) => {
    expect(readNext(next)).toBeUndefined();
  });
});

describe("one-time links", () => {
  it("carry their token in the fragment", () => {
    expect(readLink("#link=abc-DEF_1")).toBe("abc-DEF_1");
    expect(readLink("link=abc")).toBe("abc");
    expect(readLink("#other")).toBeUndefined();
    expect(readLink("")).toBeUndefined();
  });
});
