"""Which plan is replaced, and whether at once (billing.md §2.5, §10.2)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.billing.model import (
    Holding,
    PlanStatus,
)
from sumac.billing.rules.transition import find_current, find_paid, find_scheduled, is_trialing, is_upgrade
from sumac.catalog.model import BasePrice, Plan, Tier
from sumac.core.time import Cadence, Interval
from tests.rules.offers import (
    ADD_ON,
    FREE,
    GROWTH,
    MONTHLY,
    ONE_OFF,
    PREMIUM,
    PRO,
    PRO_ANNUAL,
    QUARTERLY,
    YEARLY,
    at,
    held,
    item,
    plan,
    prepaid,
    scheduled,
    usage_based,
)

METERED = plan("metered", None, item("messages", 0, price=usage_based("0.10")))
METERED_DEAR = plan("metered-dear", None, item("messages", 0, price=usage_based("9")))
BANDS = (Tier(Decimal(100), Decimal(30)), Tier(None, Decimal(1)))


@pytest.mark.parametrize(
    ("current", "new", "expected"),
    [
        pytest.param(FREE, PRO, True, id="free-to-paid"),
        pytest.param(PRO, FREE, False, id="paid-to-free"),
        pytest.param(FREE, plan("starter"), True, id="free-to-free"),
        pytest.param(PRO, ONE_OFF, True, id="to-one-off"),
        pytest.param(ONE_OFF, PRO, True, id="from-one-off"),
        pytest.param(METERED_DEAR, METERED, True, id="both-paid-after-use-only"),
        pytest.param(METERED, PRO, True, id="after-use-only-to-base-price"),
        pytest.param(PRO, METERED, False, id="base-price-to-after-use-only"),
        pytest.param(PRO, PREMIUM, True, id="20-to-50"),
        pytest.param(PREMIUM, PRO, False, id="50-to-20"),
        pytest.param(PRO, plan("other", 20), True, id="20-to-20"),
        pytest.param(PRO_ANNUAL, PRO, True, id="200-a-year-to-20-a-month"),
        pytest.param(plan("big", 600, cadence=YEARLY), PRO, False, id="600-a-year-to-20-a-month"),
        pytest.param(GROWTH, PRO_ANNUAL, True, id="longer-interval-is-an-upgrade"),
        pytest.param(plan("w", 5, cadence=Cadence(Interval.WEEK)), PRO, True, id="5-a-week-to-20-a-month"),
        pytest.param(PRO, plan("w", 5, cadence=Cadence(Interval.WEEK)), True, id="20-a-month-to-5-a-week"),
        pytest.param(PRO, plan("w", "4.99", cadence=Cadence(Interval.WEEK)), False, id="20-a-month-to-less-a-week"),
        pytest.param(plan("q", 60, cadence=QUARTERLY), PRO, True, id="60-a-quarter-to-20-a-month"),
        pytest.param(plan("q", "60.01", cadence=QUARTERLY), PRO, False, id="more-than-60-a-quarter-to-20-a-month"),
        pytest.param(plan("h", 121, cadence=Cadence(Interval.SEMI_ANNUAL)), PRO, False, id="121-a-half-year"),
        pytest.param(plan("two", 41, cadence=Cadence(Interval.MONTH, 2)), PRO, False, id="41-every-two-months"),
        pytest.param(plan("two", 40, cadence=Cadence(Interval.MONTH, 2)), PRO, True, id="40-every-two-months"),
        pytest.param(plan("a", 20, item("seats", 1, price=prepaid("10"))), PREMIUM, True, id="seats-count-their-rate"),
        pytest.param(plan("a", 45, item("seats", 1, price=prepaid("10"))), PREMIUM, False, id="seats-weigh-in"),
        pytest.param(PRO, plan("a", "19.99", item("words", 10**6)), False, id="unpriced-units-do-not-count"),
    ],
)
def test_is_upgrade(current: Plan, new: Plan, *, expected: bool) -> None:
    """The examples of billing.md §2.5; equal prices are an upgrade, which happens at once."""
    assert expected is is_upgrade(current, new)


def test_tiers_count_their_first_rate() -> None:
    """A tiered price weighs in with its first band; a one-off price of a recurring plan does not weigh in."""
    tiered = plan("tiered", 20, item("seats", 1, price=replace(prepaid("1"), amount=None, tiers=BANDS)))
    with_extra = plan(
        "extra", 20, item("messages", 0, reset=None, price=prepaid("99", cadence=Cadence(Interval.ONE_OFF)))
    )

    assert is_upgrade(tiered, PREMIUM)
    assert not is_upgrade(replace(tiered, price=BasePrice(Decimal(21), MONTHLY)), PREMIUM)
    assert is_upgrade(with_extra, PRO)


def test_seats_paid_for_after_use_count() -> None:
    """Only units that are used up and billed afterwards are left out; seats count though they are billed afterwards."""
    team = plan("team", 15, item("seats", 1, price=usage_based("10")))

    assert not is_upgrade(team, PRO)


def test_the_current_plan() -> None:
    """The running main plan of the same group; past due still counts."""
    owing = held(PRO, status=PlanStatus.PAST_DUE)

    assert held(PRO) == find_current([held(ADD_ON), held(ONE_OFF), held(PRO)], PREMIUM)
    assert owing == find_current([owing], PREMIUM)
    assert held(FREE) == find_current([held(FREE)], PRO)


@pytest.mark.parametrize(
    ("holding", "new"),
    [
        pytest.param(held(PRO), ADD_ON, id="an-add-on-replaces-nothing"),
        pytest.param(held(PRO), ONE_OFF, id="a-one-off-plan-replaces-nothing"),
        pytest.param(held(ADD_ON), PRO, id="an-add-on-is-not-replaced"),
        pytest.param(held(ONE_OFF), PRO, id="a-one-off-plan-is-not-replaced"),
        pytest.param(held(replace(PRO, group="support")), PREMIUM, id="another-group"),
        pytest.param(held(PRO, status=PlanStatus.EXPIRED), PREMIUM, id="an-expired-plan"),
        pytest.param(scheduled(PRO, at("2026-02-01")), PREMIUM, id="a-scheduled-plan"),
    ],
)
def test_no_current_plan(holding: Holding, new: Plan) -> None:
    """Add-ons, one-off plans and other groups stand beside each other."""
    assert find_current([holding], new) is None


def test_plans_waiting_for_the_place() -> None:
    """Scheduled main plans of the group; none for an add-on."""
    waiting, elsewhere = scheduled(PRO, at("2026-02-01")), scheduled(replace(FREE, group="support"), at("2026-02-01"))
    holdings = [held(PREMIUM), waiting, elsewhere, scheduled(ADD_ON, at("2026-02-01"))]

    assert [waiting] == list(find_scheduled(holdings, GROWTH))
    assert [] == list(find_scheduled(holdings, ADD_ON))


def test_what_is_paid_for_again_and_again() -> None:
    """Running recurring plans that cost something, oldest first."""
    older, newer = held(PRO), held(ADD_ON, at("2026-01-10"))
    others = [held(FREE), held(ONE_OFF), scheduled(PREMIUM, at("2026-02-01")), held(GROWTH, status=PlanStatus.EXPIRED)]

    assert [older, newer] == list(find_paid([newer, *others, older]))


def test_a_trial_ends_at_its_end() -> None:
    """The instant of its end is no longer trial."""
    on_trial = held(PRO, trial_ends_at=at("2026-01-15"))

    assert is_trialing(on_trial, at("2026-01-14 23:59"))
    assert not is_trialing(on_trial, at("2026-01-15"))
    assert not is_trialing(held(PRO), at("2026-01-14"))
