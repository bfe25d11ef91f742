"""The tables of administering balances, through the services (billing.md §5.6, §8)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.requests import Which
from sumac.catalog.model import PlanItem, Proration
from sumac.core.errors import BadRequest, Conflict, NotFound
from sumac.core.time import Interval
from tests.support.build import (
    ONCE,
    feature,
    flag,
    free_plan,
    held_item,
    item,
    plan,
    prepaid_price,
    seats,
    usage_price,
)
from tests.support.rolling import assert_books
from tests.support.services import GOOD_CARD, Services

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
async def shop(services: Services) -> Services:
    """Features, and a customer with a good card; each test offers its own plans."""
    await services.offer(feature(), seats(), flag())
    await services.add_customer(card=GOOD_CARD)
    return services


async def holding(shop: Services, *items: PlanItem) -> None:
    """The customer on a free plan with these items."""
    await shop.offer(free_plan("free", *items))
    await shop.attach("free")


async def standing(shop: Services, feature_id: str = "messages", entity_id: str | None = None) -> tuple[int, int, int]:
    """Granted, remaining and used."""
    balance = await shop.balance(feature_id, entity_id=entity_id)
    assert balance is not None
    return int(balance.granted), int(balance.remaining), int(balance.usage)


async def entities_left(shop: Services) -> list[int]:
    """What is left to each of three entities of its own."""
    return [(await standing(shop, entity_id=f"e{number}"))[1] for number in (1, 2, 3)]


async def per_entity(shop: Services) -> None:
    """Three entities with 100 messages each."""
    for number in (1, 2, 3):
        await shop.add_entity(f"e{number}")
    await holding(shop, item("messages", 100, entity_feature_id="seats"))


def numbers(changes: Mapping[str, int]) -> dict[str, Any]:
    """The changes as exact numbers."""
    return {name: Decimal(value) for name, value in changes.items()}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"remaining": 80}, (100, 80, 20)),
        ({"remaining": 120}, (100, 120, -20)),
        ({"included_grant": 150}, (150, 100, 50)),
        ({"remaining": 50, "included_grant": 100}, (100, 50, 50)),
        ({"remaining": 80, "included_grant": 150}, (150, 80, 70)),
        ({"remaining": 100, "included_grant": 100}, (100, 100, 0)),
        ({"add_to_balance": -30}, (100, 70, 30)),
        ({"usage": 70}, (100, 30, 70)),
    ],
)
async def test_a_monthly_hundred(shop: Services, changes: Mapping[str, int], expected: tuple[int, int, int]) -> None:
    """What is asked for is what is shown; setting it again changes nothing, adding does."""
    await holding(shop, item("messages", 100))
    await shop.edit(**numbers(changes))

    assert expected == await standing(shop)
    if "add_to_balance" not in changes:
        assert () == await shop.edit(**numbers(changes))
        assert expected == await standing(shop)
    await assert_books(shop)


async def test_spread_over_several_balances(shop: Services) -> None:
    """Of 100, 50 and 200, 300 left is usage of 50; 400 left is usage of −50."""
    await holding(shop, item("messages", 100), item("messages", 50, reset=ONCE))
    await shop.give(included=Decimal(200))

    await shop.edit(remaining=Decimal(300))
    assert (350, 300, 50) == await standing(shop)
    await shop.edit(remaining=Decimal(400))
    assert (350, 400, -50) == await standing(shop)
    await assert_books(shop)


async def test_filtered_by_interval(shop: Services) -> None:
    """50 left of the monthly 100, beside 200 for good: 250 in all."""
    await holding(shop, item("messages", 100), item("messages", 200, reset=ONCE))

    await shop.edit(which={"interval": Interval.MONTH}, remaining=Decimal(50))

    assert 250 == await shop.remaining()
    await assert_books(shop)


async def test_balances_per_entity(shop: Services) -> None:
    """From 240 to 150 drains the first entity and half of the second; 280 fills from the first upward."""
    await per_entity(shop)
    await shop.track(60, entity_id="e1")

    await shop.edit(remaining=Decimal(150))
    assert [0, 50, 100] == await entities_left(shop)
    await shop.edit(remaining=Decimal(280))
    assert [100, 80, 100] == await entities_left(shop)
    await shop.edit(usage=Decimal(150))
    assert [0, 50, 100] == await entities_left(shop)
    await shop.edit(which={"entity_id": "e3"}, included_grant=Decimal(70), remaining=Decimal(70))
    assert (70, 70, 0) == await standing(shop, entity_id="e3")
    await assert_books(shop)


async def test_an_entity_and_its_customer(shop: Services) -> None:
    """Of 100 of its own and 50 of the customer's, usage of 80 leaves the entity 70."""
    await shop.add_entity("desk")
    await holding(shop, item("messages", 50))
    await shop.give(included=Decimal(100), entity_id="desk")

    await shop.edit(which={"entity_id": "desk"}, usage=Decimal(80))

    assert (150, 70, 80) == await standing(shop, entity_id="desk")
    assert (150, 70, 80) == await standing(shop)
    await assert_books(shop)


