"""A plan's prices in a currency it is sold in (api.md §2.0, billing.md §10.10).

A price has an amount of its own and the amounts of additional currencies. In the catalogue its own amount is in the
tenant's default currency. Turned into another currency it is the amount in that one, and every amount is listed, the
default one too, so that the price can be turned back or on to a third currency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from sumac.catalog.model import BasePrice, CurrencyAmount, ItemPrice, Plan, PlanItem, Tier, TierAmount
from sumac.core.errors import BadRequest

Listed = TypeVar("Listed", CurrencyAmount, TierAmount)


def priced_in(plan: Plan, currency: str, *, default: str) -> Plan:
    """The plan at its prices in the currency; `default` is the tenant's.

    Raises BadRequest `currency_mismatch` naming a price that is not offered in it. What costs nothing needs no offer.
    """
    of_plan = f"of plan {plan.id}"
    price = None if plan.price is None else _base_price_in(plan.price, currency, default, f"base price {of_plan}")
    items = tuple(_item_in(item, currency, default, f"price of {item.feature_id} {of_plan}") for item in plan.items)
    return replace(plan, price=price, items=items)


def is_sold_in(plan: Plan, currency: str, *, default: str) -> bool:
    """Whether each price of the plan that charges is offered in the currency."""
    try:
        priced_in(plan, currency, default=default)
    except BadRequest:
        return False
    return True


def item_price_in(price: ItemPrice, currency: str, *, default: str, name: str) -> ItemPrice:
    """The price of an item in the currency; `name` is what to call it. Raises BadRequest `currency_mismatch`."""
    if price.amount is None:
        tiers = tuple(_tier_in(tier, currency, default, name) for tier in price.tiers)
        return replace(price, tiers=tiers)
    if not _charges(price.amount, price.additional_currencies):
        return price
    every = _every(CurrencyAmount(default, price.amount), price.additional_currencies)
    chosen = _chosen(every, currency, name)
    return replace(price, amount=chosen.amount, additional_currencies=_listed(every, currency, default))


def _item_in(item: PlanItem, currency: str, default: str, name: str) -> PlanItem:
    if item.price is None:
        return item
    return replace(item, price=item_price_in(item.price, currency, default=default, name=name))


def _base_price_in(price: BasePrice, currency: str, default: str, name: str) -> BasePrice:
    if not _charges(price.amount, price.additional_currencies):
        return price
    every = _every(CurrencyAmount(default, price.amount), price.additional_currencies)
    chosen = _chosen(every, currency, name)
    return replace(price, amount=chosen.amount, additional_currencies=_listed(every, currency, default))


def _tier_in(tier: Tier, currency: str, default: str, name: str) -> Tier:
    if not tier.additional_currencies and not tier.amount and not tier.flat_amount:
        return tier
    every = _every(TierAmount(default, tier.amount, tier.flat_amount), tier.additional_currencies)
    chosen = _chosen(every, currency, name)
    return replace(
        tier,
        amount=chosen.amount,
        flat_amount=chosen.flat_amount,
        additional_currencies=_listed(every, currency, default),
    )


def _charges(amount: Decimal, listed: Sequence[CurrencyAmount]) -> bool:
    return bool(amount or listed)


def _every(own: Listed, listed: Sequence[Listed]) -> dict[str, Listed]:
    """The amount of each currency; one that is listed under the default currency stands for the price's own."""
    return {own.currency: own} | {each.currency: each for each in listed}


def _listed(every: Mapping[str, Listed], currency: str, default: str) -> tuple[Listed, ...]:
    return tuple(each for each in every.values() if currency != default or each.currency != default)


def _chosen(every: Mapping[str, Listed], currency: str, name: str) -> Listed:
    if currency not in every:
        message = f"The {name} is not offered in {currency}; it is in {', '.join(every)}"
        raise BadRequest(message, code="currency_mismatch")
    return every[currency]
