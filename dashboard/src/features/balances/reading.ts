import type { Balance, BalanceSource } from "@/api/types";

/** What is used beyond what was granted, in units; 0 for what is unlimited. */
export function overageOf(balance: Pick<Balance, "usage" | "granted" | "unlimited">): number {
  return balance.unlimited ? 0 : Math.max(balance.usage - balance.granted, 0);
}

/** How one source of a balance is paid for. */
export type SourceKind = "included" | "prepaid" | "usage_based";

export function sourceKind(source: Pick<BalanceSource, "price">): SourceKind {
  return source.price?.billing_method ?? "included";
}

/** How often a source starts anew, in words: "every month", "every 3 months"; "never" for what is granted once. */
export function cadenceText(reset: BalanceSource["reset"]): string {
  if (reset === null || reset.interval === "one_off") return "never resets";
  const word = reset.interval === "semi_annual" ? "half year" : reset.interval;
  const count = reset.interval_count ?? 1;
  return count === 1 ? `resets every ${word}` : `resets every ${count} ${word}s`;
}

/** Balances in reading order: by the feature's name. */
export function sortBalances(balances: Readonly<Record<string, Balance>>): Balance[] {
  const nameOf = (balance: Balance) => balance.feature?.name ?? balance.feature_id;
  return Object.values(balances).sort((one, other) => nameOf(one).localeCompare(nameOf(other)));
}
