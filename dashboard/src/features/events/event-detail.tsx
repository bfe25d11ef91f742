import { usePlanNames } from "@/api/catalog";
import type { UsageEvent } from "@/api/types";
import { Code } from "@/ui/code";
import { Copy } from "@/ui/copy";
import { Quantity } from "@/ui/quantity";

/** What an event carried, and which balances it was taken from. */
export function EventDetail({ event }: { event: UsageEvent }) {
  const planName = usePlanNames();
  const deductions = event.deductions ?? [];
  return (
    <div className="grid gap-3 pl-7">
      <div className="grid gap-4 sm:grid-cols-2">
        <div className="min-w-0">
          <h3 className="mb-1 text-xs font-medium text-muted">Event ID</h3>
          <Copy mono value={event.id} label="event id" />
        </div>
        <div className="min-w-0">
          <h3 className="mb-1 text-xs font-medium text-muted">Taken from</h3>
          {deductions.length === 0 ? (
            <p className="text-muted">No balance</p>
          ) : (
            <ul className="grid gap-0.5">
              {deductions.map((deduction) => (
                <li key={deduction.balance_id}>
                  <Quantity value={deduction.value} className="font-medium" />{" "}
                  <span className="text-muted">
                    {deduction.feature_id} · {deduction.plan_id === null ? "no product" : planName(deduction.plan_id)}
                  </span>
                </li>
              ))}
            </ul>
          )}
        </div>
      </div>
      {Object.keys(event.properties).length > 0 && (
        <Code text={JSON.stringify(event.properties, null, 2)} label="properties" />
      )}
    </div>
  );
}
