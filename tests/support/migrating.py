"""Many customers of one plan, written in bulk, and a worker that is killed again and again while it moves them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import sqlalchemy as sa

from sumac.billing.migration_model import Migration, MigrationDraft, MigrationStatus, Progress
from sumac.billing.migrations import MigrationDesk
from sumac.core.clock import ManualClock, SystemClock
from sumac.core.tenant import Env, Tenant
from sumac.storage.database import Database, database_url
from sumac.storage.migrate import migrate
from sumac.storage.schema import customer_plans, customers, grants
from tests.support import forked
from tests.support.build import feature, item, plan, usage_price
from tests.support.live import Home
from tests.support.server import where
from tests.support.services import GOOD_CARD, Services

SOME_SECONDS, SECONDS_MAX = 0.1, 3_600
COPIED = ((customers, "key"), (customer_plans, "customer_key"), (grants, "customer_key"))


@asynccontextmanager
async def many_customers(home: Home, number: int) -> AsyncIterator[Services]:
    """So many customers who each have used 20 of 10 messages, on the first of two versions of their plan."""
    database = Database(database_url(home.data_dir, home.database_url), ManualClock(SystemClock().now()))
    await migrate(database)
    shop = Services.over(database, ManualClock(database.clock.now()), Tenant("org_one", Env.SANDBOX))
    await shop.offer(feature(), plan("pro", item("messages", 10, price=usage_price(1)), price=None))
    await shop.add_customer("customer", card=GOOD_CARD)
    await shop.attach("pro", "customer")
    await shop.track(20, customer_id="customer")
    await _copy(shop, number - 1)
    await shop.change_plan("pro", items=(item("messages", 15, price=usage_price(2)),))
    yield shop
    await shop.usage.close()
    await database.close()


async def _copy(shop: Services, number: int) -> None:
    """The customer so many times more, with another id, and with what they hold."""
    async with shop.database.work(shop.tenant) as work:
        for table, owner in COPIED:
            (row,) = await work.all(work.select(table))
            copied = {name: value for name, value in row._mapping.items() if name != "tenant"}
            named = [name for name in (owner, "id", "customer_plan_id") if name in copied]
            rows = [{**copied, **{name: f"{copied[name]}{place:05}" for name in named}} for place in range(number)]
            await work.insert_all(table, rows)


async def begin(shop: Services) -> Migration:
    """The migration to the second version runs, as soon as somebody works."""
    desk = MigrationDesk(shop.database, shop.billing)
    async with shop.database.work(shop.tenant) as work:
        made = await desk.create(work, MigrationDraft("pro", 2), actor="key_1")
        return await desk.run(work, made.id)


async def standing(shop: Services, migration: Migration) -> tuple[MigrationStatus, Progress]:
    """How far it has come."""
    async with shop.database.reading(shop.tenant) as work:
        begun = await MigrationDesk(shop.database, shop.billing).get(work, migration.id)
    return begun.migration.status, begun.progress


async def work_with_kills(shop: Services, home: Home, migration: Migration, log: Path, kills: int) -> list[int]:
    """A worker moves them and is killed whenever another part of them is moved; answers how many were, at each kill."""
    total = await _count(shop)
    killed: list[int] = []
    deadline = time.monotonic() + SECONDS_MAX
    worker = forked.start(["worker", *where(home.data_dir, home.database_url)], log)
    while True:
        status, progress = await standing(shop, migration)
        if status is MigrationStatus.COMPLETED:
            break
        assert time.monotonic() < deadline, f"the migration is not over, see {log}"
        if len(killed) < kills and progress.moved > total * (len(killed) + 1) // (kills + 1):
            worker.kill()
            worker.join()
            killed.append((await standing(shop, migration))[1].moved)
            worker = forked.start(["worker", *where(home.data_dir, home.database_url)], log)
        await asyncio.sleep(SOME_SECONDS)
    worker.kill()
    worker.join()
    return killed


async def _count(shop: Services) -> int:
    async with shop.database.reading(shop.tenant) as work:
        return int(await work.scalar(work.select_columns(customers, sa.func.count())))
