"""Entities: who has one, the unit each of them takes, and what is counted for them (billing.md §17.1)."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sumac.balances import service as balances
from sumac.balances.model import Grant
from sumac.catalog.model import Plan, Proration
from sumac.core.errors import BadRequest, Conflict, NotFound, PaymentRequired
from sumac.core.page import Cursor
from sumac.customers import entities
from sumac.customers import service as customers
from sumac.customers.model import Entity
from sumac.events import service as events
from tests.support.build import feature, flag, free_plan, held_item, item, plan, seats, usage_price
from tests.support.services import GOOD_CARD, Services

NEW_YEAR, HALF = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 16, 12, tzinfo=UTC)
DECLINED = "4000 0000 0000 0341"
AT_ONCE = Proration("prorate_immediately", "prorate_immediately")


def team(included: int) -> Plan:
    """A free plan with so many seats."""
    return free_plan("team", held_item("seats", included), auto_enable=True)


@pytest.fixture
async def shop(services: Services) -> Services:
    """A consumable feature, a held one and a flag; each test offers its own plans."""
    await services.offer(feature(), seats(), flag())
    return services


async def used(shop: Services) -> tuple[int, int]:
    """Seats used and left."""
    balance = await shop.balance("seats")
    assert balance is not None
    return int(balance.usage), int(balance.remaining)


async def left(shop: Services) -> tuple[Decimal | None, ...]:
    """Messages left to the customer, and to entities one and two."""
    return tuple([await shop.remaining(entity_id=each) for each in (None, "one", "two")])


async def give(shop: Services, included: int, entity: Entity | None = None, feature_id: str = "messages") -> None:
    """Gives the customer, or one entity, units that never reset."""
    async with shop.database.work(shop.tenant) as work:
        ada = await customers.get(work, "ada")
        units = Decimal(included)
        key = entity.key if entity else None
        grant = Grant(
            f"grant-{key}-{feature_id}", ada.key, feature_id, None, None, NEW_YEAR, NEW_YEAR,
            included=units, balance=units, entity_key=key,
        )  # fmt: skip
        await balances.open_grants(work, [grant], cause="test", actor="test", at=NEW_YEAR)


async def test_an_entity_takes_a_seat_and_gives_it_back(shop: Services) -> None:
    """Each one uses a unit of its feature, counted as an event; without a unit left there is no further one."""
    await shop.offer(team(2))
    await shop.add_customer()
    made = await shop.add_entity("one", name="North")
    await shop.add_entity("two")

    assert ("one", "North", "seats") == (made.id, made.name, made.feature_id)
    assert (2, 0) == await used(shop)
    with pytest.raises(BadRequest, match="seats") as refused:
        await shop.add_entity("three")
    assert "feature_limit_reached" == refused.value.code
    assert ["one", "two"] == await shop.entity_ids()
    await shop.delete_entity("one")
    assert (1, 1) == await used(shop)
    await shop.add_entity("three")
    assert (2, 0) == await used(shop)
    async with shop.database.reading(shop.tenant) as work:
        page = await events.list_page(work, events.EventFilter(), cursor=None, limit=10)
    assert [-1, 1, 1, 1] == sorted(int(event.value) for event in page.items)


async def test_a_customer_without_seats_has_as_many_as_it_likes(shop: Services) -> None:
    """Where nothing of the feature is held there is nothing to count."""
    await shop.add_customer()
    await shop.add_entity("one")
    await shop.add_entity("two")
    await shop.delete_entity("two")

    assert ["one"] == await shop.entity_ids()
    assert await shop.balance("seats") is None


async def test_what_is_no_seat(shop: Services) -> None:
    """Entities are of held units only; features, customers and entities that do not exist are not found."""
    await shop.add_customer()
    for refused, feature_id, customer_id in (
        ("invalid_request", "messages", "ada"),
        ("invalid_request", "sso", "ada"),
        ("feature_not_found", "none", "ada"),
        ("customer_not_found", "seats", "eve"),
    ):
        with pytest.raises((BadRequest, NotFound)) as error:
            await shop.add_entity("one", feature_id, customer_id)
        assert refused == error.value.code
    with pytest.raises(NotFound) as missing:
        await shop.delete_entity("one")
    assert "entity_not_found" == missing.value.code


async def test_the_same_id_twice(shop: Services) -> None:
    """An id is taken for its customer only; without the customer it must be clear whose is meant."""
    await shop.offer(team(3))
    await shop.add_customer()
    await shop.add_customer("eve")
    await shop.add_entity("one")
    with pytest.raises(Conflict) as taken:
        await shop.add_entity("one")
    assert "entity_already_exists" == taken.value.code
    await shop.add_entity("one", customer_id="eve")
    with pytest.raises(BadRequest) as unclear:
        await shop.delete_entity("one", customer_id=None)
    assert "entity_id_required" == unclear.value.code
    await shop.delete_entity("one", customer_id="eve")
    await shop.delete_entity("one", customer_id=None)
    assert [] == await shop.entity_ids()
    assert (0, 3) == await used(shop)


async def test_parallel_creations_make_one_entity(shop: Services) -> None:
    """Of ten creations of one id at once one is answered, the others are told that it exists; one unit is taken."""
    await shop.offer(team(10))
    await shop.add_customer()

    answers = await asyncio.gather(*(shop.add_entity("one") for _ in range(10)), return_exceptions=True)

    assert 1 == sum(isinstance(answer, Entity) for answer in answers)
    assert 9 == sum(isinstance(answer, Conflict) for answer in answers)
    assert (1, 9) == await used(shop)


async def test_parallel_creations_stop_at_the_last_seat(shop: Services) -> None:
    """Of ten entities for three seats three are created."""
    await shop.offer(team(3))
    await shop.add_customer()

    answers = await asyncio.gather(*(shop.add_entity(f"e{number}") for number in range(10)), return_exceptions=True)

    assert 3 == sum(isinstance(answer, Entity) for answer in answers)
    assert 3 == len(await shop.entity_ids())
    assert (3, 0) == await used(shop)


async def test_the_entity_without_an_id_is_claimed(shop: Services) -> None:
    """There is at most one; the next one with an id takes its place, and no other unit."""
    await shop.offer(team(3))
    await shop.add_customer()
    nameless = await shop.add_entity(None, name="Somebody")
    with pytest.raises(Conflict):
        await shop.add_entity(None)
    claimed = await shop.add_entity("one", billing_controls={"usage_alerts": []})

    assert replace(nameless, id="one", billing_controls={"usage_alerts": []}) == claimed
    assert (1, 2) == await used(shop)
    await shop.add_entity("two")
    assert (2, 1) == await used(shop)
    last = await shop.add_entity(None)
    await shop.delete_entity(last.public_id)
    assert ["one", "two"] == await shop.entity_ids()


async def test_seats_are_paid_for_before_the_entity_is_there(shop: Services) -> None:
    """$50 a seat is $25 at half of the month, and credit for the next when the entity goes; no money, no entity."""
    await shop.offer(plan("pro", held_item("seats", 1, price=usage_price(50), proration=AT_ONCE)))
    await shop.add_customer(card=GOOD_CARD)
    await shop.attach("pro")
    await shop.add_entity("one")
    await shop.advance(HALF)
    await shop.add_entity("two")

    assert ["20.00", "25.00"] == await shop.totals()
    assert ["one", "two"] == await shop.entity_ids()
    await shop.delete_entity("two")
    assert ["20.00", "25.00", "-25.00"] == await shop.totals()
    assert ["one"] == await shop.entity_ids()
    await shop.add_card(number=DECLINED)
    await shop.add_entity("two")
    with pytest.raises(PaymentRequired):
        await shop.add_entity("three")
    assert ["one", "two"] == await shop.entity_ids()
    assert 2 == (await used(shop))[0]


async def test_seats_billed_afterwards(shop: Services) -> None:
    """Three entities with one seat included, one of them deleted: the renewal is $20 and one seat of $10 (§5.9)."""
    await shop.offer(plan("pro", held_item("seats", 1, price=usage_price(10))))
    await shop.add_customer(card=GOOD_CARD)
    await shop.attach("pro")
    for entity_id in ("one", "two", "three"):
        await shop.add_entity(entity_id)
    await shop.delete_entity("two")

    await shop.advance(datetime(2026, 2, 1, tzinfo=UTC))

    assert ["20.00", "30.00"] == await shop.totals()


async def test_usage_of_an_entity_takes_its_own_first(shop: Services) -> None:
    """Own 50 and the customer's 100, 80 used: 0 and 70 are left; a sibling is never touched (§17.1)."""
    await shop.offer(free_plan("free", item("messages", 100), auto_enable=True))
    await shop.add_customer()
    one, two = await shop.add_entity("one"), await shop.add_entity("two")
    await give(shop, 50, one)
    await give(shop, 50, two)
    assert (200, 150, 150) == await left(shop)

    answer = await shop.track(80, entity_id="one")

    assert answer.balance is not None
    assert Decimal(70) == answer.balance.remaining
    assert (120, 70, 120) == await left(shop)
    assert not (await shop.check(71, entity_id="one")).access.allowed
    assert (await shop.check(120, entity_id="two")).access.allowed
    assert (await shop.check(120)).access.allowed
    async with shop.database.reading(shop.tenant) as work:
        chosen = events.EventFilter(entity_keys=[one.key])
        listed = await events.list_page(work, chosen, cursor=None, limit=10)
    assert [(Decimal(80), one.key)] == [(event.value, event.entity_key) for event in listed.items]
    with pytest.raises(NotFound):
        await shop.track(1, entity_id="three")


