import { resolveState, shownFirst, type SubscriptionState } from "@/api/subscription-state";
import type { Customer } from "@/api/types";
import { Dot, type Tone } from "@/ui/badge";
import { sentenceCase } from "@/ui/format";
import { Hint } from "@/ui/hint";
import { useNow } from "@/ui/now";

const TONES: Record<SubscriptionState, Tone> = {
  active: "green",
  trial: "blue",
  cancelling: "orange",
  past_due: "red",
  scheduled: "violet",
  expired: "neutral",
};

type HeldPlansProps = {
  customer: Customer;
  planName: (planId: string) => string;
};

/** What a customer holds in one line: the first plan with its state as a dot, the others behind "+2". */
export function HeldPlans({ customer, planName }: HeldPlansProps) {
  const running = useNow();
  const now = customer.clock_at ?? running;
  const held = [
    ...shownFirst(customer.subscriptions, now).map((each) => {
      const state = resolveState(each, now);
      return { key: each.id, name: planName(each.plan_id), tone: TONES[state], state: sentenceCase(state) };
    }),
    ...customer.purchases.map((each, index) => ({
      key: `purchase:${index}`,
      name: planName(each.plan_id),
      tone: "neutral" as const,
      state: "One-off",
    })),
  ];
  const [first, ...others] = held;
  if (first === undefined) return <span className="text-muted">—</span>;
  return (
    <span className="flex min-w-0 items-center gap-1.5">
      <Hint text={first.state}>
        <span className="relative z-10 flex min-w-0 items-center gap-2">
          <Dot tone={first.tone} />
          <span dir="auto" className="truncate">
            {first.name}
          </span>
          <span className="sr-only">{first.state}</span>
        </span>
      </Hint>
      {others.length > 0 && (
        <Hint
          text={
            <ul className="grid gap-0.5">
              {others.map((other) => (
                <li key={other.key}>
                  {other.name} <span className="opacity-70">· {other.state}</span>
                </li>
              ))}
            </ul>
          }
        >
          <button
            type="button"
            aria-label={`${others.length} more: ${others.map((other) => other.name).join(", ")}`}
            className="relative z-10 rounded-full bg-ink/6 px-1.5 text-2xs text-soft tabular-nums"
          >
            +{others.length}
          </button>
        </Hint>
      )}
    </span>
  );
}