async def test_held_units(shop: Services) -> None:
    """Of 5 seats, 8 used: 2 left is 3 used; −5 left is 10 used."""
    await holding(shop, held_item("seats", 5))
    await shop.track(8, "seats")

    await shop.edit("seats", remaining=Decimal(2))
    assert (5, 2, 3) == await standing(shop, "seats")
    await shop.edit("seats", remaining=Decimal(-5))
    assert (5, 0, 10) == await standing(shop, "seats")
    await assert_books(shop)


async def test_bought_units(shop: Services) -> None:
    """Of 3 included and 2 bought, usage of 7 is −2."""
    await shop.offer(plan("pro", item("messages", 3, price=prepaid_price(10))))
    await shop.attach("pro", quantities={"messages": Decimal(5)})

    await shop.edit(usage=Decimal(7))

    balance = await shop.balance()
    assert balance is not None
    assert [Decimal(-2)] == [grant.balance for grant in balance.grants]
    await assert_books(shop)


async def test_seats_that_are_billed_at_once(shop: Services) -> None:
    """3 included at $10: 5 used is $20, 6 is $10 more, back to 4 is nothing, and so is 6 again (§8.1)."""
    at_once = Proration("bill_immediately", "none")
    await shop.offer(plan("pro", held_item("seats", 3, price=usage_price(10), proration=at_once), price=None))
    await shop.attach("pro")

    for usage, totals in ((5, ["20.00"]), (6, ["20.00", "10.00"]), (4, None), (6, None)):
        await shop.edit("seats", usage=Decimal(usage))
        expected = totals or ["20.00", "10.00"]
        assert expected == [total for total in await shop.totals() if total != "0.00"]
        assert usage == (await standing(shop, "seats"))[2]
    assert () == await shop.edit("seats", usage=Decimal(6))


async def test_the_ceiling_follows_the_grant(shop: Services) -> None:
    """With 10 left of 10 granted, what is given back fills up to 10 (§5.5)."""
    await holding(shop, item("messages", 100))
    await shop.edit(remaining=Decimal(10), included_grant=Decimal(10))
    await shop.track(-50)

    assert (10, 10, 0) == await standing(shop)


async def test_what_was_given_once_and_is_used_up(shop: Services) -> None:
    """It comes back with what is given back of it, and only that (§1.7)."""
    await holding(shop, item("messages", 100))
    await shop.give(included=Decimal(50))
    await shop.track(150)
    await shop.track(-60)

    assert (150, 60, 90) == await standing(shop)


async def test_a_free_item_is_taken_away_for_good(shop: Services) -> None:
    """The plan goes on without it, on terms of its own; what else it gives starts anew, and it does not (§8.3)."""
    await holding(shop, item("messages", 100), held_item("seats", 5))

    await shop.remove(feature_id="messages")

    assert ["seats"] == [each.feature_id for each in (await shop.holdings())["free"].plan.items]
    assert (await shop.held("free")).terms is not None
    await shop.advance(FEBRUARY)
    assert (None, 5) == (await shop.balance(), await shop.remaining("seats"))
    await assert_books(shop)


