"""What of a plan that is left goes along into the next one: usage, balances, bought units (billing.md §10.9)."""

# ruff: noqa: ANN401  # `changes` and requests are fields of values being made, of any type

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.model import Grant
from sumac.billing.model import Decision, ExpireUnits, GiveUnits, Holding, SchedulePlan, StartPlan
from sumac.billing.requests import CancelAction, CancelRequest, CarryOver, PlanTiming
from sumac.billing.rules.cancel import decide_cancel
from sumac.billing.rules.turn import compute_due_at
from sumac.billing.units import Provision
from sumac.catalog.model import Plan
from sumac.core.errors import BadRequest
from tests.rules.decisions import FEBRUARY, HALF, amounts, attach, cents, kinds, metered, turn
from tests.rules.offers import (
    FREE,
    JANUARY,
    ONCE,
    PREMIUM,
    PRO,
    at,
    canceling,
    grant,
    held,
    item,
    plan,
    prepaid,
    scheduled,
    snapshot,
    usage_based,
)

ALL, NONE = CarryOver(enabled=True), CarryOver(enabled=False)
TWO_THOUSAND = plan("big", 100, item("messages", 2000))
TEAM, SMALL_TEAM = plan("team", 20, item("seats", 30)), plan("small-team", 30, item("seats", 5))
PACKS = plan("packs", 20, item("messages", 0, reset=None, price=prepaid("10", cadence=ONCE, units=100)))
BOUGHT = grant("messages", prepaid=200, used=50, customer_plan_id="held-packs", reset=None, price=PACKS.items[0].price)


def messages_of(holding: Holding, included: int, used: int, **changes: Any) -> Grant:
    """The messages the plan gave, some of them used."""
    return grant("messages", included, used, customer_plan_id=holding.held.id, **changes)


def switch(current: Plan, own: Sequence[Grant], new: Plan, now: datetime = HALF, **request: Any) -> Decision:
    """From one plan, with these grants, to another, at once."""
    return attach(snapshot(held(current), grants=own), new, now, timing=PlanTiming.IMMEDIATE, **request)


def balances(decision: Decision) -> list[Decimal]:
    """What the plan that starts begins with."""
    (start,) = [action for action in decision.actions if isinstance(action, StartPlan)]
    return [each.balance for each in start.provisions]


def kept(decision: Decision) -> Iterator[Provision]:
    """Units that outlive their plan."""
    for action in decision.actions:
        if isinstance(action, GiveUnits):
            yield from action.provisions


def test_usage_instead_of_its_price() -> None:
    """Pro used 150 of 100: nothing of it is billed, $15.00 at half cycle, and Premium starts at 350."""
    decision = switch(PRO, [metered(held(PRO), 100, 150, "0.10")], PREMIUM, carry_usages=ALL)

    assert ([-1000, 2500], 1500) == (amounts(decision), cents(decision))
    assert [350] == balances(decision)


def test_usage_that_stays_behind_is_billed() -> None:
    """A fresh allowance, unless the feature is among those listed; off is off."""
    own = [metered(held(PRO), 100, 150, "0.10")]

    for carried in (NONE, None, CarryOver(enabled=True, feature_ids=("words",))):
        decision = switch(PRO, own, PREMIUM, carry_usages=carried)
        assert (2000, [500]) == (cents(decision), balances(decision))
    assert 1500 == cents(switch(PRO, own, PREMIUM, carry_usages=CarryOver(enabled=True, feature_ids=("messages",))))


@pytest.mark.parametrize(
    ("included", "used", "new", "expected"),
    [(100, 50, 30, -20), (1000, 700, 2000, 1300), (100, 0, 500, 500), (100, 30, 30, 0)],
)
def test_usage_is_never_floored(included: int, used: int, new: int, expected: int) -> None:
    """50 used of a plan with 30 is -20; 700 of 2000 leaves 1300; nothing used changes nothing."""
    own = [messages_of(held(PRO), included, used)]

    assert [expected] == balances(switch(PRO, own, plan("new", 30, item("messages", new)), carry_usages=ALL))


