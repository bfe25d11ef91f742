"""The names of reservations, how long they last, and their end (billing.md §7)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from sumac.balances.requests import FinalizeAction
from sumac.core.errors import BadRequest, Conflict
from sumac.customers import service as customers
from sumac.events import service as events
from sumac.events.service import EventFilter
from sumac.jobs.purge import Purge
from sumac.storage.schema import reservations
from tests.conftest import NEW_YEAR
from tests.support.build import feature, item, plan, price, usage_price
from tests.support.reserving import FEBRUARY, HOURLY_5, LIFETIME_20, MONTHLY_10, counted, holding, left
from tests.support.services import GOOD_CARD, Services

HOUR, MINUTE, MILLISECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(milliseconds=1)
RELEASE = {"action": FinalizeAction.RELEASE}


async def test_a_lock_id_is_used_once(services: Services) -> None:
    """A second reservation of the name is refused, also of another customer, and holds nothing (api.md §2.4)."""
    await holding(services, MONTHLY_10)
    await services.add_customer("bob")
    await services.reserve(1)
    await services.finalize()

    for customer_id in ("ada", "bob"):
        with pytest.raises(Conflict) as refused:
            await services.reserve(1, customer_id=customer_id)

        assert "lock_already_exists" == refused.value.code
    assert {"monthly": 9} == await left(services)


@pytest.mark.parametrize(
    ("expiry", "remembered"), [(None, timedelta(hours=24)), (10 * MINUTE, HOUR + 10 * MINUTE)], ids=["without", "with"]
)
async def test_a_finished_lock_id_is_forgotten(
    services: Services, expiry: timedelta | None, remembered: timedelta
) -> None:
    """After a day, or an hour after it would have expired, the name is free again (billing.md §7)."""
    await holding(services, ("all", "messages", 10, None))
    await services.reserve(1, expires_at=expiry and NEW_YEAR + expiry)
    await services.finalize()
    services.clock.advance(remembered - MILLISECOND)
    with pytest.raises(Conflict):
        await services.reserve(1)
    services.clock.advance(MILLISECOND)

    assert (await services.reserve(1)).access.allowed
    await services.finalize(0)
    assert {"all": 9} == await left(services)


async def test_a_lock_id_is_of_its_tenant(services: Services) -> None:
    """Somebody else's lock of the same name is neither in the way nor finalized."""
    await holding(services, MONTHLY_10)
    other = services.of(replace(services.tenant, organization_id="org_two"))
    await holding(other, ("theirs", "messages", 10, None))
    await services.reserve(4)
    await other.reserve(5)

    await other.finalize(0)

    assert ({"monthly": 6}, {"theirs": 10}) == (await left(services), await left(other))


async def test_names_are_made_up(services: Services) -> None:
    """Without a lock id each reservation has one of its own."""
    await holding(services, MONTHLY_10)

    await services.reserve(1, lock_id=None)
    await services.reserve(1, lock_id=None)

    async with services.database.reading(services.tenant) as work:
        names = {row.lock_id for row in await work.all(work.select(reservations))}
    assert [True, True] == [name.startswith("lck_") for name in names]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"feature_id": "seats"}, "seats", id="held-units"),
        pytest.param({"feature_id": "sso"}, "boolean", id="a-flag"),
        pytest.param({"lock_id": "x" * 257}, "lock_id", id="a-long-name"),
        pytest.param({"expires_at": NEW_YEAR + 24 * HOUR + MILLISECOND}, "expires_at", id="more-than-a-day"),
        pytest.param({"expires_at": NEW_YEAR}, "expires_at", id="now"),
        pytest.param({"required": Decimal("1e40")}, "required_balance", id="too-much"),
    ],
)
async def test_what_cannot_be_reserved(services: Services, changes: dict[str, object], reason: str) -> None:
    """400 for what makes no sense, and nothing is held (billing.md §7)."""
    await holding(services, MONTHLY_10, ("seats", "seats", 10, None))

    with pytest.raises(BadRequest, match=reason):
        await services.reserve(**{"required": 1, **changes})  # type: ignore[arg-type]  # what each row names

    assert {"monthly": 10, "seats": 10} == await left(services)


async def test_the_longest_name_and_the_longest_time(services: Services) -> None:
    """256 characters and 24 hours are allowed."""
    await holding(services, ("all", "messages", 10, None))

    await services.reserve(1, lock_id="x" * 256, expires_at=NEW_YEAR + 24 * HOUR)
    await services.finalize(3, "x" * 256)

    assert {"all": 7} == await left(services)


async def test_finalizing_what_is_not_there(services: Services) -> None:
    """An unknown or finished lock is left as it is (billing.md §7)."""
    await holding(services, MONTHLY_10)
    await services.finalize(5, "unknown")
    await services.reserve(8)
    await services.finalize(5)

    await services.finalize(0)
    await services.finalize(9)
    await services.finalize(**RELEASE)

    assert {"monthly": 5} == await left(services)
    assert [-3, 8] == await counted(services)


async def test_a_release_asks_for_no_value(services: Services) -> None:
    """Released is confirmed for nothing, whatever value is named beside it."""
    await holding(services, MONTHLY_10)
    await services.reserve(8)

    await services.finalize(7, **RELEASE)

    assert {"monthly": 10} == await left(services)


