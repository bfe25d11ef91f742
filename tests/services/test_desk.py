"""Answers from memory, and commits that callers share: nothing stale, nothing lost, nobody suffers for another."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from sumac.balances.model import TrackAnswer
from sumac.balances.requests import OverageBehavior, TrackRequest
from sumac.core.clock import ManualClock
from sumac.core.errors import BadRequest, NotFound
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.customers.service import CustomerChange
from tests.support.build import feature, free_plan, item
from tests.support.crowd import process
from tests.support.services import Services

TRIES = 200


@pytest.fixture
async def shop(services: Services) -> Services:
    """Two customers with 100 messages each."""
    await services.offer(feature(), free_plan("free", item("messages", 100), auto_enable=True))
    for customer_id in ("ada", "bob"):
        await services.add_customer(customer_id)
    return services


@pytest.fixture
async def neighbour(address: str, clock: ManualClock, tenant: Tenant) -> AsyncIterator[Services]:
    """Another process over the same database."""
    async with process(address, clock, tenant) as opened:
        yield opened


async def left(services: Services) -> Decimal:
    """What a check says is left of the messages."""
    answer = await services.check()
    assert answer.access.balance is not None
    return answer.access.balance.remaining


async def until_left(services: Services, expected: int) -> bool:
    """Whether a check says so before long: what another process wrote is heard a moment later."""
    for _ in range(TRIES):
        if await left(services) == expected:
            return True
        await asyncio.sleep(0.02)
    return False


async def test_what_another_process_counts_is_seen(shop: Services, neighbour: Services) -> None:
    """By those who had an answer in memory before, on both sides, and no unit is spent twice."""
    assert (100, 100) == (await left(shop), await left(neighbour))

    await neighbour.track(30)
    assert await until_left(shop, 70)
    await shop.track(50)
    assert await until_left(neighbour, 20)

    counted = await asyncio.gather(*(each.track(1) for each in (shop, neighbour) for _ in range(25)))
    assert 20 == sum(each.value for answer in counted for each in answer.deductions)
    assert await until_left(shop, 0)


async def test_what_other_works_change_is_seen_at_once(shop: Services) -> None:
    """A plan that is attached, a control that is set: the next answer knows it."""
    assert 100 == await left(shop)
    await shop.offer(free_plan("more", item("messages", 11), add_on=True))
    await shop.attach("more")
    assert 111 == await left(shop)

    await shop.track(100)
    assert (await shop.check()).access.allowed
    async with shop.database.work(shop.tenant) as work:
        limits = {"usage_limits": [{"feature_id": "messages", "enabled": True, "limit": "0", "interval": "day"}]}
        change = CustomerChange(frozenset({"billing_controls"}), {"billing_controls": limits})
        await customers.update(work, "ada", change)

    assert not (await shop.check()).access.allowed


async def test_what_was_not_written_is_not_taken_for_written(shop: Services, neighbour: Services) -> None:
    """A refused check shares a commit but writes nothing; what another process then counts is seen all the same."""
    await asyncio.gather(shop.check(1000, send_event=True), shop.track(1, customer_id="bob"))
    await neighbour.track(100)

    with pytest.raises(BadRequest):
        await shop.track(1, overage_behavior=OverageBehavior.REJECT)
    assert 0 == await shop.remaining()


async def test_one_who_asks_wrongly_fails_alone(shop: Services) -> None:
    """Of requests that share a commit, each is answered for itself, and only what was right is counted."""

    def asked(customer_id: str = "ada", **changes: object) -> asyncio.Task[TrackAnswer]:
        request = TrackRequest(customer_id, **{"feature_id": "messages", **changes})  # type: ignore[arg-type]  # named
        return asyncio.ensure_future(shop.usage.track(shop.tenant, request))

    answers = await asyncio.gather(
        asked(),
        asked("ghost"),
        asked(feature_id="nothing"),
        asked(properties={"cannot be stored": object()}),
        asked("bob", value=Decimal(2)),
        asked(value=Decimal("NaN")),
        return_exceptions=True,
    )

    assert [TrackAnswer, NotFound, NotFound, TypeError, TrackAnswer, BadRequest] == [type(each) for each in answers]
    assert (99, 98) == (await shop.remaining(), await shop.remaining(customer_id="bob"))


async def test_a_key_is_counted_once_within_a_commit(shop: Services) -> None:
    """Ten at once with one idempotency key: one is counted, the others are told."""
    answers = await asyncio.gather(*(shop.track(idempotency_key="one") for _ in range(10)), return_exceptions=True)

    assert 1 == sum(isinstance(answer, TrackAnswer) for answer in answers)
    assert 99 == await shop.remaining()
