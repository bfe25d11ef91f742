import { cn } from "./cn";
import { formatMoney, formatMoneyAligned } from "./format";

type MoneyProps = {
  /** Major units: 20 is twenty dollars. */
  amount: number;
  /** ISO 4217, in any case. */
  currency: string;
  /** With all decimals, for columns of amounts. */
  aligned?: boolean;
  className?: string;
};

/** The only place where an amount of money becomes text on a page. */
export function Money({ amount, currency, aligned = false, className }: MoneyProps) {
  const text = aligned ? formatMoneyAligned(amount, currency) : formatMoney(amount, currency);
  return <span className={cn("tabular-nums", className)}>{text}</span>;
}
