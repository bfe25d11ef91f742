"""Units that the plans of several entities give to one balance of the customer (billing.md §17.3)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sumac.balances import store
from sumac.balances.model import Grant, PoolMode
from sumac.balances.requests import OverageBehavior
from sumac.billing.requests import CancelAction, CarryOver, UpdateRequest
from sumac.billing.service import Receipt
from sumac.catalog.model import Rollover
from sumac.core.errors import Conflict
from sumac.invoices.model import InvoiceStatus
from sumac.organizations.settings import update_billing_settings
from tests.support import rolling
from tests.support.build import (
    ONCE,
    YEARLY,
    feature,
    flag,
    free_plan,
    held_item,
    item,
    plan,
    prepaid_price,
    price,
    seats,
    trial,
)
from tests.support.crowd import Call, at_once
from tests.support.services import ACTOR, GOOD_CARD, Services

MID_JANUARY, FEBRUARY, MARCH = (datetime(2026, month, day, tzinfo=UTC) for month, day in ((1, 15), (2, 1), (3, 1)))
NOW, LATER = CancelAction.CANCEL_IMMEDIATELY, CancelAction.CANCEL_END_OF_CYCLE
HALF = Rollover("month", 2, max_percentage=Decimal(50))
DESK = plan("desk", item("messages", 100, pooled=True), price=price(10), group="desks")
BIG = plan("big", item("messages", 250, pooled=True), price=price(30), group="desks")
FREE_DESK = free_plan("free_desk", item("messages", 60, pooled=True), group="desks")
PRIVATE = plan("private", item("messages", 80, rollover=HALF), price=price(8), group="desks")
CALLERS = 50


@pytest.fixture
async def shop(services: Services) -> Services:
    """Features, plans that pool, and a customer with a good card and two entities."""
    await services.offer(feature(), feature("words"), seats(), flag(), DESK, BIG, FREE_DESK)
    await services.add_customer(card=GOOD_CARD)
    await services.add_entity("one")
    await services.add_entity("two")
    return services


async def live(shop: Services) -> Sequence[Grant]:
    """The customer's live grants."""
    async with shop.database.reading(shop.tenant) as work:
        return await store.live(work, [(await shop.customer()).key])


async def pools(shop: Services, feature_id: str = "messages") -> list[tuple[int, int]]:
    """What each of the live pools of a feature grants, and its balance; checks the books."""
    await assert_books(shop)
    found = [each for each in await live(shop) if each.is_pool and each.feature_id == feature_id]
    return [(int(each.granted), int(each.balance)) for each in found]


async def assert_books(shop: Services) -> None:
    """Each pool grants what its contributions do, and they have no balance; every balance is the sum of its entries."""
    found = await live(shop)
    for pool in (each for each in found if each.is_pool):
        given = [each for each in found if each.pool_id == pool.id]
        assert (pool.included, pool.prepaid) == (
            sum(each.included for each in given),
            sum(each.prepaid for each in given),
        )
    assert {(Decimal(0), None)} >= {(each.balance, each.resets_at) for each in found if each.is_contribution}
    await rolling.assert_books(shop)


async def update(shop: Services, plan_id: str, entity_id: str, **changes: object) -> Receipt:
    request = replace(UpdateRequest("ada", plan_id, entity_id=entity_id), **changes)  # type: ignore[arg-type]  # fields
    return await shop.billing.perform(shop.tenant, request, actor=ACTOR)


async def test_entities_share(shop: Services) -> None:
    """Two contributions are one balance that everybody sees and uses, whosever usage it is."""
    await shop.attach("desk", entity_id="one")
    assert [(100, 100)] == await pools(shop)
    await shop.attach("big", entity_id="two")
    await shop.track(120, entity_id="one")
    await shop.track(30)

    assert [(350, 200)] == await pools(shop)
    assert [200, 200, 200] == [await shop.remaining(entity_id=each) for each in (None, "one", "two")]
    balance = await shop.balance()
    assert balance is not None
    assert [(None, Decimal(350))] == [(each.plan_id, each.granted) for each in balance.grants]
    assert not (await shop.check(201, entity_id="one")).access.allowed


async def test_the_plan_of_the_customer_contributes_too(shop: Services) -> None:
    """So do the slots that one item gives to each entity, those that come later among them."""
    each_of = free_plan("team", item("messages", 5, pooled=True, entity_feature_id="seats"), group="team")
    await shop.offer(each_of)
    await shop.attach("free_desk")
    await shop.attach("team")
    assert [(70, 70)] == await pools(shop)
    await shop.add_entity("three")
    assert [(75, 75)] == await pools(shop)
    await shop.delete_entity("one")
    assert [(70, 70)] == await pools(shop)
    await shop.cancel(NOW, plan_id="team")

    assert [(60, 60)] == await pools(shop)


