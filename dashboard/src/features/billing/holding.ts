import { isPaid } from "@/api/plan-words";
import { resolveState, shownFirst, type SubscriptionState } from "@/api/subscription-state";
import type { Customer, Plan, Subscription } from "@/api/types";
import type { ProductKind } from "@/ui/product-kind";

/** What a row of the products table is about: a subscription or a one-off purchase, in the same words. */
export type Holding = {
  key: string;
  kind: ProductKind;
  planId: string;
  /** The plan as this customer has it; missing only if the server did not show it. */
  plan: Plan | undefined;
  quantity: number;
  state: SubscriptionState;
  subscriptionId: string | undefined;
  startedAt: number;
  endsAt: number | null;
  trialEndsAt: number | null;
  period: { from: number; to: number } | undefined;
  /** When money is due next; nothing for what is free, ends, or was bought once. */
  nextBillingAt: number | undefined;
  /** The plan that a scheduled one takes the place of. */
  replaces: Plan | undefined;
};

/** Everything a customer holds at an instant (milliseconds): what runs first, then what is scheduled, then purchases. */
export function holdingsOf(customer: Customer, now: number): Holding[] {
  const shown = shownFirst(customer.subscriptions, now);
  const ended = customer.subscriptions.filter((each) => !shown.includes(each));
  return [
    ...shown.map((each) => ofSubscription(each, customer.subscriptions, now)),
    ...customer.purchases.map((each, index): Holding => ({
      key: `purchase:${index}`,
      kind: "one-off",
      planId: each.plan_id,
      plan: each.plan ?? undefined,
      quantity: each.quantity,
      state: each.expires_at !== null && each.expires_at <= now ? "expired" : "active",
      subscriptionId: undefined,
      startedAt: each.started_at,
      endsAt: each.expires_at,
      trialEndsAt: null,
      period: undefined,
      nextBillingAt: undefined,
      replaces: undefined,
    })),
    ...ended.map((each) => ofSubscription(each, customer.subscriptions, now)),
  ];
}

function ofSubscription(each: Subscription, all: readonly Subscription[], now: number): Holding {
  const state = resolveState(each, now);
  const plan = each.plan ?? undefined;
  const { current_period_start: from, current_period_end: to } = each;
  return {
    key: each.id,
    kind: each.add_on ? "add-on" : "subscription",
    planId: each.plan_id,
    plan,
    quantity: each.quantity,
    state,
    subscriptionId: each.id,
    startedAt: each.started_at,
    endsAt: each.expires_at,
    trialEndsAt: each.trial_ends_at,
    period: from !== null && to !== null && state !== "scheduled" ? { from, to } : undefined,
    nextBillingAt: plan !== undefined && isPaid(plan) ? nextBilling(each, state) : undefined,
    replaces: state === "scheduled" ? replacedBy(each, all) : undefined,
  };
}

function nextBilling(each: Subscription, state: SubscriptionState): number | undefined {
  switch (state) {
    case "trial":
      return each.trial_ends_at ?? undefined;
    case "scheduled":
      return each.started_at;
    case "active":
    case "past_due":
      return each.current_period_end ?? undefined;
    case "cancelling":
    case "expired":
      return undefined;
  }
}

/** A scheduled main plan takes the place of the running main plan of its group. */
function replacedBy(scheduled: Subscription, all: readonly Subscription[]): Plan | undefined {
  if (scheduled.add_on) return undefined;
  const group = scheduled.plan?.group ?? null;
  const running = all.find((each) => each.status === "active" && !each.add_on && (each.plan?.group ?? null) === group);
  return running?.plan ?? undefined;
}
