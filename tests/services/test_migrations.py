"""Customers are moved to another version, each once, whatever happens meanwhile (billing.md §16.2)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sumac.billing.migration_model import (
    Migration,
    MigrationDraft,
    MigrationStatus,
    MoveStatus,
    PlanMove,
    Progress,
    SkipReason,
)
from sumac.billing.migrations import MigrationDesk
from sumac.billing.requests import CancelAction, InvoiceMode, UpdateRequest
from sumac.catalog.model import Customization
from sumac.core.errors import BadRequest, Conflict, NotFound
from sumac.core.page import Cursor
from tests.support.build import ONCE, feature, item, plan, price, usage_price
from tests.support.crowd import at_once
from tests.support.rolling import assert_books
from tests.support.services import GOOD_CARD, Services

ACTOR = "key_1"
HALF, FEBRUARY = datetime(2026, 1, 16, 12, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
ALL = MigrationDraft("pro", 2)
MARK, HELLY, CUSTOM, LEAVING = "mark", "helly", "custom", "leaving"


def desk_of(services: Services) -> MigrationDesk:
    return MigrationDesk(services.database, services.billing)


@pytest.fixture
async def shop(services: Services) -> Services:
    """Mark used 5 of 10 credits, Helly 20; one customer has an own price, one leaves; now there is a second version."""
    first = plan("pro", item("messages", 10, price=usage_price(1)), price=price(10))
    await services.offer(feature(), first)
    for customer_id, used in ((MARK, 5), (HELLY, 20), (CUSTOM, 1), (LEAVING, 2)):
        await services.add_customer(customer_id, card=GOOD_CARD)
        await services.attach("pro", customer_id)
        await services.track(used, customer_id=customer_id)
    cheaper = Customization(price=price(5), sets_price=True)
    await services.billing.perform(services.tenant, UpdateRequest(CUSTOM, "pro", customize=cheaper), actor=ACTOR)
    await services.cancel(CancelAction.CANCEL_END_OF_CYCLE, LEAVING, plan_id="pro")
    await services.change_plan("pro", items=(item("messages", 20, price=usage_price(2)),), price=price(12))
    return services


async def begin(shop: Services, asked: MigrationDraft = ALL) -> Migration:
    async with shop.database.work(shop.tenant) as work:
        made = await desk_of(shop).create(work, asked, actor=ACTOR)
        return await desk_of(shop).run(work, made.id)


async def work_off(shop: Services) -> None:
    while await desk_of(shop).carry_on():
        pass


async def standing(shop: Services, migration: Migration) -> tuple[MigrationStatus, Progress]:
    async with shop.database.reading(shop.tenant) as work:
        begun = await desk_of(shop).get(work, migration.id)
    return begun.migration.status, begun.progress


async def report(shop: Services, migration: Migration, *statuses: MoveStatus) -> dict[str, PlanMove]:
    """What became of each customer, by id, read page by page."""
    moves: list[PlanMove] = []
    cursor: str | None = ""
    async with shop.database.reading(shop.tenant) as work:
        while cursor is not None:
            page = await desk_of(shop).report(work, migration.id, statuses, cursor=Cursor.decode(cursor), limit=2)
            moves += page.items
            cursor = page.next_cursor
    return await by_customer(shop, moves)


async def by_customer(shop: Services, moves: Sequence[PlanMove]) -> dict[str, PlanMove]:
    known = {(await shop.customer(name)).key: name for name in (MARK, HELLY, CUSTOM, LEAVING)}
    return {known[each.customer_key]: each for each in moves}


async def versions(shop: Services) -> dict[str, int]:
    """The version that each customer is on who is on any."""
    found: dict[str, int] = {}
    for name in (MARK, HELLY, CUSTOM, LEAVING):
        customer = await shop.customer(name)
        async with shop.database.reading(shop.tenant) as work:
            held = (await shop.billing.holdings(work, [customer.key])).get(customer.key, ())
        found.update((name, each.held.version) for each in held)
    return found


async def test_the_worked_numbers(shop: Services) -> None:
    """Mark has 15 left and no line; Helly none, and $10 on the next invoice, beside the new price; others stay."""
    migration = await begin(shop)
    await work_off(shop)

    done = (MigrationStatus.COMPLETED, Progress(moved=2, skipped=2))
    assert done == await standing(shop, migration)
    assert {MARK: 2, HELLY: 2, CUSTOM: 1, LEAVING: 1} == await versions(shop)
    assert (15, 0) == (await shop.remaining(customer_id=MARK), await shop.remaining(customer_id=HELLY))
    told = await report(shop, migration)
    assert {CUSTOM: SkipReason.CUSTOM, LEAVING: SkipReason.CANCELING, MARK: None, HELLY: None} == {
        name: each.reason for name, each in told.items()
    }
    effect = told[HELLY].effect
    assert effect is not None
    assert (1000, 1200, [1000]) == (
        effect.charge_before_minor, effect.charge_after_minor, [line.amount_minor for line in effect.lines],
    )  # fmt: skip

    await assert_books(shop)
    for name, expected in ((MARK, ["10.00", "12.00"]), (HELLY, ["10.00", "22.00"])):
        await shop.advance(FEBRUARY, name)
        assert expected == await shop.totals(name)
        assert 20 == await shop.remaining(customer_id=name)


async def test_a_preview_is_what_is_done(shop: Services) -> None:
    """Page by page the same outcomes as the report afterwards, and nothing changes by looking."""
    async with shop.database.work(shop.tenant) as work:
        draft = await desk_of(shop).create(work, ALL, actor=ACTOR)
    first = await desk_of(shop).preview(shop.tenant, draft.id, cursor=None, limit=3)
    rest = await desk_of(shop).preview(shop.tenant, draft.id, cursor=Cursor.decode(first.next_cursor or ""), limit=3)

    assert (3, 1, None) == (len(first.items), len(rest.items), rest.next_cursor)
    assert {1} == set((await versions(shop)).values())
    assert (MigrationStatus.DRAFT, Progress()) == await standing(shop, draft)

    async with shop.database.work(shop.tenant) as work:
        await desk_of(shop).run(work, draft.id)
    await work_off(shop)
    done = await report(shop, draft)
    assert await by_customer(shop, [*first.items, *rest.items]) == {
        name: replace(each, finished_at=None) for name, each in done.items()
    }


async def test_a_dry_run_changes_nothing(shop: Services) -> None:
    """It decides about everybody and reports it; versions, balances and lines stay."""
    migration = await begin(shop, replace(ALL, dry_run=True))
    await work_off(shop)

    assert (MigrationStatus.COMPLETED, Progress(moved=2, skipped=2)) == await standing(shop, migration)
    assert ({1}, 5) == (set((await versions(shop)).values()), await shop.remaining(customer_id=MARK))
    assert {MARK, HELLY} == (await report(shop, migration, MoveStatus.MOVED)).keys()
    await shop.advance(FEBRUARY, HELLY)
    assert ["10.00", "20.00"] == await shop.totals(HELLY)


async def test_some_customers_of_some_versions(shop: Services) -> None:
    """Only those named are looked at; special terms end where they are chosen."""
    mark = (await shop.customer(MARK)).key
    only_mark = await begin(shop, replace(ALL, customer_keys=(mark,), from_versions=(1,)))
    await work_off(shop)
    assert {MARK} == (await report(shop, only_mark)).keys()

    back = await begin(shop, MigrationDraft("pro", 1, from_versions=(2,)))
    await work_off(shop)
    assert {MARK} == (await report(shop, back)).keys()
    assert {1} == set((await versions(shop)).values())

    everybody = await begin(shop, replace(ALL, include_custom=True))
    await work_off(shop)
    assert {MARK: 2, HELLY: 2, CUSTOM: 2, LEAVING: 1} == await versions(shop)
    assert {LEAVING} == (await report(shop, everybody, MoveStatus.SKIPPED)).keys()

    again = await begin(shop, replace(ALL, include_custom=True))
    await work_off(shop)
    assert {LEAVING} == (await report(shop, again)).keys()


async def test_pause_and_resume(shop: Services) -> None:
    """Once it is paused nobody is moved; it goes on where it was, and its end cannot be paused."""
    migration = await begin(shop)
    assert 1 == await desk_of(shop).carry_on()
    async with shop.database.work(shop.tenant) as work:
        await desk_of(shop).pause(work, migration.id)
    assert 0 == await desk_of(shop).carry_on()
    assert (MigrationStatus.PAUSED, Progress(pending=4)) == await standing(shop, migration)

    async with shop.database.work(shop.tenant) as work:
        await desk_of(shop).run(work, migration.id)
    await work_off(shop)
    assert (MigrationStatus.COMPLETED, Progress(moved=2, skipped=2)) == await standing(shop, migration)
    for refused in (desk_of(shop).pause, desk_of(shop).run):
        with pytest.raises(Conflict):
            async with shop.database.work(shop.tenant) as work:
                await refused(work, migration.id)


async def test_one_at_a_time(shop: Services) -> None:
    """A second migration of the plan waits for the first, or for its pause; its target cannot be removed meanwhile."""
    first = await begin(shop)
    with pytest.raises(Conflict) as refused:
        await begin(shop)
    assert "migration_already_in_progress" == refused.value.code
    async with shop.database.reading(shop.tenant) as work:
        assert {1, 2} == await shop.billing.held_versions(work, "pro")

    async with shop.database.work(shop.tenant) as work:
        await desk_of(shop).run(work, first.id)
        await desk_of(shop).pause(work, first.id)
    await begin(shop)
    with pytest.raises(Conflict):
        async with shop.database.work(shop.tenant) as work:
            await desk_of(shop).run(work, first.id)


async def test_what_stands_in_the_way(shop: Services) -> None:
    """A change that waits for its payer is not overtaken, and holds up nobody; it can be tried again."""
    sent = UpdateRequest(HELLY, "pro", customize=Customization(price=price(50), sets_price=True))
    await shop.billing.perform(shop.tenant, replace(sent, invoice_mode=InvoiceMode()), actor=ACTOR)
    migration = await begin(shop)
    await work_off(shop)

    told = await report(shop, migration)
    assert (SkipReason.CHANGE_PENDING, MoveStatus.MOVED) == (told[HELLY].reason, told[MARK].status)
    async with shop.database.work(shop.tenant) as work:
        await desk_of(shop).retry(work, migration.id, [MoveStatus.SKIPPED])
    await work_off(shop)
    assert (MigrationStatus.COMPLETED, Progress(moved=1, skipped=3)) == await standing(shop, migration)


async def test_a_customer_who_cannot_be_moved(shop: Services) -> None:
    """The version is bought once, which a running plan cannot become: the row says so, and the next has its turn."""
    async with shop.database.work(shop.tenant) as work:
        migration = await desk_of(shop).create(work, ALL, actor=ACTOR)
    await shop.change_plan("pro", price=price(9, ONCE), items=())
    async with shop.database.work(shop.tenant) as work:
        await desk_of(shop).run(work, migration.id)
    await work_off(shop)

    told = await report(shop, migration, MoveStatus.FAILED)
    assert {MARK, HELLY} == told.keys()
    assert "bought once" in (told[MARK].reason or "")


async def test_what_cannot_be_asked(shop: Services) -> None:
    """Unknown versions and migrations are not found, and moving a version to itself moves nobody."""
    async with shop.database.work(shop.tenant) as work:
        with pytest.raises(NotFound):
            await desk_of(shop).create(work, replace(ALL, to_version=9), actor=ACTOR)
        with pytest.raises(NotFound):
            await desk_of(shop).create(work, replace(ALL, from_versions=(9,)), actor=ACTOR)
        with pytest.raises(BadRequest):
            await desk_of(shop).create(work, replace(ALL, from_versions=(2,)), actor=ACTOR)
        with pytest.raises(NotFound) as unknown:
            await desk_of(shop).run(work, "mig_unknown")
    assert "migration_not_found" == unknown.value.code


async def test_several_workers_move_each_customer_once(shop: Services, crowd: Sequence[Services]) -> None:
    """Three processes work it off together: one line for Helly, and every row is finished once."""
    migration = await begin(shop)
    job: Callable[[Services], Awaitable[object]] = work_off
    await at_once(crowd, 7, [job] * 6)
    await work_off(shop)

    assert (MigrationStatus.COMPLETED, Progress(moved=2, skipped=2)) == await standing(shop, migration)
    await shop.advance(FEBRUARY, HELLY)
    assert ["10.00", "22.00"] == await shop.totals(HELLY)


async def test_usage_while_it_runs(shop: Services) -> None:
    """What is counted at the same moment counts once, on the old units or on the new ones."""
    await begin(shop)
    await asyncio.gather(work_off(shop), *(shop.track(1, customer_id=MARK) for _ in range(5)))

    assert (2, 10) == ((await versions(shop))[MARK], await shop.remaining(customer_id=MARK))
    await assert_books(shop)


async def test_what_is_due_comes_first(shop: Services) -> None:
    """A renewal that is late is made at the old price and instant, and then the customer is moved."""
    shop.clock.move_to(FEBRUARY)
    await begin(shop)
    await work_off(shop)

    assert ["10.00", "20.00"] == await shop.totals(HELLY)
    assert (2, Decimal(20)) == ((await versions(shop))[HELLY], await shop.remaining(customer_id=HELLY))
