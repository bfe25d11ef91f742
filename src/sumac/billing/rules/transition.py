"""Which plan a new one replaces, and whether at once or at the end of the cycle (billing.md §2.5, §10.2)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from sumac.billing.model import (
    Holding,
    PlanStatus,
)
from sumac.catalog.model import ItemPrice, Plan
from sumac.catalog.rules.shape import is_free, is_main_recurring, is_one_off, longest_cadence
from sumac.core.time import Cadence, Interval

Slot = tuple[bool, str]
Place = tuple[str | None, bool, str]
MONTHS_PER = {
    Interval.WEEK: Fraction(1, 4),
    Interval.MONTH: Fraction(1),
    Interval.QUARTER: Fraction(3),
    Interval.SEMI_ANNUAL: Fraction(6),
    Interval.YEAR: Fraction(12),
}


def slot_of(plan: Plan) -> Slot:
    """The place that a plan takes: the one of its group, or, for add-ons and what is bought once, one of its own."""
    main = is_main_recurring(plan)
    return main, plan.group if main else plan.id


def place_of(holding: Holding) -> Place:
    """Whose plan it is, the customer's or an entity's, and the place it takes there."""
    return holding.held.entity_key, *slot_of(holding.plan)


def find_current(holdings: Sequence[Holding], plan: Plan) -> Holding | None:
    """The running main plan that the new one would replace: same group, neither of them an add-on or one-off."""
    if not is_main_recurring(plan):
        return None
    return next((each for each in holdings if each.held.is_usable and slot_of(each.plan) == slot_of(plan)), None)


def find_scheduled(holdings: Sequence[Holding], plan: Plan) -> Sequence[Holding]:
    """The plans waiting for the same place."""
    if not is_main_recurring(plan):
        return []
    waiting = [each for each in holdings if each.held.status is PlanStatus.SCHEDULED]
    return [each for each in waiting if slot_of(each.plan) == slot_of(plan)]


def find_paid(holdings: Sequence[Holding]) -> Sequence[Holding]:
    """The running plans that are paid for again and again, oldest first: further plans are billed along with them.

    One that is only tried out is never paid for.
    """
    running = [each for each in holdings if each.held.is_usable and not is_reverting(each)]
    paid = [each for each in running if each.held.recurring and not is_free(each.plan)]
    return sorted(paid, key=lambda each: (each.held.starts_at, each.held.id))


def are_billed_together(holdings: Sequence[Holding]) -> bool:
    """Whether those of the plans that are paid for again and again share one billing cycle."""
    return len({each.held.anchor_at for each in find_paid(holdings)}) <= 1


def is_trialing(holding: Holding, now: datetime) -> bool:
    """Whether its first charge is still to come."""
    return holding.held.trial_ends_at is not None and now < holding.held.trial_ends_at


def is_reverting(holding: Holding) -> bool:
    """Whether it is tried out in the place of a paused plan, and is over with its trial (billing.md §11)."""
    held, trial = holding.held, holding.plan.free_trial
    ends_with_it = held.trial_ends_at is not None and held.ends_at == held.trial_ends_at
    return ends_with_it and trial is not None and trial.reverts


def is_upgrade(current: Plan, new: Plan) -> bool:
    """Whether the change happens at once; equal prices do (billing.md §2.5)."""
    if is_free(current) or is_free(new):
        return is_free(current)
    if is_one_off(current) or is_one_off(new):
        return True
    if not any(_compared_amounts(current)) and not any(_compared_amounts(new)):
        return True
    longest_current, longest_new = longest_cadence(current), longest_cadence(new)
    if longest_current and longest_new and longest_new.rank_minutes > longest_current.rank_minutes:
        return True
    return _monthly(current) <= _monthly(new)


def _first_rate(price: ItemPrice) -> Decimal:
    return price.tiers[0].amount if price.amount is None else price.amount


def _compared_amounts(plan: Plan) -> Iterator[tuple[Decimal, Cadence]]:
    if plan.price is not None:
        yield plan.price.amount, plan.price.cadence
    for item in plan.items:
        if item.price is not None and not (item.is_usage_based and item.reset is not None):
            yield _first_rate(item.price), item.price.cadence


def _monthly(plan: Plan) -> Fraction:
    return sum(
        (
            Fraction(amount) / (MONTHS_PER[cadence.interval] * cadence.count)
            for amount, cadence in _compared_amounts(plan)
            if cadence.recurs
        ),
        Fraction(0),
    )
