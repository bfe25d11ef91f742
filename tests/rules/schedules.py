"""Schedules for the customers of `offers`, and what the decisions about them say (billing.md §13.2)."""

# ruff: noqa: ANN401  # `changes` are fields of the value being made, of any type

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sumac.billing.model import (
    CancelPlan,
    CustomerPlan,
    Decision,
    EndPlan,
    Holding,
    KeepPlan,
    SchedulePlan,
    Snapshot,
    StartPlan,
)
from sumac.billing.requests import Phase, PlanWish, ScheduleRequest
from sumac.billing.rules.decision import decide
from sumac.catalog.model import Plan
from sumac.core.time import Cadence, Interval
from tests.rules.offers import JANUARY, PRO, held

IDS = tuple(f"new-{number}" for number in range(1, 31))
PRO_EU = replace(PRO, id="pro-eu", group="eu")
Named = Plan | tuple[Plan, PlanWish]


def months(count: int) -> Cadence:
    """So many months after the first phase begins."""
    return Cadence(Interval.MONTH, count)


def phase(starts_at: datetime | Cadence | None, *named: Named, anchor_here: bool = False) -> tuple[Phase, list[Plan]]:
    """A phase, and the plans it names in the catalog."""
    pairs = [each if isinstance(each, tuple) else (each, PlanWish(each.id)) for each in named]
    return Phase(tuple(wish for _, wish in pairs), starts_at, anchor_here), [offer for offer, _ in pairs]


def schedule(
    state: Snapshot,
    *phases: tuple[Phase, list[Plan]],
    now: datetime = JANUARY,
    unscheduled: Sequence[Plan] = (),
    **changes: Any,
) -> Decision:
    """Lets the customer's plans follow the phases."""
    wishes = tuple(PlanWish(each.id) for each in unscheduled)
    request = ScheduleRequest("acme", tuple(each for each, _ in phases), wishes, **changes)
    plans = [*(offer for _, named in phases for offer in named), *unscheduled]
    return decide(replace(state, schedule_id="sched_new", plan_ids=IDS), plans, request, now=now)


def starts(decision: Decision) -> dict[str, CustomerPlan]:
    """What starts now, by plan."""
    return {action.held.plan_id: action.held for action in decision.actions if isinstance(action, StartPlan)}


def later(decision: Decision) -> list[tuple[str, datetime, datetime | None]]:
    """What starts later: the plan, when, and until when."""
    waiting = [action.held for action in decision.actions if isinstance(action, SchedulePlan)]
    return [(each.plan_id, each.starts_at, each.ends_at) for each in waiting]


def ended(decision: Decision) -> list[str]:
    """What ends now."""
    return [action.held.plan_id for action in decision.actions if isinstance(action, EndPlan)]


def ends(decision: Decision) -> dict[str, datetime | None]:
    """When what is held or starts now ends, by plan."""
    known = [each.held for each in decision.actions if isinstance(each, StartPlan | KeepPlan | CancelPlan)]
    return {each.plan_id: each.ends_at for each in known}


def members(decision: Decision) -> list[tuple[datetime, tuple[str, ...]]]:
    """The phases of the schedule: when each begins and the customer plans in it."""
    assert decision.schedule is not None

    return [(each.starts_at, each.customer_plan_ids) for each in decision.schedule.phases]


def placed(offer: Plan, started: datetime = JANUARY, **changes: Any) -> Holding:
    """The customer holds the plan by a schedule before."""
    return held(offer, started, schedule_id="sched_old", **changes)
