"""What was asked for before a reset and gets its turn after it belongs to the new period (billing.md §2.1, §9)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sumac.customers import service as customers
from sumac.storage.schema import grant_entries
from tests.support.build import feature, free_plan, item
from tests.support.rolling import assert_books
from tests.support.services import Services
from tests.support.usage import every_event

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
HOUR, MILLISECOND = timedelta(hours=1), timedelta(milliseconds=1)
WAITING_SECONDS = 0.1

Call = Callable[[Services], Awaitable[object]]


@pytest.mark.parametrize(
    ("call", "left"),
    [
        pytest.param(lambda services: services.track(30), 70, id="track"),
        pytest.param(lambda services: services.check(30, send_event=True), 70, id="check"),
        pytest.param(lambda services: services.reserve(30, lock_id="late"), 70, id="reserve"),
        pytest.param(lambda services: services.finalize(10), 100, id="finalize"),
        pytest.param(lambda services: services.edit(add_to_balance=Decimal(5)), 105, id="edit"),
    ],
)
async def test_it_waits_while_another_process_resets(
    services: Services, crowd: Sequence[Services], call: Call, left: int
) -> None:
    """Asked a millisecond before, while somebody else holds the customer and resets it: it is of the boundary."""
    await services.offer(feature(), free_plan("free", item("messages", 100), auto_enable=True))
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
