"""Quantities of features: exact decimals, never binary floats (api.md §1.7)."""

from decimal import Context, Decimal, Inexact, InvalidOperation

PLACES = Decimal("1e-10")
LARGEST = Decimal(10_000_000_000_000)
QUANTITY_PRECISION = 50
QUANTITIES = Context(prec=QUANTITY_PRECISION)
EXACT = Context(prec=100, traps=[Inexact])
ZERO = Decimal(0)
ONE = Decimal(1)


def exact_sum(one: Decimal, other: Decimal) -> Decimal:
    """The sum, whatever the precision of the moment; quantities never need the hundred digits it may have."""
    return EXACT.add(one, other)


def rounded(value: Decimal) -> Decimal:
    """The value at ten decimal places, without trailing zeros (billing.md §5.4)."""
    exact = QUANTITIES.quantize(value, PLACES)
    if exact == exact.to_integral_value():
        return QUANTITIES.add(QUANTITIES.quantize(exact, ONE), ZERO)  # adding zero takes the sign from a negative zero
    return QUANTITIES.normalize(exact)


def from_text(text: str) -> Decimal:
    """A finite decimal from its text. Raises ValueError for anything else."""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        message = f"{text!r} is not a number"
        raise ValueError(message) from error
    if not value.is_finite():
        message = "the number must be finite"
        raise ValueError(message)
    return value


def packs_for(quantity: Decimal, *, included: Decimal, billing_units: Decimal) -> int:
    """Whole packs to buy so that included + packs x billing_units covers the quantity (billing.md §1.6)."""
    whole, rest = divmod(max(ZERO, quantity - included), billing_units)
    return int(whole) + (1 if rest else 0)
