"""A plan as the portal shows it: its state, what was chosen, what comes next, and what the customer may do to it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sumac.billing.model import Holding, PlanStatus, Snapshot
from sumac.billing.rules.discounts import lower_lines
from sumac.billing.rules.preview import compute_next_cycle
from sumac.billing.rules.transition import find_current
from sumac.catalog.model import Feature, Plan
from sumac.catalog.rules.shape import is_free
from sumac.catalog.rules.text import cadence_text, units_text
from sumac.core.money import Money
from sumac.invoices.rules.totals import compute_lines, compute_total
from sumac.pages.words import money


class Choice(StrEnum):
    """What a customer may do to a plan."""

    CANCEL = "cancel"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class NextCharge:
    """When a plan is billed next, what is known of it today, and whether usage is added."""

    at: datetime
    amount: Money
    plus_usage: bool


@dataclass(frozen=True, slots=True)
class PlanCard:
    """A plan with its price, the units chosen now and from the next renewal on, and its next charge if there is one.

    `resumes_at` is when a paused plan goes on.
    """

    holding: Holding
    status: str
    price: str
    chosen: tuple[str, ...]
    upcoming: tuple[str, ...]
    next_charge: NextCharge | None
    choice: Choice | None
    resumes_at: datetime | None = None

    @property
    def billed_for_usage(self) -> bool:
        """Whether usage beyond what is included is billed."""
        return any(item.is_usage_based for item in self.holding.plan.items)


def plan_card(holding: Holding, snapshot: Snapshot) -> PlanCard:
    """The card of a plan of the snapshot: one the customer holds, one that is to start, or one that is paused."""
    held, plan = holding.held, holding.plan
    choice: Choice | None = None
    if held.is_canceling:
        choice = Choice.KEEP
    elif held.is_usable and held.recurring and not is_free(plan):
        choice = Choice.CANCEL
    return PlanCard(
        holding=holding,
        status=_status_of(holding),
        price=_price_of(plan, snapshot.currency),
        chosen=tuple(units_of(held.quantities, snapshot.features)),
        upcoming=tuple(units_of(held.upcoming_quantities, snapshot.features)),
        next_charge=None if held.paused_at is not None else next_charge_of(holding, snapshot),
        choice=choice,
        resumes_at=_resumes_at(holding, snapshot),
    )


def place_of(holding: Holding) -> tuple[bool, bool, str]:
    """Main plans first, then add-ons and purchases, then what has not begun; by name among equals."""
    beside = holding.plan.add_on or not holding.held.recurring
    return not holding.held.is_usable, beside, holding.plan.name


def _resumes_at(holding: Holding, snapshot: Snapshot) -> datetime | None:
    """When the trial is over for which a plan is paused."""
    if holding.held.paused_at is None:
        return None
    tried = find_current(snapshot.holdings, holding.plan)
    return None if tried is None else tried.held.ends_at


def _status_of(holding: Holding) -> str:
    held = holding.held
    if held.status is PlanStatus.SCHEDULED:
        return "scheduled"
    if held.status is PlanStatus.PAUSED:
        return "paused"
    if held.status is PlanStatus.PAST_DUE:
        return "past_due"
    if held.is_canceling:
        return "canceling"
    return "trialing" if held.trial_ends_at is not None and held.trial_ends_at == held.period_end else "active"


def _price_of(plan: Plan, currency: str) -> str:
    if plan.price is not None and plan.price.amount:
        amount = money(Money.from_major(plan.price.amount, currency))
        return f"{amount} {cadence_text(plan.price.cadence)}"
    return "Free" if is_free(plan) else "By usage"


def units_of(quantities: Mapping[str, Decimal], features: Mapping[str, Feature]) -> Iterator[str]:
    """Chosen quantities in words, such as "10 seats"."""
    for feature_id, quantity in quantities.items():
        if feature_id in features:
            yield units_text(features[feature_id], quantity)


def next_charge_of(holding: Holding, snapshot: Snapshot) -> NextCharge | None:
    """The next charge of a plan as it is known today; None when none follows."""
    waiting = [each.line for each in snapshot.held_lines if each.line.customer_plan_id == holding.held.id]
    following = compute_next_cycle(holding, snapshot.features, currency=snapshot.currency, held_lines=waiting)
    if following is None:
        return None
    currency = snapshot.currency
    lines = lower_lines(following.lines, snapshot.rewards, currency=currency, at=following.starts_at)
    amount = compute_total(compute_lines(lines, currency), currency)
    usage = bool(following.usage)
    return NextCharge(following.starts_at, amount, usage) if amount.minor or usage else None
