import { cn } from "./cn";

/** Shares of use from which on the bar warns, highest first. */
const WARNINGS = [
  { from: 0.9, colour: "bg-red" },
  { from: 0.75, colour: "bg-orange" },
  { from: 0.5, colour: "bg-yellow" },
] as const;

type BarProps = {
  used: number;
  granted: number;
  /** What is measured. */
  label: string;
};

/** How much of a grant is used up: green below half, yellow, orange from three quarters, red from nine tenths. */
export function Bar({ used, granted, label }: BarProps) {
  const share = granted > 0 ? Math.min(Math.max(used / granted, 0), 1) : used > 0 ? 1 : 0;
  const colour = WARNINGS.find((warning) => share >= warning.from)?.colour ?? "bg-green";
  return (
    <div
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={granted}
      aria-valuenow={used}
      className="h-1 overflow-hidden rounded-full bg-ink/8"
    >
      <div className={cn("h-full rounded-full transition-[width]", colour)} style={{ width: `${share * 100}%` }} />
    </div>
  );
}