async def test_pools_of_different_kinds(shop: Services) -> None:
    """Free and paid units, yearly ones, those that last, those that roll over, and another cycle: each its own pool."""
    rolls = plan("rolls", item("messages", 7, pooled=True, rollover=HALF), price=price(1), group="a")
    yearly = plan("yearly", item("messages", 9, pooled=True, reset=YEARLY), price=price(1), group="b")
    lasting = free_plan("lasting", item("messages", 3, pooled=True, reset=None), group="c")
    await shop.offer(rolls, yearly, lasting)
    for plan_id in ("desk", "rolls", "yearly", "lasting"):
        await shop.attach(plan_id, entity_id="one")
    await shop.attach("free_desk", entity_id="two")
    assert [(3, 3), (7, 7), (9, 9), (60, 60), (100, 100)] == sorted(await pools(shop))
    await shop.advance(MID_JANUARY)
    await shop.add_entity("three")
    await shop.add_entity("four")
    await shop.attach("desk", entity_id="three", new_subscription=True)
    await shop.attach("desk", entity_id="four")

    assert [(3, 3), (7, 7), (9, 9), (60, 60), (100, 100), (200, 200)] == sorted(await pools(shop))
    modes = {int(each.granted): each.pool_mode for each in await live(shop) if each.is_pool}
    assert {3: PoolMode.LIFETIME, 60: PoolMode.LAZY} == {
        granted: mode for granted, mode in modes.items() if mode is not PoolMode.SUBSCRIPTION
    }


async def test_who_leaves_lowers_what_is_granted(shop: Services) -> None:
    """What was used stays used, even below zero; the last one ends the pool, and whoever comes back has a new one."""
    await shop.attach("desk", entity_id="one")
    await shop.attach("big", entity_id="two")
    await shop.track(120)
    await shop.cancel(NOW, plan_id="big", entity_id="two")
    assert [(100, -20)] == await pools(shop)
    assert 0 == await shop.remaining(entity_id="one")
    await shop.cancel(NOW, plan_id="desk", entity_id="one")
    assert [] == await pools(shop)
    assert await shop.balance() is None
    assert not (await shop.check(1)).access.allowed
    await shop.attach("desk", entity_id="one")

    assert [(100, 100)] == await pools(shop)


async def test_a_pool_of_paid_plans_comes_back_with_their_cycle(shop: Services) -> None:
    """All that is contributed is there again at the renewal, less what ends then; who joins late joins the cycle."""
    await shop.attach("desk", entity_id="one")
    await shop.advance(MID_JANUARY)
    await shop.attach("big", entity_id="two")
    await shop.track(300)
    await shop.cancel(LATER, plan_id="desk", entity_id="one")
    assert [(350, 50)] == await pools(shop)
    await shop.advance(FEBRUARY)
    assert [(250, 250)] == await pools(shop)
    await shop.track(10)
    await shop.advance(MARCH)

    assert [(250, 250)] == await pools(shop)


async def test_a_pool_of_free_plans_has_dates_of_its_own(shop: Services) -> None:
    """It comes back when the first contribution would, whoever is left."""
    await shop.attach("free_desk", entity_id="one")
    await shop.advance(MID_JANUARY)
    await shop.attach("free_desk", entity_id="two")
    await shop.track(100)
    await shop.cancel(NOW, plan_id="free_desk", entity_id="one")
    assert [(60, -40)] == await pools(shop)
    await shop.advance(FEBRUARY)

    assert [(60, 60)] == await pools(shop)


async def test_what_is_left_rolls_over_by_the_pools_grant(shop: Services) -> None:
    """Half of all that is contributed rolls over, once, and is over with the pool (§9.5)."""
    rolls = free_plan("rolls", item("messages", 100, pooled=True, rollover=HALF), group="desks")
    await shop.offer(rolls)
    await shop.attach("rolls", entity_id="one")
    await shop.attach("rolls", entity_id="two")
    await shop.track(20, entity_id="two")
    await shop.advance(FEBRUARY)

    assert [(200, 200)] == await pools(shop)
    assert [(100, 100)] == [each[:2] for each in await rolling.rollovers(shop)]
    assert 300 == await shop.remaining(entity_id="one")
    for entity_id in ("one", "two"):
        await shop.cancel(NOW, plan_id="rolls", entity_id=entity_id)
    assert [] == list(await live(shop))
    await assert_books(shop)


