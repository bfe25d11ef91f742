"""What the next cycle will cost, as far as it is known today (api.md §2.5 `next_cycle`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sumac.billing.model import CustomerPlan, PlanStatus
from sumac.billing.rules.lines import advance_lines, one_off_lines
from sumac.catalog.model import Feature, Plan, PlanItem
from sumac.catalog.rules.shape import shortest_cadence
from sumac.core.time import Period, cycle
from sumac.invoices.model import LineDraft


@dataclass(frozen=True, slots=True)
class NextCycle:
    """The start of the next cycle, its known lines, and the features whose usage will be added."""

    starts_at: datetime
    lines: tuple[LineDraft, ...]
    usage: tuple[tuple[PlanItem, Period], ...]


def compute_next_cycle(
    held: CustomerPlan,
    plan: Plan,
    features: Mapping[str, Feature],
    *,
    currency: str,
) -> NextCycle | None:
    """The next cycle of a plan as it stands, or its first when it is scheduled; None when nothing recurs or it ends."""
    starts_first = held.status is PlanStatus.SCHEDULED and shortest_cadence(plan) is not None
    starts_at = held.starts_at if starts_first else held.period_end
    if starts_at is None or (held.ends_at is not None and held.ends_at <= starts_at):
        return None
    lines = advance_lines(
        plan,
        held.quantities,
        features,
        currency=currency,
        anchor=held.anchor_at,
        now=starts_at,
        boundary_only=not starts_first,
    )
    once = one_off_lines(plan, held.quantities, features, currency=currency) if starts_first else ()
    usage = tuple(
        (item, cycle(held.anchor_at, item.price.cadence, starts_at))
        for item in plan.items
        if item.is_usage_based and item.price is not None
    )
    return NextCycle(starts_at, (*lines, *once), usage)
