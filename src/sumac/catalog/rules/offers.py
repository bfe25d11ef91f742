"""Which currencies a price may be offered in, beside the tenant's own (api.md §2.0, §2.2)."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from sumac.catalog.model import BasePrice, CurrencyAmount, ItemPrice, Tier, TierAmount
from sumac.catalog.rules.ranges import check_amount, refuse
from sumac.core.money import minor_digits

CODE = re.compile(r"[a-z]{3}")
ONE_OFF_DECIMALS_MIN = 2


def check_base_price_currencies(price: BasePrice, default: str) -> None:
    """Raises BadRequest `invalid_product_item` for additional currencies that a base price cannot have."""
    _check_listed(price.additional_currencies, default, "price")
    if price.additional_currencies and not price.amount:
        refuse("price.additional_currencies need a price above 0")


def check_item_currencies(price: ItemPrice, default: str, where: str) -> None:
    """Raises BadRequest `invalid_product_item` for additional currencies that an item's price cannot have.

    They stand beside the amount, or inside every tier that costs something.
    """
    _check_listed(price.additional_currencies, default, f"{where}.price")
    if price.tiers and price.additional_currencies:
        refuse(f"{where}.price.additional_currencies go with amount; tiers have their own")
    if price.additional_currencies and not price.amount:
        refuse(f"{where}.price.additional_currencies need a price above 0")
    offered = {each.currency for tier in price.tiers for each in tier.additional_currencies}
    for number, tier in enumerate(price.tiers, start=1):
        _check_listed(tier.additional_currencies, default, f"{where}.price: tier {number}")
        _check_complete(tier, offered, f"{where}.price: tier {number}")
    if not price.cadence.recurs:
        _check_decimals(price, default, where)


def _check_listed(listed: Sequence[CurrencyAmount | TierAmount], default: str, where: str) -> None:
    seen = {default}
    for each in listed:
        if not CODE.fullmatch(each.currency):
            refuse(f"{where}.additional_currencies: {each.currency!r} is not a code of three lower-case letters")
        if each.currency in seen:
            what = "the default currency, which the price itself is in" if each.currency == default else "there twice"
            refuse(f"{where}.additional_currencies: {each.currency} is {what}")
        seen.add(each.currency)
        check_amount(each.amount, f"{where}: an amount in {each.currency}")
        if isinstance(each, TierAmount):
            check_amount(each.flat_amount, f"{where}: a flat amount in {each.currency}")


def _check_complete(tier: Tier, offered: set[str], where: str) -> None:
    missing = sorted(offered - {each.currency for each in tier.additional_currencies})
    if missing and (tier.amount or tier.flat_amount):
        refuse(f"{where} has no amount in {', '.join(missing)}, which another tier has")


def _check_decimals(price: ItemPrice, default: str, where: str) -> None:
    for currency, amount in _amounts(price, default):
        most = max(ONE_OFF_DECIMALS_MIN, minor_digits(currency))
        if amount % Decimal(1).scaleb(-most):
            refuse(f"{where}: a one_off price in {currency} has at most {most} decimals")


def _amounts(price: ItemPrice, default: str) -> Iterator[tuple[str, Decimal]]:
    yield default, price.amount or Decimal(0)
    yield from ((each.currency, each.amount) for each in price.additional_currencies)
    for tier in price.tiers:
        for own in (TierAmount(default, tier.amount, tier.flat_amount), *tier.additional_currencies):
            yield own.currency, own.amount
            yield own.currency, own.flat_amount
