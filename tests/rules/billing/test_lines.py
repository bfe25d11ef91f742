"""Lines of an invoice: proration, credits, overage (billing.md §2.2, §2.3, §10.8)."""

# ruff: noqa: ANN401  # `changes` are fields of the value being made, of any type

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.model import (
    Holding,
)
from sumac.billing.rules.lines import advance_lines, credit_lines, one_off_lines, overage_lines, prepaid_of, prorate
from sumac.catalog.model import ItemPrice, Plan
from sumac.core.money import round_sum
from sumac.core.time import Period
from sumac.invoices.model import LineDraft
from sumac.invoices.rules.discounts import Discount, compute_discounts
from tests.rules.offers import (
    FEATURES,
    JANUARY,
    ONCE,
    ONE_OFF,
    PREMIUM,
    PRO,
    PRO_ANNUAL,
    QUARTERLY,
    YEARLY,
    at,
    grant,
    held,
    item,
    plan,
    prepaid,
    usage_based,
)

MONTH = Period(JANUARY, at("2026-02-01"))
USD: dict[str, Any] = {"features": FEATURES, "currency": "usd"}


def credit(holding: Holding, now: str) -> list[LineDraft]:
    return list(credit_lines(holding, now=at(now), **USD))


def charge(offer: Plan, now: str, quantities: dict[str, int] | None = None, **more: Any) -> list[LineDraft]:
    chosen = {feature_id: Decimal(quantity) for feature_id, quantity in (quantities or {}).items()}
    holding = held(offer, anchor_at=more.pop("anchor", JANUARY), quantities=chosen)
    return list(advance_lines(holding, now=at(now), **{**USD, **more}))


def once(offer: Plan, quantities: dict[str, int] | None = None) -> list[LineDraft]:
    chosen = {feature_id: Decimal(quantity) for feature_id, quantity in (quantities or {}).items()}
    return list(one_off_lines(held(offer, quantities=chosen), **USD))


def cents(lines: list[LineDraft]) -> int:
    """The total, rounded once."""
    return round_sum([line.exact_minor for line in lines])


@pytest.mark.parametrize(
    ("now", "credited", "charged", "net"),
    [
        ("2026-01-16 12:00", "-1000", "2500", 1500),
        ("2026-01-11 00:00", "-1354.838710", "3387.096774", 2032),
        ("2026-01-25 06:00", "-435.483871", "1088.709677", 653),
        ("2026-01-01 00:00", "-2000", "5000", 3000),
    ],
)
def test_switch_within_a_month(now: str, credited: str, charged: str, net: int) -> None:
    """Pro gives back its unused time, Premium costs the rest of the month; the sum is rounded once."""
    back, due = credit(held(PRO), now), charge(PREMIUM, now)

    assert [Decimal(credited)] == [round(line.exact_minor, 6) for line in back]
    assert [Decimal(charged)] == [round(line.exact_minor, 6) for line in due]
    assert net == cents([*back, *due])


def test_from_monthly_to_annual() -> None:
    """Pro since January, annual on 15 February: 200 x 320/365 - 20 x 14/28 = 165.34; at the start of a cycle 180."""
    renewed = held(PRO, period_start=at("2026-02-01"), period_end=at("2026-03-01"))
    back, due = credit(renewed, "2026-02-15"), charge(PRO_ANNUAL, "2026-02-15")

    assert [-1000] == [line.exact_minor for line in back]
    assert Decimal("17534.2466") == round(due[0].exact_minor, 4)
    assert Period(at("2026-02-15"), at("2027-01-01")) == due[0].period
    assert 16534 == cents([*back, *due])
    assert 18000 == cents([*credit(held(PRO), "2026-01-01"), *charge(PRO_ANNUAL, "2026-01-01")])


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2025-12-31", 31),
        ("2026-01-01", 31),
        ("2026-01-02", 30),
        ("2026-01-31", 1),
        ("2026-02-01", 0),
        ("2026-03-01", 0),
    ],
)
def test_prorating_stays_within_the_period(now: str, expected: int) -> None:
    """All of it before the period, nothing after."""
    assert expected == prorate(Decimal(31), MONTH, at(now))


def test_a_half_cent_stays_a_half_cent() -> None:
    """$20.10 for seven days of twelve is 1172.5 cents exactly, which rounds up."""
    twelve_days = Period(at("2026-01-01"), at("2026-01-13"))

    assert Decimal("1172.5") == prorate(Decimal(2010), twelve_days, at("2026-01-06"))


def test_each_price_has_its_own_period() -> None:
    """A monthly base with yearly seats: in mid-year each is charged to the end of its own period."""
    mixed = plan("mixed", 20, item("seats", 0, price=prepaid("120", cadence=YEARLY)))
    lines = charge(mixed, "2026-07-01", {"seats": 2})

    assert [2000, Decimal("12098.6301")] == [round(line.exact_minor, 4) for line in lines]
    periods = [Period(at("2026-07-01"), at("2026-08-01")), Period(at("2026-07-01"), at("2027-01-01"))]
    assert periods == [line.period for line in lines]


