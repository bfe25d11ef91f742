"""Features and plans as they are kept (api.md §2.2, §2.3; billing.md §1.2, §1.4, §1.5, §16.1)."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.catalog import service as catalog
from sumac.catalog.model import BillingMethod, CurrencyAmount, Plan, PlanItem, Proration, Rollover, Tier, TierBehavior
from sumac.core.errors import BadRequest, Conflict, NotFound
from tests.support.build import (
    ONCE,
    YEARLY,
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
    trial,
    usage_price,
)
from tests.support.services import Services


async def stored(services: Services, plan_id: str, version: int | None = None) -> Plan:
    async with services.database.reading(services.tenant) as work:
        return await catalog.get_plan(work, plan_id, version)


async def changed(services: Services, plan_id: str, *, held: frozenset[int] = frozenset(), **changes: object) -> Plan:
    async with services.database.work(services.tenant) as work:
        before = await catalog.get_plan(work, plan_id)
        after = replace(before, **changes)  # type: ignore[arg-type]  # each test changes what it names
        return await catalog.update_plan(work, before, after, held_versions=held)


async def deleted(services: Services, plan_id: str, *, held: frozenset[int] = frozenset(), whole: bool = False) -> None:
    async with services.database.work(services.tenant) as work:
        await catalog.delete_plan(work, plan_id, all_versions=whole, held_versions=held)


async def listed(services: Services, *, archived: bool = False, versions: bool = False) -> list[tuple[str, int]]:
    async with services.database.reading(services.tenant) as work:
        found = await catalog.list_plans(work, include_archived=archived, all_versions=versions)
    return [(each.id, each.version) for each in found]


@pytest.mark.parametrize(
    "each",
    [
        feature(event_names=("sent", "received")),
        seats(),
        flag(),
        credit_system(costs={"calls": "0.0000000001"}),
        feature("odd-id_1", name="Ünïcode ☂", archived=True),
    ],
)
async def test_a_feature_reads_as_it_was_created(services: Services, each: object) -> None:
    """Every field comes back, credit costs to their last decimal."""
    await services.offer(feature("calls"), each)  # type: ignore[arg-type]  # a feature

    async with services.database.reading(services.tenant) as work:
        assert each == (await catalog.list_features(work))[-1]


FULL = plan(
    "full",
    item(
        "messages",
        1000,
        price=usage_price(amount=None, tiers=(Tier(Decimal(5000), Decimal("0.0123456789")), Tier(None, Decimal(0)))),
    ),
    held_item(
        "seats",
        10,
        price=prepaid_price(
            amount=None,
            billing_units=Decimal(5),
            max_purchase=Decimal(100),
            tiers=(Tier(Decimal(20), Decimal(8), Decimal(1)), Tier(None, Decimal(5), Decimal("0.5"))),
            tier_behavior=TierBehavior.VOLUME,
        ),
        proration=Proration("prorate_immediately", "none"),
    ),
    item("credits", "0.5", rollover=Rollover("month", 2, max_percentage=Decimal("12.5"))),
    held_item("sso"),
    price=replace(price("19.99"), additional_currencies=(CurrencyAmount("eur", Decimal("18.5")),)),
    description="Everything",
    group="main",
    free_trial=trial(14, card_required=False),
    metadata={"tier": ["gold", 1]},
    billing_controls={},
)


async def test_a_plan_reads_as_it_was_created(services: Services) -> None:
    """Prices, tiers, items, trial and metadata come back exactly, decimals included."""
    await services.offer(feature(), seats(), flag(), credit_system(), FULL)

    assert FULL == await stored(services, "full")


async def test_ids_are_taken_once(services: Services) -> None:
    """A second feature or plan of the same id is refused and changes nothing."""
    await services.offer(feature(), plan())

    with pytest.raises(Conflict) as duplicate_feature:
        await services.offer(feature(name="Other"))
    with pytest.raises(BadRequest) as duplicate_plan:
        await services.offer(plan(price=price(99)))

    assert ("duplicate_feature_id", "product_already_exists") == (
        duplicate_feature.value.code,
        duplicate_plan.value.code,
    )
    assert Decimal(20) == getattr((await stored(services, "pro")).price, "amount", None)


async def test_parallel_creations_of_one_plan_succeed_once(services: Services) -> None:
    """One of five wins, the others are refused."""
    creations = (services.offer(plan(price=price(amount))) for amount in range(1, 6))
    answers = await asyncio.gather(*creations, return_exceptions=True)

    assert 1 == answers.count(None)
    assert 4 == sum(isinstance(answer, BadRequest) for answer in answers)
    assert [("pro", 1)] == await listed(services)


async def test_a_plan_nobody_holds_changes_in_place(services: Services) -> None:
    """Without customers a new price is the same version."""
    await services.offer(plan())

    after = await changed(services, "pro", price=price(30))

    assert (1, price(30)) == (after.version, after.price)
    assert [("pro", 1)] == await listed(services, versions=True)


async def test_a_held_version_stays_as_it_is(services: Services) -> None:
    """A new price of a version customers hold becomes the next version; the details apply to all of them."""
    await services.offer(feature(), plan())

    after = await changed(services, "pro", held=frozenset({1}), price=price(30), name="Professional")

    assert 2 == after.version
    assert (price(20), "Professional") == (
        (await stored(services, "pro", 1)).price,
        (await stored(services, "pro", 1)).name,
    )
    assert (price(30), 2) == ((await stored(services, "pro")).price, (await stored(services, "pro")).version)
    assert [("pro", 2)] == await listed(services)
    assert [("pro", 1), ("pro", 2)] == await listed(services, versions=True)


async def test_a_change_of_details_makes_no_version(services: Services) -> None:
    """Names, groups and metadata belong to every version."""
    await services.offer(plan())

    after = await changed(services, "pro", held=frozenset({1}), name="Professional", metadata={"a": 1})

    assert 1 == after.version
    assert {"a": 1} == (await stored(services, "pro")).metadata


async def test_parallel_changes_do_not_lose_each_other(services: Services) -> None:
    """Of changes made at once to the same version, each either applies or is told to try again."""
    await services.offer(plan())

    names = [f"Name {number}" for number in range(5)]
    changes = (changed(services, "pro", held=frozenset({1}), name=name, price=price(30)) for name in names)
    answers = await asyncio.gather(*changes, return_exceptions=True)

    applied = [answer for answer in answers if isinstance(answer, Plan)]
    assert applied
    assert 5 == len(applied) + sum(isinstance(answer, Conflict) for answer in answers)
    versions = await listed(services, versions=True)
    assert [("pro", number) for number in range(1, len(versions) + 1)] == versions


async def test_a_held_plan_keeps_its_id(services: Services) -> None:
    """Renaming follows to every version while nobody holds the plan, and is refused afterwards."""
    await services.offer(plan(), plan("other"))

    await changed(services, "pro", id="professional")
    assert [("other", 1), ("professional", 1)] == sorted(await listed(services))
    with pytest.raises(Conflict):
        await changed(services, "professional", held=frozenset({1}), id="pro")
    with pytest.raises(Conflict):
        await changed(services, "professional", id="other")


async def test_archived_plans_are_listed_on_request(services: Services) -> None:
    """An archived plan is out of the list, and still there."""
    await services.offer(plan(), plan("old", archived=True))

    assert [("pro", 1)] == await listed(services)
    assert {("pro", 1), ("old", 1)} == set(await listed(services, archived=True))
    assert (await stored(services, "old")).archived


async def test_deleting_a_plan(services: Services) -> None:
    """The newest version goes, or all of them; what customers hold or held stays."""
    await services.offer(plan())
    await changed(services, "pro", held=frozenset({1}), price=price(30))

    with pytest.raises(BadRequest):
        await deleted(services, "pro", held=frozenset({1}), whole=True)
    await deleted(services, "pro", held=frozenset({1}))
    assert [("pro", 1)] == await listed(services, versions=True)
    await deleted(services, "pro")
    with pytest.raises(NotFound) as missing:
        await stored(services, "pro")
    assert "product_not_found" == missing.value.code


async def test_one_auto_enabled_plan_per_group(services: Services) -> None:
    """A second plan that starts by itself in the same group is refused; another group may have its own."""
    await services.offer(free_plan("free", auto_enable=True), free_plan("starter", auto_enable=True, group="other"))

    with pytest.raises(BadRequest):
        await services.offer(free_plan("second", auto_enable=True))


async def test_a_feature_in_use_stays(services: Services) -> None:
    """A feature of a plan or a credit system is not deleted and keeps its nature; an unused one goes."""
    await services.offer(feature(), feature("calls"), credit_system(), plan("pro", item("credits", 10)))

    for used in ("messages", "credits"):
        async with services.database.work(services.tenant) as work:
            with pytest.raises(Conflict):
                await catalog.delete_feature(work, used)
    with pytest.raises(BadRequest):
        async with services.database.work(services.tenant) as work:
            await catalog.update_feature(work, "messages", feature(consumable=False))
    async with services.database.work(services.tenant) as work:
        await catalog.delete_feature(work, "calls")
        assert ["credits", "messages"] == sorted(each.id for each in await catalog.list_features(work))


@pytest.mark.parametrize(
    "offered",
    [
        pytest.param(plan("bad", item("unknown", 1)), id="unknown-feature"),
        pytest.param(plan("bad", item("messages", 100, price=usage_price(cadence=ONCE))), id="one-off-usage-price"),
        pytest.param(
            plan("bad", item("messages", 100, price=usage_price(cadence=YEARLY))), id="reset-differs-from-price"
        ),
        pytest.param(
            plan("bad", held_item("seats", 3, price=prepaid_price(billing_units=Decimal(5)))), id="broken-pack"
        ),
        pytest.param(plan("bad", price=price(20, ONCE), free_trial=trial()), id="trial-of-a-purchase"),
        pytest.param(plan("bad", held_item("sso", 1)), id="counted-flag"),
    ],
)
async def test_a_plan_that_breaks_a_rule_is_not_kept(services: Services, offered: Plan) -> None:
    """The rules of plans hold for what is stored (billing.md §1.5)."""
    await services.offer(feature(), seats(), flag())

    with pytest.raises((BadRequest, NotFound)):
        await services.offer(offered)
    assert [] == await listed(services, archived=True)


async def test_a_paid_consumable_item_gets_the_reset_of_its_price(services: Services) -> None:
    """Units paid for every month come back every month, also when the caller leaves the reset out."""
    await services.offer(feature(), plan("pro", PlanItem("messages", Decimal(10), price=usage_price())))

    kept = (await stored(services, "pro")).items[0]
    assert (item("messages", 10).reset, BillingMethod.USAGE_BASED) == (
        kept.reset,
        getattr(kept.price, "billing_method", None),
    )
