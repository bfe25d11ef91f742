"""Whole minor units, one rounding, and splits that lose nothing (billing.md §2.3)."""

from decimal import Decimal, localcontext

import pytest

from sumac.core.money import DECIMAL_PRECISION, Money, apportion, exact_minor, minor_digits, round_half_up, round_sum


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("usd", 2), ("eur", 2), ("jpy", 0), ("rwf", 0), ("kwd", 3), ("bhd", 3)],
)
def test_minor_digits(currency: str, digits: int) -> None:
    """Currencies have 0, 2 or 3 decimal digits."""
    assert digits == minor_digits(currency)


@pytest.mark.parametrize(
    ("major", "currency", "minor"),
    [
        ("30", "usd", 3000),
        ("15.00", "usd", 1500),
        ("6.532258", "usd", 653),
        ("0.005", "usd", 1),
        ("0.0049999999", "usd", 0),
        ("-0.005", "usd", -1),
        ("-0.0049999999", "usd", 0),
        ("-10.125", "usd", -1013),
        ("23198", "rwf", 23198),
        ("1234.5", "jpy", 1235),
        ("1234.4999", "jpy", 1234),
        ("1.2345", "kwd", 1235),
        ("1.2344", "kwd", 1234),
    ],
)
def test_from_major_units(major: str, currency: str, minor: int) -> None:
    """Rounded once to the currency's own minor unit; halves go away from zero."""
    assert Money(minor, currency) == Money.from_major(Decimal(major), currency)


@pytest.mark.parametrize(
    ("minor", "currency", "major"),
    [(3000, "usd", "30"), (-1, "usd", "-0.01"), (500, "jpy", "500"), (1, "kwd", "0.001")],
)
def test_back_to_major_units(minor: int, currency: str, major: str) -> None:
    """Major units are exact."""
    assert Decimal(major) == Money(minor, currency).major


def test_exact_minor_keeps_every_digit() -> None:
    """An amount of any length loses nothing on the way to minor units."""
    major = Decimal("1234567890123456789012345678.0123456789")

    assert Decimal("123456789012345678901234567801.23456789") == exact_minor(major, "usd")


def test_sums() -> None:
    """Amounts of one currency add up."""
    ten, three = Money(1000, "usd"), Money(300, "usd")

    assert Money(1300, "usd") == ten + three
    assert Money(700, "usd") == ten - three
    assert Money(-1000, "usd") == -ten
    assert ten == ten + Money.zero("usd")


def test_two_currencies_do_not_add_up() -> None:
    """Dollars and yen have no sum and no difference."""
    dollars, yen = Money(1, "usd"), Money(1, "jpy")

    with pytest.raises(ValueError, match="usd and jpy cannot be added"):
        dollars + yen
    with pytest.raises(ValueError, match="usd and jpy cannot be added"):
        dollars - yen


@pytest.mark.parametrize(
    ("value", "whole"),
    [("0.5", 1), ("1.5", 2), ("2.5", 3), ("-0.5", -1), ("-2.5", -3), ("2.4999999999", 2), ("-2.4999999999", -2)],
)
def test_halves_go_away_from_zero(value: str, whole: int) -> None:
    """The one rounding of amounts."""
    assert whole == round_half_up(Decimal(value))


@pytest.mark.parametrize(
    ("exact", "whole"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param(["0.5"], [1], id="one-half-up"),
        pytest.param(["-0.5"], [-1], id="one-half-away-from-zero"),
        pytest.param(["33.4", "33.3", "33.3"], [34, 33, 33], id="largest-remainder-gets-the-missing-unit"),
        pytest.param(["0.5", "0.5", "0.5"], [1, 1, 0], id="earlier-part-first-among-equals"),
        pytest.param(["-435.4839", "1088.7097"], [-436, 1089], id="credit-and-charge-of-25-january"),
        pytest.param(["-1354.8387", "3387.0968"], [-1355, 3387], id="credit-and-charge-of-11-january"),
        pytest.param(["-0.25", "-0.25"], [0, -1], id="two-quarter-credits"),
        pytest.param(["-1.5", "-1.5"], [-1, -2], id="two-half-credits"),
        pytest.param(["100", "-40", "0"], [100, -40, 0], id="whole-amounts-stay"),
    ],
)
def test_apportioned_parts(exact: list[str], whole: list[int]) -> None:
    """Parts go down and the units missing from the rounded total go to the largest remainders."""
    assert whole == apportion([Decimal(part) for part in exact])


def test_a_half_made_of_thirds_is_a_half() -> None:
    """Parts that no decimal can hold still round as their true sum: a sixth and a third of a unit are half a unit."""
    with localcontext() as context:
        context.prec = DECIMAL_PRECISION
        sixth, third = Decimal(1) / Decimal(6), Decimal(1) / Decimal(3)
        missing_half = [-third, -third, -third, Decimal("0.5")]

    assert 1 == round_sum([sixth, third])
    assert -1 == round_sum(missing_half)
    assert -1 == sum(apportion(missing_half))
    assert [0, 0, 1] == sorted(apportion([third, third, third]))
