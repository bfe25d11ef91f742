"""Plans and items of entities over HTTP (api.md §2.5 `entity_id`, §2.6)."""

import pytest

from tests.api.shop import JANUARY_MS, MONTH, PRO, SEATS_CHOSEN, add_ada, subscribe_ada
from tests.support.api import Api, Body, Refused, on_sqlite

ADA = {"customer_id": "ada"}
NORTH, SOUTH = ({**ADA, "entity_id": each} for each in ("north", "south"))
DESK = {
    "plan_id": "desk",
    "name": "Desk",
    "group": "desks",
    "price": {"amount": 10, "interval": "month"},
    "items": [{"feature_id": "messages", "included": 50, "reset": MONTH}],
}


@pytest.fixture
async def ada(api: Api) -> Api:
    """Ada on the free plan, with a card and two entities; a plan for desks is on offer."""
    await add_ada(api)
    await api.call("plans.create", DESK)
    for entity in (NORTH, SOUTH):
        await api.call("entities.create", {**entity, "feature_id": "seats"})
    return api


def held(answer: Body) -> list[tuple[str, str]]:
    """Plans and whose they are."""
    return sorted((each["plan_id"], each["scope"]) for each in answer["subscriptions"])


async def test_the_plan_of_an_entity(ada: Api) -> None:
    """Answers name the entity; it sees its own plan and the customer's, the customer all, a sibling none of its."""
    attached = await ada.call("billing.attach", {**NORTH, "plan_id": "desk"})

    assert ("north", 10) == (attached["entity_id"], attached["invoice"]["total"])
    assert [("desk", "entity"), ("free", "customer")] == held(await ada.call("entities.get", NORTH))
    assert [("free", "customer")] == held(await ada.call("entities.get", SOUTH))
    assert [("desk", "entity"), ("free", "customer")] == held(await ada.call("customers.get", ADA))
    sums = [(await ada.call("entities.get", each))["balances"]["messages"]["granted"] for each in (NORTH, SOUTH)]
    assert [100, 50] == sums
    checked = await ada.call("balances.check", {**SOUTH, "feature_id": "messages", "required_balance": 51})
    assert not checked["allowed"]
    updated = await ada.call("billing.update", {**NORTH, "plan_id": "desk", "cancel_action": "cancel_end_of_cycle"})
    assert "north" == updated["entity_id"]


async def test_listed_by_entity(ada: Api) -> None:
    """Subscriptions, purchases and invoices of one entity; each says whose it is."""
    await ada.call("plans.create", {**DESK, "plan_id": "once", "price": {"amount": 3, "interval": "one_off"}})
    for plan_id in ("desk", "once"):
        await ada.call("billing.attach", {**NORTH, "plan_id": plan_id})
    await ada.call("billing.attach", {**ADA, "plan_id": "pro", **SEATS_CHOSEN})

    for operation, plan_id in (("subscriptions.list", "desk"), ("purchases.list", "once")):
        (listed,) = (await ada.call(operation, NORTH))["list"]
        assert (plan_id, "entity", "north") == (listed["plan_id"], listed["scope"], listed["entity_id"])
        assert [] == (await ada.call(operation, SOUTH))["list"]
    everywhere = (await ada.call("subscriptions.list", {**ADA, "statuses": ["active"]}))["list"]
    assert {("desk", "north"), ("pro", None)} == {(each["plan_id"], each["entity_id"]) for each in everywhere}
    assert [3, 10] == sorted(each["total"] for each in (await ada.call("invoices.list", NORTH))["list"])
    shown = await ada.call("entities.get", {**NORTH, "expand": ["invoices"]})
    assert [3, 10] == sorted(each["total"] for each in shown["invoices"])
    assert 3 == len((await ada.call("invoices.list", ADA))["list"])
    for chosen, ids in (({"plans": [{"id": "desk"}]}, ["north"]), ({"plans": [{"id": "pro"}]}, ["north", "south"])):
        assert ids == sorted(each["id"] for each in (await ada.call("entities.list", chosen))["list"])


