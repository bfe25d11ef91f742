"""What is past is thrown away in bounded batches, and nothing else (security.md)."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from sumac.api import idempotency
from sumac.balances import notices
from sumac.balances.model import Notice
from sumac.core.errors import Conflict
from sumac.customers import service as customers
from sumac.jobs import purge
from sumac.jobs.purge import PAST, Purge
from sumac.organizations import service as organizations
from sumac.storage.database import Database
from tests.support.build import feature, free_plan, item
from tests.support.services import Services

EMAIL = "owner@acme.test"


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer, and an organization with an owner who may sign in."""
    await services.offer(feature(), free_plan("free", item("messages", 10), auto_enable=True))
    await services.add_customer()
    async with services.database.system() as system:
        await organizations.create_organization(system, slug="acme", name="Acme", owner_email=EMAIL)
    return services


async def leave_one_of_each(shop: Services, key: str) -> None:
    """One row in every table that is purged."""
    await shop.billing.open_portal(shop.tenant, "ada", None)
    await idempotency.claim(shop.database, shop.tenant, key)
    await shop.reserve(0, lock_id=key)
    await shop.finalize(0, key)
    async with shop.database.work(shop.tenant) as work:
        await notices.tell(work, (await customers.get(work, "ada")).key, Notice("test", {}))
    async with shop.database.system() as system:
        code = await organizations.request_code(system, EMAIL)
        assert code is not None
        assert await organizations.try_code(system, EMAIL, code) is not None


async def counts(database: Database) -> set[int]:
    """How many rows the purged tables have."""
    async with database.system_reading() as system:
        return {await system.scalar(sa.select(sa.func.count()).select_from(table)) for table in PAST}


async def test_only_what_is_past_goes(shop: Services) -> None:
    """Everything is kept while it may be of use, and is gone some days after."""
    await leave_one_of_each(shop, "old")
    shop.clock.advance(timedelta(days=33))
    await leave_one_of_each(shop, "new")
    assert {2} == await counts(shop.database)

    assert len(PAST) == await Purge(shop.database).run()

    assert {1} == await counts(shop.database)
    assert 0 == await Purge(shop.database).run()
    with pytest.raises(Conflict):
        await idempotency.claim(shop.database, shop.tenant, "new")


async def test_a_batch_is_bounded(shop: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much there is, one run deletes so much of each table; the next runs delete the rest."""
    monkeypatch.setattr(purge, "BATCH", 2)
    for number in range(5):
        await leave_one_of_each(shop, f"key-{number}")
        shop.clock.advance(timedelta(hours=2))
    shop.clock.advance(timedelta(days=60))

    deleted = [await Purge(shop.database).run() for _ in range(4)]

    assert [2 * len(PAST), 2 * len(PAST), len(PAST), 0] == deleted


async def test_a_key_is_free_again_before_it_is_purged(shop: Services) -> None:
    """A day later the same Idempotency-Key is a new request, whether the purge came by or not (api.md §1.9)."""
    await idempotency.claim(shop.database, shop.tenant, "again")
    shop.clock.advance(timedelta(hours=24))
    with pytest.raises(Conflict):
        await idempotency.claim(shop.database, shop.tenant, "again")
    shop.clock.advance(timedelta(milliseconds=1))

    await idempotency.claim(shop.database, shop.tenant, "again")


async def test_notices_are_kept_for_a_month(shop: Services) -> None:
    """Whoever was not reached for days is still told (billing.md §6.5)."""
    async with shop.database.work(shop.tenant) as work:
        await notices.tell(work, (await customers.get(work, "ada")).key, Notice("test", {}))
    shop.clock.advance(timedelta(days=30))
    await Purge(shop.database).run()

    assert [("test", {})] == await shop.notices()

    shop.clock.advance(timedelta(seconds=1))
    await Purge(shop.database).run()

    assert [] == await shop.notices()
