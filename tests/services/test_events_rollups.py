"""Roll-ups are the exact sums of their events, whatever happens (billing.md §5.1)."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from sumac.balances.requests import OverageBehavior
from sumac.core.errors import BadRequest
from sumac.core.tenant import Env, Tenant
from sumac.customers import service as customers
from sumac.events import service as events
from sumac.events.model import Amount
from sumac.events.rules.rollup import RollupKey, roll_up
from tests.support.build import feature, free_plan, item
from tests.support.services import Services
from tests.support.usage import NEW_YEAR, append, event, every_event, stored_rollups

QUARTER = timedelta(minutes=15)
MILLISECOND = timedelta(milliseconds=1)


async def test_a_quarter_begins_with_its_first_millisecond(services: Services) -> None:
    """The last millisecond of a quarter is of that quarter, the next one of the next."""
    await append(services, event(1, occurred_at=NEW_YEAR), event(2, occurred_at=NEW_YEAR + QUARTER - MILLISECOND))
    await append(services, event(4, occurred_at=NEW_YEAR + QUARTER))

    assert {
        RollupKey("cus_ada", "messages", "", NEW_YEAR): Amount(2, Decimal(3)),
        RollupKey("cus_ada", "messages", "", NEW_YEAR + QUARTER): Amount(1, Decimal(4)),
    } == await stored_rollups(services)


async def test_sums_stay_exact(services: Services) -> None:
    """A tenth, ten decimals and thirteen digits before them: nothing is rounded, in one transaction or in many."""
    for _ in range(10):
        await append(services, event("0.1"), event("0.0000000001"), event("10000000000000"), event("-0.1"))

    amount = (await stored_rollups(services))[RollupKey("cus_ada", "messages", "", NEW_YEAR)]
    assert Amount(40, Decimal("100000000000000.000000001")) == amount


async def test_many_events_in_one_call(services: Services) -> None:
    """However they come, in one batch or in several: customers, features and entities are counted apart."""
    random = Random(7)  # noqa: S311  # the same events each time
    added = [
        event(
            Decimal(random.randrange(-(10**12), 10**13)).scaleb(-10),
            customer_key=random.choice(["cus_ada", "cus_bob"]),
            feature_id=random.choice(["messages", "calls"]),
            entity_key=random.choice([None, "ent_1", "ent_2"]),
            occurred_at=NEW_YEAR + random.randrange(86_400_000) * MILLISECOND,
        )
        for _ in range(3_000)
    ]
    await append(services, *added[:2_000])
    await append(services)
    for start in range(2_000, 3_000, 250):
        await append(services, *added[start : start + 250])

    assert roll_up(added) == await stored_rollups(services)
    assert roll_up(added) == roll_up(await every_event(services))


async def test_works_that_cross(services: Services) -> None:
    """Twenty at once count into the same quarters, each naming them in its own order: nothing is lost or blocked."""
    random = Random(11)  # noqa: S311  # the same orders each time
    batches = [
        [
            event(each, customer_key=random.choice(["cus_ada", "cus_bob", "cus_eve"]), feature_id=name)
            for each in range(1, 20)
            for name in random.sample(["a", "b", "c"], 3)
        ]
        for _ in range(20)
    ]
    await asyncio.gather(*(append(services, *batch) for batch in batches))

    assert roll_up(each for batch in batches for each in batch) == await stored_rollups(services)


async def test_tenants_are_counted_apart(services: Services) -> None:
    """The same keys elsewhere are other roll-ups."""
    rival = services.of(Tenant("org_two", Env.SANDBOX))
    await append(services, event(1))
    await append(rival, event(2))

    key = RollupKey("cus_ada", "messages", "", NEW_YEAR)
    assert {key: Amount(1, Decimal(1))} == await stored_rollups(services)
    assert {key: Amount(1, Decimal(2))} == await stored_rollups(rival)


@pytest.fixture
async def metered(services: Services) -> Services:
    """Ada has 100 messages."""
    await services.offer(feature(), free_plan("free", item("messages", 100), auto_enable=True))
    await services.add_customer()
    return services


async def test_what_is_tracked_is_rolled_up(metered: Services) -> None:
    """In the same transaction: usage that is refused, or whose transaction fails, is nowhere."""
    await metered.track("1.5")
    await metered.track(3, occurred_at=NEW_YEAR - timedelta(days=2))
    with pytest.raises(BadRequest):
        await metered.track(500, overage_behavior=OverageBehavior.REJECT)

    async def fail() -> None:
        async with metered.database.work(metered.tenant) as work:
            await events.append(work, [event(9)])
            raise LookupError

    with pytest.raises(LookupError):
        await fail()

    assert {Amount(1, Decimal("1.5")), Amount(1, Decimal(3))} == set((await stored_rollups(metered)).values())
    assert roll_up(await every_event(metered)) == await stored_rollups(metered)


async def test_a_deleted_customer_leaves_none(metered: Services) -> None:
    """Roll-ups go with the customer."""
    await metered.track(2)
    async with metered.database.work(metered.tenant) as work:
        await customers.delete(work, "ada")

    assert {} == await stored_rollups(metered)