def test_only_what_begins_now_is_renewed() -> None:
    """Monthly prices renew every month, yearly ones once a year."""
    mixed = plan("mixed", 20, item("seats", 0, price=prepaid("120", cadence=YEARLY)))

    assert [None] == [line.feature_id for line in charge(mixed, "2026-07-01", {"seats": 2}, boundary_only=True)]
    assert [None, "seats"] == [
        line.feature_id for line in charge(mixed, "2027-01-01", {"seats": 2}, boundary_only=True)
    ]
    assert [] == charge(mixed, "2026-07-02", {"seats": 2}, boundary_only=True)


def test_one_off_prices_are_charged_whole_and_never_given_back() -> None:
    """A base of $10 and 100 units at $10 cost $20 whenever they are bought."""
    chosen = {"messages": Decimal(100)}
    lines = once(ONE_OFF, {"messages": 100})

    assert [1000, 1000] == [line.exact_minor for line in lines]
    assert [None, None] == [line.period for line in lines]
    assert [] == charge(ONE_OFF, "2026-01-16", {"messages": 100})
    assert [] == credit(held(ONE_OFF, quantities=chosen), "2026-01-16")
    assert [] == once(PRO)


def test_mixed_plan() -> None:
    """Base $20, 100 words for $15 a month and 100 messages for $10 once are $45; without quantities $20."""
    mixed = plan(
        "mixed",
        20,
        item("words", 0, price=prepaid("15", units=100)),
        item("messages", 0, reset=None, price=prepaid("10", cadence=ONCE, units=100)),
    )

    assert 4500 == cents([*charge(mixed, "2026-01-01", {"words": 100}), *once(mixed, {"words": 100, "messages": 100})])
    assert 2000 == cents([*charge(mixed, "2026-01-01"), *once(mixed)])


@pytest.mark.parametrize(("total", "packs"), [(100, 0), (101, 1), (200, 1), (201, 2), (300, 2), (0, 0)])
def test_chosen_quantities_count_the_included_units(total: int, packs: int) -> None:
    """100 included and packs of 100: whole packs beyond the included units (billing.md §1.6)."""
    words = item("words", 100, price=prepaid("15", units=100))

    assert packs * 100 == prepaid_of(words, {"words": Decimal(total)})


def test_nothing_chosen_is_nothing_bought() -> None:
    """Neither without a quantity, nor of a feature that is paid for after use or not at all."""
    assert 0 == prepaid_of(item("words", 0, price=prepaid("15")), {})
    assert 0 == prepaid_of(item("words", 0, price=usage_based("15")), {"words": Decimal(5)})
    assert 0 == prepaid_of(item("words", 5), {"words": Decimal(9)})


def test_units_given_away_leave_no_credit() -> None:
    """A price of zero is shown when it is charged, and there is nothing of it to give back."""
    gift = plan("gift", 20, item("seats", 0, price=prepaid("0")))

    assert [2000, 0] == [line.exact_minor for line in charge(gift, "2026-01-01", {"seats": 3})]
    assert [-2000] == [line.exact_minor for line in credit(held(gift, quantities={"seats": Decimal(3)}), "2026-01-01")]


def test_a_discounted_plan_is_left_for_a_dearer_one() -> None:
    """Pro paid with $16 for 20 % off: at half -8, and Premium's 25 less 20 % are 20: $12 (§20.1 case 34, §14.3)."""
    (paid,) = charge(PRO, "2026-01-01")
    discounted = replace(paid, exact_minor=Decimal(1600))
    back = list(credit_lines(held(PRO), now=at("2026-01-16 12:00"), charges=[discounted], **USD))
    due = compute_discounts(charge(PREMIUM, "2026-01-16 12:00"), [Discount(percent=Decimal(20))])

    assert ([-800], [2500], [500]) == (
        [line.exact_minor for line in back],
        [line.exact_minor for line in due],
        [line.exact_discount_minor for line in due],
    )


def test_nothing_is_given_back_during_a_trial() -> None:
    """What was not paid is not credited; afterwards it is."""
    on_trial = held(PRO, anchor_at=at("2026-01-15"), trial_ends_at=at("2026-01-15"))

    assert [] == credit(on_trial, "2026-01-10")
    assert -1000 == cents(credit(on_trial, "2026-01-30 12:00"))


def test_nothing_is_given_back_of_a_period_not_yet_begun() -> None:
    """At the instant a period ends, the next one has not been paid for."""
    assert [] == credit(held(PRO), "2026-02-01")


def test_lines_say_what_they_are_for() -> None:
    """Name, description, quantity, plan and feature."""
    seats = plan("team", 49, item("seats", 5, price=prepaid("10")))
    base, more = charge(seats, "2026-01-01", {"seats": 10})
    (back,) = credit(held(PRO), "2026-01-16")

    assert ("Team", "Team - base price", 1, "team", None) == (
        base.display_name, base.description, base.quantity, base.plan_id, base.feature_id,
    )  # fmt: skip
    assert ("Seats", "5 seats", 5, "team", "seats") == (
        more.display_name, more.description, more.quantity, more.plan_id, more.feature_id,
    )  # fmt: skip
    assert "Unused time: Pro - base price" == back.description


