"""Under any load, usage at the millisecond of a reset is of the new period, and of no other (billing.md §2.1, §9)."""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sumac.customers import service as customers
from sumac.storage.schema import grant_entries
from tests.support.build import feature, free_plan, held_item, item, plan, seats, usage_price
from tests.support.rolling import FOREVER, assert_books
from tests.support.services import GOOD_CARD, Services
from tests.support.usage import every_event

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
HOUR, MILLISECOND = timedelta(hours=1), timedelta(milliseconds=1)
WAITING_SECONDS = 0.1
CALLERS = 50
SCOPES = (None, "one", "two")

Call = Callable[[Services], Awaitable[object]]


@pytest.mark.parametrize(
    ("call", "left"),
    [
        pytest.param(lambda services: services.track(30), 70, id="track"),
        pytest.param(lambda services: services.check(30, send_event=True), 70, id="check"),
        pytest.param(lambda services: services.reserve(30, lock_id="late"), 70, id="reserve"),
        pytest.param(lambda services: services.finalize(10), 100, id="finalize"),
        pytest.param(lambda services: services.edit(add_to_balance=Decimal(5)), 105, id="edit"),
        pytest.param(lambda services: services.give(included=Decimal(5)), 105, id="give"),
        pytest.param(lambda services: services.attach("extra"), 107, id="attach"),
    ],
)
async def test_one_waits_while_another_process_resets(
    services: Services, crowd: Sequence[Services], call: Call, left: int
) -> None:
    """Asked for a millisecond before, while somebody else holds the customer and resets it: it is of the boundary."""
    extra = free_plan("extra", item("messages", 7), add_on=True)
    await services.offer(feature(), free_plan("free", item("messages", 100), auto_enable=True), extra)
    ada = await services.add_customer()
    services.clock.move_to(FEBRUARY - HOUR)
    await services.reserve(40, expires_at=FEBRUARY + HOUR)
    services.clock.move_to(FEBRUARY - MILLISECOND)
    other = crowd[0]
    async with other.database.work(other.tenant) as work:
        held = await customers.get_locked(work, ada.key)
        waiting = asyncio.ensure_future(call(services))
        await asyncio.sleep(WAITING_SECONDS)
        services.clock.move_to(FEBRUARY)
        await other.billing.due.turn(work, held, at=FEBRUARY, has_card=False)
    await waiting

    later = [event.counted_at for event in await every_event(services) if event.counted_at > FEBRUARY - HOUR]
    async with services.database.reading(services.tenant) as work:
        later += [row.at for row in await work.all(work.select(grant_entries)) if row.at > ada.created_at]
    assert Decimal(left) == await services.remaining()
    assert {FEBRUARY} == set(later)
    await assert_books(services)


async def strike(crowd: Sequence[Services], calls: Sequence[Coroutine[Any, Any, object]]) -> None:
    """Half of the calls a millisecond before, the others and the jobs at the instant, while most of the first wait."""
    crowd[0].clock.move_to(FEBRUARY - MILLISECOND)
    early = [asyncio.ensure_future(call) for call in calls[: CALLERS // 2]]
    await asyncio.wait(early, return_when=asyncio.FIRST_COMPLETED)
    crowd[0].clock.move_to(FEBRUARY)
    sweeps = (process.billing.settle_due_customers() for process in crowd)
    await asyncio.gather(*early, *calls[CALLERS // 2 :], *sweeps)


async def test_fifty_callers_around_it(services: Services, crowd: Sequence[Services]) -> None:
    """The clock strikes while they track, for the customer and for two entities, through several processes.

    What was counted before it rolls over short, each in its own scope; what was counted from then on comes off that.
    """
    own = item("messages", 100, entity_feature_id="seats", rollover=FOREVER)
    shared = item("messages", 100, rollover=FOREVER)
    await services.offer(feature(), seats(), free_plan("free", shared, own, held_item("seats", 2), auto_enable=True))
    await services.add_customer()
    for entity_id in SCOPES[1:]:
        await services.add_entity(entity_id)

    await strike(crowd, [crowd[each % 3].track(1, entity_id=SCOPES[each % 7 % 3]) for each in range(CALLERS)])

    names: dict[str | None, str | None] = {each.key: each.id for each in await services.entities_of()}
    names[None] = None
    events = [event for event in await every_event(services) if event.feature_id == "messages"]
    before = Counter(names[event.entity_key] for event in events if event.counted_at < FEBRUARY)
    after = Counter(names[event.entity_key] for event in events if event.counted_at == FEBRUARY)
    assert (CALLERS, True) == (before.total() + after.total(), before.total() >= 1)
    assert {FEBRUARY, FEBRUARY - MILLISECOND} == {event.counted_at for event in events}
    held = await services.balance()
    assert held is not None
    rolled = {names[each.entity_key]: (each.granted, each.balance) for each in held.rollovers}
    assert {scope: (100 - before[scope], 100 - before[scope] - after[scope]) for scope in SCOPES} == rolled
    assert 3 * 200 - CALLERS == held.remaining
    await assert_books(services)


async def test_overage_is_billed_up_to_it(services: Services, crowd: Sequence[Services]) -> None:
    """Every unit that fifty callers use around a renewal is on the invoice of its own period, and on no other one."""
    await services.offer(feature(), plan("pro", item("messages", 10, price=usage_price("0.10"))))
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro")
    await services.track(30)

    await strike(crowd, [crowd[each % 3].track("0.5") for each in range(CALLERS)])

    events = await every_event(services)
    before = sum(event.value for event in events if event.counted_at < FEBRUARY)
    after = sum(event.value for event in events if event.counted_at == FEBRUARY)
    held = await services.balance()
    assert held is not None
    assert (30 + CALLERS // 2, after) == (before + after, held.usage)
    cents = 2000 + 10 * math.ceil(before - 10)
    assert ["20.00", f"{Decimal(cents) / 100:.2f}"] == await services.totals()
    await assert_books(services)
