import { format, formatDistanceStrict, isSameYear } from "date-fns";

const DIGITS_MAX = 10;

/** An amount of money in major units, with the currency's own number of decimals or as many as a small rate needs. */
export function formatMoney(amount: number, currency: string): string {
  return new Intl.NumberFormat("en", {
    style: "currency",
    currency: currency.toUpperCase(),
    currencyDisplay: "narrowSymbol",
    maximumFractionDigits: DIGITS_MAX,
    minimumFractionDigits: Number.isInteger(amount) ? 0 : decimalsOf(currency),
  }).format(amount);
}

/** The same with all of the currency's decimals, so that a column of amounts lines up. */
export function formatMoneyAligned(amount: number, currency: string): string {
  const decimals = decimalsOf(currency);
  return new Intl.NumberFormat("en", {
    style: "currency",
    currency: currency.toUpperCase(),
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: decimals,
    maximumFractionDigits: Math.max(decimals, DIGITS_MAX),
  }).format(amount);
}

function decimalsOf(currency: string): number {
  const options = new Intl.NumberFormat("en", {
    style: "currency",
    currency: currency.toUpperCase(),
  }).resolvedOptions();
  return options.maximumFractionDigits ?? 2;
}

/** A number of units: grouped, with as many decimals as it has. */
export function formatQuantity(quantity: number): string {
  return new Intl.NumberFormat("en", { maximumFractionDigits: DIGITS_MAX }).format(quantity);
}

/** How an instant (milliseconds) is written. */
export type InstantForm = "day" | "short" | "minute" | "second" | "full" | "relative";

/** An instant in the reader's own time zone. `now` decides what "ago" means and whether the year needs saying. */
export function formatInstant(at: number, form: InstantForm, now: number): string {
  switch (form) {
    case "day":
      return format(at, "d MMM yyyy");
    case "short":
      return format(at, isSameYear(at, now) ? "d MMM" : "d MMM yyyy");
    case "minute":
      return format(at, isSameYear(at, now) ? "d MMM, HH:mm" : "d MMM yyyy, HH:mm");
    case "second":
      return format(at, isSameYear(at, now) ? "d MMM, HH:mm:ss" : "d MMM yyyy, HH:mm:ss");
    case "full":
      return format(at, "EEEE, d MMMM yyyy, HH:mm:ss OOOO");
    case "relative":
      return Math.abs(at - now) < 5_000 ? "just now" : formatDistanceStrict(at, now, { addSuffix: true });
  }
}

/** How much time lies between two instants, in the largest unit that fits: "5 days". */
export function formatDuration(from: number, to: number): string {
  return formatDistanceStrict(from, to);
}

/** A text for the eye: the first letter large, underscores as spaces. */
export function sentenceCase(word: string): string {
  const spaced = word.replaceAll("_", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