async def test_one_slot_is_taken_away(shop: Services) -> None:
    """The other entities keep theirs, and the plan its item."""
    await per_entity(shop)

    await shop.remove(feature_id="messages", entity_id="e2")

    assert 200 == await shop.remaining()
    assert (await shop.held("free")).terms is None


async def test_usage_outlives_the_last_balance(shop: Services) -> None:
    """Without another balance to take it from, what was used is owed by one that grants nothing and never resets."""
    await shop.give(included=Decimal(50))
    await shop.track(30)
    await shop.remove(feature_id="messages", recalculate=True)

    balance = await shop.balance()
    assert balance is not None
    assert [(Decimal(0), Decimal(-30), None)] == [
        (grant.granted, grant.balance, grant.resets_at) for grant in balance.grants
    ]
    await shop.give(included=Decimal(100))
    await shop.grants.recalculate(shop.tenant, _messages(), actor="test")
    assert (100, 70, 30) == await standing(shop)
    await assert_books(shop)


async def test_recalculating_is_previewed(shop: Services) -> None:
    """−30 of 100 and 200 of 200 become 0 and 170: the preview says so and writes nothing, and then it is so (§8.4)."""
    await holding(shop, item("messages", 100), item("messages", 200, reset=ONCE))
    await shop.edit(which={"interval": Interval.MONTH}, usage=Decimal(130))
    assert 200 == await shop.remaining()

    previewed = await shop.grants.preview_recalculation(shop.tenant, _messages())
    assert [(-30, 0), (200, 170)] == sorted((before.balance, after.balance) for before, after in previewed)
    assert 200 == await shop.remaining()

    await shop.grants.recalculate(shop.tenant, _messages(), actor="test")
    assert (300, 170, 130) == await standing(shop)
    assert () == await shop.grants.recalculate(shop.tenant, _messages(), actor="test")
    await assert_books(shop)


async def test_flags_are_given_and_taken(shop: Services) -> None:
    """Once; and until they expire."""
    await shop.give("sso", expires_at=FEBRUARY)

    assert (await shop.check(1, "sso")).access.allowed
    with pytest.raises(Conflict):
        await shop.give("sso")
    await shop.remove(feature_id="sso")
    assert not (await shop.check(1, "sso")).access.allowed
    await shop.give("sso", expires_at=FEBRUARY)
    await shop.advance(FEBRUARY)
    assert not (await shop.check(1, "sso")).access.allowed


async def test_names_are_the_customers_own(shop: Services) -> None:
    """Another customer may have a balance of the same name; nobody finds another's."""
    await shop.add_customer("eve")
    for customer_id in ("ada", "eve"):
        await shop.give(customer_id=customer_id, included=Decimal(5), balance_id="gift")
    await shop.remove("eve", balance_id="gift")

    assert 5 == await shop.remaining()
    with pytest.raises(NotFound):
        await shop.edit(customer_id="eve", which={"balance_id": "gift"}, remaining=Decimal(1))


async def test_what_is_paid_for_follows_its_plan(shop: Services) -> None:
    """Its resets and its end are its plan's; units that never reset have no next reset."""
    await shop.offer(plan("pro", item("messages", 100, price=usage_price("0.10"))))
    await shop.attach("pro")
    for name in ("resets_at", "expires_at"):
        dates: dict[str, Any] = {name: FEBRUARY}
        with pytest.raises(BadRequest):
            await shop.edit(**dates)
    with pytest.raises(Conflict):
        await shop.remove(feature_id="messages")
    await shop.give(included=Decimal(5), balance_id="gift")
    with pytest.raises(BadRequest):
        await shop.edit(which={"balance_id": "gift"}, resets_at=FEBRUARY)


def _messages() -> Which:
    return Which("ada", "messages")
