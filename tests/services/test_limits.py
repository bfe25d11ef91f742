"""Usage that is limited, as it is stored: of customers, entities and plans (billing.md §6.1 to §6.4)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances import service as balances
from sumac.balances.model import TrackAnswer
from sumac.balances.requests import OverageBehavior
from sumac.balances.rules.access import LimitKind
from sumac.core.errors import BadRequest
from sumac.customers import entities
from sumac.customers import service as customers
from sumac.customers.service import CustomerChange
from sumac.storage.schema import usage_windows
from tests.support.build import credit_system, feature, free_plan, held_item, item, plan, price, seats, usage_price
from tests.support.services import GOOD_CARD, Services

Controls = Mapping[str, Sequence[Mapping[str, Any]]]
REJECT, OVERFLOW = OverageBehavior.REJECT, OverageBehavior.OVERFLOW
PAID = item("messages", 100, price=usage_price(0))
LIMIT_25: Controls = {"spend_limits": [{"feature_id": "messages", "enabled": True, "overage_limit": 25}]}


def cap(limit: float, feature_id: str = "messages", **changes: object) -> Controls:
    """A usage limit for each month."""
    return {
        "usage_limits": [{"feature_id": feature_id, "enabled": True, "limit": limit, "interval": "month", **changes}]
    }


@pytest.fixture
async def shop(services: Services) -> Services:
    """Messages, credits that pay for them, and seats; each test offers its own plans."""
    await services.offer(feature(), seats(), credit_system("credits", {"messages": "0.2"}))
    return services


async def control(shop: Services, controls: Controls) -> None:
    """Sets lists of the customer's controls."""
    async with shop.database.work(shop.tenant) as work:
        await customers.update(
            work, "ada", CustomerChange(frozenset({"billing_controls"}), {"billing_controls": controls})
        )


async def control_entity(shop: Services, entity_id: str, controls: Controls) -> None:
    """Sets lists of an entity's controls."""
    async with shop.database.work(shop.tenant) as work:
        ada = await customers.get_for_update(work, "ada")
        await entities.change_controls(work, await entities.get(work, entity_id, ada.key), controls)


async def counters(shop: Services) -> Mapping[tuple[str, str | None], Decimal]:
    """The counts as they are stored, by feature and entity."""
    async with shop.database.reading(shop.tenant) as work:
        ada = await customers.get(work, "ada")
        names = {each.key: each.id for each in await customers.list_entities(work, ada.key)}
        rows = await work.all(work.select(usage_windows))
    return {(row.feature_id, names.get(row.entity_key)): row.used for row in rows}


async def usage(shop: Services, feature_id: str = "messages") -> Decimal:
    """Units used."""
    balance = await shop.balance(feature_id)
    assert balance is not None
    return balance.usage


async def test_overage_of_a_customer_is_allowed_and_forbidden(shop: Services) -> None:
    """A control of the customer lifts free units, and holds paid ones (billing.md §6.2)."""
    await shop.offer(free_plan("free", item("messages", 5), auto_enable=True))
    await shop.add_customer()
    await control(shop, {"overage_allowed": [{"feature_id": "messages", "enabled": True}]})
    await shop.track(8, overage_behavior=REJECT)

    assert 8 == await usage(shop)
    assert (await shop.check(10**6)).access.allowed

    await control(shop, {"overage_allowed": [{"feature_id": "messages", "enabled": False}]})
    refused = (await shop.check(1)).access

    assert (False, LimitKind.INCLUDED) == (refused.allowed, refused.held_by)
    assert () == (await shop.track(1)).deductions


@pytest.mark.parametrize(("behavior", "usage_after"), [(OverageBehavior.CAP, 1125), (OVERFLOW, 1125)])
async def test_a_spend_limit_is_units_of_overage(shop: Services, behavior: OverageBehavior, usage_after: int) -> None:
    """A lasting 1000 and 100 paid after use, limit 25: 1120, then 10 more come to 1125, also with overflow."""
    await shop.offer(free_plan("free", item("messages", 1000, reset=None), PAID, auto_enable=True))
    await shop.add_customer()
    await control(shop, LIMIT_25)
    await shop.track(1120)
    await shop.track(10, overage_behavior=behavior)

    assert usage_after == await usage(shop)
    with pytest.raises(BadRequest):
        await shop.track(10, overage_behavior=REJECT)
    assert LimitKind.SPEND_LIMIT == (await shop.check(1)).access.held_by


async def test_of_two_plans_the_lower_limit_holds(shop: Services) -> None:
    """Limits 10 and 50 with 2200 granted: usage stops at 2210 (billing.md §6.3)."""
    limits = [
        {"spend_limits": [{"feature_id": "messages", "enabled": True, "overage_limit": each}]} for each in (10, 50)
    ]
    await shop.offer(
        free_plan("first", item("messages", 1200, price=usage_price(0)), auto_enable=True, billing_controls=limits[0]),
        free_plan("later", item("messages", 1000, price=usage_price(0)), add_on=True, billing_controls=limits[1]),
    )
    await shop.add_customer(card=GOOD_CARD)
    await shop.attach("later")
    await shop.track(2200)
    await shop.track(30)

    assert 2210 == await usage(shop)

    await control(shop, LIMIT_25)
    await shop.track(30)

    assert 2225 == await usage(shop)


