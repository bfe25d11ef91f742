"""Items that give as much to each entity: a slot for each of them (billing.md §1.7, §9.4, §12.3, §17.1)."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sumac.billing.requests import CancelAction, CarryOver, UpdateRequest
from sumac.catalog.model import PlanItem
from tests.support.build import (
    credit_system,
    feature,
    flag,
    free_plan,
    held_item,
    item,
    plan,
    prepaid_price,
    price,
    seats,
    usage_price,
)
from tests.support.services import ACTOR, GOOD_CARD, Services

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
TEN_FOR_A_DOLLAR = usage_price(1, billing_units=Decimal(10))


def each(included: int | str = 100, feature_id: str = "messages", **changes: object) -> PlanItem:
    """So many units a month for each entity."""
    return item(feature_id, included, entity_feature_id="seats", **changes)


@pytest.fixture
async def shop(services: Services) -> Services:
    """Features, and a customer with a good card and two entities; each test offers its own plans."""
    await services.offer(feature(), seats(), feature("words"), flag(), credit_system())
    await services.add_customer(card=GOOD_CARD)
    await services.add_entity("one")
    await services.add_entity("two")
    return services


async def left(shop: Services, *entity_ids: str, feature_id: str = "messages") -> tuple[int, ...]:
    """Units left to the customer, and to each of the entities."""
    found = [await shop.remaining(feature_id, entity_id=entity_id) for entity_id in (None, *entity_ids)]
    return tuple(-1 if units is None else int(units) for units in found)


async def test_each_entity_has_its_own(shop: Services) -> None:
    """100 for the customer and 50 for each of two entities: the customer has 200, an entity 150 (§3.3)."""
    await shop.offer(free_plan("free", item("messages", 100), each(50)))
    await shop.attach("free")

    assert (200, 150, 150) == await left(shop, "one", "two")
    answer = await shop.track(80, entity_id="one")
    assert (120, 70, 120) == await left(shop, "one", "two")
    assert [Decimal(50), Decimal(30)] == [deduction.value for deduction in answer.deductions]


async def test_an_entity_that_comes_later_has_its_slot(shop: Services) -> None:
    """A new one gets its full slot, until the same reset; with a deleted one its slot goes, and nothing else."""
    await shop.offer(plan("pro", each()))
    await shop.attach("pro")
    await shop.track(30, entity_id="one")
    await shop.advance(datetime(2026, 1, 10, tzinfo=UTC))
    await shop.add_entity("three")

    assert (270, 70, 100, 100) == await left(shop, "one", "two", "three")
    await shop.delete_entity("one")
    assert (200, 100, 100) == await left(shop, "two", "three")
    await shop.track(10, entity_id="three")
    await shop.advance(FEBRUARY)
    assert (200, 100, 100) == await left(shop, "two", "three")
    balance = await shop.balance()
    assert balance is not None
    assert 1 == len({grant.public_id for grant in balance.grants})
    assert {datetime(2026, 3, 1, tzinfo=UTC)} == {grant.resets_at for grant in balance.grants}
    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY)
    assert await shop.balance() is None


async def test_usage_of_the_customer_goes_over_the_slots(shop: Services) -> None:
    """150 used of three times 100, by nobody in particular: 0, 50 and 100 are left, in the order of the ids (§5.6)."""
    await shop.offer(free_plan("free", each()))
    await shop.add_entity("three")
    await shop.attach("free")
    answer = await shop.track(150)

    assert (150, 0, 50, 100) == await left(shop, "one", "three", "two")
    assert [Decimal(150)] == [deduction.value for deduction in answer.deductions]


async def test_overage_of_slots_is_added_up_before_it_is_rounded(shop: Services) -> None:
    """155 and 123 used with 100 each, $1 for every ten: 78 beyond, 80 billed, $8 (§9.4, §20.1 row 12)."""
    await shop.offer(plan("pro", each(price=TEN_FOR_A_DOLLAR), price=None))
    await shop.attach("pro")
    await shop.track(155, entity_id="one")
    await shop.track(123, entity_id="two")

    await shop.advance(FEBRUARY)

    assert ["8.00"] == [total for total in await shop.totals() if total != "0.00"]
    assert (200, 100, 100) == await left(shop, "one", "two")


async def test_usage_goes_along_entity_by_entity(shop: Services) -> None:
    """With usage carried over, each slot of the new plan begins where that entity's old one stood (§10.9)."""
    await shop.offer(plan("pro", each()), plan("premium", each(500), price=price(50)))
    await shop.attach("pro")
    await shop.track(30, entity_id="one")
    await shop.track(70, entity_id="two")
    await shop.attach("premium", carry_usages=CarryOver(enabled=True))

    assert (900, 470, 430) == await left(shop, "one", "two")
    assert ["20.00", "30.00"] == await shop.totals()


