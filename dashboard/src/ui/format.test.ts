import { describe, expect, it } from "vitest";

import { formatDuration, formatInstant, formatMoney, formatMoneyAligned, formatQuantity, sentenceCase } from "./format";

const DAY = 86_400_000;
/** Noon in local time, so that the day is the same in every time zone. */
const at = (year: number, month: number, day: number) => new Date(year, month - 1, day, 12).getTime();

describe("money", () => {
  it.each([
    [20, "usd", "$20"],
    [20.5, "usd", "$20.50"],
    [0.0001, "usd", "$0.0001"],
    [-3.2, "eur", "-€3.20"],
    [1500, "jpy", "¥1,500"],
    [1.234, "kwd", "KWD 1.234"],
    [1_000_000_000_000, "usd", "$1,000,000,000,000"],
    [0, "usd", "$0"],
  ])("%d %s reads %s", (amount, currency, text) => {
    expect(formatMoney(amount, currency).replaceAll("\u00a0", " ")).toBe(text);
  });

  it.each([
    [20, "usd", "$20.00"],
    [1500, "jpy", "¥1,500"],
    [0.125, "usd", "$0.125"],
    [1_000_000_000_000, "USD", "$1,000,000,000,000.00"],
  ])("in a column %d %s reads %s", (amount, currency, text) => {
    expect(formatMoneyAligned(amount, currency)).toBe(text);
  });
});

describe("quantities", () => {
  it.each([
    [1200, "1,200"],
    [0.1234567891, "0.1234567891"],
    [0.1 + 0.2, "0.3"],
    [-5, "-5"],
    [10_000_000_000_000, "10,000,000,000,000"],
  ])("%d reads %s", (quantity, text) => {
    expect(formatQuantity(quantity)).toBe(text);
  });
});

describe("instants", () => {
  const now = at(2026, 3, 12);

  it("leave out the year while it is this one", () => {
    expect(formatInstant(at(2026, 4, 12), "short", now)).toBe("12 Apr");
    expect(formatInstant(at(2027, 4, 12), "short", now)).toBe("12 Apr 2027");
    expect(formatInstant(at(2026, 4, 12), "day", now)).toBe("12 Apr 2026");
  });

  it("carry their clock time where it matters", () => {
    expect(formatInstant(now + 63_000, "minute", now)).toBe("12 Mar, 12:01");
    expect(formatInstant(now + 63_000, "second", now)).toBe("12 Mar, 12:01:03");
  });

  it("are told by their distance from the clock that counts", () => {
    expect(formatInstant(now + 5 * DAY, "relative", now)).toBe("in 5 days");
    expect(formatInstant(now - 2 * 3_600_000, "relative", now)).toBe("2 hours ago");
    expect(formatInstant(now - 1_000, "relative", now)).toBe("just now");
    expect(formatDuration(now, now + 5 * DAY)).toBe("5 days");
  });
});

describe("words", () => {
  it("begin large and have spaces", () => {
    expect(sentenceCase("past_due")).toBe("Past due");
    expect(sentenceCase("")).toBe("");
  });
});
