"""Money: whole minor units of one currency, and the only rounding of amounts (billing.md §2.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext
from typing import Self

ZERO_DECIMAL = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"),
)
THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
DECIMAL_PRECISION = 60
SETTLED = Decimal("1e-30")


def minor_digits(currency: str) -> int:
    """How many decimal digits the currency's minor unit has: 0, 2 or 3 (payments.md §6.2)."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def exact_minor(major: Decimal, currency: str) -> Decimal:
    """An amount in major units as an exact, unrounded number of minor units."""
    with localcontext() as context:
        context.prec = DECIMAL_PRECISION
        return major.scaleb(minor_digits(currency))


def round_half_up(value: Decimal) -> int:
    """The nearest whole number; halves go away from zero."""
    return int(value.to_integral_value(rounding=ROUND_HALF_UP))


def round_sum(exact: Sequence[Decimal]) -> int:
    """The sum of exact minor amounts, rounded once.

    A share of a period may have no end as a decimal. Its error, at the sixtieth digit, must not turn a half into a
    little less than one, so the sum is settled at thirty decimal places before it is rounded.
    """
    with localcontext() as context:
        context.prec = DECIMAL_PRECISION
        return round_half_up(sum(exact, Decimal(0)).quantize(SETTLED))


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` whole units (cents for usd) of `currency`, a lower-case ISO code."""

    minor: int
    currency: str

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in that currency."""
        return cls(0, currency)

    @classmethod
    def from_major(cls, major: Decimal, currency: str) -> Self:
        """Major units (30.00 dollars) to whole minor units, rounded half up once."""
        return cls(round_half_up(exact_minor(major, currency)), currency)

    @property
    def major(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.minor).scaleb(-minor_digits(self.currency))

    def __add__(self, other: Self) -> Self:
        self._require_same_currency(other)
        return type(self)(self.minor + other.minor, self.currency)

    def __sub__(self, other: Self) -> Self:
        self._require_same_currency(other)
        return type(self)(self.minor - other.minor, self.currency)

    def __neg__(self) -> Self:
        return type(self)(-self.minor, self.currency)

    def _require_same_currency(self, other: Self) -> None:
        if self.currency != other.currency:
            message = f"{self.currency} and {other.currency} cannot be added"
            raise ValueError(message)


def apportion(exact: Sequence[Decimal]) -> list[int]:
    """Rounds exact minor amounts so that they add up to their own total rounded once.

    The total is rounded half up; each part is first rounded down and the units still missing go to the parts
    with the largest remainders, the earlier part first among equals.
    """
    with localcontext() as context:
        context.prec = DECIMAL_PRECISION
        total = round_sum(exact)
        floors = [int(part.to_integral_value(rounding=ROUND_FLOOR)) for part in exact]
        missing = total - sum(floors)
        by_remainder = sorted(range(len(exact)), key=lambda index: (floors[index] - exact[index], index))
    for index in by_remainder[:missing]:
        floors[index] += 1
    return floors
