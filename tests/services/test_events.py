"""Usage events: appended once, listed newest first (api.md §2.7, billing.md §5.1, §5.2)."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from sumac.balances.requests import OverageBehavior
from sumac.core.errors import BadRequest, Conflict, NotFound
from sumac.core.page import Cursor
from sumac.events import service as events
from sumac.events.model import UsageEvent
from sumac.events.service import EventFilter
from tests.support.build import feature, free_plan, item
from tests.support.services import Services


async def listed(services: Services, chosen: EventFilter | None = None, *, limit: int = 50) -> list[UsageEvent]:
    """Every event, read page by page."""
    found: list[UsageEvent] = []
    cursor: Cursor | None = None
    while True:
        async with services.database.reading(services.tenant) as work:
            page = await events.list_page(work, chosen or EventFilter(), cursor=cursor, limit=limit)
        assert len(page.items) <= limit
        found += page.items
        if page.next_cursor is None:
            return found
        cursor = Cursor.decode(page.next_cursor)


@pytest.fixture
async def metered(services: Services) -> Services:
    await services.offer(
        feature(event_names=("sent",)), feature("calls"), free_plan("free", item("messages", 100), auto_enable=True)
    )
    await services.add_customer()
    return services


async def test_an_event_keeps_what_was_said(metered: Services) -> None:
    """Value, properties and time are the caller's; the deductions say what it came to."""
    occurred_at = metered.clock.now() - timedelta(hours=3, milliseconds=7)
    properties = {"model": "x", "tokens": 12, "ratio": 0.25, "nested": {"list": [1, None, True]}, "ü": "☂"}

    await metered.track("1.5", properties=properties, occurred_at=occurred_at)

    event = (await listed(metered))[0]
    assert (Decimal("1.5"), properties, occurred_at) == (event.value, event.properties, event.occurred_at)
    assert [("messages", Decimal("1.5"), "free")] == [
        (each.feature_id, each.value, each.plan_id) for each in event.deductions
    ]


async def test_a_clamped_event_keeps_its_value(metered: Services) -> None:
    """What did not fit is dropped from the balance, not from the record (billing.md §5.1)."""
    await metered.track(130)

    event = (await listed(metered))[0]
    assert (Decimal(130), Decimal(100)) == (event.value, event.deductions[0].value)


async def test_usage_nobody_pays_for_is_recorded(metered: Services) -> None:
    """A feature the customer holds nothing of has events without deductions."""
    await metered.track(3, "calls")

    event = (await listed(metered))[0]
    assert ("calls", Decimal(3), ()) == (event.feature_id, event.value, event.deductions)


async def test_an_idempotency_key_counts_once(metered: Services) -> None:
    """The same key again within 24 hours is refused and nothing moves, whatever else it says."""
    await metered.track(10, idempotency_key="k1")

    with pytest.raises(Conflict) as duplicate:
        await metered.track(99, idempotency_key="k1")
    assert "duplicate_idempotency_key" == duplicate.value.code
    await metered.track(10, idempotency_key="k2")
    assert Decimal(80) == await metered.remaining()
    assert 2 == len(await listed(metered))


async def test_parallel_tracks_with_one_key_count_once(metered: Services) -> None:
    """Of ten at once one is counted."""
    tracks = (metered.track(10, idempotency_key="k1") for _ in range(10))
    answers = await asyncio.gather(*tracks, return_exceptions=True)

    assert 9 == sum(isinstance(answer, Conflict) for answer in answers)
    assert Decimal(90) == await metered.remaining()


async def test_a_key_of_a_refused_track_is_free_again(metered: Services) -> None:
    """The key is claimed in the same transaction as the usage, so refusing the usage releases it (billing.md §5.2)."""
    with pytest.raises(BadRequest):
        await metered.track(101, idempotency_key="k1", overage_behavior=OverageBehavior.REJECT)

    await metered.track(10, idempotency_key="k1")

    assert Decimal(90) == await metered.remaining()


async def test_a_key_is_forgotten_after_a_day(metered: Services) -> None:
    """A day and a moment later the key may be used again."""
    await metered.track(10, idempotency_key="k1")
    metered.clock.advance(timedelta(hours=24))
    with pytest.raises(Conflict):
        await metered.track(10, idempotency_key="k1")

    metered.clock.advance(timedelta(milliseconds=1))
    await metered.track(10, idempotency_key="k1")

    assert Decimal(80) == await metered.remaining()


async def test_pages_walk_every_event_once(metered: Services) -> None:
    """Newest first by when it happened, each page goes on where the last one stopped, also within one instant."""
    start = metered.clock.now()
    metered.clock.advance(timedelta(minutes=10))
    for minute in (3, 1, 2, 2, 2, 5):
        await metered.track(1, occurred_at=start + timedelta(minutes=minute))

    for limit in (1, 2, 3, 50):
        found = await listed(metered, limit=limit)
        assert [5, 3, 2, 2, 2, 1] == [(event.occurred_at - start).seconds // 60 for event in found]
        assert 6 == len({event.id for event in found})


async def test_filters(metered: Services) -> None:
    """By customer, by feature, and by time: the start belongs to the range, the end does not."""
    start = metered.clock.now()
    await metered.add_customer("bob")
    await metered.track(1, "calls")
    await metered.track(2, customer_id="bob")
    metered.clock.advance(timedelta(milliseconds=1))
    await metered.track(3)
    ada = (await metered.customer("ada")).key

    assert [3, 1] == [event.value for event in await listed(metered, EventFilter(customer_key=ada))]
    assert [1] == [event.value for event in await listed(metered, EventFilter(feature_ids=["calls"]))]
    assert {1, 2} == {event.value for event in await listed(metered, EventFilter(occurred_before=metered.clock.now()))}
    assert [3] == [event.value for event in await listed(metered, EventFilter(occurred_from=metered.clock.now()))]
    assert {1, 2} == {
        event.value
        for event in await listed(metered, EventFilter(occurred_from=start, occurred_before=metered.clock.now()))
    }


async def test_an_event_name_reaches_every_feature_that_listens(metered: Services) -> None:
    """One call, one event per feature, each deducted by itself; an unknown name is not found (billing.md §1.2)."""
    await metered.offer(feature("credits", event_names=("sent",)))

    answer = await metered.track(4, None, event_name="sent")

    assert answer.balance is None
    assert {("messages", "sent"), ("credits", "sent")} == {
        (each.feature_id, each.event_name) for each in await listed(metered)
    }
    assert Decimal(96) == await metered.remaining()
    with pytest.raises(NotFound):
        await metered.track(1, None, event_name="unheard")


async def test_the_future_cannot_be_tracked(metered: Services) -> None:
    """A timestamp after the customer's present is refused and nothing is recorded."""
    with pytest.raises(BadRequest):
        await metered.track(1, occurred_at=metered.clock.now() + timedelta(milliseconds=1))

    assert [] == await listed(metered)