@on_sqlite
async def test_previews_and_offers_for_an_entity(ada: Api) -> None:
    """They are about what that entity has, and write nothing."""
    await ada.call("billing.attach", {**NORTH, "plan_id": "desk"})
    for body, action in ((NORTH, "none"), (SOUTH, "activate"), (ADA, "activate")):
        plans = (await ada.call("plans.list", body))["list"]
        assert action == next(each for each in plans if each["id"] == "desk")["customer_eligibility"]["attach_action"]
    preview = await ada.call("billing.preview_attach", {**SOUTH, "plan_id": "desk"})
    assert 10 == preview["total"]
    canceled = {**NORTH, "plan_id": "desk", "cancel_action": "cancel_immediately"}
    assert -10 == (await ada.call("billing.preview_update", canceled))["total"]
    updates = [{"plan_id": "desk", "cancel_action": "cancel_immediately"}]
    assert -10 == (await ada.call("billing.preview_multi_update", {**NORTH, "updates": updates}))["total"]
    assert [("free", "customer")] == held(await ada.call("entities.get", SOUTH))


@on_sqlite
async def test_several_at_once_for_an_entity(ada: Api) -> None:
    """Several plans, a schedule and a card first: all for the entity that the request names, or each of its plans."""
    await ada.call("plans.create", {**DESK, "plan_id": "lamp", "add_on": True})
    plans = [{"plan_id": "desk"}, {"plan_id": "lamp"}]
    attached = await ada.call("billing.multi_attach", {**NORTH, "plans": plans})
    assert "north" == attached["entity_id"]
    named = [{**each, "entity_id": "south"} for each in plans]
    await ada.call("billing.multi_attach", {**ADA, "plans": named})
    for entity in (NORTH, SOUTH):
        assert [("desk", "entity"), ("free", "customer"), ("lamp", "entity")] == held(
            await ada.call("entities.get", entity)
        )
    updates = [{"plan_id": each["plan_id"], "cancel_action": "cancel_immediately"} for each in plans]
    assert "north" == (await ada.call("billing.multi_update", {**NORTH, "updates": updates}))["entity_id"]
    phases = [
        {"starts_at": "now", "plans": [{"plan_id": "desk"}]},
        {"starting_after": {"duration_type": "month", "duration_count": 1}, "plans": [{"plan_id": "lamp"}]},
    ]
    placed = await ada.call("billing.create_schedule", {**NORTH, "phases": phases})
    assert ("north", "created") == (placed["entity_id"], placed["status"])
    assert [("desk", "entity"), ("free", "customer"), ("lamp", "entity")] == held(await ada.call("entities.get", NORTH))
    later = JANUARY_MS + 40 * 86_400_000
    await ada.call("customers.advance_test_clock", {**ADA, "frozen_time": later})
    assert [("free", "customer"), ("lamp", "entity")] == held(await ada.call("entities.get", NORTH))
    assert [("desk", "entity"), ("free", "customer"), ("lamp", "entity")] == held(await ada.call("entities.get", SOUTH))
    assert "north" == (await ada.call("billing.setup_payment", NORTH))["entity_id"]


@on_sqlite
async def test_plans_for_several_at_once(ada: Api) -> None:
    """One invoice; a plan that names no entity is as the request says, null is the customer's (billing.md §13.1)."""
    await ada.call("plans.create", {**DESK, "plan_id": "lamp", "add_on": True})
    plans = [
        {"plan_id": "desk"},
        {"plan_id": "desk", "entity_id": "south"},
        {"plan_id": "lamp", "entity_id": None},
    ]
    shown = await ada.call("billing.preview_multi_attach", {**NORTH, "plans": plans})
    attached = await ada.call("billing.multi_attach", {**NORTH, "plans": plans})

    assert (30, 30) == (shown["total"], attached["invoice"]["total"])
    assert [("desk", "entity"), ("free", "customer"), ("lamp", "customer")] == held(
        await ada.call("entities.get", NORTH)
    )
    assert held(await ada.call("entities.get", SOUTH)) == held(await ada.call("entities.get", NORTH))
    ended = [
        {"plan_id": "desk", "entity_id": each, "cancel_action": "cancel_immediately"} for each in ("north", "south")
    ]
    ended.append({"plan_id": "lamp", "cancel_action": "cancel_immediately"})
    assert -30 == (await ada.call("billing.preview_multi_update", {**ADA, "updates": ended}))["total"]
    assert -30 == (await ada.call("billing.multi_update", {**ADA, "updates": ended}))["invoice"]["total"]
    assert [("free", "customer")] == held(await ada.call("entities.get", NORTH))
    nobody = [{"plan_id": "desk", "entity_id": "west"}]
    assert 404 == (await ada.refused("billing.multi_attach", {**ADA, "plans": nobody})).status


