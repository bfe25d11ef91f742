"""A plan that starts: its trial, the anchor of its periods, where it stands in them (billing.md §10.10, §11)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from sumac.billing.model import CustomerPlan, Holding, PlanStatus, Snapshot
from sumac.billing.rules.transition import find_paid, is_reverting, is_trialing, is_upgrade
from sumac.catalog.model import Plan
from sumac.catalog.rules.shape import is_free, is_one_off, shortest_cadence
from sumac.core.time import cycle


@dataclass(frozen=True, slots=True)
class Start:
    """How a plan is to start; `begins_at` is in the past, or in the future when there is access at once."""

    id: str
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    subscription_id: str | None = None
    schedule_id: str | None = None
    customized: bool = False
    sets_trial: bool = False
    anchor: datetime | Literal["now"] | None = None
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    apart: bool = False
    net_terms_days: int | None = None


def start_plan(snapshot: Snapshot, plan: Plan, how: Start, *, current: Holding | None, now: datetime) -> Holding:
    """The customer plan that is active from now on; `current` is the one whose place it takes."""
    trial_ends_at = trial_end(snapshot, plan, how, current=current, now=now)
    joined = None if trial_ends_at or how.begins_at else _joined(snapshot, plan, how, now)
    anchor = trial_ends_at or how.begins_at or (now if joined is None else joined.held.anchor_at)
    cadence = shortest_cadence(plan)
    period = cycle(anchor, cadence, now) if cadence is not None else None
    delayed_until = trial_ends_at or (how.begins_at if how.begins_at is not None and how.begins_at > now else None)
    held = CustomerPlan(
        id=how.id,
        customer_key=snapshot.customer.key,
        plan_id=plan.id,
        version=plan.version,
        status=PlanStatus.ACTIVE,
        recurring=not is_one_off(plan),
        anchor_at=anchor,
        starts_at=min(how.begins_at or now, now),
        created_at=now,
        quantities=how.quantities,
        terms=plan.terms if how.customized else None,
        subscription_id=how.subscription_id,
        schedule_id=how.schedule_id,
        net_terms_days=how.net_terms_days,
        next_anchor_at=how.anchor if isinstance(how.anchor, datetime) else _next_anchor(plan, joined),
        period_start=(max(period.start, min(how.begins_at or now, now))) if period else None,
        period_end=(delayed_until or period.end) if period else trial_ends_at,
        trial_ends_at=trial_ends_at,
        ends_at=how.ends_at,
        entity_key=snapshot.entity_key,
    )
    return Holding(held, plan)


def schedule_plan(
    snapshot: Snapshot, plan: Plan, how: Start, *, starts_at: datetime, anchor: datetime, now: datetime
) -> CustomerPlan:
    """The customer plan that will start then, with its periods counted from `anchor`."""
    return CustomerPlan(
        id=how.id,
        customer_key=snapshot.customer.key,
        plan_id=plan.id,
        version=plan.version,
        status=PlanStatus.SCHEDULED,
        recurring=not is_one_off(plan),
        anchor_at=anchor,
        starts_at=starts_at,
        created_at=now,
        quantities=how.quantities,
        terms=plan.terms if how.customized else None,
        subscription_id=how.subscription_id,
        schedule_id=how.schedule_id,
        net_terms_days=how.net_terms_days,
        ends_at=how.ends_at,
        entity_key=snapshot.entity_key,
    )


def trial_end(snapshot: Snapshot, plan: Plan, how: Start, *, current: Holding | None, now: datetime) -> datetime | None:
    """When the plan's first charge comes, if not at once.

    A trial that was asked for counts from now. A paid plan that joins one already billed, or takes its place without
    being an upgrade, shares its running trial or has none; any other has its own trial, once per customer. A trial that
    reverts is not shared.
    """
    if is_one_off(plan) or (how.begins_at is not None and not how.sets_trial):
        return None
    if how.sets_trial:
        return None if plan.free_trial is None else plan.free_trial.end_after(now)
    if not is_free(plan) and not how.apart:
        joined = current if current is not None else next(iter(find_paid(snapshot.everywhere)), None)
        if joined is not None and (current is None or not is_upgrade(current.plan, plan)):
            shared = is_trialing(joined, now) and not is_reverting(joined)
            return joined.held.trial_ends_at if shared else None
    fresh = plan.free_trial if plan.id not in snapshot.trials_used else None
    return None if fresh is None else fresh.end_after(now)


def _joined(snapshot: Snapshot, plan: Plan, how: Start, now: datetime) -> Holding | None:
    """What is billed already and the plan is billed along with, if its periods do not begin now."""
    if how.anchor == "now" or how.apart or is_free(plan):
        return None
    return next((each for each in find_paid(snapshot.everywhere) if not is_trialing(each, now)), None)


def _next_anchor(plan: Plan, joined: Holding | None) -> datetime | None:
    return None if joined is None or is_one_off(plan) else joined.held.next_anchor_at


def move_along(holding: Holding, leader: Holding, now: datetime) -> Holding:
    """A plan billed together with another, once that one's periods or trial begin anew: its own do, too (§11)."""
    cadence = shortest_cadence(holding.plan)
    anchor, trial_ends_at = leader.held.anchor_at, leader.held.trial_ends_at
    period = cycle(anchor, cadence, now) if cadence is not None else None
    moved = replace(
        holding.held,
        anchor_at=anchor,
        next_anchor_at=leader.held.next_anchor_at,
        trial_ends_at=trial_ends_at,
        period_start=now if period else None,
        period_end=trial_ends_at or (period.end if period else None),
    )
    return Holding(moved, holding.plan)