async def test_balances_go_along_entity_by_entity(shop: Services) -> None:
    """What is left of each slot stays with its entity, beside the new one (§10.9)."""
    await shop.offer(plan("pro", each()), plan("premium", each(500), price=price(50)))
    await shop.attach("pro")
    await shop.track(30, entity_id="one")
    await shop.attach("premium", carry_balances=CarryOver(enabled=True))

    assert (1170, 570, 600) == await left(shop, "one", "two")


async def test_units_bought_for_each_are_paid_once(shop: Services) -> None:
    """1000 with 500 included at $10 per 100: $50 once, and 1000 for each entity, used units counted (§12.3)."""
    bought = each(500, price=prepaid_price(10, billing_units=Decimal(100)))
    await shop.offer(plan("pro", bought, price=None))
    await shop.attach("pro")
    assert (1000, 500, 500) == await left(shop, "one", "two")
    await shop.track(200, entity_id="one")
    request = UpdateRequest("ada", "pro", quantities={"messages": Decimal(1000)})
    await shop.billing.perform(shop.tenant, request, actor=ACTOR)

    assert (1800, 800, 1000) == await left(shop, "one", "two")
    assert ["50.00"] == [total for total in await shop.totals() if total != "0.00"]
    await shop.add_entity("three")
    assert (2800, 1000) == await left(shop, "three")


async def test_flags_and_credits_of_an_entity(shop: Services) -> None:
    """A flag is seen by every entity it was given to; credits of an entity pay for its usage only."""
    granted = [PlanItem("sso", entity_feature_id="seats"), each(10, "credits")]
    await shop.offer(free_plan("free", *granted))
    await shop.attach("free")
    assert (await shop.check(feature_id="sso", entity_id="one")).access.allowed
    await shop.track(50, entity_id="one")
    assert (10, 0, 10) == await left(shop, "one", "two", feature_id="credits")
    assert not (await shop.check(1, entity_id="one")).access.allowed
    assert (await shop.check(50, entity_id="two")).access.allowed


async def test_entities_are_counted_as_soon_as_there_is_something_to_count_them_in(shop: Services) -> None:
    """Two entities take two of four seats as a plan starts, and two of six with an add-on, not four (§10.9)."""
    await shop.offer(
        free_plan("base", held_item("seats", 4)),
        free_plan("more", held_item("seats", 2), add_on=True),
        free_plan("large", held_item("seats", 10)),
    )
    await shop.attach("base")
    assert (2,) == await left(shop, feature_id="seats")
    await shop.attach("more")
    assert (4,) == await left(shop, feature_id="seats")
    await shop.add_entity("three")
    await shop.delete_entity("one")
    assert (4,) == await left(shop, feature_id="seats")
    await shop.attach("large")
    assert (10,) == await left(shop, feature_id="seats")


async def test_an_entity_that_comes_while_a_plan_waits(shop: Services) -> None:
    """Its slot is there once the page is paid; that of one which went meanwhile is not."""
    await shop.offer(plan("pro", each()))
    await shop.add_customer("eve")
    await shop.add_entity("one", customer_id="eve")
    receipt = await shop.attach("pro", "eve")
    assert receipt.payment_url is not None
    await shop.add_entity("two", customer_id="eve")
    await shop.delete_entity("one", "eve")
    await shop.pay(receipt.payment_url)

    assert Decimal(100) == await shop.remaining(customer_id="eve")
    assert Decimal(100) == await shop.remaining(customer_id="eve", entity_id="two")