async def test_it_expires_at_its_instant(services: Services) -> None:
    """A millisecond before the units are held, at the instant they are back for whoever asks (billing.md §7)."""
    await holding(services, ("all", "messages", 10, None))
    await services.reserve(8, expires_at=NEW_YEAR + HOUR)

    services.clock.move_to(NEW_YEAR + HOUR - MILLISECOND)
    before = await services.check(3)
    services.clock.move_to(NEW_YEAR + HOUR)
    after = await services.check(10)
    await services.finalize(8)

    assert (False, True) == (before.access.allowed, after.access.allowed)
    assert {"all": 10} == await left(services)
    assert [-8, 8] == await counted(services)


async def test_finalized_in_the_last_millisecond(services: Services) -> None:
    """Then nothing is left to expire."""
    await holding(services, ("all", "messages", 10, None))
    await services.reserve(8, expires_at=NEW_YEAR + HOUR)
    services.clock.move_to(NEW_YEAR + HOUR - MILLISECOND)
    await services.finalize(5)

    services.clock.move_to(NEW_YEAR + HOUR)
    await services.billing.settle_due_customers()

    assert {"all": 5} == await left(services)
    assert [-3, 8] == await counted(services)
    assert None is (await services.customer()).due_at


async def test_the_job_gives_back_what_nobody_finalizes(services: Services) -> None:
    """The process that held the units is gone; the sweep returns each reservation's at its time, once."""
    await holding(services, ("all", "messages", 10, None))
    for minutes in (30, 10, 20):
        await services.reserve(3, lock_id=f"job-{minutes}", expires_at=NEW_YEAR + minutes * MINUTE)

    found = []
    for minutes in (9, 10, 25, 30):
        services.clock.move_to(NEW_YEAR + minutes * MINUTE)
        await services.billing.settle_due_customers()
        await services.billing.settle_due_customers()
        found.append((await left(services))["all"])

    assert [1, 4, 7, 10] == found
    assert [-3, -3, -3, 3, 3, 3] == await counted(services)
    assert None is (await services.customer()).due_at


async def test_without_an_expiry_it_is_held(services: Services) -> None:
    """Nothing comes back by itself, and days later it can still be finalized."""
    await holding(services, ("all", "messages", 10, None))
    await services.reserve(8)
    services.clock.advance(timedelta(days=60))
    await services.billing.settle_due_customers()
    await Purge(services.database).run()
    assert {"all": 2} == await left(services)

    await services.finalize(5)

    assert {"all": 5} == await left(services)


async def test_it_expires_with_the_period(services: Services) -> None:
    """What expires when the plan renews was not used in the old period: no overage is billed, the new one is full."""
    await services.offer(feature(), plan("pro", item("messages", 10, price=usage_price("0.50")), price=price(20)))
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro")
    services.clock.move_to(FEBRUARY - HOUR)
    await services.track(4)
    await services.reserve(26, expires_at=FEBRUARY)
    services.clock.move_to(FEBRUARY)

    await services.billing.settle_due_customers()

    assert ["20.00", "20.00"] == await services.totals()
    assert Decimal(10) == await services.remaining()
    assert [-26, 4, 26] == await counted(services)


async def test_a_reset_between(services: Services) -> None:
    """What was held of an hour that is over does not come back on top of the next one."""
    await holding(services, HOURLY_5, LIFETIME_20)
    await services.reserve(8, expires_at=NEW_YEAR + 2 * HOUR)
    services.clock.move_to(NEW_YEAR + HOUR)
    await services.track(1)

    services.clock.move_to(NEW_YEAR + HOUR + MINUTE)
    await services.finalize(0)

    assert {"hourly": 5, "lifetime": 20} == await left(services)


async def test_the_sandbox_clock_shows_it(services: Services) -> None:
    """Moving a customer's clock over the expiry says what happened, and when (api.md §2.1)."""
    await holding(services, ("all", "messages", 10, None))
    await services.advance(NEW_YEAR)
    await services.reserve(8, expires_at=NEW_YEAR + HOUR)

    moved = await services.advance(NEW_YEAR + 2 * HOUR)

    assert [(NEW_YEAR + HOUR, "reservation_expired", ("messages",))] == [
        (each.at, each.kind, each.feature_ids) for each in moved.happened
    ]
    assert {"all": 10} == await left(services)


async def test_properties(services: Services) -> None:
    """The difference has the lock's properties unless finalize has its own (billing.md §7)."""
    await holding(services, MONTHLY_10)
    for number, properties in enumerate((None, {"model": "large"})):
        await services.reserve(4, lock_id=f"job-{number}", properties={"model": "small"})
        await services.finalize(3, f"job-{number}", properties=properties)

    async with services.database.reading(services.tenant) as work:
        found = (await events.list_page(work, EventFilter(), cursor=None, limit=10)).items
    assert [("-1", "large"), ("-1", "small"), ("4", "small"), ("4", "small")] == sorted(
        (f"{event.value:f}", event.properties["model"]) for event in found
    )


async def test_a_finished_reservation_is_purged(services: Services) -> None:
    """Days after it is finished it is gone; one that is open stays (security.md)."""
    await holding(services, MONTHLY_10)
    await services.reserve(1, lock_id="open")
    await services.reserve(1, lock_id="finished")
    await services.finalize(1, "finished")
    services.clock.advance(timedelta(days=2, minutes=1))

    await Purge(services.database).run()

    async with services.database.reading(services.tenant) as work:
        assert ["open"] == [row.lock_id for row in await work.all(work.select(reservations))]


async def test_deleted_with_its_customer(services: Services) -> None:
    """A lock of somebody who is gone is unknown, and its name is free."""
    await holding(services, MONTHLY_10)
    await services.reserve(1)
    async with services.database.work(services.tenant) as work:
        await customers.delete(work, "ada")

    await services.finalize(5)

    await services.add_customer("ada")
    assert not (await services.reserve(1)).access.allowed
