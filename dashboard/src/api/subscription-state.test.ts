import { describe, expect, it } from "vitest";

import { resolveState, shownFirst } from "./subscription-state";
import type { Subscription } from "./types";

const NOW = 1_790_000_000_000;
const DAY = 86_400_000;

const running: Subscription = {
  id: "sub",
  plan_id: "pro",
  plan_version: 1,
  is_custom: false,
  auto_enable: false,
  add_on: false,
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
};

describe("the state of a subscription", () => {
  it.each<[string, Partial<Subscription>]>([
    ["active", {}],
    ["past_due", { past_due: true }],
    ["trial", { trial_ends_at: NOW + DAY }],
    ["active", { trial_ends_at: NOW }],
    ["cancelling", { canceled_at: NOW - DAY, expires_at: NOW + DAY }],
    ["scheduled", { status: "scheduled", started_at: NOW + DAY }],
    ["expired", { expires_at: NOW }],
  ])("is %s for %o", (state, facts) => {
    expect(resolveState({ ...running, ...facts }, NOW)).toBe(state);
  });

  it("is the first that applies: what ends comes before how it runs", () => {
    const everything = {
      ...running,
      past_due: true,
      trial_ends_at: NOW + DAY,
      canceled_at: NOW - DAY,
      status: "scheduled" as const,
      expires_at: NOW - 1,
    };

    expect(resolveState(everything, NOW)).toBe("expired");
    expect(resolveState({ ...everything, expires_at: null }, NOW)).toBe("scheduled");
    expect(resolveState({ ...everything, expires_at: null, status: "active" }, NOW)).toBe("cancelling");
    expect(resolveState({ ...everything, expires_at: null, status: "active", canceled_at: null }, NOW)).toBe("trial");
  });

  it("changes with the clock alone", () => {
    const ending = { ...running, canceled_at: NOW, expires_at: NOW + DAY };

    expect(resolveState(ending, NOW)).toBe("cancelling");
    expect(resolveState(ending, NOW + DAY)).toBe("expired");
  });
});

describe("the order of subscriptions", () => {
  it("puts running before scheduled, main plans before add-ons, newer before older, and leaves ended ones out", () => {
    const older = { ...running, id: "older", started_at: NOW - 20 * DAY };
    const addOn = { ...running, id: "add-on", add_on: true };
    const scheduled = { ...running, id: "scheduled", status: "scheduled" as const };
    const ended = { ...running, id: "ended", expires_at: NOW - DAY };

    const order = shownFirst([ended, scheduled, addOn, older, running], NOW).map((each) => each.id);

    expect(order).toEqual(["sub", "older", "add-on", "scheduled"]);
  });
});
