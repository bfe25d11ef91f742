"""Customers whose units roll over, and what is seen of them."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sumac.balances.model import EntryKind
from sumac.catalog.model import PlanItem, Rollover
from sumac.events.store import DEDUCTIONS
from sumac.storage.schema import events, grant_entries, grants
from tests.support.build import feature, free_plan, item, seats
from tests.support.services import GOOD_CARD, Services

MILLISECOND = timedelta(milliseconds=1)
FEBRUARY, MARCH, APRIL, MAY, JUNE, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in range(2, 8))
MONTH, FOREVER = Rollover("month", 1), Rollover("forever", 0)
HALF = Rollover("month", 2, max_percentage=Decimal(50))
CALLERS = 50


def capped(limit: int, months: int = 2) -> Rollover:
    return Rollover("month", months, max=Decimal(limit))


def rolling(included: int, rollover: Rollover | None, **changes: object) -> PlanItem:
    return item("messages", included, rollover=rollover, **changes)


async def holding(services: Services, *items: PlanItem) -> None:
    """A customer on a free plan with these items."""
    await services.offer(feature(), seats(), free_plan("free", *items, auto_enable=True))
    await services.add_customer(card=GOOD_CARD)


async def rollovers(services: Services) -> list[tuple[int, int, datetime | None]]:
    """Granted, balance and expiry of what rolled over."""
    balance = await services.balance()
    assert balance is not None
    return [(int(each.granted), int(each.balance), each.expires_at) for each in balance.rollovers]


async def sums(services: Services) -> tuple[Decimal, Decimal, Decimal]:
    """Granted, remaining and usage of the messages."""
    balance = await services.balance()
    assert balance is not None
    return balance.granted, balance.remaining, balance.usage


async def rolled_entries(services: Services) -> list[Decimal]:
    """By how much balances changed because units rolled over."""
    async with services.database.reading(services.tenant) as work:
        chosen = work.select(grant_entries).where(grant_entries.c.kind == EntryKind.ROLLED_OVER)
        rows = await work.all(chosen.order_by(grant_entries.c.at, grant_entries.c.id))
    return [row.balance_change for row in rows]


async def assert_books(services: Services) -> None:
    """Every balance is the sum of its entries, less what usage took; each entry says what it came to."""
    async with services.database.reading(services.tenant) as work:
        sum_of: dict[str, Decimal] = defaultdict(Decimal)
        for entry in await work.all(work.select(grant_entries)):
            sum_of[entry.grant_id] += entry.balance_change
            assert entry.balance_after is not None
        for event in await work.all(work.select(events)):
            for deduction in DEDUCTIONS.validate_python(event.deductions):
                sum_of[deduction.grant_id] -= deduction.value
        stored = await work.all(work.select(grants))

    assert {grant.id: (Decimal(0) if grant.ended_at else grant.balance) for grant in stored} == dict(sum_of)
