"""Totals are rounded once, lines add up to them (billing.md §2.3)."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from sumac.core.money import Money
from sumac.core.time import Period
from sumac.invoices.model import Line, LineDraft
from sumac.invoices.rules.totals import compute_lines, compute_total
from tests.rules.offers import JANUARY, at

MONTH = Period(JANUARY, at("2026-02-01"))


def draft(exact_minor: str) -> LineDraft:
    """A line of an exact amount of minor units."""
    return LineDraft("Pro", "Pro - base price", Decimal(exact_minor), Decimal(2), "pro", "seats", MONTH)


@pytest.mark.parametrize(
    ("exact", "lines", "total"),
    [
        pytest.param([], [], 0, id="nothing"),
        pytest.param(["2000"], [2000], 2000, id="whole"),
        pytest.param(["-435.483871", "1088.709677"], [-436, 1089], 653, id="25-january-is-6.53"),
        pytest.param(["-1354.838710", "3387.096774"], [-1355, 3387], 2032, id="11-january-is-20.32"),
        pytest.param(["-1000", "17534.246575"], [-1000, 17534], 16534, id="monthly-to-annual-is-165.34"),
        pytest.param(["0.5", "0.5"], [1, 0], 1, id="two-halves"),
        pytest.param(["-2000.5"], [-2001], -2001, id="a-credit-of-a-half"),
        pytest.param(["1451.612903", "-1451.612903"], [1452, -1452], 0, id="nothing-in-sum"),
    ],
)
def test_lines_and_total(exact: Sequence[str], lines: list[int], total: int) -> None:
    """The exact sum is rounded half up; the largest remainders get the units missing from it."""
    rounded = compute_lines([draft(each) for each in exact], "usd")

    assert lines == [line.amount.minor for line in rounded]
    assert Money(total, "usd") == compute_total(rounded, "usd")


def test_only_the_amount_changes() -> None:
    """A line says the same before and after it is rounded."""
    (line,) = compute_lines([draft("1999.6")], "eur")

    assert (
        Line("Pro", "Pro - base price", Money(2000, "eur"), Decimal("1999.6"), Decimal(2), "pro", "seats", MONTH)
        == line
    )
