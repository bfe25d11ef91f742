import { describe, expect, it } from "vitest";

import { billsUsage, itemWords, priceText, trialText } from "./plan-words";
import type { Plan, PlanItem } from "./types";

const plan = (id: string, changes: Partial<Plan> = {}): Plan => ({
  id,
  name: id.toUpperCase(),
  description: null,
  group: null,
  version: 1,
  version_slug: "v1",
  active: true,
  add_on: false,
  auto_enable: false,
  price: { amount: 20, interval: "month", display: { primary_text: "$20", secondary_text: "per month" } },
  items: [],
  created_at: 0,
  env: "sandbox",
  archived: false,
  base_variant_id: null,
  config: { ignore_past_due: false },
  metadata: {},
  ...changes,
});

describe("a price in words", () => {
  const metered: PlanItem = {
    feature_id: "messages",
    included: 0,
    unlimited: false,
    pooled: false,
    reset: null,
    price: null,
  };
  const price = {
    amount: 1,
    interval: "month",
    billing_units: 1,
    billing_method: "usage_based",
    max_purchase: null,
  } as const;

  it("is the server's, or says that there is none, or that it depends", () => {
    expect(priceText(plan("pro"))).toBe("$20 per month");
    expect(priceText(plan("free", { price: null }))).toBe("Free");
    expect(priceText(plan("meter", { price: null, items: [{ ...metered, price }] }))).toBe("Variable");
  });

  it("tells whether an invoice also depends on usage", () => {
    expect(billsUsage(plan("pro"))).toBe(false);
    expect(billsUsage(plan("meter", { items: [{ ...metered, price }] }))).toBe(true);
    expect(billsUsage(plan("seats", { items: [{ ...metered, price: { ...price, billing_method: "prepaid" } }] }))).toBe(
      false,
    );
  });
});

describe("an item in words", () => {
  const item: PlanItem = {
    feature_id: "messages",
    included: 1000,
    unlimited: false,
    pooled: false,
    reset: { interval: "month" },
    price: null,
    display: { primary_text: "1,000 messages", secondary_text: "then $0.01 per message" },
  };

  it("says what is included, how often, and what more costs", () => {
    expect(itemWords(item)).toEqual({ limit: "1,000 messages", cadence: " / month", rate: "then $0.01 per message" });
    expect(itemWords({ ...item, reset: { interval: "month", interval_count: 3 } }).cadence).toBe(" / 3 months");
    expect(itemWords({ ...item, reset: { interval: "semi_annual" } }).cadence).toBe(" / half year");
  });

  it("names no interval for what is granted once or not at all", () => {
    expect(itemWords({ ...item, reset: null }).cadence).toBe("");
    expect(itemWords({ ...item, reset: { interval: "one_off" } }).cadence).toBe("");
    expect(itemWords({ ...item, included: 0 }).cadence).toBe("");
  });
});

describe("a trial in words", () => {
  it("is there only if the plan has one", () => {
    const free_trial = { duration_length: 14, duration_type: "day", card_required: true } as const;

    expect(trialText(plan("pro", { free_trial }))).toBe("14-day trial");
    expect(trialText(plan("pro"))).toBeUndefined();
  });
});
