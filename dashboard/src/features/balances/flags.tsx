import { Check } from "lucide-react";

import { usePlanNames } from "@/api/catalog";
import type { Flag } from "@/api/types";
import { Badge } from "@/ui/badge";
import { Hint } from "@/ui/hint";

/** What a customer may do, where there is nothing to count. */
export function Flags({ flags }: { flags: Flag[] }) {
  const planName = usePlanNames();
  return (
    <ul aria-label="Flags" className="flex flex-wrap gap-1.5 px-4 py-3">
      {flags.map((flag) => (
        <li key={flag.feature_id} className="max-w-full min-w-0">
          <Hint text={flag.plan_id === null ? "Granted without a product" : `From ${planName(flag.plan_id)}`}>
            {}
            <Badge tabIndex={0} className="h-6 border bg-transparent text-xs">
              <Check aria-hidden className="text-green" />
              <span className="truncate">{flag.feature?.name ?? flag.feature_id}</span>
            </Badge>
          </Hint>
        </li>
      ))}
    </ul>
  );
}