@pytest.mark.parametrize(("used", "expected"), [(10, (200, 200, 220)), (70, (200, 170, 170))])
async def test_from_private_units_to_a_pool(shop: Services, used: int, expected: tuple[int, int, int]) -> None:
    """Usage goes along where it is asked for, and what rolled over, as much as the pool may have of it."""
    tenth = Rollover("month", 2, max_percentage=Decimal(10))
    pooling = plan("pooling", item("messages", 200, pooled=True, rollover=tenth), price=price(40), group="desks")
    await shop.offer(PRIVATE, pooling)
    await shop.attach("private", entity_id="one")
    await shop.advance(FEBRUARY)
    assert [(40, 40)] == [each[:2] for each in await rolling_of_one(shop)]
    await shop.track(used, entity_id="one")
    await shop.attach("pooling", entity_id="one", carry_usages=CarryOver(enabled=True))

    granted, balance, remaining = expected
    assert [(granted, balance)] == await pools(shop)
    assert [remaining, remaining] == [await shop.remaining(entity_id=each) for each in ("one", "two")]


async def rolling_of_one(shop: Services) -> list[tuple[int, int]]:
    """Granted and balance of what rolled over, as entity one sees it."""
    balance = await shop.balance(entity_id="one")
    assert balance is not None
    return [(int(each.granted), int(each.balance)) for each in balance.rollovers]


async def test_an_upgrade_stays_in_the_pool(shop: Services) -> None:
    """The new plan gives to the pool that the old one gave to, and what was used of it stays used."""
    await shop.attach("desk", entity_id="one")
    await shop.track(70)
    await shop.attach("big", entity_id="one", carry_usages=CarryOver(enabled=True))
    assert [(250, 180)] == await pools(shop)
    await shop.attach("desk", entity_id="one")
    await shop.advance(FEBRUARY)

    assert [(100, 100)] == await pools(shop)


async def test_a_cycle_that_begins_anew(shop: Services) -> None:
    """New terms, or a cycle counted from now on, leave everybody in one pool, which moves along."""
    await shop.attach("desk", entity_id="one")
    await shop.attach("big", entity_id="two")
    await shop.track(50)
    await shop.advance(MID_JANUARY)
    await update(shop, "desk", "one", anchor="now")

    (pool,) = [each for each in await live(shop) if each.is_pool]
    assert (350, MID_JANUARY, datetime(2026, 2, 15, tzinfo=UTC)) == (pool.granted, pool.anchor_at, pool.resets_at)
    assert [(350, 300)] == await pools(shop)


async def test_seats_and_flags(shop: Services) -> None:
    """Seats of a pool count the entities that are there; a flag of one entity is everybody's."""
    office = free_plan("office", held_item("seats", 3, pooled=True), item("sso", 0, pooled=True, reset=None), group="x")
    await shop.offer(office)
    await shop.attach("office", entity_id="one")
    assert [(3, 1)] == await pools(shop, "seats")
    await shop.attach("office", entity_id="two")
    await shop.add_entity("three")

    assert [(6, 3)] == await pools(shop, "seats")
    assert (await shop.check(feature_id="sso", entity_id="three")).access.allowed
    await shop.cancel(NOW, plan_id="office", entity_id="one")
    assert [(3, 0)] == await pools(shop, "seats")
    for entity_id in ("three", "two"):
        await shop.delete_entity(entity_id)
    assert [] == await pools(shop, "seats")
    assert not (await shop.check(feature_id="sso")).access.allowed


async def test_units_without_number(shop: Services) -> None:
    """Any number may be used by everybody while somebody contributes, and what was used is counted."""
    endless = free_plan("endless", item("messages", 0, pooled=True, unlimited=True), group="x")
    await shop.offer(endless)
    for entity_id in ("one", "two"):
        await shop.attach("endless", entity_id=entity_id)
    await shop.track(1000, entity_id="one")
    await shop.cancel(NOW, plan_id="endless", entity_id="one")

    balance = await shop.balance(entity_id="two")
    assert balance is not None
    assert (True, Decimal(1000), 1) == (balance.unlimited, balance.usage, len(balance.grants))
    await assert_books(shop)


