"""Plans on a trial that reverts, for the customers of `offers`, and what is said about them (billing.md §11)."""

# ruff: noqa: ANN401  # fields of customer plans, of any type

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sumac.balances.model import Grant
from sumac.billing.model import (
    CustomerPlan,
    Decision,
    EndPlan,
    Holding,
    HoldLines,
    PlanStatus,
    ResumePlan,
    Snapshot,
)
from sumac.catalog.model import Customization, Plan
from sumac.core.time import Period
from sumac.invoices.model import LineDraft
from tests.rules.offers import (
    PRO,
    TRIAL,
    at,
    held,
    item,
    plan,
    snapshot,
)

REVERTS = replace(TRIAL, on_end="revert")
TRIED = plan("tried", 50, item("messages", 500), free_trial=REVERTS)
SINCE, OVER = at("2026-01-11"), at("2026-01-25")
REST = timedelta(days=14)
LEFT = 1355  # cents of $20 for 21 of 31 days
AGAIN = Customization(free_trial=REVERTS, sets_trial=True)
TO_STAY = Customization(free_trial=None, sets_trial=True)


def pausing(holding: Holding, since: datetime = SINCE) -> Holding:
    """The plan rests since then."""
    return Holding(replace(holding.held, status=PlanStatus.PAUSED, ends_at=since), holding.plan)


def tried(offer: Plan = TRIED, begun: datetime = SINCE, over: datetime = OVER, **changes: Any) -> Holding:
    """The plan is on its trial since `begun`."""
    dates: dict[str, Any] = {"anchor_at": over, "trial_ends_at": over, "period_end": over, "ends_at": over}
    return held(offer, begun, **(dates | changes))


def trying(*beside: Holding, paused: Holding | None = None, **changes: Any) -> Snapshot:
    """Pro is paused for the trial of another plan."""
    return snapshot(tried(), *beside, paused=(pausing(held(PRO)) if paused is None else paused,), **changes)


def resumed(decision: Decision) -> tuple[CustomerPlan, tuple[Grant, ...]]:
    """The plan that goes on, and its grants."""
    (resume,) = [action for action in decision.actions if isinstance(action, ResumePlan)]
    return resume.held, resume.grants


def held_lines(decision: Decision) -> list[tuple[Decimal, Period | None]]:
    """What waits for the next invoice."""
    waiting = [action.lines for action in decision.actions if isinstance(action, HoldLines)]
    return [(line.exact_minor, line.period) for lines in waiting for line in lines]


def charged(holding: Holding, cents: int, start: datetime, end: datetime) -> LineDraft:
    """A line that was charged for the plan's base price."""
    return LineDraft(
        "Pro", "Pro", Decimal(cents), Decimal(1), holding.plan.id, None, Period(start, end), holding.held.id
    )


def ends_at_end(decision: Decision) -> list[CustomerPlan]:
    """The plans that are over."""
    return [action.held for action in decision.actions if isinstance(action, EndPlan)]
