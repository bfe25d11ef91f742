"""Lines of an invoice that a person writes (api.md §2.16)."""

from datetime import datetime
from decimal import Decimal

import pytest

from sumac.billing.rules.manual import (
    FeatureCharge,
    FreeLine,
    PlanCharge,
    Stretch,
    compute_free_line,
    compute_plan_lines,
)
from sumac.catalog.model import BasePrice, Plan
from sumac.core.errors import BadRequest
from sumac.core.time import Period
from sumac.invoices.model import LineDraft
from tests.rules.offers import FEATURES, JANUARY, MONTHLY, ONCE, at, item, prepaid, usage_based

FEBRUARY = at("2026-02-01")
OPEN = Stretch()
PLAN = Plan(
    "pro",
    1,
    "Pro",
    JANUARY,
    price=BasePrice(Decimal(31), MONTHLY),
    items=(
        item("seats", 2, price=prepaid("10")),
        item("words", 0, reset=None, price=prepaid("5", cadence=ONCE, units=100)),
        item("messages", 1000, price=usage_based("0.10")),
        item("sso", 0),
    ),
)


def lines(*features: FeatureCharge, stretch: Stretch = OPEN, now: datetime = JANUARY) -> list[LineDraft]:
    """The lines of the plan with these features."""
    charge = PlanCharge("pro", None, stretch, features)
    return list(compute_plan_lines(PLAN, charge, FEATURES, currency="usd", now=now))


def part(
    feature_id: str, quantity: int | None = None, usage: int | None = None, stretch: Stretch = OPEN
) -> FeatureCharge:
    """Units of a feature, bought or used."""
    return FeatureCharge(
        feature_id,
        None if quantity is None else Decimal(quantity),
        None if usage is None else Decimal(usage),
        stretch,
    )


def amounts(drafts: list[LineDraft]) -> list[str]:
    """Exact cents."""
    return [f"{draft.exact_minor.normalize():f}" for draft in drafts]


def test_the_base_price_alone() -> None:
    """Without any feature named the plan costs its base price, for the period from the invoice's date."""
    (line,) = lines()

    assert (["3100"], Period(JANUARY, FEBRUARY), None, "pro") == (
        amounts([line]),
        line.period,
        line.customer_plan_id,
        line.plan_id,
    )


def test_quantities_and_usage() -> None:
    """Seats beyond the included two, words in packs of 100 once, messages beyond the included thousand."""
    found = lines(part("seats", 5), part("words", 150), part("messages", usage=1200))

    assert ["3100", "3000", "1000", "2000"] == amounts(found)
    assert [None, "seats", "words", "messages"] == [line.feature_id for line in found]
    assert [Period(JANUARY, FEBRUARY), Period(JANUARY, FEBRUARY), None, None] == [line.period for line in found]


def test_usage_within_what_is_included() -> None:
    """It costs nothing, and is no line."""
    assert ["3100"] == amounts(lines(part("messages", usage=1000)))


@pytest.mark.parametrize(
    ("stretch", "amount", "period"),
    [
        (Stretch(at("2026-01-22"), FEBRUARY, prorate=True), "1000", Period(at("2026-01-22"), FEBRUARY)),
        (Stretch(JANUARY, FEBRUARY, prorate=True), "3100", Period(JANUARY, FEBRUARY)),
        (Stretch(at("2026-01-22"), FEBRUARY), "3100", Period(at("2026-01-22"), FEBRUARY)),
        (Stretch(FEBRUARY), "3100", Period(FEBRUARY, at("2026-03-01"))),
    ],
)
def test_the_time_it_is_for(stretch: Stretch, amount: str, period: Period) -> None:
    """Prorated, a price costs the part of its period that ends there: 10 of 31 days are 10 of 31 dollars."""
    (line,) = lines(stretch=stretch)

    assert ([amount], period) == (amounts([line]), line.period)


def test_a_feature_may_have_its_own_time() -> None:
    """Half a January of seats beside a whole one of the plan; usage shows the time it was used in."""
    half = Stretch(at("2026-01-16T12:00:00"), FEBRUARY, prorate=True)
    used = Stretch(at("2025-12-01"), JANUARY)
    found = lines(part("seats", 3, stretch=half), part("messages", usage=1100, stretch=used))

    assert ["3100", "500", "1000"] == amounts(found)
    assert [half.start, used.start] == [line.period.start for line in found[1:] if line.period]


@pytest.mark.parametrize(
    ("charged", "said"),
    [
        (part("sso", 1), "has no price"),
        (part("unknown", 1), "has no price"),
        (part("seats", usage=1), "needs a quantity in place of a usage"),
        (part("messages", 1), "needs a usage in place of a quantity"),
        (part("messages", usage=1, stretch=Stretch(JANUARY, FEBRUARY, prorate=True)), "billed as it was used"),
        (part("seats", 3, stretch=Stretch(prorate=True)), "needs period_end"),
    ],
)
def test_refused(charged: FeatureCharge, said: str) -> None:
    """What the plan does not sell in that way is refused in words that say what it does."""
    with pytest.raises(BadRequest, match=said) as refused:
        lines(charged)

    assert "invalid_inputs" == refused.value.code


def test_a_free_line() -> None:
    """An amount in major units becomes exact minor ones, and belongs to no plan."""
    period = Period(JANUARY, FEBRUARY)
    line = compute_free_line(FreeLine(Decimal("1.005"), "Set-up", period), currency="kwd")

    assert (Decimal(1005), "Set-up", period, None) == (line.exact_minor, line.description, line.period, line.plan_id)
