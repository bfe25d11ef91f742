"""Makes decisions about the customers of `offers`, and says what they come to."""

# ruff: noqa: ANN401  # `changes` are fields of the value being made, of any type

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sumac.balances.model import Grant
from sumac.billing.model import (
    CustomerPlan,
    Decision,
    Holding,
    ResetGrants,
    Snapshot,
    StartPlan,
)
from sumac.billing.requests import (
    AttachRequest,
)
from sumac.billing.rules.attach import decide_attach
from sumac.billing.rules.turn import decide_turn
from sumac.catalog.model import Plan
from sumac.core.money import round_sum
from tests.rules.offers import JANUARY, at, grant, snapshot, usage_based

FEBRUARY, MARCH = at("2026-02-01"), at("2026-03-01")
HALF = at("2026-01-16 12:00")
TRIAL_END = at("2026-01-15")


def attach(state: Snapshot, offer: Plan, now: datetime = JANUARY, **request: Any) -> Decision:
    """Attaches the plan; `quantities` may be given as whole numbers."""
    chosen = {feature_id: Decimal(quantity) for feature_id, quantity in request.pop("quantities", {}).items()}
    return decide_attach(state, offer, AttachRequest("acme", offer.id, quantities=chosen, **request), now=now)


def turn(*holdings: Holding, at_: datetime = FEBRUARY, grants: Sequence[Grant] = (), **changes: Any) -> Decision:
    """Turns what is due for a customer who holds these."""
    return decide_turn(snapshot(*holdings, grants=grants, **changes), at=at_)


def kinds(decision: Decision) -> list[type]:
    """The kinds of its actions, in order."""
    return [type(action) for action in decision.actions]


def amounts(decision: Decision) -> list[Decimal]:
    """The lines of the invoice in exact cents, in order; empty without one."""
    return [line.exact_minor for line in decision.invoice.lines] if decision.invoice else []


def cents(decision: Decision) -> int:
    """What the invoice comes to, rounded once; 0 without one."""
    return round_sum(amounts(decision))


def started(decision: Decision) -> CustomerPlan:
    """The plan that starts now."""
    (start,) = [action for action in decision.actions if isinstance(action, StartPlan)]
    return start.held


def resets(decision: Decision) -> dict[str, tuple[Decimal, datetime | None]]:
    """Balance and next reset of every grant that is full again, by id."""
    done = [action.grants for action in decision.actions if isinstance(action, ResetGrants)]
    return {each.id: (each.balance, each.resets_at) for grants in done for each in grants}


def metered(holding: Holding, included: int, used: int, rate: str, **changes: Any) -> Grant:
    """A grant of the plan's messages, paid for after use."""
    return grant(
        "messages",
        included,
        used,
        customer_plan_id=holding.held.id,
        overage_allowed=True,
        price=usage_based(rate),
        **changes,
    )