async def test_bought_units(shop: Services) -> None:
    """What is bought month by month, or once and once more, is the pool's."""
    blocks = item("words", 0, pooled=True, price=prepaid_price(1))
    pack = item("messages", 0, pooled=True, reset=None, price=prepaid_price(1, cadence=ONCE))
    await shop.offer(
        plan("words", blocks, price=price(5), group="w"), plan("pack", pack, price=price(1, ONCE), add_on=True)
    )
    await shop.attach("words", entity_id="one", quantities={"words": Decimal(30)})
    await shop.attach("pack", entity_id="one", quantities={"messages": Decimal(10)})
    await shop.track(12, "words", entity_id="two")
    assert ([(30, 18)], [(10, 10)]) == (await pools(shop, "words"), await pools(shop))
    await update(shop, "words", "one", quantities={"words": Decimal(50)})
    await update(shop, "pack", "one", quantities={"messages": Decimal(5)})
    assert ([(50, 38)], [(15, 15)]) == (await pools(shop, "words"), await pools(shop))
    await shop.advance(FEBRUARY)

    assert [(50, 50)] == await pools(shop, "words")


async def test_a_plan_that_is_paused(shop: Services) -> None:
    """While a trial that reverts runs, the paused plan gives nothing; it gives all of it again afterwards."""
    trying = plan("try", item("words", 5), price=price(90), group="desks", free_trial=trial(14, on_end="revert"))
    await shop.offer(trying)
    await shop.attach("desk", entity_id="one")
    await shop.attach("big", entity_id="two")
    await shop.track(30)
    await shop.attach("try", entity_id="one")
    assert [(250, 220)] == await pools(shop)
    await shop.cancel(NOW, plan_id="try", entity_id="one")

    assert [(350, 320)] == await pools(shop)


async def test_a_plan_that_is_past_due(shop: Services) -> None:
    """Where the tenant withholds its units, its contribution is gone until it is paid; what was used stays used."""
    async with shop.database.work(shop.tenant) as work:
        await update_billing_settings(work, {"past_due_access": False})
    await shop.attach("desk", entity_id="one")
    await shop.attach("big", entity_id="two")
    await shop.set_next_charge("decline")
    await shop.advance(FEBRUARY)
    assert [(0, 0)] == await pools(shop)
    assert not (await shop.check(entity_id="one")).access.allowed
    (renewal,) = [each for each in await shop.invoices() if each.status is InvoiceStatus.OPEN]
    await shop.pay(await shop.billing.open_payment(shop.tenant, renewal.id))

    assert [(350, 350)] == await pools(shop)


async def test_a_pool_administered_by_hand(shop: Services) -> None:
    """It can be edited until its next reset, and is taken away by nobody."""
    await shop.attach("desk", entity_id="one")
    await shop.edit(remaining=Decimal(500))
    assert 500 == await shop.remaining(entity_id="two")
    with pytest.raises(Conflict):
        await shop.remove(feature_id="messages")
    await shop.attach("big", entity_id="two")
    assert [(350, 750)] == await pools(shop)
    await shop.advance(FEBRUARY)

    assert [(350, 350)] == await pools(shop)


def attach(plan_id: str, entity_id: str) -> Call:
    return lambda shop: shop.attach(plan_id, entity_id=entity_id)


def use(entity_id: str | None) -> Call:
    return lambda shop: shop.track(entity_id=entity_id, overage_behavior=OverageBehavior.REJECT)


@pytest.mark.parametrize("seed", range(3))
async def test_attached_at_once(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """Plans of several entities at the same moment, each ten times: one pool with all they give, each charged once."""
    await shop.add_entity("three")
    wanted = [("desk", "one"), ("big", "two"), ("desk", "three")]
    for _ in range(10):
        if len(await shop.charged()) == len(wanted):
            break
        await at_once(crowd, seed, [attach(plan_id, entity_id) for plan_id, entity_id in wanted * 10])

    assert [(450, 450)] == await pools(shop)
    assert [1000, 1000, 3000] == await shop.charged()


@pytest.mark.parametrize("seed", range(3))
async def test_entities_never_overspend_their_pool(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """Fifty callers of two entities and the customer, a pool for thirty: exactly thirty are counted."""
    small = free_plan("small", item("messages", 15, pooled=True), group="desks")
    await shop.offer(small)
    for entity_id in ("one", "two"):
        await shop.attach("small", entity_id=entity_id)
    callers = [use(entity_id) for entity_id in ("one", "two", None)] * 17

    answers = await at_once(crowd, seed, callers[:CALLERS])

    assert 30 == sum(not isinstance(answer, Exception) for answer in answers)
    assert [(30, 0)] == await pools(shop)
