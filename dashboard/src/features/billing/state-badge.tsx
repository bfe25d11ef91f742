import { Ban, CalendarClock, CheckCircle2, CircleX, Clock, TriangleAlert } from "lucide-react";

import type { SubscriptionState } from "@/api/subscription-state";
import { Badge, type Tone } from "@/ui/badge";

const LOOKS = {
  active: { label: "Active", tone: "green", Icon: CheckCircle2 },
  trial: { label: "Trial", tone: "blue", Icon: Clock },
  cancelling: { label: "Cancelling", tone: "orange", Icon: Ban },
  past_due: { label: "Past due", tone: "red", Icon: TriangleAlert },
  scheduled: { label: "Scheduled", tone: "violet", Icon: CalendarClock },
  expired: { label: "Expired", tone: "neutral", Icon: CircleX },
} as const satisfies Record<SubscriptionState, { label: string; tone: Tone; Icon: unknown }>;

/** How it stands with a product, in a word, a colour and a sign. */
export function StateBadge({ state }: { state: SubscriptionState }) {
  const { label, tone, Icon } = LOOKS[state];
  return (
    <Badge tone={tone}>
      <Icon aria-hidden /> {label}
    </Badge>
  );
}
