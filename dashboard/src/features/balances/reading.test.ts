import { describe, expect, it } from "vitest";

import { cadenceText, overageOf, sourceKind } from "./reading";

describe("overage", () => {
  it("is what is used beyond the grant, never less than nothing, and nothing where there is no limit", () => {
    expect(overageOf({ granted: 1000, usage: 1200, unlimited: false })).toBe(200);
    expect(overageOf({ granted: 1000, usage: 1000, unlimited: false })).toBe(0);
    expect(overageOf({ granted: 1000, usage: -5, unlimited: false })).toBe(0);
    expect(overageOf({ granted: 0, usage: 9, unlimited: true })).toBe(0);
  });
});

describe("a source of a balance", () => {
  it("is included unless it has a price", () => {
    const price = { billing_units: 1, max_purchase: null };

    expect(sourceKind({ price: null })).toBe("included");
    expect(sourceKind({ price: { ...price, billing_method: "prepaid" } })).toBe("prepaid");
    expect(sourceKind({ price: { ...price, billing_method: "usage_based" } })).toBe("usage_based");
  });

  it("says how often it starts anew", () => {
    expect(cadenceText(null)).toBe("never resets");
    expect(cadenceText({ interval: "one_off", resets_at: null })).toBe("never resets");
    expect(cadenceText({ interval: "month", resets_at: 1 })).toBe("resets every month");
    expect(cadenceText({ interval: "month", interval_count: 3, resets_at: 1 })).toBe("resets every 3 months");
    expect(cadenceText({ interval: "semi_annual", resets_at: 1 })).toBe("resets every half year");
  });
});
