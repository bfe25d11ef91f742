"""Units held under a lock id, and what they come to, through the services on each engine (billing.md §6.4, §7)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sumac.balances import service as balances
from sumac.balances.model import Grant
from sumac.balances.requests import FinalizeAction, OverageBehavior
from sumac.billing.execute import refresh_due
from sumac.core.errors import BadRequest, Conflict, NotFound
from sumac.core.time import Cadence, Interval, boundary
from sumac.customers import service as customers
from sumac.events import service as events
from sumac.events.service import EventFilter
from sumac.jobs.purge import Purge
from sumac.storage.schema import entities, grant_entries, grants, reservations
from tests.conftest import NEW_YEAR
from tests.support.build import MONTHLY, credit_system, feature, flag, free_plan, item, plan, price, seats, usage_price
from tests.support.services import ACTOR, GOOD_CARD, Services

HOURLY = Cadence(Interval.HOUR)
HOUR, MINUTE, MILLISECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(milliseconds=1)
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
RELEASE = {"action": FinalizeAction.RELEASE}

Given = tuple[str, str, int, Cadence | None]
"""A grant: its id, its feature, its units, how often they come back."""

HOURLY_5, MONTHLY_10, LIFETIME_20 = (
    ("hourly", "messages", 5, HOURLY),
    ("monthly", "messages", 10, MONTHLY),
    ("lifetime", "messages", 20, None),
)
ACTION1_100, CREDITS_200 = ("a1", "action1", 100, None), ("credits", "credits", 200, None)


async def holding(services: Services, *given: Given, entity_of: Mapping[str, str] | None = None) -> Services:
    """A customer with these grants; those named in `entity_of` are of that entity."""
    await services.offer(feature(), feature("action1"), seats(), flag(), credit_system("credits", {"action1": "0.2"}))
    customer = await services.add_customer()
    owners = entity_of or {}
    opened = []
    for grant_id, feature_id, included, reset in given:
        rolled = grant_id.startswith("r")
        opened.append(
            Grant(
                id=grant_id,
                customer_key=customer.key,
                feature_id=feature_id,
                customer_plan_id=None,
                plan_id=None,
                anchor_at=NEW_YEAR,
                created_at=NEW_YEAR,
                included=Decimal(included),
                balance=Decimal(included),
                reset=reset,
                resets_at=boundary(NEW_YEAR, reset, 1) if reset else None,
                entity_key=owners.get(grant_id),
                rollover_of=given[-1][0] if rolled else None,
                expires_at=FEBRUARY + timedelta(days=int(grant_id[1:])) if rolled else None,
            )
        )
    async with services.database.work(services.tenant) as work:
        for key in set(owners.values()):
            await work.insert(
                entities,
                customer_key=customer.key,
                key=key,
                id=key.removeprefix("ent_"),
                feature_id="seats",
                billing_controls={},
                created_at=NEW_YEAR,
            )
        await balances.open_grants(work, opened, cause="test", actor=ACTOR, at=NEW_YEAR)
        await refresh_due(work, customer.key)
    return services


async def left(services: Services) -> dict[str, Decimal]:
    """The balance of each live grant by its id."""
    async with services.database.reading(services.tenant) as work:
        customer = await customers.get(work, "ada")
        return {each.id: each.balance for each in await balances.live_grants(work, customer.key)}


async def counted(services: Services) -> list[Decimal]:
    """The values of the events, in the order in which they were recorded; and every balance is what the books say."""
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

    return [event.value for event in sorted(found, key=lambda event: (event.counted_at, event.value < 0))]


def decimals(values: Sequence[int | str]) -> list[Decimal]:
    return [Decimal(value) for value in values]


@pytest.mark.parametrize(
    ("given", "used", "held", "final", "after", "recorded"),
    [
        pytest.param((HOURLY_5, MONTHLY_10), 0, 8, 5, [0, 10], [8, -3], id="hourly-and-monthly"),
        pytest.param((HOURLY_5, LIFETIME_20), 0, 8, 5, [0, 20], [8, -3], id="hourly-and-lifetime"),
        pytest.param((HOURLY_5, LIFETIME_20), 0, 8, 0, [5, 20], [8, -8], id="nothing-in-the-end"),
        pytest.param((("all", "messages", 15, None),), 5, 8, -3, [13], [5, 8, -11], id="the-opposite"),
        pytest.param((("all", "messages", 15, None),), 10, -5, -3, [8], [2, 10, -5], id="given-back"),
        pytest.param((("all", "messages", 15, None),), 0, 5, -2, [15], [5, -7], id="not-above-the-ceiling"),
        pytest.param((ACTION1_100, CREDITS_200), 95, 8, 12, [0, "198.6"], [4, 8, 95], id="credits-higher"),
        pytest.param((ACTION1_100, CREDITS_200), 95, 8, 3, [2, 200], [8, 95, -5], id="credits-lower"),
        pytest.param((ACTION1_100, CREDITS_200), 0, 10, 115, [0, 197], [10, 105], id="credits-much-higher"),
        pytest.param(
            (("r0", "messages", 100, None), ("r1", "messages", 100, None), ("main", "messages", 100, MONTHLY)),
            0,
            250,
            180,
            [0, 20, 100],
            [250, -70],
            id="rolled-over-lower",
        ),
        pytest.param(
            (("r0", "messages", 100, None), ("main", "messages", 100, MONTHLY)),
            0,
            30,
            150,
            [0, 50],
            [30, 120],
            id="rolled-over-higher",
        ),
    ],
)
async def test_what_a_reservation_comes_to(
    services: Services,
    *,
    given: tuple[Given, ...],
    used: int,
    held: int,
    final: int,
    after: list[int | str],
    recorded: list[int],
) -> None:
    """Each row of billing.md §7: the balances in the end, and the events that explain them."""
    await holding(services, *given)
    tracked = given[0][1]
    if used:
        await services.track(used, tracked)

    answer = await services.reserve(held, tracked)
    await services.finalize(final)

    assert answer.access.allowed
    assert dict(zip((each[0] for each in given), decimals(after), strict=True)) == await left(services)
    assert sorted(decimals(recorded)) == sorted(await counted(services))


async def test_an_upgrade_between(services: Services) -> None:
    """Held on Free, finalized on Pro: what Free's grant cannot take back is a refund to Pro's."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 50), auto_enable=True),
        plan("pro", item("messages", 80, price=usage_price("0.10")), price=price(20)),
    )
    await services.add_customer(card=GOOD_CARD)

    await services.reserve(40)
    await services.attach("pro")
    await services.track(20)
    await services.finalize(30)

    assert Decimal(70) == await services.remaining()
    assert [40, 20, -10] == await counted(services)