def test_usage_is_spread_once() -> None:
    """Over all that the new plan gives of the feature, what is included before what is paid for after use."""
    new = plan("new", 30, item("messages", 10, price=usage_based("1")), item("messages", 40), item("messages", 5))

    assert [5, 0, 0] == balances(switch(PRO, [messages_of(held(PRO), 100, 50)], new, carry_usages=ALL))
    assert [-5, 0, 0] == balances(switch(PRO, [messages_of(held(PRO), 100, 60)], new, carry_usages=ALL))


@pytest.mark.parametrize("carried", [None, NONE, ALL])
def test_held_units_always_go_along(carried: CarryOver | None) -> None:
    """25 seats taken are -20 on a plan with 5, whatever was asked for consumables."""
    seats = grant("seats", 30, 25, customer_plan_id="held-team", reset=None)

    assert [-20] == balances(switch(TEAM, [seats], SMALL_TEAM, carry_usages=carried))
    assert [] == list(kept(switch(TEAM, [seats], SMALL_TEAM, carry_balances=carried)))


@pytest.mark.parametrize(("included", "used", "new", "left"), [(100, 30, PREMIUM, 70), (1000, 700, TWO_THOUSAND, 300)])
def test_a_balance_goes_along(included: int, used: int, new: Plan, left: int) -> None:
    """70 left and 500 are 570, 300 left and 2000 are 2300; what came along is gone when its plan would have reset."""
    decision = switch(PRO, [messages_of(held(PRO), included, used)], new, carry_balances=ALL)
    (loose,) = kept(decision)

    assert [new.items[0].included] == balances(decision)
    assert (left, FEBRUARY, None) == (loose.balance, loose.expires_at, loose.resets_at)
    assert not list(kept(switch(PRO, [messages_of(held(PRO), included, used)], new, carry_balances=NONE)))


def test_a_balance_below_zero_goes_along() -> None:
    """20 beyond the grant are counted by the new plan, 480, and so they are not billed as well."""
    decision = switch(PRO, [metered(held(PRO), 100, 120, "0.10")], PREMIUM, carry_balances=ALL)

    assert ([-1000, 2500], [480]) == (amounts(decision), balances(decision))
    assert [] == list(kept(decision))


def test_a_balance_without_a_reset_lasts_for_the_cycle() -> None:
    """Units that never reset are gone with the cycle their plan was in."""
    lasting = messages_of(held(PRO), 100, 30, reset=None)
    (loose,) = kept(switch(PRO, [lasting], PREMIUM, carry_balances=ALL))

    assert (70, FEBRUARY) == (loose.balance, loose.expires_at)


def test_carried_units_run_out() -> None:
    """The clock meets their end, and takes what is left."""
    loose = grant("messages", 70, customer_plan_id=None, reset=None, expires_at=FEBRUARY)
    decision = turn(grants=[loose], at_=FEBRUARY)

    assert FEBRUARY == compute_due_at([], [loose])
    assert (ExpireUnits((loose,)),) == decision.actions
    assert () == turn(grants=[loose], at_=HALF).actions


@pytest.mark.parametrize("more", [{}, {"carry_balances": ALL}, {"carry_usages": ALL}])
def test_bought_units_are_kept_for_good(more: dict[str, Any]) -> None:
    """150 left of what was bought once and Premium's 500 are 650, once, and with no end."""
    decision = switch(PACKS, [BOUGHT], PREMIUM, **more)

    assert [500] == balances(decision)
    assert [(150, None)] == [(each.balance, each.expires_at) for each in kept(decision)]


def test_bought_units_outlive_every_end() -> None:
    """Into a plan without the feature, through a cancellation, and over a switch at the end of the cycle."""
    packs = held(PACKS)
    request = CancelRequest("acme", CancelAction.CANCEL_IMMEDIATELY, plan_id="packs")
    waiting = scheduled(plan("tiny", 5), FEBRUARY)

    for decision in (
        switch(PACKS, [BOUGHT], SMALL_TEAM),
        decide_cancel(snapshot(packs, grants=[BOUGHT]), request, now=HALF),
        turn(canceling(packs, FEBRUARY), waiting, grants=[BOUGHT]),
    ):
        assert [(150, None)] == [(each.balance, each.expires_at) for each in kept(decision)]
    used_up = replace(BOUGHT, balance=Decimal(0))
    assert [] == list(kept(switch(PACKS, [used_up], PREMIUM)))


