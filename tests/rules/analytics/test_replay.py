"""A past period on some terms: worked numbers (decision 0023, billing.md §2.4)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from sumac.analytics.model import FeatureReplay, PeriodBill, Used
from sumac.analytics.rules.replay import compute_period_bill, compute_steps
from sumac.billing.model import Holding
from sumac.catalog.model import ItemPrice, Plan, Tier, TierBehavior
from sumac.core.errors import BadRequest
from sumac.core.time import Cadence, Interval, Period
from tests.rules.offers import JANUARY, MONTHLY, PRO, YEARLY, at, held, item, plan, prepaid, snapshot, usage_based

FEBRUARY, MID_FEBRUARY = at("2026-02-01"), at("2026-02-15")
MONTH = Period(JANUARY, FEBRUARY)
WEEKLY = Cadence(Interval.WEEK)
BANDS = (Tier(Decimal(200), Decimal("0.10")), Tier(None, Decimal("0.05")))


def used(units: int | str, feature_id: str = "messages", on: datetime = JANUARY) -> Used:
    """Units used on a day."""
    return Used(on, feature_id, Decimal(units))


def replay(offer: Plan | Holding, usage: Sequence[Used] = (), period: Period = MONTH) -> PeriodBill:
    """January of somebody who holds the plan."""
    holding = held(offer) if isinstance(offer, Plan) else offer
    return compute_period_bill(snapshot(), holding, usage, period)


def parts(bill: PeriodBill) -> tuple[int, int, int]:
    """Recurring, prepaid and overage, in cents."""
    return bill.recurring.minor, bill.prepaid.minor, bill.overage.minor


def outcome(bill: PeriodBill, feature_id: str = "messages") -> FeatureReplay:
    """What became of a feature."""
    return {each.feature_id: each for each in bill.features}[feature_id]


def tiered(behavior: TierBehavior) -> ItemPrice:
    """$0.10 up to 200 units, $0.05 beyond, included units counted."""
    return replace(usage_based("0"), amount=None, tiers=BANDS, tier_behavior=behavior)


@pytest.mark.parametrize(
    ("offer", "units", "cents"),
    [
        (plan("packs", 20, item("messages", 1000, price=usage_based("2", units=500))), 1800, (2000, 0, 400)),
        (plan("packs", 20, item("messages", 500, price=usage_based("1", units=100))), 1800, (2000, 0, 1300)),
        (plan("within", 20, item("messages", 1000, price=usage_based("2", units=500))), 1000, (2000, 0, 0)),
        (plan("bands", None, item("messages", 100, price=tiered(TierBehavior.GRADUATED))), 350, (0, 0, 1750)),
        (plan("bands", None, item("messages", 100, price=tiered(TierBehavior.VOLUME))), 150, (0, 0, 1500)),
        (plan("free", None, item("messages", 100)), 350, (0, 0, 0)),
        (plan("endless", 20, item("messages", unlimited=True)), 350, (2000, 0, 0)),
    ],
)
def test_usage_is_billed_as_the_engine_bills_it(offer: Plan, units: int, cents: tuple[int, int, int]) -> None:
    """Packs are whole; graduated bands each at their rate (100 at 0.10, 150 at 0.05); volume all at the one reached."""
    assert cents == parts(replay(offer, [used(units)]))


def test_seats_are_billed_for_the_time_they_are_held() -> None:
    """8 seats at $10: 3 beyond 5 included are $30 a month, and half as much in half of February."""
    many, few = (plan("team", None, item("seats", number, price=usage_based("10"))) for number in (5, 3))
    seats = [used(8, "seats")]

    assert (0, 0, 3000) == parts(replay(many, seats))
    assert (0, 0, 5000) == parts(replay(few, seats))
    assert (0, 0, 4500) == parts(replay(many, seats, Period(JANUARY, MID_FEBRUARY)))


def test_seats_that_nobody_sells_are_refused() -> None:
    """Held units beyond a number that cannot be bought are named, and cost nothing."""
    bill = replay(plan("team", 20, item("seats", 5)), [used(8, "seats")])

    assert (2000, 0, 0) == parts(bill)
    assert (Decimal(3), JANUARY) == (outcome(bill, "seats").refused, outcome(bill, "seats").ran_out_at)


def test_what_is_paid_in_advance_counts_by_its_share() -> None:
    """A year for $365 is $31 in January; 3 packs of 100 chosen are $30; what is paid once is left out."""
    yearly = plan("yearly", 365, cadence=YEARLY)
    packs = held(plan("packs", None, item("messages", price=prepaid("10", units=100))))
    chosen = replace(packs, held=replace(packs.held, quantities={"messages": Decimal(300)}))
    once = plan("once", 10, cadence=Cadence(Interval.ONE_OFF))

    assert (3100, 0, 0) == parts(replay(yearly))
    assert (0, 3000, 0) == parts(replay(chosen, [used(300)]))
    assert (0, 0, 0) == parts(replay(once))


def test_units_run_out_on_a_day_and_the_rest_is_refused() -> None:
    """100 units: 60 on the 2nd, 60 on the 3rd; gone on the 3rd, 20 refused, and it stays that day."""
    days = [used(60, on=at(f"2026-01-0{day}")) for day in (2, 3, 4)]
    bill = replay(plan("free", None, item("messages", 100)), days)

    assert FeatureReplay("messages", Decimal(180), Decimal(80), at("2026-01-03"), is_included=True) == outcome(bill)


def test_no_more_is_bought_than_may_be() -> None:
    """10 included and at most 5 bought at $1: of 20 units 5 are refused."""
    capped = usage_based("1", max_purchase=Decimal(5))
    bill = replay(plan("capped", None, item("messages", 10, price=capped)), [used(20)])

    assert (0, 0, 500) == parts(bill)
    assert Decimal(5) == outcome(bill).refused


def test_units_come_back_within_the_period() -> None:
    """10 a week, $1 beyond: 15 in each of two weeks are 5 + 5 beyond; given back units count as not used."""
    weekly = plan("weekly", None, item("messages", 10, reset=WEEKLY, price=usage_based("1", cadence=WEEKLY)))
    second = at("2026-01-08")

    assert (0, 0, 1000) == parts(replay(weekly, [used(15), used(15, on=second)]))
    assert (0, 0, 700) == parts(replay(weekly, [used(15), used(15, on=second), used(-3, on=second)]))


def test_credits_pay_in_the_engines_order() -> None:
    """100 credits at 0.2 pay for 500 actions; of 600, 100 are refused, and it is the credits that run out."""
    bill = replay(plan("credits", None, item("credits", 100)), [used(600, "action1")])

    assert FeatureReplay("action1", Decimal(600), Decimal(100), is_included=True) == outcome(bill, "action1")
    spent = FeatureReplay("credits", Decimal(100), ran_out_at=JANUARY, is_included=True)
    assert spent == outcome(bill, "credits")


def test_what_is_not_included_is_refused() -> None:
    """Usage of a feature that the terms do not give, and none of one that is no longer there."""
    bill = replay(plan("bare", 20), [used(7, "words"), used(7, "gone")])

    assert (FeatureReplay("words", Decimal(7), Decimal(7)),) == bill.features


def test_where_periods_really_begin_does_not_matter() -> None:
    """Anchor, trial and waiting change of the anchor are not the replayed period's: the same usage costs the same."""
    usage = [used(130, on=at("2026-01-20"))]
    elsewhere = held(PRO, at("2025-11-15"), next_anchor_at=at("2026-01-10"))

    assert replay(PRO, usage) == replay(elsewhere, usage)
    assert (2000, 0, 300) == parts(replay(PRO, usage))