async def test_a_percentage_of_what_main_plans_include(shop: Services) -> None:
    """120 % of main 100 beside an add-on of 100: exactly 320 are allowed (billing.md §6.3)."""
    percent = {"spend_limits": [
        {"feature_id": "messages", "enabled": True, "limit_type": "usage_percentage", "overage_limit": 120}
    ]}  # fmt: skip
    await shop.offer(
        free_plan("main", PAID, auto_enable=True, billing_controls=percent),
        free_plan("extra", PAID, add_on=True),
    )
    await shop.add_customer(card=GOOD_CARD)
    await shop.attach("extra")

    assert not (await shop.check("320.0000000001")).access.allowed
    await shop.track(320, overage_behavior=REJECT)
    assert 320 == await usage(shop)


async def test_a_usage_limit_counts_and_begins_anew(shop: Services) -> None:
    """Cap 5: ten come to five, and then nothing; the count begins at zero with the month, to the millisecond."""
    await shop.offer(free_plan("free", item("messages", 100), auto_enable=True))
    await shop.add_customer()
    await control(shop, cap(5))
    answer = await shop.track(10)
    await shop.track(3)

    assert Decimal(10) == answer.request.value
    assert [5] == [each.value for each in answer.deductions]
    assert (95, {("messages", None): 5}) == (await shop.remaining(), await counters(shop))

    shop.clock.move_to(datetime(2026, 1, 31, 23, 59, 59, 999_000, tzinfo=UTC))
    before = await shop.check(1)
    shop.clock.move_to(datetime(2026, 2, 1, tzinfo=UTC))
    await shop.track(2)

    assert (False, LimitKind.USAGE_LIMIT) == (before.access.allowed, before.access.held_by)
    assert (98, {("messages", None): 2}) == (await shop.remaining(), await counters(shop))


async def test_overflow_and_refunds(shop: Services) -> None:
    """Cap 5, used 3, 10 with overflow: counter 13, given back or not; nothing more is counted."""
    await shop.offer(free_plan("free", item("messages", 100), auto_enable=True))
    await shop.add_customer()
    await control(shop, cap(5))
    await shop.track(3)
    await shop.track(10, overage_behavior=OVERFLOW)
    await shop.track(-12)
    await shop.track(1)

    assert (99, {("messages", None): 13}) == (await shop.remaining(), await counters(shop))


async def test_a_limit_outlives_a_change_of_plan_in_the_same_cycle(shop: Services) -> None:
    """Pro to Premium with the same anchor at 3 of 5: five more are two (billing.md §6.4)."""
    await shop.offer(
        plan("pro", item("messages", 100), billing_controls=cap(5)),
        plan("premium", item("messages", 500), price=price(50), billing_controls=cap(5)),
    )
    await shop.add_customer(card=GOOD_CARD)
    await shop.attach("pro")
    await shop.track(3)
    shop.clock.move_to(datetime(2026, 1, 10, tzinfo=UTC))
    await shop.attach("premium")
    await shop.track(5)

    assert {("messages", None): 5} == await counters(shop)


async def test_units_and_credits_are_capped_apart(shop: Services) -> None:
    """A cap on messages holds what credits pay of them, and not the credits themselves."""
    await shop.offer(free_plan("free", item("credits", 100), auto_enable=True))
    await shop.add_customer()
    await control(shop, cap(5))
    await shop.track(5)
    await shop.track(1)

    assert (99, {("messages", None): 5}) == (await shop.remaining("credits"), await counters(shop))
    assert (await shop.check(50, "credits")).access.allowed
    assert LimitKind.USAGE_LIMIT == (await shop.check(1)).access.held_by

    await control(shop, cap(2, "credits"))
    await shop.track(100)

    assert 97 == await shop.remaining("credits")
    assert {("messages", None): 5, ("credits", None): 2} == await counters(shop)


async def test_only_usage_with_its_properties_is_capped(shop: Services) -> None:
    """What a filter does not name is neither counted nor held; numbers and truths are compared as texts."""
    await shop.offer(free_plan("free", item("messages", 100), auto_enable=True))
    await shop.add_customer()
    await control(shop, cap(5, filter={"properties": {"region": "eu", "batch": 2, "test": True}}))
    named = {"region": "eu", "batch": "2", "test": "true"}
    await shop.track(9, properties=named)
    await shop.track(9, properties={**named, "region": "us"})
    await shop.track(9)

    assert (77, {("messages", None): 5}) == (await shop.remaining(), await counters(shop))
    assert not (await shop.check(1, properties=named)).access.allowed
    assert (await shop.check(1)).access.allowed