@on_sqlite
async def test_requests_that_are_refused(ada: Api) -> None:
    """Entities that do not exist, plans of several scopes at once, and what entities do not have yet."""
    await ada.call("billing.attach", {**NORTH, "plan_id": "desk"})
    nobody, mixed = {**ADA, "entity_id": "west"}, [{"plan_id": "desk"}, {"plan_id": "pro", "entity_id": "south"}]
    cancel = {"cancel_action": "cancel_immediately"}
    table: list[Refused] = [
        ("billing.attach", {**NORTH, "plan_id": "desk"}, 409, "plan_already_attached"),
        ("billing.attach", {**nobody, "plan_id": "desk"}, 404, "entity_not_found"),
        ("billing.update", {**nobody, "plan_id": "desk", **cancel}, 404, "entity_not_found"),
        ("billing.update", {**SOUTH, "plan_id": "desk", **cancel}, 404, "customer_product_not_found"),
        ("billing.update", {**ADA, "plan_id": "desk", **cancel}, 404, "customer_product_not_found"),
        ("billing.multi_attach", {**NORTH, "plans": mixed}, 409, "plan_already_attached"),
        ("billing.multi_attach", {**nobody, "plans": [{"plan_id": "desk"}]}, 404, "entity_not_found"),
        (
            "billing.multi_update",
            {**ADA, "updates": [{"entity_id": "north", "plan_id": "desk", **cancel}, {"plan_id": "desk", **cancel}]},
            404,
            "customer_product_not_found",
        ),
        (
            "billing.create_schedule",
            {**NORTH, "phases": [{"starts_at": "now", "plans": mixed}]},
            400,
            "invalid_request",
        ),
        ("billing.setup_payment", {**nobody, "plan_id": "desk"}, 404, "entity_not_found"),
        ("subscriptions.list", nobody, 404, "entity_not_found"),
        ("invoices.list", nobody, 404, "entity_not_found"),
        ("invoices.list", {"entity_id": "north"}, 400, "invalid_inputs"),
        ("plans.list", nobody, 404, "entity_not_found"),
        ("invoices.create", {**NORTH, "plans": [{"plan_id": "desk"}]}, 400, "invalid_request"),
    ]

    assert table == await ada.refusals(table)


@on_sqlite
async def test_an_item_for_each_entity(ada: Api) -> None:
    """`entity_feature_id` is kept and shown; the slots are one row of the customer's balance, with one id."""
    item = {"feature_id": "messages", "included": 50, "reset": MONTH, "entity_feature_id": "seats"}
    made = await ada.call("plans.create", {**DESK, "items": [item], "plan_id": "team"})
    assert "seats" == made["items"][0]["entity_feature_id"]
    await ada.call("billing.attach", {**ADA, "plan_id": "team"})
    tracked = await ada.call("balances.track", {**NORTH, "feature_id": "messages", "value": 20})
    customer = (await ada.call("customers.get", ADA))["balances"]["messages"]
    entity = (await ada.call("entities.get", NORTH))["balances"]["messages"]

    (of_all,) = [each for each in customer["breakdown"] if each["plan_id"] == "team"]
    (of_one,) = [each for each in entity["breakdown"] if each["plan_id"] == "team"]
    assert (100, 80, 20) == (of_all["included_grant"], of_all["remaining"], of_all["usage"])
    assert (50, 30, 20) == (of_one["included_grant"], of_one["remaining"], of_one["usage"])
    assert {of_all["id"]} == {of_one["id"], tracked["deductions"][0]["balance_id"]}
    refused = await ada.refused(
        "plans.create", {**DESK, "items": [{**item, "entity_feature_id": "sso"}], "plan_id": "x"}
    )
    assert (400, "invalid_product_item") == (refused.status, refused.code)
    assert 409 == (await ada.refused("features.delete", {"feature_id": "seats"})).status


@on_sqlite
async def test_a_plan_that_all_entities_see(api: Api) -> None:
    """What the customer buys is there for every entity."""
    await subscribe_ada(api)
    await api.call("entities.create", {**NORTH, "feature_id": "seats"})
    shown = await api.call("entities.get", NORTH)

    assert [("pro", "customer")] == held(shown)
    assert PRO["plan_id"] == shown["subscriptions"][0]["plan_id"]
