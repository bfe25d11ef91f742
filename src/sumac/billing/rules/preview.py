"""What the next cycle will cost, as far as it is known today (api.md §2.5 `next_cycle`)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sumac.billing.model import CustomerPlan, Holding, PlanStatus
from sumac.billing.rules.lines import advance_lines, extension_lines, one_off_lines
from sumac.catalog.model import Feature, PlanItem
from sumac.catalog.rules.shape import is_free, shortest_cadence
from sumac.core.time import Period, cycle
from sumac.invoices.model import LineDraft


@dataclass(frozen=True, slots=True)
class UsageAhead:
    """Usage of an item of the plan in that period, billed once it is known."""

    plan_id: str
    item: PlanItem
    period: Period


@dataclass(frozen=True, slots=True)
class NextCycle:
    """The start of the next cycle, its known lines, and the usage that will be added."""

    starts_at: datetime
    lines: tuple[LineDraft, ...]
    usage: tuple[UsageAhead, ...]


def merge_cycles(cycles: Iterable[NextCycle | None]) -> NextCycle | None:
    """The earliest of the cycles, with everything that begins together with it; None where nothing follows."""
    known = [each for each in cycles if each is not None]
    if not known:
        return None
    starts_at = min(each.starts_at for each in known)
    first = [each for each in known if each.starts_at == starts_at]
    return NextCycle(
        starts_at,
        tuple(line for each in first for line in each.lines),
        tuple(usage for each in first for usage in each.usage),
    )


def compute_next_cycle(
    holding: Holding, features: Mapping[str, Feature], *, currency: str, held_lines: Sequence[LineDraft] = ()
) -> NextCycle | None:
    """The next cycle of a plan as it stands, or its first when it is scheduled; None when nothing recurs or it ends.

    A free plan ends with its trial. Where periods are counted anew from an earlier day, the cycle starts then, and what
    is not paid of the new period is due. `held_lines` are the ones that wait for the plan's next invoice.
    """
    held, plan = holding.held, holding.plan
    starts_first = held.status is PlanStatus.SCHEDULED and shortest_cadence(plan) is not None
    anew = _counted_anew_at(held)
    starts_at = held.starts_at if starts_first else anew or held.period_end
    if starts_at is None or (held.ends_at is not None and held.ends_at <= starts_at):
        return None
    if is_free(plan) and held.trial_ends_at == starts_at:
        return None
    quantities = {**held.quantities, **held.upcoming_quantities}
    renewed = Holding(replace(held, quantities=quantities, anchor_at=anew or held.anchor_at), plan)
    if anew is None:
        lines = advance_lines(renewed, features, currency=currency, now=starts_at, boundary_only=not starts_first)
    else:
        lines = extension_lines(holding, renewed, features, currency=currency, at=starts_at)
    once = one_off_lines(renewed, features, currency=currency) if starts_first else ()
    usage = tuple(
        UsageAhead(plan.id, item, cycle(renewed.held.anchor_at, item.price.cadence, starts_at))
        for item in plan.items
        if item.is_usage_based and item.price is not None
    )
    return NextCycle(starts_at, (*lines, *once, *held_lines), usage)


def _counted_anew_at(held: CustomerPlan) -> datetime | None:
    """The day from which the plan's periods are counted anew, where the running one does not end before it."""
    anew, ends_at = held.next_anchor_at, held.period_end
    return anew if anew is not None and ends_at is not None and anew <= ends_at else None
