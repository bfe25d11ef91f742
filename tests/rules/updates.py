"""Changes plans of the customers of `offers`, and says what they come to."""

# ruff: noqa: ANN401  # `request` are fields of the request, of any type

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sumac.balances.model import Grant
from sumac.billing.model import (
    ChangePlan,
    Decision,
    HeldLine,
    Holding,
    HoldLines,
    IssueInvoice,
    KeepPlan,
    ReplaceTerms,
    Snapshot,
)
from sumac.billing.requests import UpdateRequest
from sumac.billing.rules.lines import advance_lines
from sumac.billing.rules.provision import provisions_of
from sumac.billing.rules.update import decide_update
from sumac.catalog.model import Customization, Plan
from sumac.catalog.rules.custom import customized
from sumac.core.money import round_sum
from tests.rules.decisions import HALF
from tests.rules.offers import FEATURES, JANUARY, grant, snapshot


def update(state: Snapshot, plan: Plan | None = None, now: datetime = HALF, **request: Any) -> Decision:
    """Changes the customer's plan; to `plan`, if it is to be another; quantities may be given as whole numbers."""
    chosen = {feature_id: Decimal(quantity) for feature_id, quantity in request.pop("quantities", {}).items()}
    asked = UpdateRequest("acme", quantities=chosen, **request)
    target = state.holdings[0].plan if plan is None else plan
    if asked.customize is not None:
        target = customized(target, asked.customize)
    return decide_update(state, target, asked, now=now)


def customer(holding: Holding, used: dict[str, int] | None = None, **changes: Any) -> Snapshot:
    """A customer who has and paid the plan since January, with the units it gives, and this many of each used."""
    given = provisions_of(holding, snapshot(), now=JANUARY)
    grants = [
        grant(
            each.feature_id,
            str(each.included),
            (used or {}).get(each.feature_id, 0),
            prepaid=str(each.prepaid),
            id=f"{holding.held.id}-{number}",
            customer_plan_id=holding.held.id,
            reset=each.reset,
            overage_allowed=each.overage_allowed,
            price=each.price,
            max_purchase=each.max_purchase,
        )
        for number, each in enumerate(given)
    ]
    on_trial = holding.held.trial_ends_at is not None
    paid = () if on_trial else tuple(advance_lines(holding, FEATURES, currency="usd", now=JANUARY))
    return snapshot(holding, grants=grants, **{"charges": paid, **changes})


def applied(state: Snapshot, decision: Decision) -> Snapshot:
    """The customer after the change: the plan as it goes on, its units, and what has been billed or waits."""
    (holding,) = state.holdings
    grants = {each.id: each for each in state.grants}
    charges, waiting = list(state.charges), list(state.held_lines)
    for action in decision.actions:
        match action:
            case KeepPlan(held):
                holding = Holding(held, holding.plan)
            case ChangePlan(held, changed):
                holding = Holding(held, holding.plan)
                grants |= {each.id: each for each in changed}
            case ReplaceTerms(held):
                holding = Holding(held, holding.plan if held.terms is None else holding.plan.with_terms(held.terms))
            case IssueInvoice(draft):
                charges += draft.lines
            case HoldLines(lines):
                waiting += [HeldLine(f"held-{len(waiting) + number}", line) for number, line in enumerate(lines)]
    return replace(
        state,
        holdings=(holding,),
        grants=tuple(grants.values()),
        charges=tuple(charges),
        held_lines=tuple(waiting),
    )


def goes_on(decision: Decision) -> Any:
    """The customer plan as it goes on."""
    (held,) = [each.held for each in decision.actions if isinstance(each, ChangePlan | ReplaceTerms)]
    return held


def waiting_cents(decision: Decision) -> int:
    """What waits for the next invoice, rounded once."""
    lines = [line for each in decision.actions if isinstance(each, HoldLines) for line in each.lines]
    return round_sum([line.exact_minor for line in lines])


def balances(decision: Decision) -> dict[str, Decimal]:
    """The new signed balance of every feature whose units change."""
    changed: list[Iterable[Any]] = [
        each.grants if isinstance(each, ChangePlan) else each.provisions
        for each in decision.actions
        if isinstance(each, ChangePlan | ReplaceTerms)
    ]
    return {each.feature_id: each.balance for units in changed for each in units}


def grant_of(state: Snapshot, feature_id: str) -> Grant:
    """The only grant of the feature."""
    (found,) = [each for each in state.grants if each.feature_id == feature_id]
    return found


def custom(**changes: Any) -> Customization:
    """Changes to a plan; a price or trial that is named is set."""
    return Customization(
        **changes,
        sets_price="price" in changes,
        sets_trial="free_trial" in changes,
    )