@pytest.mark.parametrize(
    ("reset", "period", "steps", "second"),
    [
        (MONTHLY, MONTH, 31, at("2026-01-02")),
        (MONTHLY, Period(JANUARY, at("2026-01-02 06:00")), 2, at("2026-01-02")),
        (Cadence(Interval.HOUR), MONTH, 744, at("2026-01-01 01:00")),
    ],
)
def test_steps_are_days_or_hours(reset: Cadence, period: Period, steps: int, second: datetime) -> None:
    """Days from the period's start, hours where units come by the hour, the last one as long as is left."""
    edges = compute_steps([plan("any", None, item("messages", 10, reset=reset))], period)

    assert (steps + 1, period.start, second, period.end) == (len(edges), edges[0], edges[1], edges[-1])


@pytest.mark.parametrize(
    ("changes", "period", "word"),
    [
        ({}, Period(FEBRUARY, JANUARY), "after it starts"),
        ({}, Period(JANUARY, at("2026-06-01")), "92 days"),
        ({"reset": Cadence(Interval.HOUR)}, Period(JANUARY, MID_FEBRUARY), "31 days"),
        ({"reset": Cadence(Interval.MINUTE)}, MONTH, "by the minute"),
        ({"entity_feature_id": "seats"}, MONTH, "each entity"),
    ],
)
def test_what_cannot_be_replayed_is_said(changes: dict[str, Any], period: Period, word: str) -> None:
    """Too long a period, units by the minute, units per entity: each is refused with a sentence."""
    with pytest.raises(BadRequest, match=word):
        compute_steps([plan("any", None, item("messages", 10, **changes))], period)
