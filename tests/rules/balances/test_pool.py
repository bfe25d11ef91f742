"""Pools: who contributes to which, and what each that comes or goes does to it (billing.md §17.3)."""

# ruff: noqa: ANN401  # `changes` are fields of the contribution

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.model import Grant, PoolMode, RolledUnits
from sumac.balances.requests import OverageBehavior
from sumac.balances.rules.access import compute_access
from sumac.balances.rules.deduct import compute_deduction, compute_sources, visible
from sumac.balances.rules.pool import abandoned, empty_pool, find_pool, in_pool, joined, parted, resumed, shifted
from sumac.balances.rules.rollover import compute_arrival
from sumac.balances.rules.sum import compute_balance
from sumac.catalog.model import Rollover
from tests.rules.offers import JANUARY, MESSAGES, MONTHLY, QUARTERLY, at, grant
from tests.rules.pooled import contribution, pool

FEBRUARY, MARCH, APRIL = at("2026-02-01"), at("2026-03-01"), at("2026-04-01")
HALF = Rollover("month", 2, max_percentage=Decimal(50))
PAID = {"pool_mode": PoolMode.SUBSCRIPTION}


@pytest.mark.parametrize(
    ("there", "coming"),
    [
        ({}, {}),
        ({"anchor_at": FEBRUARY}, {}),
        (PAID, PAID),
        ({"rollover": Rollover("month", 1, max=None)}, {"rollover": Rollover("month", 1)}),
        ({"unlimited": True, "reset": None}, {"unlimited": True, "reset": None}),
    ],
)
def test_one_pool(there: dict[str, Any], coming: dict[str, Any]) -> None:
    """Units of one kind are one pool; only those of paid plans need to be counted from the same instant."""
    pools = [pool(**there)]

    assert pools[0] is find_pool(pools, contribution(pool_id=None, **coming), ())


@pytest.mark.parametrize(
    ("there", "coming"),
    [
        ({}, {"feature_id": "words"}),
        ({}, {"unlimited": True}),
        ({}, {"reset": QUARTERLY}),
        ({}, {"reset": replace(MONTHLY, count=2)}),
        ({}, PAID),
        ({}, {"pool_mode": PoolMode.LIFETIME, "reset": None}),
        ({}, {"rollover": HALF}),
        ({"rollover": HALF}, {"rollover": replace(HALF, max_percentage=Decimal(60))}),
        ({**PAID, "anchor_at": FEBRUARY}, PAID),
    ],
)
def test_another_pool(there: dict[str, Any], coming: dict[str, Any]) -> None:
    """Another feature, interval, count, way to come back, cycle or rollover, or units without number, are another."""
    assert find_pool([pool(**there)], contribution(pool_id=None, **coming), ()) is None


def test_what_takes_a_place_stays_in_the_pool() -> None:
    """A paid plan with a cycle of its own joins the pool that the plan before it has just left; the same cycle wins."""
    coming = contribution(pool_id=None, anchor_at=MARCH, **PAID)
    other, left, same = pool(id="other", **PAID), pool(id="left", **PAID), pool(id="same", anchor_at=MARCH, **PAID)

    assert left is find_pool([other, left], coming, {"left"})
    assert same is find_pool([other, left, same], coming, {"left"})


def test_a_pool_begins_with_its_first_contribution() -> None:
    """It is the customer's own, of no plan, with the dates and the rollover of the contribution, and nobody's price."""
    coming = contribution(100, 40, pool_id=None, prepaid=5, rollover=HALF)
    opened = empty_pool(coming, pool_id="pool", at=JANUARY)

    assert pool(0, rollover=HALF) == opened
    assert (True, False, False, True) == (
        opened.is_pool,
        opened.is_contribution,
        coming.is_pool,
        coming.is_contribution,
    )
    full = joined(opened, coming)
    assert (Decimal(100), Decimal(5), Decimal(65)) == (full.included, full.prepaid, full.balance)
    assert contribution(100, prepaid=5, rollover=HALF) == replace(in_pool(coming, "pool"), balance=Decimal(0))


def test_joining_and_parting() -> None:
    """A contribution adds what it gives, less what it brings along as used; without it only the grant is less."""
    with_two = joined(pool(100, 30), contribution(50, 20, pool_id=None))
    assert (Decimal(150), Decimal(50), Decimal(100)) == (with_two.granted, with_two.usage, with_two.balance)
    without = parted(with_two, contribution(100))

    assert (Decimal(50), Decimal(50), Decimal(0)) == (without.granted, without.usage, without.balance)
    assert Decimal(-50) == parted(without, contribution(50)).balance


