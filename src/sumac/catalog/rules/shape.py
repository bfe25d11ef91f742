"""What a plan is by its prices: free, one-off or recurring (billing.md §1.4)."""

from collections.abc import Iterator
from decimal import Decimal

from sumac.catalog.model import ItemPrice, Plan
from sumac.core.time import Cadence


def _item_amounts(price: ItemPrice) -> Iterator[Decimal]:
    if price.amount is not None:
        yield price.amount
    for tier in price.tiers:
        yield tier.amount
        yield tier.flat_amount


def _priced(plan: Plan) -> Iterator[tuple[Cadence, bool]]:
    if plan.price is not None:
        yield plan.price.cadence, plan.price.amount > 0
    for item in plan.items:
        if item.price is not None:
            yield item.price.cadence, any(amount > 0 for amount in _item_amounts(item.price))


def is_free(plan: Plan) -> bool:
    """Whether nothing of the plan can ever cost anything."""
    return not any(charges for _, charges in _priced(plan))


def is_one_off(plan: Plan) -> bool:
    """Whether it is bought once: every price is one-off and at least one is above zero."""
    return not is_free(plan) and not any(cadence.recurs for cadence, _ in _priced(plan))


def is_main_recurring(plan: Plan) -> bool:
    """Whether it takes the one main place of its group: neither an add-on nor one-off."""
    return not plan.add_on and not is_one_off(plan)


def longest_cadence(plan: Plan) -> Cadence | None:
    """The longest recurring cadence among its prices, or None without one."""
    recurring = [cadence for cadence, _ in _priced(plan) if cadence.recurs]
    return max(recurring, key=lambda cadence: cadence.rank_minutes, default=None)


def shortest_cadence(plan: Plan) -> Cadence | None:
    """The shortest recurring cadence among its prices, or None without one: how often there is something to bill."""
    recurring = [cadence for cadence, _ in _priced(plan) if cadence.recurs]
    return min(recurring, key=lambda cadence: cadence.rank_minutes, default=None)
