"""Exact quantities at ten decimal places, and whole packs (billing.md §1.6, §5.4, §5.7)."""

from decimal import Decimal, localcontext

import pytest

from sumac.core.quantity import from_text, packs_for, rounded


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.1", "0.1"),
        ("0.12345678901", "0.123456789"),
        ("0.12345678909", "0.1234567891"),
        ("1.0000000000", "1"),
        ("1E+3", "1000"),
        ("9999999999999.9999999999", "9999999999999.9999999999"),
        ("-0.00000000001", "0"),
        ("-7.50", "-7.5"),
    ],
)
def test_ten_decimal_places(value: str, expected: str) -> None:
    """Ten places are kept, trailing zeros and exponents are not, and nothing is no negative number."""
    assert expected == str(rounded(Decimal(value)))


def test_decimals_stay_exact() -> None:
    """0.1 + 0.2 is 0.3, and so it stays at a credit cost of 0.2."""
    assert Decimal("0.06") == rounded((Decimal("0.1") + Decimal("0.2")) * Decimal("0.2"))


def test_rounding_does_not_depend_on_the_surroundings() -> None:
    """A caller's decimal context does not take digits away."""
    with localcontext() as context:
        context.prec = 5

        assert Decimal("1234567890123.0123456789") == rounded(Decimal("1234567890123.0123456789"))


@pytest.mark.parametrize(("text", "value"), [("12", "12"), ("-0.5", "-0.5"), ("1e3", "1000"), ("0.10", "0.1")])
def test_from_text(text: str, value: str) -> None:
    """Numbers written out."""
    assert Decimal(value) == from_text(text)


@pytest.mark.parametrize("text", ["", "many", "NaN", "sNaN", "Infinity", "-inf", "1,5"])
def test_not_a_number(text: str) -> None:
    """Only finite decimals are quantities."""
    with pytest.raises(ValueError, match="number"):
        from_text(text)


@pytest.mark.parametrize(
    ("quantity", "included", "billing_units", "packs"),
    [
        ("200", "100", "100", 1),
        ("201", "100", "100", 2),
        ("300", "0", "100", 3),
        ("100", "100", "100", 0),
        ("50", "100", "100", 0),
        ("0", "0", "1", 0),
        ("5", "2", "1", 3),
        ("0.3", "0", "0.1", 3),
        ("100.0000000001", "100", "1", 1),
    ],
)
def test_packs(quantity: str, included: str, billing_units: str, packs: int) -> None:
    """The fewest whole packs that cover what the included units do not."""
    assert packs == packs_for(Decimal(quantity), included=Decimal(included), billing_units=Decimal(billing_units))
