"""A running plan on other terms: what is billed, what stays, what comes (billing.md §12.3, §12.6, §14.3, §20.1)."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.model import GiveUnits, KeepPlan, ReplaceTerms, Snapshot
from sumac.billing.requests import CarryOver, CustomLine
from sumac.catalog.model import BasePrice, FreeTrial, Plan, PlanItem, Tier, TierBehavior, TrialUnit
from sumac.core.errors import BadRequest
from sumac.core.time import Cadence, Interval
from tests.rules.decisions import FEBRUARY, HALF, TRIAL_END, amounts, cents, kinds
from tests.rules.offers import (
    FREE,
    JANUARY,
    MONTHLY,
    ONCE,
    ONE_OFF,
    PRO,
    PRO_TRIAL,
    TRIAL,
    YEARLY,
    at,
    canceling,
    held,
    item,
    plan,
    prepaid,
    usage_based,
)
from tests.rules.updates import applied, balances, custom, customer, goes_on, update

FEBRUARY_HALF = at("2026-02-15")


def monthly(amount: int) -> BasePrice:
    return BasePrice(Decimal(amount), MONTHLY)


def yearly(amount: int) -> BasePrice:
    return BasePrice(Decimal(amount), YEARLY)


@pytest.mark.parametrize(
    ("price", "now", "expected"),
    [
        pytest.param(monthly(30), JANUARY, [-2000, 3000], id="up-at-the-start"),
        pytest.param(monthly(30), HALF, [-1000, 1500], id="up-at-half"),
        pytest.param(monthly(10), JANUARY, [-2000, 1000], id="down-is-credit-at-once"),
        pytest.param(None, JANUARY, [-2000], id="no-price-any-more"),
        pytest.param(yearly(200), JANUARY, [-2000, 20000], id="month-to-year"),
    ],
)
def test_another_price(price: BasePrice | None, now: datetime, expected: list[int]) -> None:
    """The rest of the old price is given back, the rest of the new one charged."""
    decision = update(customer(held(PRO)), now=now, customize=custom(price=price))

    assert expected == amounts(decision)
    assert (JANUARY, "active") == (goes_on(decision).starts_at, goes_on(decision).status)


def test_year_to_month() -> None:
    """$200 a year to $20 a month at the start: -$180."""
    annual = plan("annual", 200, cadence=YEARLY)

    assert -18000 == cents(update(customer(held(annual)), now=JANUARY, customize=custom(price=monthly(20))))


def test_month_to_year_in_the_middle() -> None:
    """On 15 February, $20 a month to $200 a year counted from 1 January: $165.34; resets stay (§20.1 case 4)."""
    pro = plan("pro", 20, item("messages", 100))
    state = customer(held(pro, period_start=FEBRUARY, period_end=at("2026-03-01")), charges=())
    state = replace(state, grants=tuple(replace(each, resets_at=at("2026-03-01")) for each in state.grants))
    decision = update(state, now=FEBRUARY_HALF, customize=custom(price=yearly(200)))
    (replaced,) = [each for each in decision.actions if isinstance(each, ReplaceTerms)]

    assert (16534, JANUARY) == (cents(decision), replaced.held.anchor_at)
    assert [at("2026-03-01")] == [each.resets_at for each in replaced.provisions]


@pytest.mark.parametrize(
    ("included", "used", "new", "expected"),
    [
        pytest.param(100, 30, item("messages", 200), 170, id="more-included"),
        pytest.param(200, 80, item("messages", 50, price=usage_based("0.10")), -30, id="fewer-and-paid-after-use"),
        pytest.param(50, 80, item("messages", 100, price=usage_based("0.10")), 20, id="usage-beyond-is-not-billed"),
    ],
)
def test_other_units_for_the_same_price(included: int, used: int, new: PlanItem, expected: int) -> None:
    """Nothing is billed, all usage goes along, and the units come back when they would have."""
    pro = plan("pro", 20, item("messages", included, price=usage_based("0.10")))
    decision = update(customer(held(pro), {"messages": used}), customize=custom(items=(new,)))
    (replaced,) = [each for each in decision.actions if isinstance(each, ReplaceTerms)]

    assert ([ReplaceTerms], {"messages": expected}) == (kinds(decision), balances(decision))
    assert [FEBRUARY] == [each.resets_at for each in replaced.provisions]
    assert replaced.held.terms is not None


def test_usage_that_is_told_to_stay_behind() -> None:
    """`carry_over_usages` limits it to some features, or to none; units that are held go along all the same."""
    pro = plan("pro", 20, item("messages", 100), item("words", 100), item("seats", 5))
    state = customer(held(pro), {"messages": 30, "words": 40, "seats": 2})
    new = custom(items=(item("messages", 200), item("words", 200), item("seats", 5)))

    some = update(state, customize=new, carry_usages=CarryOver(enabled=True, feature_ids=("words",)))
    none = update(state, customize=new, carry_usages=CarryOver(enabled=False))
    assert {"messages": 200, "words": 160, "seats": 3} == balances(some)
    assert {"messages": 200, "words": 200, "seats": 3} == balances(none)
    with pytest.raises(BadRequest, match="carry_over_usages"):
        update(state, customize=new, carry_usages=CarryOver(enabled=True, feature_ids=("seats",)))


def test_a_feature_that_resets_otherwise() -> None:
    """Units that come back every year now do so from the start of the plan."""
    new = custom(items=(item("messages", 100, reset=YEARLY),))
    decision = update(customer(held(PRO)), customize=new)
    (replaced,) = [each for each in decision.actions if isinstance(each, ReplaceTerms)]

    assert [at("2027-01-01")] == [each.resets_at for each in replaced.provisions]


@pytest.mark.parametrize(
    ("changes", "quantities", "expected"),
    [
        pytest.param({"price": monthly(20)}, {}, 2000, id="a-price"),
        pytest.param({"add_items": (item("words", 0, price=usage_based("0.10")),)}, {}, 0, id="paid-after-use-only"),
        pytest.param({"add_items": (item("words", 0, price=prepaid("10", units=100)),)}, {"words": 100}, 1000,
                     id="bought-units"),
    ],
)  # fmt: skip
def test_from_free_to_paid(changes: dict[str, Any], quantities: dict[str, int], expected: int) -> None:
    """The first period is charged whole, and begins now."""
    decision = update(customer(held(FREE)), customize=custom(**changes), quantities=quantities)

    assert (expected, HALF, HALF) == (cents(decision), goes_on(decision).anchor_at, goes_on(decision).period_start)


def test_free_to_paid_without_proration() -> None:
    """It would have to charge: refused, unless nothing is billed at all."""
    state = customer(held(FREE))
    with pytest.raises(BadRequest, match="proration_behavior"):
        update(state, customize=custom(price=monthly(20)), prorate=False)
    assert [] == amounts(update(state, customize=custom(price=monthly(20)), prorate=False, bill=False))


def test_from_use_to_bought_and_back() -> None:
    """80 used, 100 bought for $10 leave 20; bought units paid after use instead are given back, usage goes along."""
    bought = item("messages", 0, price=prepaid("10", units=100))
    state = customer(held(plan("pro", None, item("messages", 50, price=usage_based("0.10")))), {"messages": 80})
    to_bought = update(state, now=JANUARY, customize=custom(items=(bought,)), quantities={"messages": 100})
    assert (1000, {"messages": 20}) == (cents(to_bought), balances(to_bought))

    holding = held(plan("pro", None, bought), quantities={"messages": Decimal(800)})
    after_use = custom(items=(item("messages", 100, price=usage_based("0.10")),))
    back = update(customer(holding, {"messages": 600}), now=JANUARY, customize=after_use)
    assert (-8000, {"messages": -500}, {}) == (cents(back), balances(back), goes_on(back).quantities)


def test_graduated_to_volume() -> None:
    """800 units cost $65 by bands and $40 by the last one: at half that is -$12.50."""
    bands = (Tier(Decimal(500), Decimal(10)), Tier(None, Decimal(5)))
    by_bands = replace(prepaid("1", units=100), amount=None, tiers=bands, tier_behavior=TierBehavior.GRADUATED)
    by_volume = replace(by_bands, tier_behavior=TierBehavior.VOLUME)
    state = customer(held(plan("pro", None, item("words", 0, price=by_bands)), quantities={"words": Decimal(800)}))

    assert -1250 == cents(update(state, customize=custom(items=(item("words", 0, price=by_volume),))))


@pytest.mark.parametrize(
    ("new", "quantities", "expected"),
    [
        pytest.param(item("words", 0, price=prepaid("15", units=100)), {}, 1500, id="10-to-15-a-pack"),
        pytest.param(item("words", 0, price=prepaid("10", units=50)), {}, 3000, id="packs-of-50"),
        pytest.param(item("words", 50, price=prepaid("10", units=50)), {"words": 200}, 0, id="the-same-packs"),
    ],
)
def test_another_price_of_bought_units(new: PlanItem, quantities: dict[str, int], expected: int) -> None:
    """Three packs of 100 at $10 on other terms: the same total of units in packs of the new terms."""
    state = customer(held(plan("pro", None, item("words", 0, price=prepaid("10", units=100))),
                          quantities={"words": Decimal(300)}))  # fmt: skip

    assert expected == cents(update(state, now=JANUARY, customize=custom(items=(new,)), quantities=quantities))


def test_what_is_bought_once_is_charged_again() -> None:
    """In full, and what was left of it before is kept."""
    once = item("words", 0, reset=None, price=prepaid("10", cadence=ONCE, units=100))
    state = customer(held(plan("pro", 20, once), quantities={"words": Decimal(100)}), {"words": 30})
    decision = update(state, now=JANUARY, customize=custom(price=monthly(30)))
    (kept,) = [each for each in decision.actions if isinstance(each, GiveUnits)]

    assert 2000 == cents(decision)
    assert ([70], {"words": 100}) == ([each.balance for each in kept.provisions], balances(decision))


def test_another_version() -> None:
    """Version 2 at $30, and version 2 with a price of its own, which wins: +$30 (§12.3)."""
    second = replace(PRO, version=2, price=monthly(30))
    plain = update(customer(held(PRO)), second, JANUARY, version=2)
    own = update(customer(held(PRO)), second, JANUARY, version=2, customize=custom(price=monthly(50)))

    assert (1000, 2, None) == (cents(plain), goes_on(plain).version, goes_on(plain).terms)
    assert (3000, True) == (cents(own), goes_on(own).terms is not None)


def test_twice_in_one_period() -> None:
    """The second change gives back what the first one charged, not what the catalogue says (§14.3)."""
    state = customer(held(PRO))
    first = update(state, customize=custom(price=monthly(50)))
    second = update(applied(state, first), customize=custom(price=monthly(100)))

    assert [[-1000, 2500], [-2500, 5000]] == [amounts(first), amounts(second)]


def test_there_and_back_again() -> None:
    """At one instant it is free."""
    state = customer(held(PRO))
    there = update(state, customize=custom(price=monthly(50)))
    back = update(applied(state, there), customize=custom(price=monthly(20)))

    assert 0 == cents(there) + cents(back)


def test_nothing_before_the_next_renewal() -> None:
    """Without proration, or billing, nothing is charged; stated lines take the place of counted ones."""
    state = customer(held(PRO))
    stated = (CustomLine(Decimal("3.50"), "Agreed"),)

    assert [] == amounts(update(state, customize=custom(price=monthly(50)), prorate=False))
    assert [] == amounts(update(state, customize=custom(price=monthly(50)), bill=False))
    assert [350] == amounts(update(state, customize=custom(price=monthly(50)), custom_lines=stated))


class TestTrials:
    """Trials that are begun, kept and taken away."""

    @staticmethod
    def on_trial() -> Snapshot:
        """A customer in the middle of it."""
        return customer(held(PRO_TRIAL, trial_ends_at=TRIAL_END, anchor_at=TRIAL_END, period_end=TRIAL_END))

    def test_kept(self) -> None:
        """Another price on trial costs nothing yet."""
        decision = update(self.on_trial(), now=at("2026-01-10"), customize=custom(price=monthly(50)))

        assert ([], TRIAL_END) == (amounts(decision), goes_on(decision).trial_ends_at)

    def test_taken_away(self) -> None:
        """The first period begins and is charged now."""
        now = at("2026-01-10")
        decision = update(self.on_trial(), now=now, customize=custom(free_trial=None))

        assert (2000, now, None) == (cents(decision), goes_on(decision).anchor_at, goes_on(decision).trial_ends_at)

    def test_begun(self) -> None:
        """What was paid is given back, and the next charge comes when the trial ends."""
        decision = update(customer(held(PRO)), now=JANUARY, customize=custom(free_trial=TRIAL))

        assert (-2000, TRIAL_END, TRIAL_END) == (
            cents(decision), goes_on(decision).trial_ends_at, goes_on(decision).period_end,
        )  # fmt: skip

    def test_longer(self) -> None:
        """A trial may be set again: it counts from now."""
        longer = custom(free_trial=FreeTrial(1, TrialUnit.MONTH))
        decision = update(self.on_trial(), now=at("2026-01-10"), customize=longer)

        assert ([], at("2026-02-10")) == (amounts(decision), goes_on(decision).trial_ends_at)


def test_from_now_on() -> None:
    """With the anchor at now the new terms begin a period of their own."""
    decision = update(customer(held(PRO)), customize=custom(price=monthly(30)), anchor="now")

    assert ([-1000, 3000], HALF, at("2026-02-16 12:00")) == (
        amounts(decision), goes_on(decision).anchor_at, goes_on(decision).period_end,
    )  # fmt: skip


def test_uncanceled_with_other_terms() -> None:
    """Kept and changed in one call; changed without keeping, it still ends (§12.6)."""
    state = customer(canceling(held(PRO), FEBRUARY))
    kept = update(state, customize=custom(price=monthly(30)), uncancel=True)
    ends = update(state, customize=custom(price=monthly(30)))

    assert KeepPlan in kinds(kept)
    assert (None, None) == (goes_on(kept).canceled_at, goes_on(kept).ends_at)
    assert FEBRUARY == goes_on(ends).ends_at


def test_one_off_plans() -> None:
    """What is bought once has no period and no anchor to move."""
    decision = update(customer(held(ONE_OFF, quantities={"messages": Decimal(0)})),
                      customize=custom(price=BasePrice(Decimal(15), ONCE)))  # fmt: skip

    assert (1500, None) == (cents(decision), goes_on(decision).period_end)


@pytest.mark.parametrize(
    ("offer", "changes", "problem"),
    [
        pytest.param(PRO, {"price": monthly(20)}, "on these terms already", id="nothing-changes"),
        pytest.param(PRO, {"price": BasePrice(Decimal(20), ONCE), "items": ()}, "bought once cannot", id="to-one-off"),
        pytest.param(ONE_OFF, {"price": monthly(10)}, "bought once cannot", id="from-one-off"),
        pytest.param(PRO, {"items": (item("words", 0, price=prepaid("1")),)}, "how much of words", id="no-quantity"),
    ],
)
def test_what_is_refused(offer: Plan, changes: dict[str, Any], problem: str) -> None:
    """Each says what is wrong."""
    with pytest.raises(BadRequest, match=problem):
        update(customer(held(offer)), customize=custom(**changes))


def test_a_weekly_price() -> None:
    """A shorter period counts from the plan's anchor: half a week is left of the third one on 18 January noon."""
    weekly = BasePrice(Decimal(7), Cadence(Interval.WEEK))
    decision = update(customer(held(plan("pro", 31))), now=at("2026-01-18 12:00"), customize=custom(price=weekly))

    assert [Decimal(-1350), Decimal(350)] == amounts(decision)
