import type { Subscription } from "./types";

/** What a subscription is to a reader of the page. */
export type SubscriptionState = "expired" | "scheduled" | "cancelling" | "trial" | "past_due" | "active";

type Facts = Pick<Subscription, "status" | "past_due" | "canceled_at" | "expires_at" | "trial_ends_at">;

/** The state at an instant (milliseconds). The first that applies wins: what ends or has ended comes before how it runs. */
export function resolveState(subscription: Facts, now: number): SubscriptionState {
  if (subscription.expires_at !== null && subscription.expires_at <= now) return "expired";
  if (subscription.status === "scheduled") return "scheduled";
  if (subscription.canceled_at !== null) return "cancelling";
  if (subscription.trial_ends_at !== null && now < subscription.trial_ends_at) return "trial";
  if (subscription.past_due) return "past_due";
  return "active";
}

/** In the order in which they are shown: running before scheduled, main plans before add-ons, newest first; ended ones are left out. */
export function shownFirst<T extends Subscription>(subscriptions: readonly T[], now: number): T[] {
  const rank = (each: T) => (each.status === "scheduled" ? 2 : 0) + (each.add_on ? 1 : 0);
  return subscriptions
    .filter((each) => resolveState(each, now) !== "expired")
    .sort((one, other) => rank(one) - rank(other) || other.started_at - one.started_at);
}
