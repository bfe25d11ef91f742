"""Units that the plans of several entities give to one balance of the customer (billing.md §17.3)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sumac.balances import store
from sumac.balances.model import Grant, PoolMode
from sumac.billing.requests import CancelAction, CarryOver
from sumac.catalog.model import FreeTrial, Rollover
from sumac.core.errors import Conflict, Locked
from sumac.storage.schema import grant_entries, grants
from tests.support.build import YEARLY, feature, flag, free_plan, held_item, item, plan, prepaid_price, price, seats, trial
from tests.support.crowd import at_once
from tests.support.services import GOOD_CARD, Services

MID_JANUARY, FEBRUARY, MARCH = (datetime(2026, month, day, tzinfo=UTC) for month, day in ((1, 15), (2, 1), (3, 1)))
DESK = plan("desk", item("messages", 100, pooled=True), price=price(10), group="desks")
BIG = plan("big", item("messages", 250, pooled=True), price=price(30), group="desks")
FREE_DESK = free_plan("free_desk", item("messages", 60, pooled=True), group="desks")


@pytest.fixture
async def shop(services: Services) -> Services:
    """Features, plans that pool, and a customer with a good card and two entities."""
    await services.offer(feature(), seats(), flag(), DESK, BIG, FREE_DESK)
    await services.add_customer(card=GOOD_CARD)
    await services.add_entity("one")
    await services.add_entity("two")
    return services


async def live(shop: Services) -> Sequence[Grant]:
    """The customer's live grants."""
    async with shop.database.reading(shop.tenant) as work:
        return await store.live(work, [(await shop.customer()).key])


async def pools(shop: Services) -> list[tuple[int, int]]:
    """What each of the live pools grants, and its balance."""
    return [(int(each.granted), int(each.balance)) for each in await live(shop) if each.is_pool]


async def assert_books(shop: Services) -> None:
    """Each pool grants what its contributions do, which have no balance; every grant is the sum of its entries.

    Usage has no entries: it is what the balance is below them.
    """
    async with shop.database.reading(shop.tenant) as work:
        rows = await work.all(work.select(grants))
        entries = await work.all(work.select(grant_entries))
    found = await live(shop)
    for pool in (each for each in found if each.is_pool):
        given = [each for each in found if each.pool_id == pool.id]
        assert pool.included == sum(each.included for each in given)
        assert pool.prepaid == sum(each.prepaid for each in given)
        assert {Decimal(0)} == {each.balance for each in given}
    for row in rows:
        granted = sum((each.granted_change for each in entries if each.grant_id == row.id), Decimal(0))

        assert granted == (0 if row.ended_at is not None else row.included + row.prepaid + (row.adjustment or 0))


async def test_entities_share(shop: Services) -> None:
    """Two contributions are one balance that everybody sees and uses, whosever usage it is."""
    await shop.attach("desk", entity_id="one")
    assert [(100, 100)] == await pools(shop)
    await shop.attach("big", entity_id="two")
    await shop.track(120, entity_id="one")
    await shop.track(30)

    assert [(350, 200)] == await pools(shop)
    assert [200, 200, 200] == [await shop.remaining(entity_id=each) for each in (None, "one", "two")]
    balance = await shop.balance()
    assert balance is not None
    assert [(None, Decimal(350))] == [(each.plan_id, each.granted) for each in balance.grants]
    await assert_books(shop)
