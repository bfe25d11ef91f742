import { describe, expect, it } from "vitest";

import type { Customer, Plan, Subscription } from "@/api/types";

import { holdingsOf } from "./holding";

const NOW = 1_790_000_000_000;
const DAY = 86_400_000;

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

const subscription = (of: Plan, changes: Partial<Subscription> = {}): Subscription => ({
  id: `sub_${of.id}`,
  plan: of,
  plan_id: of.id,
  plan_version: of.version,
  is_custom: false,
  auto_enable: false,
  add_on: of.add_on,
  status: "active",
  past_due: false,
  canceled_at: null,
  expires_at: null,
  trial_ends_at: null,
  started_at: NOW - 10 * DAY,
  current_period_start: NOW - 10 * DAY,
  current_period_end: NOW + 20 * DAY,
  quantity: 1,
  scope: "customer",
  ...changes,
});

const customer = (subscriptions: Subscription[]): Customer => ({
  id: "acme",
  name: null,
  email: null,
  created_at: 0,
  fingerprint: null,
  stripe_id: null,
  env: "sandbox",
  metadata: {},
  send_email_receipts: false,
  billing_controls: {},
  subscriptions,
  purchases: [],
  licenses: [],
  balances: {},
  flags: {},
});

const only = (each: Subscription) => holdingsOf(customer([each]), NOW)[0];

describe("when money is due next", () => {
  it("is the end of the period, or of the trial, or the start of what is scheduled", () => {
    const pro = plan("pro");

    expect(only(subscription(pro))?.nextBillingAt).toBe(NOW + 20 * DAY);
    expect(only(subscription(pro, { trial_ends_at: NOW + DAY }))?.nextBillingAt).toBe(NOW + DAY);
    expect(only(subscription(pro, { status: "scheduled", started_at: NOW + 3 * DAY }))?.nextBillingAt).toBe(
      NOW + 3 * DAY,
    );
  });

  it("is never for what ends and for what is free", () => {
    expect(only(subscription(plan("pro"), { canceled_at: NOW, expires_at: NOW + DAY }))?.nextBillingAt).toBeUndefined();
    expect(only(subscription(plan("free", { price: null })))?.nextBillingAt).toBeUndefined();
  });
});

describe("a scheduled plan", () => {
  const pro = plan("pro");
  const starter = plan("starter");
  const boost = plan("boost", { add_on: true });
  const later = { status: "scheduled", started_at: NOW + DAY } as const;

  const replacedBy = (...subscriptions: Subscription[]) =>
    holdingsOf(customer(subscriptions), NOW).find((holding) => holding.state === "scheduled")?.replaces?.id;

  it("takes the place of the main plan of its group", () => {
    expect(replacedBy(subscription(pro), subscription(starter, later))).toBe("pro");
  });

  it("replaces neither add-ons nor plans of other groups", () => {
    expect(replacedBy(subscription(boost), subscription(starter, later))).toBeUndefined();
    expect(replacedBy(subscription(plan("chat", { group: "chat" })), subscription(starter, later))).toBeUndefined();
  });
});
