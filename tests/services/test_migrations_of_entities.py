"""Plans that entities hold are moved like the customer's own, each by itself (billing.md §16.2, §17.1)."""

from datetime import UTC, datetime

from sumac.billing.migration_model import MigrationDraft, MoveStatus
from sumac.billing.migrations import MigrationDesk
from tests.support.build import feature, item, plan, price, seats, usage_price
from tests.support.rolling import assert_books
from tests.support.services import GOOD_CARD, Services

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)


async def test_each_entity_goes_along_with_its_own_usage(services: Services) -> None:
    """One has used 5 of 10, the other 20: 15 and 0 are left, and one line joins the renewal of both."""
    desk = MigrationDesk(services.database, services.billing)
    await services.offer(feature(), seats(), plan("pro", item("messages", 10, price=usage_price(1)), price=price(10)))
    await services.add_customer(card=GOOD_CARD)
    for entity_id, used in (("one", 5), ("two", 20)):
        await services.add_entity(entity_id)
        await services.attach("pro", entity_id=entity_id)
        await services.track(used, entity_id=entity_id)
    await services.change_plan("pro", items=(item("messages", 20, price=usage_price(2)),), price=price(12))
    async with services.database.work(services.tenant) as work:
        made = await desk.create(work, MigrationDraft("pro", 2), actor="key_1")
        await desk.run(work, made.id)
    while await desk.carry_on():
        pass

    async with services.database.reading(services.tenant) as work:
        page = await desk.report(work, made.id, [MoveStatus.MOVED], cursor=None, limit=10)
    keys = {entity.key: entity.id for entity in await services.entities_of()}
    told = {
        keys[units.entity_key or ""]: (int(units.left_before), int(units.left_after))
        for each in page.items
        if each.effect is not None
        for units in each.effect.units
    }
    assert {"one": (5, 15), "two": (-10, 0)} == told
    assert [15, 0] == [await services.remaining(entity_id=each) for each in ("one", "two")]
    await assert_books(services)

    await services.advance(FEBRUARY)
    assert ["10.00", "10.00", "34.00"] == await services.totals()
