"""A migration whose worker is killed again and again: everybody is moved, and nobody twice (billing.md §16.2)."""

import os
from collections import Counter
from decimal import Decimal
from pathlib import Path

from sumac.billing.migration_model import MigrationStatus, MoveStatus, Progress
from sumac.billing.migrations import MigrationDesk
from sumac.core.page import Cursor
from sumac.storage.schema import customer_plans, grants, pending_lines
from sumac.storage.work import Work
from tests.support.live import Home, home
from tests.support.migrating import begin, many_customers, standing, work_with_kills

__all__ = ["home"]

CUSTOMERS = int(os.environ.get("SUMAC_MIGRATED_CUSTOMERS", "150"))
"""How many are moved: few, to be quick; SUMAC_MIGRATED_CUSTOMERS=10000 takes some minutes."""
KILLS, PAGE = 3, 1_000


async def every_move(desk: MigrationDesk, work: Work, migration_id: str) -> Counter[str]:
    """How often each customer is in the report of those who were moved."""
    found: Counter[str] = Counter()
    cursor: str | None = ""
    while cursor is not None:
        page = await desk.report(work, migration_id, [MoveStatus.MOVED], cursor=Cursor.decode(cursor), limit=PAGE)
        found.update(each.customer_key for each in page.items)
        cursor = page.next_cursor
    return found


async def test_a_worker_that_is_killed_three_times(home: Home, tmp_path: Path) -> None:
    """It ends complete: each customer is on the new version, with one line, one live grant, and once in the report."""
    async with many_customers(home, CUSTOMERS) as shop:
        migration = await begin(shop)
        killed = await work_with_kills(shop, home, migration, tmp_path / "worker.log", KILLS)

        assert KILLS == len(killed)
        assert all(0 < moved < CUSTOMERS for moved in killed)
        assert (MigrationStatus.COMPLETED, Progress(moved=CUSTOMERS)) == await standing(shop, migration)
        async with shop.database.reading(shop.tenant) as work:
            held = await work.all(work.select(customer_plans))
            lines = await work.all(work.select(pending_lines))
            given = await work.all(work.select(grants))
            reported = await every_move(MigrationDesk(shop.database, shop.billing), work, migration.id)
    assert {2: CUSTOMERS} == Counter(row.version for row in held)
    assert {1: CUSTOMERS} == Counter(Counter(row.customer_key for row in lines).values())
    live = [row for row in given if row.ended_at is None]
    assert {(Decimal(15), Decimal(0)): CUSTOMERS} == Counter((row.included, row.balance) for row in live)
    assert 2 * CUSTOMERS == len(given)
    assert {1: CUSTOMERS} == Counter(reported.values())
    assert {row.customer_key for row in held} == reported.keys()
