"""A customer with the grants that a test names, and what is left of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sumac.balances import service as balances
from sumac.balances.model import Grant
from sumac.billing.execute import refresh_due
from sumac.core.time import Cadence, Interval, boundary
from sumac.customers import entities
from sumac.customers import service as customers
from sumac.customers.model import EntityDraft
from sumac.events import service as events
from sumac.events.service import EventFilter
from sumac.storage.schema import grant_entries, grants
from tests.conftest import NEW_YEAR
from tests.support.build import MONTHLY, credit_system, feature, flag, seats
from tests.support.services import ACTOR, Services

HOURLY = Cadence(Interval.HOUR)
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)

Given = tuple[str, str, int, Cadence | None]
"""A grant: its id, its feature, its units, how often they come back."""

HOURLY_5, MONTHLY_10, LIFETIME_20 = (
    ("hourly", "messages", 5, HOURLY),
    ("monthly", "messages", 10, MONTHLY),
    ("lifetime", "messages", 20, None),
)
ACTION1_100, CREDITS_200 = ("a1", "action1", 100, None), ("credits", "credits", 200, None)


async def holding(services: Services, *given: Given, entity_of: Mapping[str, str] | None = None) -> Services:
    """A customer with these grants; those named in `entity_of` are of the entity of that id."""
    await services.offer(feature(), feature("action1"), seats(), flag(), credit_system("credits", {"action1": "0.2"}))
    customer = await services.add_customer()
    owners = entity_of or {}
    async with services.database.work(services.tenant) as work:
        keys = {
            entity_id: (await entities.add(work, customer.key, EntityDraft(entity_id, "seats"), at=NEW_YEAR)).key
            for entity_id in owners.values()
        }
        opened = [
            replace(_grant(customer.key, each, given), entity_key=keys.get(owners.get(each[0], ""))) for each in given
        ]
        await balances.open_grants(work, opened, cause="test", actor=ACTOR, at=NEW_YEAR)
        await refresh_due(work, customer.key)
    return services


def _grant(customer_key: str, wanted: Given, given: Sequence[Given]) -> Grant:
    """The grant; one whose id is r and a number rolled over from the last one of all, to expire in that order."""
    grant_id, feature_id, included, reset = wanted
    rolled_over = grant_id.startswith("r")
    return Grant(
        id=grant_id,
        customer_key=customer_key,
        feature_id=feature_id,
        customer_plan_id=None,
        plan_id=None,
        anchor_at=NEW_YEAR,
        created_at=NEW_YEAR,
        included=Decimal(included),
        balance=Decimal(included),
        reset=reset,
        resets_at=boundary(NEW_YEAR, reset, 1) if reset else None,
        rollover_of=given[-1][0] if rolled_over else None,
        expires_at=FEBRUARY + timedelta(days=int(grant_id[1:])) if rolled_over else None,
    )


async def left(services: Services) -> dict[str, Decimal]:
    """The balance of each live grant by its id."""
    async with services.database.reading(services.tenant) as work:
        customer = await customers.get(work, "ada")
        return {each.id: each.balance for each in await balances.live_grants(work, customer.key)}


async def counted(services: Services) -> list[Decimal]:
    """The values of the events, the smallest first; every balance is what the books say."""
    async with services.database.reading(services.tenant) as work:
        found = (await events.list_page(work, EventFilter(), cursor=None, limit=100)).items
        booked: defaultdict[str, Decimal] = defaultdict(Decimal)
        for entry in await work.all(work.select(grant_entries)):
            booked[entry.grant_id] += entry.balance_change
        for event in found:
            for each in event.deductions:
                booked[each.grant_id] -= each.value
        held = {row.id: row.balance for row in await work.all(work.select(grants)) if row.ended_at is None}

    assert held == {grant_id: booked[grant_id] for grant_id in held}

    return sorted(event.value for event in found)
