"""What a quantity costs: graduated and volume tiers, packs, included units, flat amounts (billing.md §2.4).

Quantities are whole packs of `billing_units`, rounded up; prices are exact major units kept to ten decimal places.
Boundaries of tiers count the included units.
"""

from collections.abc import Sequence
from decimal import Decimal, localcontext

from sumac.catalog.model import ItemPrice, Tier, TierBehavior
from sumac.core.quantity import QUANTITY_PRECISION, packs_for, rounded

ZERO = Decimal(0)


def whole_packs(quantity: Decimal, billing_units: Decimal) -> Decimal:
    """Units in whole packs that cover the quantity; decimals round up."""
    return packs_for(quantity, included=ZERO, billing_units=billing_units) * billing_units


def compute_prepaid_price(price: ItemPrice, bought: Decimal, *, included: Decimal) -> Decimal:
    """Major units for `bought` units beyond the included ones."""
    return _compute(price, bought, included)


def compute_overage_price(price: ItemPrice, overage: Decimal, *, included: Decimal) -> Decimal:
    """Major units for units used beyond what was granted."""
    return _compute(price, overage, included)


def _compute(price: ItemPrice, beyond: Decimal, included: Decimal) -> Decimal:
    if beyond <= 0:
        return ZERO
    with localcontext() as context:
        context.prec = QUANTITY_PRECISION
        units = whole_packs(beyond, price.billing_units)
        if price.amount is not None:
            return rounded(units / price.billing_units * price.amount)
        if price.tier_behavior is TierBehavior.VOLUME:
            return rounded(_volume(price.tiers, units + included, price.billing_units))
        return rounded(_graduated(price.tiers, units, included, price.billing_units))


def _graduated(tiers: Sequence[Tier], units: Decimal, included: Decimal, billing_units: Decimal) -> Decimal:
    total, floor, top = ZERO, included, included + units
    for tier in tiers:
        ceiling = top if tier.to is None else min(tier.to, top)
        if ceiling > floor:
            total += (ceiling - floor) / billing_units * tier.amount
            floor = ceiling
    return total


def _volume(tiers: Sequence[Tier], total_units: Decimal, billing_units: Decimal) -> Decimal:
    reached = next(tier for tier in tiers if tier.to is None or total_units <= tier.to)
    return total_units / billing_units * reached.amount + reached.flat_amount
