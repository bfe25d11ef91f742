import { describe, expect, it } from "vitest";

import { cursorOf, FIRST_PAGE, nextPage, type Paging, previousPage, readPaging, writePaging } from "./paging";

const cursors = (count: number) => Array.from({ length: count }, (_, index) => `c${index}`);
const walk = (count: number) => cursors(count).reduce(nextPage, FIRST_PAGE);

describe("paging", () => {
  it("forth and back again is where one was", () => {
    const third = walk(2);

    expect(previousPage(nextPage(third, "next"))).toEqual(third);
  });

  it("asks for a page with the cursor that led to it", () => {
    expect(cursorOf(FIRST_PAGE)).toBe("");
    expect(cursorOf(walk(3))).toBe("c2");
  });

  it("remembers so few starts that an address stays short, and goes to the first page beyond them", () => {
    const far = walk(40);
    const steps: Paging[] = [far];
    while (cursorOf(steps.at(-1) ?? FIRST_PAGE) !== "") steps.push(previousPage(steps.at(-1) ?? FIRST_PAGE));

    expect(far.page).toBe(41);
    expect(far.starts.length).toBeLessThanOrEqual(12);
    expect(steps.at(-2)?.page).toBeGreaterThan(1);
    expect(steps.at(-1)).toEqual(FIRST_PAGE);
  });

  it.each([0, 1, 2, 5, 30])("survives the address after %i pages", (count) => {
    const paging = walk(count);
    const written = writePaging(paging);

    expect(readPaging(written.page, written.at)).toEqual(paging);
  });

  it.each([
    ["x", "c1"],
    ["2", undefined],
    ["1", "c1"],
    ["2", "c1.c2.c3"],
    ["2", "c 1"],
    ["2.5", "c1"],
    ["-3", "c1"],
    ["2", ""],
  ])("takes an address that makes no sense (page=%s, at=%s) for the first page", (page, at) => {
    expect(readPaging(page, at)).toEqual(FIRST_PAGE);
  });
});
