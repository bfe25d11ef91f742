import type { Balance } from "@/api/types";
import { Bar } from "@/ui/bar";
import { Quantity } from "@/ui/quantity";

import { overageOf } from "./reading";

/** How much of a feature is used of how much was granted, in numbers and as a bar. */
export function Usage({ balance }: { balance: Balance }) {
  const verb = balance.feature?.consumable === false ? "in use" : "used";
  if (balance.unlimited) {
    return (
      <p>
        Unlimited{" "}
        <span className="text-muted">
          · <Quantity value={balance.usage} /> {verb}
        </span>
      </p>
    );
  }
  const overage = overageOf(balance);
  return (
    <div className="grid gap-1.5">
      <p className="flex flex-wrap items-baseline justify-between gap-x-3">
        <span className="whitespace-nowrap">
          <Quantity value={balance.usage} className="font-medium" />
          <span className="text-muted">
            {" of "}
            <Quantity value={balance.granted} /> {verb}
          </span>
        </span>
        <span className="text-xs whitespace-nowrap text-muted">
          {overage > 0 ? (
            <span className="font-medium text-orange">
              +<Quantity value={overage} /> overage
            </span>
          ) : (
            <>
              <Quantity value={balance.remaining} /> left
            </>
          )}
        </span>
      </p>
      <Bar
        used={balance.usage}
        granted={balance.granted}
        label={`Used of ${balance.feature?.name ?? balance.feature_id}`}
      />
    </div>
  );
}