def test_seats_bought_once_are_kept() -> None:
    """Units that are held are bought for good, too: those that are free stay free."""
    desks = plan("desks", 20, item("seats", 0, price=prepaid("10", cadence=ONCE)))
    own = grant("seats", prepaid=10, used=4, customer_plan_id="held-desks", reset=None, price=desks.items[0].price)

    assert [6] == [each.balance for each in kept(switch(desks, [own], PREMIUM))]


@pytest.mark.parametrize(("bought", "units", "expected"), [(300, 250, 500), (500, 250, 500), (300, 100, 300)])
def test_bought_units_are_packed_anew(bought: int, units: int, expected: int) -> None:
    """3 x 100 are two packs of 250: granted, and paid for."""
    old = plan("old", 20, item("words", 0, price=prepaid("10", units=100)))
    new = plan("new", 30, item("words", 0, price=prepaid("20", units=units)))
    state = snapshot(held(old, quantities={"words": Decimal(bought)}))
    decision = attach(state, new)

    assert [expected] == balances(decision)
    assert [-2000, -1000 * bought // 100, 3000, 2000 * expected // units] == amounts(decision)


@pytest.mark.parametrize("feature_id", ["sso", "seats", "messages", "unknown"])
def test_balances_that_cannot_go_along(feature_id: str) -> None:
    """A switch, seats, or any number of messages, named: there is no balance to carry."""
    current = plan("all", 20, item("sso"), item("seats", 5), item("messages", unlimited=True))
    own = [
        grant("seats", 5, 2, customer_plan_id="held-all", reset=None),
        messages_of(held(current), 0, 0, unlimited=True),
    ]
    with pytest.raises(BadRequest, match=f"carry_over_balances: {feature_id}"):
        switch(current, own, PREMIUM, carry_balances=CarryOver(enabled=True, feature_ids=(feature_id,)))

    assert [] == list(kept(switch(current, own, PREMIUM, carry_balances=ALL)))


@pytest.mark.parametrize("field", ["carry_usages", "carry_balances"])
@pytest.mark.parametrize("when", [{"timing": PlanTiming.END_OF_CYCLE}, {"starts_at": at("2026-01-20")}])
def test_nothing_goes_along_later(field: str, when: dict[str, Any]) -> None:
    """What will be there at the end of the cycle is not known; switched off is no wish."""
    wanted: dict[str, Any] = {**when, field: ALL}
    with pytest.raises(BadRequest, match="carry_over_"):
        attach(snapshot(held(PRO)), PREMIUM, **wanted)

    later = attach(snapshot(held(PRO)), PREMIUM, **{**wanted, field: NONE})
    assert SchedulePlan is kinds(later)[-1]


def test_seats_go_along_into_the_free_plan() -> None:
    """After a cancellation, and at the boundary of a switch."""
    free = replace(FREE, items=(item("seats", 1),))
    seats = grant("seats", 30, 3, customer_plan_id="held-team", reset=None)
    request = CancelRequest("acme", CancelAction.CANCEL_IMMEDIATELY, plan_id="team")
    canceled = decide_cancel(snapshot(held(TEAM), grants=[seats], auto_enabled=(free,)), request, now=HALF)

    assert [-2] == balances(canceled)
    assert [-2] == balances(turn(canceling(held(TEAM), FEBRUARY), scheduled(free, FEBRUARY), grants=[seats]))


def test_units_of_other_plans_stay() -> None:
    """Only what the plan that is left gave is looked at."""
    other = grant("messages", 100, 40, customer_plan_id="held-other", anchor_at=JANUARY)
    decision = switch(PRO, [other], PREMIUM, carry_usages=ALL, carry_balances=ALL)

    assert ([500], []) == (balances(decision), list(kept(decision)))