def test_without_number() -> None:
    """An unlimited contribution gives no units, and what was used of it goes along."""
    endless = pool(0, 7, unlimited=True, reset=None)
    coming = contribution(0, 3, pool_id=None, unlimited=True, reset=None)

    assert (Decimal(0), Decimal(10)) == (joined(endless, coming).granted, joined(endless, coming).usage)
    assert Decimal(7) == parted(endless, coming).usage


def test_more_or_fewer_units() -> None:
    """What a contribution gives more, bought units too, is there at once."""
    before = contribution(100, prepaid=10)
    after = replace(before, prepaid=Decimal(30), balance=Decimal(20))
    more = shifted(pool(200, 50, prepaid=10), before, after)

    assert (Decimal(30), Decimal(180), Decimal(50)) == (more.prepaid, more.balance, more.usage)


@pytest.mark.parametrize(
    ("mode", "anchor", "resets_at", "dates"),
    [
        (PoolMode.SUBSCRIPTION, FEBRUARY, MARCH, (FEBRUARY, MARCH)),
        (PoolMode.SUBSCRIPTION, JANUARY, MARCH, (JANUARY, FEBRUARY)),
        (PoolMode.SUBSCRIPTION, FEBRUARY, None, (JANUARY, FEBRUARY)),
        (PoolMode.LAZY, FEBRUARY, MARCH, (JANUARY, FEBRUARY)),
    ],
)
def test_the_cycle_of_paid_plans(mode: PoolMode, anchor: Any, resets_at: Any, dates: tuple[Any, Any]) -> None:
    """A pool of paid plans moves along with their cycle; one of free plans keeps its own dates."""
    there = pool(pool_mode=mode)
    before = contribution(pool_mode=mode)
    moved = shifted(there, before, replace(before, anchor_at=anchor, resets_at=resets_at))

    assert dates == (moved.anchor_at, moved.resets_at)


def test_abandoned() -> None:
    """A pool is over with its last contribution, and with it what rolled over; a paused plan does not hold it."""
    rolled = grant("messages", 5, id="rolled", reset=None, rollover_of="pool")
    other, of_other = pool(id="other"), contribution(id="two", pool_id="other")
    resting = contribution(pool_id=None)

    assert () == abandoned([pool(), rolled, contribution(), grant("messages", 5)])
    assert ["pool", "rolled"] == [each.id for each in abandoned([pool(), rolled, other, of_other, resting])]
    assert Decimal(100) == resumed(replace(resting, balance=Decimal(0))).balance


def test_what_everybody_sees() -> None:
    """Check, usage and sums know the pool alone, for the customer and for every entity."""
    grants: list[Grant] = [pool(200, 30), contribution(), contribution(id="two", entity_key="two")]
    for entity_key in (None, "one", "two", "three"):
        seen = visible(grants, entity_key)
        balance = compute_balance("messages", seen)
        assert balance is not None
        assert (Decimal(200), Decimal(170)) == (balance.granted, balance.remaining)
        assert compute_access(MESSAGES, Decimal(170), seen, [MESSAGES]).allowed
        sources = compute_sources(MESSAGES, grants, [MESSAGES], entity_key=entity_key)

        deducted = compute_deduction(sources, Decimal(180), OverageBehavior.CAP)

        assert ([("pool", Decimal(170))], Decimal(10)) == (
            [(each.grant.id, each.amount) for each in deducted.taken],
            deducted.shortfall,
        )


def test_a_pool_that_is_used_up_is_shown() -> None:
    """Unlike units that were given beside every plan: its plans go on."""
    assert not pool(100, 100, reset=None, resets_at=None, pool_mode=PoolMode.LIFETIME).is_drained
    assert grant("messages", 100, 100, reset=None).is_drained


@pytest.mark.parametrize(
    ("rollover", "older", "opened", "trimmed", "emptied"),
    [
        (None, [], [], [], []),
        (Rollover("forever"), [40], [30], [], []),
        (HALF, [], [30], [], []),
        (HALF, [60], [30], [], []),
        (HALF, [80], [30], [70], []),
        (HALF, [0], [30], [], [0]),
        (Rollover("month", 2, max=Decimal(30)), [80], [30], [], [80]),
        (Rollover("month", 2, max=Decimal(20)), [80], [20], [], [80]),
    ],
)
def test_what_rolled_over_comes_along(
    rollover: Rollover | None, older: list[int], opened: list[int], trimmed: list[int], emptied: list[int]
) -> None:
    """It goes on beside the pool under the pool's own cap, a percentage of all that is contributed (§9.5)."""
    there = [grant("messages", each, id="older", reset=None, rollover_of="pool", expires_at=MARCH) for each in older]
    arrival = compute_arrival(pool(200, rollover=rollover), there, [RolledUnits(Decimal(30), APRIL)])

    assert opened == [each.units for each in arrival.opened]
    assert trimmed == [each.balance for each in arrival.trimmed]
    assert emptied == [each.balance for each in arrival.emptied]
