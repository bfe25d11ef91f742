"""How prices and items read (api.md §2.0, display texts)."""

from decimal import Decimal

from sumac.catalog.model import BasePrice, Feature, FeatureKind, ItemPrice, PlanItem
from sumac.core.money import Money, minor_digits
from sumac.core.time import Cadence, Interval

SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "inr": "₹"}
INTERVAL_WORDS = {Interval.SEMI_ANNUAL: "half year"}


def amount_text(amount: Decimal, currency: str) -> str:
    """An amount in major units: "$30", "$0.01", "30 chf", "1.250 kwd"."""
    exponent = amount.normalize().as_tuple().exponent
    places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    number = f"{amount:,.{max(minor_digits(currency), places)}f}" if places else f"{amount:,.0f}"
    symbol = SYMBOLS.get(currency)
    return f"{symbol}{number}" if symbol else f"{number} {currency}"


def money_text(amount: Money) -> str:
    """A sum as a payer reads it, with the decimals of its currency: "$20.00", "¥2,000", "KWD 1.250"."""
    number = f"{amount.major:,.{minor_digits(amount.currency)}f}"
    symbol = SYMBOLS.get(amount.currency)
    return f"{symbol}{number}" if symbol else f"{amount.currency.upper()} {number}"


def cadence_text(cadence: Cadence) -> str:
    """For example "per month", "per 3 months", "per half year", "one-off"."""
    if not cadence.recurs:
        return "one-off"
    word = INTERVAL_WORDS.get(cadence.interval, cadence.interval.value)
    return f"per {word}" if cadence.count == 1 else f"per {cadence.count} {word}s"


def units_text(feature: Feature, quantity: Decimal) -> str:
    """For example "1 message", "1,000 messages"; the feature's name where it has no words of its own."""
    return f"{quantity:,f} {unit_word(feature, plural=quantity != 1)}"


def unit_word(feature: Feature, *, plural: bool) -> str:
    """What one or many units are called; from the name "AI Credits" it makes "AI credits"."""
    words = feature.display
    word = None if words is None else (words.plural if plural else words.singular)
    return word or " ".join(part.lower() if part.istitle() else part for part in feature.name.split())


def price_texts(price: BasePrice, currency: str) -> tuple[str, str]:
    """Primary and secondary text of a base price."""
    return amount_text(price.amount, currency), cadence_text(price.cadence)


def item_texts(item: PlanItem, feature: Feature, currency: str) -> tuple[str, str | None]:
    """Primary and secondary text of a plan item."""
    if feature.kind is FeatureKind.BOOLEAN:
        return feature.name, None
    if item.unlimited:
        return f"Unlimited {unit_word(feature, plural=True)}", None
    if item.price is None:
        return units_text(feature, item.included), None
    rate = _rate_text(item.price, currency)
    per = _per_text(item.price, feature)
    if item.included:
        return units_text(feature, item.included), f"then {rate} {per}"
    return rate, f"{per} {cadence_text(item.price.cadence)}"


def _rate_text(price: ItemPrice, currency: str) -> str:
    if price.amount is not None:
        return amount_text(price.amount, currency)
    first, last = price.tiers[0], price.tiers[-1]
    if first.amount == last.amount:
        return amount_text(first.amount, currency)
    return f"{amount_text(first.amount, currency)} - {amount_text(last.amount, currency)}"


def _per_text(price: ItemPrice, feature: Feature) -> str:
    if price.billing_units == 1:
        return f"per {unit_word(feature, plural=False)}"
    return f"per {price.billing_units:,f} {unit_word(feature, plural=True)}"
