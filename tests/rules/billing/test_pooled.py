"""Plans whose units are pooled: what they contribute, what turns, and what is none of their own (billing.md §17.3)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.balances.model import PoolMode
from sumac.billing.model import EndPlan, RenewPlan, ResetGrants
from sumac.billing.requests import CarryOver
from sumac.billing.rules.carry import EVERYTHING, carried_of, count_carried
from sumac.billing.rules.cleanup import decide_cleanup
from sumac.billing.rules.provision import provisions_of
from sumac.billing.rules.quantity import regranted
from sumac.billing.rules.turn import compute_due_at
from sumac.catalog.model import Plan, Rollover
from sumac.customers.model import Entity
from tests.rules.decisions import FEBRUARY, HALF, MARCH, kinds, resets, turn
from tests.rules.offers import (
    FEATURES,
    JANUARY,
    ONCE,
    at,
    canceling,
    grant,
    held,
    item,
    plan,
    prepaid,
    snapshot,
)
from tests.rules.pooled import contribution, pool

DESK = plan("desk", 10, item("messages", 100, pooled=True))
FREE_DESK = plan("free_desk", None, item("messages", 60, pooled=True))
MIDDLE = at("2026-01-16")
ONE = Entity("one", "cus_1", "seats", JANUARY, id="one")
OF_ONE = held(DESK, id="held-one", entity_key="one")
PAID = {"pool_mode": PoolMode.SUBSCRIPTION}


@pytest.mark.parametrize(
    ("offer", "mode"),
    [
        (plan("desk", 10, item("messages", 100)), None),
        (DESK, PoolMode.SUBSCRIPTION),
        (FREE_DESK, PoolMode.LAZY),
        (plan("desk", 10, item("messages", 100, pooled=True, reset=None)), PoolMode.LIFETIME),
        (plan("desk", 10, item("messages", pooled=True, unlimited=True)), PoolMode.LIFETIME),
        (plan("desk", 10, item("seats", 5, pooled=True)), PoolMode.LIFETIME),
        (plan("desk", 10, item("sso", pooled=True, reset=None)), PoolMode.LIFETIME),
    ],
)
def test_how_the_pool_comes_back(offer: Plan, mode: PoolMode | None) -> None:
    """With the cycle of the paid plans, at times of its own for free ones, and never for what lasts."""
    (given,) = provisions_of(held(offer, entity_key="one"), snapshot(entities=[ONE]), now=JANUARY)

    assert mode is given.pool_mode


def test_what_is_bought_once_is_in_no_cycle() -> None:
    """Units that come back although the plan was bought once do so at times of their own."""
    (given,) = provisions_of(held(DESK, recurring=False), snapshot(), now=JANUARY)

    assert PoolMode.LAZY is given.pool_mode


def test_entities_take_pooled_seats() -> None:
    """Seats of a pool are everybody's, so the first to contribute counts the entities, and the next does not again."""
    offer = plan("desk", 10, item("seats", 5, pooled=True))
    holding = held(offer, entity_key="one")
    (first,) = provisions_of(holding, snapshot(entities=[ONE]), now=JANUARY)
    there = pool(5, 1, feature_id="seats", reset=None)
    (second,) = provisions_of(holding, snapshot(entities=[ONE], grants=[there]), now=JANUARY)

    assert [Decimal(4), Decimal(5)] == [first.balance, second.balance]


def test_what_is_used_of_a_pool_stays_with_it() -> None:
    """A contribution has no usage that could go along, whatever the new plan takes; private units have."""
    of_pool = contribution(100, rollover=Rollover("forever"))
    private = grant("messages", 100, 30, id="private", entity_key="one")
    carried = carried_of([of_pool, private], FEATURES, usages=EVERYTHING, balances=CarryOver(enabled=True))

    assert ("private",) == carried.usage_of
    assert {("messages", "one"): Decimal(30)} == count_carried([of_pool, private], carried)


def test_a_pool_is_full_again_before_anything_else_turns() -> None:
    """By what it was given until then: who ends then takes its share from the full pool, who renews changes nothing."""
    ending = canceling(held(DESK, id="held-two", entity_key="two"), FEBRUARY)
    of_two = contribution(id="of-two", customer_plan_id="held-two", entity_key="two", **PAID)
    grants = [pool(200, 150, **PAID), contribution(**PAID), of_two]
    decision = turn(OF_ONE, ending, grants=grants, entities=[ONE])

    assert [ResetGrants, EndPlan, RenewPlan] == kinds(decision)[:3]
    assert {"pool": (Decimal(200), MARCH)} == resets(decision)


def test_periods_that_begin_anew() -> None:
    """The pool of paid plans is full again when their cycle is counted anew; that of free ones waits for its own."""
    moving = held(DESK, id="held-one", entity_key="one", next_anchor_at=MIDDLE)
    for mode, expected in ((PoolMode.SUBSCRIPTION, {"pool": (Decimal(100), at("2026-02-16"))}), (PoolMode.LAZY, {})):
        grants = [pool(100, 40, pool_mode=mode), contribution(pool_mode=mode)]
        decision = turn(moving, grants=grants, at_=MIDDLE, entities=[ONE])

        assert expected == resets(decision)


def test_what_rolls_over_of_a_pool() -> None:
    """A percentage is of all that is contributed; what expires at the same instant does not count (§9.5)."""
    half = Rollover("month", 2, max_percentage=Decimal(50))
    older = grant("messages", 90, id="older", reset=None, rollover_of="pool", expires_at=FEBRUARY)
    grants = [pool(200, 50, rollover=half), contribution(rollover=half), older]
    decision = turn(OF_ONE, grants=grants, entities=[ONE])

    (reset,) = [each for each in decision.actions if isinstance(each, ResetGrants)]
    assert [Decimal(100)] == [each.units for each in reset.rolled.values()]
    assert () == reset.trimmed


def test_the_next_instant_is_the_pools() -> None:
    """A contribution has no resets; one that lasts has none at all."""
    lasting = pool(reset=None, pool_mode=PoolMode.LIFETIME)
    assert FEBRUARY == compute_due_at([], [pool(), contribution()])
    assert compute_due_at([], [lasting, contribution()]) is None
    assert [] == [each for each in turn(held(FREE_DESK), grants=[lasting]).actions if isinstance(each, ResetGrants)]


def test_bought_units_of_a_contribution() -> None:
    """More are bought: the contribution says how many the pool gains."""
    offer = plan("desk", 10, item("messages", 0, pooled=True, price=prepaid("1")))
    after = held(offer, quantities={"messages": Decimal(30)})
    before = contribution(0, prepaid=10, price=offer.items[0].price)
    (changed,) = regranted([before], after)

    assert (Decimal(30), Decimal(20)) == (changed.prepaid, changed.balance)


def test_a_purchase_that_contributes_is_not_used_up() -> None:
    """Nothing is ever left on a contribution; what it gave may still be in the pool (§15.3)."""
    pack = plan("pack", None, item("messages", 100, pooled=True, price=prepaid("1", cadence=ONCE), reset=None))
    bought = [held(pack, JANUARY, id="first"), held(pack, HALF, id="second")]
    given = [contribution(id=each.held.id, customer_plan_id=each.held.id, reset=None) for each in bought]
    loose = [replace(each, pool_mode=None, pool_id=None) for each in given]

    assert () == decide_cleanup(snapshot(*bought, grants=given), now=MARCH).actions
    assert 1 == len(decide_cleanup(snapshot(*bought, grants=loose), now=MARCH).actions)