def test_lines_of_a_feature_that_is_gone() -> None:
    """A feature deleted since then is called by its id."""
    (line,) = list(
        advance_lines(
            held(plan("team", None, item("seats", 0, price=prepaid("10"))), quantities={"seats": Decimal(1)}),
            {},
            currency="usd",
            now=JANUARY,
        )
    )
    used = grant("seats", 0, 3, customer_plan_id="held-team", overage_allowed=True, price=usage_based("10"))
    team = held(plan("team", None, item("seats", price=usage_based("10"))))
    (overage,) = list(overage_lines(team, [used], {}, currency="usd", at=at("2026-02-01"), closing=False))

    assert ("seats", "1 seats") == (line.display_name, line.description)
    assert "seats" == overage.display_name


@pytest.mark.parametrize(("currency", "minor"), [("usd", 2000), ("jpy", 20), ("kwd", 20_000)])
def test_minor_units_of_the_currency(currency: str, minor: int) -> None:
    """Exact amounts are in the currency's own minor units."""
    assert [minor] == [line.exact_minor for line in charge(PRO, "2026-01-01", currency=currency)]


def overage(at_: str, *, closing: bool, **changes: Any) -> list[LineDraft]:
    """Overage of a Pro customer who used 150 of 100 messages."""
    used = grant("messages", 100, 150, customer_plan_id="held-pro", overage_allowed=True, price=usage_based("0.10"))
    return list(overage_lines(held(PRO), [replace(used, **changes)], at=at(at_), closing=closing, **USD))


def test_overage_is_billed_at_the_end_of_its_period() -> None:
    """50 units beyond at $0.10 are $5, for the period that ends."""
    (line,) = overage("2026-02-01", closing=False)

    assert (500, 50, "messages", MONTH) == (line.exact_minor, line.quantity, line.feature_id, line.period)
    assert "50 used beyond 100" in line.description


@pytest.mark.parametrize(
    ("used", "price", "cents"),
    [
        pytest.param("170", usage_based("0.05"), 350, id="words"),
        pytest.param("155", usage_based("1", units=10), 600, id="one-entity-plan"),
        pytest.param("123", usage_based("1", units=10), 300, id="the-other-entity-plan"),
        pytest.param("178", usage_based("1", units=10), 800, id="both-of-one-item"),
        pytest.param("100.0000000001", usage_based("1", units=10), 100, id="a-hair-beyond"),
        pytest.param("110", usage_based("1", units=10), 100, id="exactly-a-pack"),
        pytest.param("100.3", usage_based("0.10"), 10, id="a-part-of-a-unit"),
    ],
)
def test_what_overage_costs(used: str, price: ItemPrice, cents: int) -> None:
    """Whole packs of what was used beyond 100, for one grant at a time (§9.4)."""
    (line,) = overage("2026-02-01", closing=False, balance=100 - Decimal(used), price=price)

    assert cents == line.exact_minor
    assert f"{Decimal(used) - 100:,f} used beyond 100" in line.description


def test_overage_before_the_end_is_billed_only_when_the_plan_is_left() -> None:
    """In mid-month nothing is due; leaving bills what was used so far."""
    assert [] == overage("2026-01-16", closing=False)

    (line,) = overage("2026-01-16", closing=True)
    assert (500, Period(JANUARY, at("2026-01-16"))) == (line.exact_minor, line.period)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"balance": Decimal(0)}, id="nothing-beyond"),
        pytest.param({"customer_plan_id": "held-other"}, id="another-plan"),
        pytest.param({"price": None}, id="free"),
        pytest.param({"overage_allowed": False}, id="paid-in-advance"),
        pytest.param({"unlimited": True}, id="unlimited"),
    ],
)
def test_no_overage(changes: dict[str, Any]) -> None:
    """Only this plan's units, paid for after use, beyond what was granted."""
    assert [] == overage("2026-02-01", closing=True, **changes)


def test_usage_begins_with_the_plan() -> None:
    """A plan that joined a running cycle was used from its own start only."""
    joined = held(PRO, at("2026-01-10"), anchor_at=JANUARY)
    used = grant("messages", 100, 150, customer_plan_id="held-pro", overage_allowed=True, price=usage_based("0.10"))
    (line,) = overage_lines(joined, [used], at=at("2026-02-01"), closing=False, **USD)

    assert Period(at("2026-01-10"), at("2026-02-01")) == line.period


def test_a_quarterly_price_is_billed_by_the_quarter() -> None:
    """Overage of a quarterly price waits for its own boundary."""
    quarterly = {"price": usage_based("0.10", cadence=QUARTERLY), "reset": QUARTERLY}

    assert [] == overage("2026-02-01", closing=False, **quarterly)
    assert [] == overage("2026-03-01", closing=False, **quarterly)
    (line,) = overage("2026-04-01", closing=False, **quarterly)
    assert (500, Period(JANUARY, at("2026-04-01"))) == (line.exact_minor, line.period)