async def test_usage_of_the_customer_takes_from_all(shop: Services) -> None:
    """The customer's own first, then the entities' in the order of their ids (§5.3)."""
    await shop.offer(free_plan("free", item("messages", 100), auto_enable=True))
    await shop.add_customer()
    await give(shop, 50, await shop.add_entity("b"))
    await give(shop, 50, await shop.add_entity("a"))

    await shop.track(130)

    assert (20, 50) == (await shop.remaining(entity_id="a"), await shop.remaining(entity_id="b"))


async def test_entities_are_listed(shop: Services) -> None:
    """Newest first, page by page, by customer, and by a part of the id or the name in any case."""
    await shop.add_customer()
    await shop.add_customer("eve")
    await shop.add_entity("one", name="North")
    await shop.add_entity("two", name="South")
    await shop.add_entity("one", customer_id="eve")
    async with shop.database.reading(shop.tenant) as work:
        ada = await customers.get(work, "ada")
        for chosen, ids in (
            (entities.EntityFilter(), ["one", "two", "one"]),
            (entities.EntityFilter(ada.key), ["two", "one"]),
            (entities.EntityFilter(search="NORT"), ["one"]),
            (entities.EntityFilter(search="tw"), ["two"]),
            (entities.EntityFilter(search="%"), []),
        ):
            found: list[str | None] = []
            cursor = None
            while True:
                page = await entities.list_page(work, chosen, cursor=cursor, limit=1)
                found += [entity.id for entity in page.items]
                if page.next_cursor is None:
                    break
                cursor = Cursor.decode(page.next_cursor)
            assert sorted(ids) == sorted(str(each) for each in found)
