"""Usage events made by hand, and the roll-ups as they are stored."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from sumac.events import service as events
from sumac.events.model import Amount, UsageEvent
from sumac.events.rules.rollup import RollupKey
from sumac.storage.schema import usage_rollups
from tests.support.services import Services

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
NUMBERS = count()


def event(value: Decimal | str | int = 1, **changes: object) -> UsageEvent:
    """An event of a customer without an account of theirs: roll-ups and series do not ask for one."""
    given: dict[str, object] = {
        "id": f"evt_{next(NUMBERS):09}",
        "customer_key": "cus_ada",
        "feature_id": "messages",
        "event_name": None,
        "value": Decimal(value),
        "properties": {},
        "occurred_at": NEW_YEAR,
        "counted_at": NEW_YEAR,
        "deductions": (),
    }
    return UsageEvent(**(given | changes))  # type: ignore[arg-type]  # each test changes what it names


async def append(services: Services, *added: UsageEvent) -> None:
    """Appends events in one transaction."""
    async with services.database.work(services.tenant) as work:
        await events.append(work, added)


async def stored_rollups(services: Services) -> dict[RollupKey, Amount]:
    """Every roll-up of the tenant."""
    async with services.database.reading(services.tenant) as work:
        rows = await work.all(work.select(usage_rollups))
    return {
        RollupKey(row.customer_key, row.feature_id, row.entity_key, row.starts_at): Amount(row.events, row.total)
        for row in rows
    }


async def every_event(services: Services) -> Sequence[UsageEvent]:
    """Every event of the tenant."""
    async with services.database.reading(services.tenant) as work:
        return (await events.list_page(work, events.EventFilter(), cursor=None, limit=100_000)).items