async def test_entities_share_a_cap_or_have_their_own(shop: Services) -> None:
    """Three entities share the customer's cap of 5; one that gets its own counts anew and apart (billing.md §6.4)."""
    await shop.offer(free_plan("free", item("messages", 100), held_item("seats", 5), auto_enable=True))
    await shop.add_customer()
    await control(shop, cap(5))
    for entity_id, value in (("one", 2), ("two", 2), ("three", 3)):
        await shop.add_entity(entity_id)
        await shop.track(value, entity_id=entity_id)

    assert (95, {("messages", None): 5}) == (await shop.remaining(), await counters(shop))
    assert not (await shop.check(1, entity_id="three")).access.allowed

    await control_entity(shop, "three", cap(3))
    await shop.track(9, entity_id="three")
    await shop.track(9, entity_id="one")

    assert (92, {("messages", None): 5, ("messages", "three"): 3}) == (await shop.remaining(), await counters(shop))


async def test_a_check_that_counts(shop: Services) -> None:
    """A check with an event takes the headroom, or nothing at all."""
    await shop.offer(free_plan("free", item("messages", 100), auto_enable=True))
    await shop.add_customer()
    await control(shop, cap(5))
    answers = [(await shop.check(each, send_event=True)).access.allowed for each in (4, 2, 1)]

    assert [True, False, True] == answers
    assert (95, {("messages", None): 5}) == (await shop.remaining(), await counters(shop))


@pytest.mark.parametrize("controls", [cap(30), {**LIMIT_25, "usage_limits": []}], ids=["usage-limit", "spend-limit"])
async def test_parallel_tracks_pass_no_limit(shop: Services, controls: Controls) -> None:
    """50 tracks of 1 at once with reject: exactly as many as the limit lets pass are counted."""
    await shop.offer(free_plan("free", item("messages", 5, price=usage_price(0)), auto_enable=True))
    await shop.add_customer(card=GOOD_CARD)
    await control(shop, controls)
    tracks = (shop.track(1, overage_behavior=REJECT) for _ in range(50))
    answers = await asyncio.gather(*tracks, return_exceptions=True)

    assert 30 == sum(isinstance(answer, TrackAnswer) for answer in answers)
    assert 20 == sum(isinstance(answer, BadRequest) for answer in answers)
    assert 30 == await usage(shop)


async def test_a_deleted_customer_leaves_no_count(shop: Services) -> None:
    """The same id starts clean."""
    await shop.offer(free_plan("free", item("messages", 100), auto_enable=True))
    await shop.add_customer()
    await control(shop, cap(5))
    await shop.track(5)
    async with shop.database.work(shop.tenant) as work:
        await customers.delete(work, "ada")
    await shop.add_customer()

    assert {} == await counters(shop)


@pytest.mark.parametrize(
    ("controls", "config", "totals"),
    [
        ({}, {}, ["20.00", "25.00"]),
        (
            {"spend_limits": [{"feature_id": "messages", "enabled": True, "skip_overage_billing": True}]},
            {},
            ["20.00", "20.00"],
        ),
        (
            {"spend_limits": [{"feature_id": "messages", "enabled": False, "skip_overage_billing": True}]},
            {},
            ["20.00", "25.00"],
        ),
        ({}, {"disable_overage_billing": True}, ["20.00", "20.00"]),
    ],
    ids=["billed", "skipped", "disabled-entry", "off-for-the-customer"],
)
async def test_overage_that_is_not_billed(
    shop: Services, controls: Controls, config: Mapping[str, bool], totals: Sequence[str]
) -> None:
    """500 messages beyond at a cent are $5 at the renewal, or nothing; the balance resets all the same."""
    await shop.offer(plan("pro", item("messages", 100, price=usage_price("0.01"))))
    await shop.add_customer(card=GOOD_CARD, config=config)
    await control(shop, controls)
    await shop.attach("pro")
    await shop.track(600)
    shop.clock.move_to(datetime(2026, 2, 1, tzinfo=UTC))
    await shop.check()

    assert (totals, 100) == (await shop.totals(), await shop.remaining())


async def test_the_overage_of_an_entity_that_is_not_billed(shop: Services) -> None:
    """Its own entry decides about its own units, and nothing about its customer's."""
    await shop.offer(plan("pro", PAID), free_plan("free", held_item("seats", 5), auto_enable=True))
    await shop.add_customer(card=GOOD_CARD)
    entity = await shop.add_entity("one")
    await control_entity(
        shop, "one", {"spend_limits": [{"feature_id": "messages", "enabled": True, "skip_overage_billing": True}]}
    )
    await shop.attach("pro")
    async with shop.database.work(shop.tenant) as work:
        ada = await customers.get(work, "ada")
        (shared,) = [each for each in await balances.live_grants(work, ada.key) if each.price is not None]
        own = replace(shared, id="own", entity_key=entity.key)
        unbilled = await balances.unbilled_grants(work, ada, [shared, own])

    assert {"own"} == unbilled