async def test_an_entity(services: Services) -> None:
    """The entity's own units, then the customer's; a sibling's are untouched (billing.md §7)."""
    owners = {"west": "ent_west", "east": "ent_east"}
    given = [("all", "messages", 100, None), ("west", "messages", 50, None), ("east", "messages", 50, None)]
    await holding(services, *given, entity_of=owners)

    await services.reserve(30, entity_id="west")
    await services.finalize(80)

    assert {"all": 70, "west": 0, "east": 50} == await left(services)


async def test_an_entity_that_does_not_exist(services: Services) -> None:
    """Nothing is held for it."""
    await holding(services, MONTHLY_10)

    with pytest.raises(NotFound, match="north"):
        await services.reserve(1, entity_id="north")


async def test_unlimited_units(services: Services) -> None:
    """What was used is counted, for less and for more."""
    await services.offer(feature(), free_plan("free", item("messages", unlimited=True, reset=None), auto_enable=True))
    await services.add_customer()

    for held, final, usage in [(8, 3, 3), (8, 10, 13), (5, 0, 13)]:
        await services.reserve(held, lock_id=f"job-{held}-{final}")
        await services.finalize(final, f"job-{held}-{final}")
        balance = await services.balance()
        assert balance is not None

        assert usage == balance.usage


async def test_the_answer_shows_what_is_left(services: Services) -> None:
    """Held units are used until it is known better; the balance that answers is the one afterwards (api.md §2.4)."""
    await holding(services, MONTHLY_10)

    answer = await services.reserve(8)

    assert answer.access.balance is not None
    assert (True, 2, 8) == (answer.access.allowed, answer.access.balance.remaining, answer.access.balance.usage)
    assert answer.access.balance == await services.balance()
    assert not (await services.check(3)).access.allowed


async def test_several_balances_together(services: Services) -> None:
    """Five actions of their own and credits for five more hold eight; the answer names the credits, too."""
    await holding(services, ("a1", "action1", 5, None), ("credits", "credits", 1, None))

    answer = await services.reserve(8, "action1")

    assert answer.access.allowed
    assert {"a1": 0, "credits": Decimal("0.4")} == await left(services)
    assert answer.balances is not None
    assert {"action1", "credits"} == answer.balances.keys()


@pytest.mark.parametrize(
    ("required", "feature_id"), [(11, "messages"), (1, "action1"), (0, "action1"), (-1, "action1")]
)
async def test_the_answer_is_no(services: Services, required: int, feature_id: str) -> None:
    """What does not fit is not held, nor is anything of what nobody has; and there is no lock to finalize."""
    await holding(services, MONTHLY_10)

    answer = await services.reserve(required, feature_id)

    assert (required == 0) == answer.access.allowed
    await services.finalize(5)
    assert {"monthly": 10} == await left(services)
    if required:
        assert [] == await counted(services)


async def test_a_refused_id_is_free(services: Services) -> None:
    """The same lock id may be tried again once there is enough."""
    await holding(services, MONTHLY_10)
    await services.reserve(11)

    assert (await services.reserve(10)).access.allowed


@pytest.mark.parametrize(
    ("behavior", "after"),
    [
        pytest.param(OverageBehavior.CAP, [0, 10, 2, 0, 0], id="cap"),
        pytest.param(OverageBehavior.OVERFLOW, [-4, 10, 2, -4, -6], id="overflow"),
    ],
)
async def test_more_than_there_is(services: Services, behavior: OverageBehavior, after: list[int]) -> None:
    """Held as far as it fits, or all of it; and the rest is counted the same way (api.md §2.16)."""
    await holding(services, MONTHLY_10)

    found = []
    for number, final in enumerate((14, 0, 8, 14, 16)):
        answer = await services.reserve(14, lock_id=f"job-{number}", overage_behavior=behavior)
        assert answer.access.allowed
        if number:
            await services.finalize(final, f"job-{number}")
        found.append((await left(services))["monthly"])
        await services.finalize(0, f"job-{number}")
        if number:
            await services.track(-final)

    assert after == found


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
    assert [8, -3] == await counted(services)


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
    assert [8, -8] == await counted(services)


async def test_finalized_in_the_last_millisecond(services: Services) -> None:
    """Then nothing is left to expire."""
    await holding(services, ("all", "messages", 10, None))
    await services.reserve(8, expires_at=NEW_YEAR + HOUR)
    services.clock.move_to(NEW_YEAR + HOUR - MILLISECOND)
    await services.finalize(5)

    services.clock.move_to(NEW_YEAR + HOUR)
    await services.billing.settle_due_customers()

    assert {"all": 5} == await left(services)
    assert [8, -3] == await counted(services)
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
    assert [3, 3, 3, -3, -3, -3] == await counted(services)
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
    assert [4, 26, -26] == await counted(services)


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
