import { cn } from "./cn";
import { formatQuantity } from "./format";

/** A number of units. */
export function Quantity({ value, className }: { value: number; className?: string }) {
  return <span className={cn("tabular-nums", className)}>{formatQuantity(value)}</span>;
}
