"""Balances come back at the millisecond of their boundary (billing.md §2.1, §9)."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sumac.balances.model import EntryKind
from sumac.balances.requests import OverageBehavior
from sumac.catalog.model import PlanItem
from sumac.core.time import Cadence, Interval
from sumac.storage.schema import grant_entries
from tests.support.build import (
    DAILY,
    ONCE,
    YEARLY,
    feature,
    flag,
    free_plan,
    held_item,
    item,
    plan,
    prepaid_price,
    price,
    seats,
)
from tests.support.services import GOOD_CARD, Services

MILLISECOND = timedelta(milliseconds=1)
FEBRUARY, MARCH = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)


async def holding(services: Services, *items: PlanItem) -> Services:
    await services.offer(feature(), seats(), flag(), free_plan("free", *items, auto_enable=True))
    await services.add_customer()
    return services


async def resets(services: Services) -> list[tuple[datetime, Decimal]]:
    """When balances were reset and by how much, from the books."""
    async with services.database.reading(services.tenant) as work:
        rows = await work.all(work.select(grant_entries).where(grant_entries.c.kind == EntryKind.RESET))
    return sorted((row.at, row.balance_change) for row in rows)


async def test_a_balance_is_right_at_the_millisecond_it_resets(services: Services) -> None:
    """One millisecond before the boundary the old balance stands; at the boundary it is full again."""
    await holding(services, item("messages", 100))
    await services.track(30)

    services.clock.move_to(FEBRUARY - MILLISECOND)
    before = await services.check(71)
    services.clock.move_to(FEBRUARY)
    after = await services.check(100)

    assert (False, True) == (before.access.allowed, after.access.allowed)
    assert after.access.balance is not None
    assert (Decimal(100), Decimal(0), MARCH) == (
        after.access.balance.remaining,
        after.access.balance.usage,
        after.access.balance.next_reset_at,
    )
    assert [(FEBRUARY, Decimal(30))] == await resets(services)


async def test_usage_at_the_boundary_belongs_to_the_new_period(services: Services) -> None:
    """What is tracked at the boundary is taken from the full balance."""
    await holding(services, item("messages", 100))
    await services.track(100)
    services.clock.move_to(FEBRUARY)

    await services.track(1)

    assert Decimal(99) == await services.remaining()


async def test_concurrent_readers_reset_once(services: Services) -> None:
    """Twenty tracks at once after the boundary reset the balance once and are all counted (billing.md §9.2)."""
    await holding(services, item("messages", 100))
    await services.track(40)
    services.clock.move_to(FEBRUARY + MILLISECOND)

    await asyncio.gather(*(services.track(1) for _ in range(20)))

    assert Decimal(80) == await services.remaining()
    assert [(FEBRUARY, Decimal(40))] == await resets(services)


async def test_the_job_resets_whoever_is_not_looking(services: Services) -> None:
    """Customers nobody asks about are settled by the job, once."""
    await holding(services, item("messages", 100))
    await services.add_customer("bob")
    await services.track(40)
    assert 0 == await services.billing.settle_due_customers()
    services.clock.move_to(FEBRUARY)

    assert 2 == await services.billing.settle_due_customers()
    assert 0 == await services.billing.settle_due_customers()

    assert Decimal(100) == await services.remaining()


async def test_far_overdue(services: Services) -> None:
    """After half a year nobody looked, the balance is full and the next reset lies within one interval of now."""
    await holding(services, item("messages", 100))
    await services.track(40)
    services.clock.move_to(datetime(2026, 7, 15, 12, tzinfo=UTC))

    answer = await services.check(100)

    assert answer.access.allowed
    assert answer.access.balance is not None
    assert datetime(2026, 8, 1, tzinfo=UTC) == answer.access.balance.next_reset_at


@pytest.mark.parametrize("start", [datetime(2026, 1, 31, 10, tzinfo=UTC)])
async def test_month_ends_do_not_drift(services: Services) -> None:
    """From 31 January the resets fall on 28 February, 31 March, 30 April, 31 May: never chained (billing.md §2.1)."""
    await holding(services, item("messages", 100))

    instants = []
    for _ in range(5):
        balance = await services.balance()
        assert balance is not None
        assert balance.next_reset_at is not None
        instants.append(balance.next_reset_at)
        services.clock.move_to(balance.next_reset_at)
        await services.check()

    assert [(2, 28), (3, 31), (4, 30), (5, 31), (6, 30)] == [(at.month, at.day) for at in instants]
    assert {(10, 0)} == {(at.hour, at.minute) for at in instants}


@pytest.mark.parametrize(
    ("reset", "expected"),
    [
        (Cadence(Interval.MINUTE), timedelta(minutes=1)),
        (Cadence(Interval.HOUR, 4), timedelta(hours=4)),
        (DAILY, timedelta(days=1)),
        (Cadence(Interval.WEEK), timedelta(weeks=1)),
        (Cadence(Interval.QUARTER), timedelta(days=90)),
        (Cadence(Interval.YEAR), timedelta(days=365)),
    ],
)
async def test_every_interval(services: Services, reset: Cadence, expected: timedelta) -> None:
    """Each interval resets at the start of the plan plus itself, and again one later."""
    await holding(services, item("messages", 10, reset=reset))
    start = services.clock.now()
    await services.track(10)

    services.clock.move_to(start + expected - MILLISECOND)
    assert not (await services.check()).access.allowed
    services.clock.move_to(start + expected)
    assert (await services.check(10)).access.allowed


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(held_item("seats", 5), id="held-units"),
        pytest.param(item("messages", 5, reset=None), id="no-reset"),
        pytest.param(item("messages", 5, reset=ONCE), id="lifetime"),
    ],
)
async def test_what_never_resets(services: Services, held: PlanItem) -> None:
    """Held and lifetime units stay used for years (billing.md §9.1)."""
    await holding(services, held)
    await services.track(3, held.feature_id)
    services.clock.move_to(datetime(2029, 1, 1, tzinfo=UTC))

    answer = await services.check(1, held.feature_id)

    assert answer.access.balance is not None
    assert (Decimal(2), None) == (answer.access.balance.remaining, answer.access.balance.next_reset_at)


async def test_debts_of_free_units_are_forgiven(services: Services) -> None:
    """A balance below zero is full again after the reset (billing.md §9.3)."""
    await holding(services, item("messages", 10))
    await services.track(15, overage_behavior=OverageBehavior.OVERFLOW)
    services.clock.move_to(FEBRUARY)

    await services.check()

    assert Decimal(10) == await services.remaining()


async def test_units_bought_in_advance_come_back_too(services: Services) -> None:
    """Included and bought units are granted again at the renewal (billing.md §9.3)."""
    await services.offer(feature(), plan("pro", item("messages", 2, price=prepaid_price())))
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro", quantities={"messages": Decimal(5)})
    await services.track(4)

    await services.advance(FEBRUARY)

    assert Decimal(5) == await services.remaining()


async def test_a_month_within_a_year(services: Services) -> None:
    """A monthly item of a yearly plan resets each month and costs nothing more."""
    await services.offer(feature(), plan("annual", item("messages", 10), price=price(200, YEARLY)))
    await services.add_customer(card=GOOD_CARD)
    await services.attach("annual")
    await services.track(10)

    await services.advance(FEBRUARY)

    assert Decimal(10) == await services.remaining()
    assert ["200.00"] == await services.totals()
