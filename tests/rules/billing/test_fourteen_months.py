"""Fourteen months of renewals land on the boundaries of the anchor, whatever its day (billing.md §2.1, §20.1)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest

from sumac.billing.model import Holding, RenewPlan, ResetGrants
from sumac.billing.rules.turn import decide_turn
from sumac.core.time import boundary
from tests.rules.decisions import cents
from tests.rules.offers import MONTHLY, PRO, QUARTERLY, YEARLY, at, grant, held, item, plan, prepaid, snapshot

MONTHS = 14


def renewals(holding: Holding) -> Iterator[tuple[datetime, int, datetime | None]]:
    """Each renewal's instant, what it costs, and when the messages are full again after it."""
    last = holding.held.anchor_at
    full = grant("messages", 100, 40, customer_plan_id=holding.held.id, anchor_at=last)
    full = replace(full, resets_at=boundary(last, MONTHLY, 1))
    for _ in range(MONTHS):
        at_ = holding.held.period_end
        assert at_ is not None
        decision = decide_turn(snapshot(holding, grants=[full]), at=at_)
        (renewed,) = [action.held for action in decision.actions if isinstance(action, RenewPlan)]
        (reset,) = [action.grants for action in decision.actions if isinstance(action, ResetGrants)]
        holding, (full,) = Holding(renewed, holding.plan), reset
        yield at_, cents(decision), full.resets_at


@pytest.mark.parametrize("hour", ["00:00", "10:30", "23:59"])
@pytest.mark.parametrize(
    "started",
    [
        *(f"{year}-01-{day}" for year in (2026, 2027, 2028) for day in (28, 29, 30, 31)),
        "2028-02-29",
        "2027-12-31",
        "2026-08-31",
        "2026-10-30",
    ],
)
def test_every_month_of_the_anchor(started: str, hour: str) -> None:
    """Never chained: after a short month the day is the anchor's again, and the reset comes with the renewal."""
    anchor = at(f"{started} {hour}")
    months = list(renewals(held(PRO, anchor)))

    assert [boundary(anchor, MONTHLY, number) for number in range(1, MONTHS + 1)] == [each[0] for each in months]
    assert [boundary(anchor, MONTHLY, number) for number in range(2, MONTHS + 2)] == [each[2] for each in months]
    assert {2000} == {each[1] for each in months}


def test_the_days_by_name() -> None:
    """From 31 January 2027 over the leap year's February, written out."""
    days = [each[0] for each in renewals(held(PRO, at("2027-01-31")))]

    assert [
        at(day)
        for day in (
            "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-06-30", "2027-07-31", "2027-08-31",
            "2027-09-30", "2027-10-31", "2027-11-30", "2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31",
        )
    ] == days  # fmt: skip


def test_a_year_beside_the_months() -> None:
    """A yearly price with monthly seats from 29 February: the year is billed on 28 February, the seats every month."""
    mixed = plan("mixed", 200, item("messages", 100), item("seats", 0, price=prepaid("5")), cadence=YEARLY)
    chosen = held(mixed, at("2028-02-29"), quantities={"seats": 2})

    totals = [each[1] for each in renewals(chosen)]
    assert [1000] * 11 + [21000] + [1000] * 2 == totals


def test_quarters_beside_the_months() -> None:
    """Seats every quarter from 30 November: 28 February, 30 May, 30 August, with the month's price on each."""
    mixed = plan("mixed", 20, item("messages", 100), item("seats", 0, price=prepaid("5", cadence=QUARTERLY)))
    chosen = held(mixed, at("2026-11-30"), quantities={"seats": 2})

    months = list(renewals(chosen))
    assert [2000, 2000, 3000] * 4 + [2000, 2000] == [each[1] for each in months]
    assert [at("2027-02-28"), at("2027-05-30"), at("2027-08-30")] == [each[0] for each in months[:9] if each[1] == 3000]
