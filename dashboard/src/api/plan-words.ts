import type { Feature, Plan, PlanItem } from "./types";

export function isPaid(plan: Plan): boolean {
  return plan.price !== null || plan.items.some((item) => item.price !== null);
}

/** True when the amount of an invoice also depends on what is used. */
export function billsUsage(plan: Plan): boolean {
  return plan.items.some((item) => item.price?.billing_method === "usage_based");
}

/** The price as the server words it: "$20 per month", "Free", "Pay per use". */
export function priceText(plan: Plan): string {
  if (plan.price !== null) {
    const { primary_text: amount, secondary_text: interval } = plan.price.display;
    return interval ? `${amount} ${interval}` : amount;
  }
  return isPaid(plan) ? "Variable" : "Free";
}

/** An item as three texts: what is included, how often that starts anew, what more of it costs. */
export function itemWords(item: PlanItem): { limit: string; cadence: string; rate: string | undefined } {
  return {
    limit: item.display?.primary_text ?? item.feature_id,
    cadence: cadenceText(item),
    rate: item.display?.secondary_text ?? undefined,
  };
}

/** " / month", " / 3 months"; nothing for what never starts anew. */
function cadenceText(item: PlanItem): string {
  const { reset } = item;
  if (reset === null || reset.interval === "one_off" || item.included === 0) return "";
  const count = reset.interval_count ?? 1;
  const word = reset.interval === "semi_annual" ? "half year" : reset.interval;
  return count === 1 ? ` / ${word}` : ` / ${count} ${word}s`;
}

/** How long a plan is free at first: "14-day trial"; nothing without a trial. */
export function trialText(plan: Plan): string | undefined {
  const trial = plan.free_trial;
  return trial ? `${trial.duration_length}-${trial.duration_type} trial` : undefined;
}

/** What kind of thing a feature is. */
export function featureKind(feature: Pick<Feature, "type" | "consumable">): string {
  switch (feature.type) {
    case "boolean":
      return "Flag";
    case "metered":
      return feature.consumable ? "Metered, used up" : "Metered, held";
    case "credit_system":
    case "ai_credit_system":
      return "Credits";
  }
}
