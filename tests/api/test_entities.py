"""entities.* over HTTP, and balances with an entity (api.md §2.4, §2.6)."""

import pytest

from tests.api.shop import JANUARY_MS, PRO, add, add_ada, stock, subscribe_ada
from tests.support.api import Api, Refused, on_sqlite

ADA = {"customer_id": "ada"}
NORTH = {**ADA, "entity_id": "north"}
SEATS = {"feature_id": "seats"}


async def test_an_entity_from_the_cradle_to_the_grave(api: Api) -> None:
    """It shows what it may use of its customer's, is counted as a seat, and is gone afterwards."""
    await subscribe_ada(api)
    created = await api.call("entities.create", {**NORTH, **SEATS, "name": "North workspace"})

    assert {
        "id": "north",
        "name": "North workspace",
        "customer_id": "ada",
        "feature_id": "seats",
        "created_at": JANUARY_MS,
        "env": "sandbox",
        "purchases": [],
        "billing_controls": {},
    } == {key: created[key] for key in created.keys() - {"subscriptions", "balances", "flags"}}
    assert [("pro", "customer")] == [(each["plan_id"], each["scope"]) for each in created["subscriptions"]]
    assert 1 == created["balances"]["seats"]["usage"]
    assert {"sso"} == created["flags"].keys()
    assert created == await api.call("entities.get", {"entity_id": "north"})
    assert [created] == (await api.call("entities.list", {}))["list"]
    ada = await api.call("customers.get", {**ADA, "expand": ["entities"]})
    assert [{key: created[key] for key in ("id", "name", "customer_id", "feature_id", "created_at", "env")}] == (
        ada["entities"]
    )
    assert {"success": True} == await api.call("entities.delete", NORTH)
    assert [] == (await api.call("entities.list", ADA))["list"]
    assert 0 == (await api.call("customers.get", ADA))["balances"]["seats"]["usage"]


@on_sqlite
async def test_what_is_shown_on_request(api: Api) -> None:
    """Plans, features and invoices are shown where they are asked for; other words are refused."""
    await subscribe_ada(api)
    await api.call("entities.create", {**NORTH, **SEATS})
    expand = ["invoices", "subscriptions.plan", "purchases.plan", "balances.feature", "flags.feature"]
    shown = await api.call("entities.get", {**NORTH, "expand": expand})

    assert "pro" == shown["subscriptions"][0]["plan"]["id"]
    assert "seats" == shown["balances"]["seats"]["feature"]["id"]
    assert "sso" == shown["flags"]["sso"]["feature"]["id"]
    assert [] == shown["invoices"]
    assert "invalid_expand" == (await api.refused("entities.get", {**NORTH, "expand": ["entities"]})).code


@on_sqlite
async def test_controls_of_an_entity(api: Api) -> None:
    """Each list that is given replaces the one before; automatic top-ups are not for entities."""
    await add_ada(api)
    alert = {"feature_id": "messages", "threshold": 80, "threshold_type": "usage", "enabled": True}
    limit = {"feature_id": "messages", "enabled": True, "overage_limit": 5, "limit_type": "absolute"}
    created = await api.call("entities.create", {**NORTH, **SEATS, "billing_controls": {"usage_alerts": [alert]}})
    assert [alert] == created["billing_controls"]["usage_alerts"]
    changed = await api.call("entities.update", {**NORTH, "billing_controls": {"spend_limits": [limit]}})
    assert {"usage_alerts": [alert], "spend_limits": [limit]} == changed["billing_controls"]
    topup = {"feature_id": "messages", "enabled": True, "threshold": 1, "quantity": 5}
    refused = await api.refused("entities.update", {**NORTH, "billing_controls": {"auto_topups": [topup]}})
    assert (400, "invalid_request") == (refused.status, refused.code)


@on_sqlite
async def test_a_customer_made_with_its_entity(api: Api) -> None:
    """With `customer_data` a customer that does not exist is created, with its free plan; one that does is kept."""
    await stock(api)
    made = {**NORTH, **SEATS, "customer_data": {"name": "Ada", "email": "ada@lumen.test"}}
    created = await api.call("entities.create", made)
    assert ["free"] == [each["plan_id"] for each in created["subscriptions"]]
    await api.call("entities.create", {**made, "entity_id": "south", "customer_data": {"name": "Eve"}})
    assert "Ada" == (await api.call("customers.get", ADA))["name"]


@on_sqlite
async def test_which_entities_are_listed(api: Api) -> None:
    """By customer, by id or name, by plan and status; bad cursors and too long pages are refused."""
    await subscribe_ada(api)
    await add(api, "eve")
    await api.call("entities.create", {**NORTH, **SEATS})
    await api.call("entities.create", {**SEATS, "customer_id": "eve", "entity_id": "south", "name": "Winter"})
    for chosen, expected in (
        ({}, {"north", "south"}),
        (ADA, {"north"}),
        ({"search": "wint"}, {"south"}),
        ({"plans": [{"id": "pro"}]}, {"north"}),
        ({"plans": [{"id": "pro", "versions": [2]}]}, set()),
        ({"plans": [{"id": "free"}], "subscription_status": "active"}, {"south"}),
        ({"subscription_status": "scheduled"}, set()),
        ({"limit": 5000}, {"north", "south"}),
    ):
        assert expected == {each["id"] for each in (await api.call("entities.list", chosen))["list"]}, chosen
    first = await api.call("entities.list", {"limit": 1})
    second = await api.call("entities.list", {"limit": 1, "start_cursor": first["next_cursor"]})
    assert {"north", "south"} == {first["list"][0]["id"], second["list"][0]["id"]}
    assert second["next_cursor"] is None
    table: list[Refused] = [
        ("entities.list", {"limit": 5001}, 400, "invalid_request"),
        ("entities.list", {"start_cursor": "?"}, 400, "invalid_cursor"),
        ("entities.list", {"customer_id": "bob"}, 404, "customer_not_found"),
    ]

    assert table == await api.refusals(table)


@on_sqlite
async def test_entities_that_are_refused(api: Api) -> None:
    """Each refusal has its own code (api.md §2.6)."""
    await subscribe_ada(api)
    await add(api, "eve")
    await api.call("entities.create", {**NORTH, **SEATS})
    await api.call("entities.create", {**NORTH, **SEATS, "customer_id": "eve"})
    for number in range(4):
        await api.call("entities.create", {**ADA, **SEATS, "entity_id": f"desk {number}"})
    table: list[Refused] = [
        ("entities.create", {**NORTH, **SEATS}, 409, "entity_already_exists"),
        ("entities.create", {**ADA, **SEATS, "entity_id": "south"}, 400, "feature_limit_reached"),
        ("entities.create", {**ADA, "entity_id": "south", "feature_id": "messages"}, 400, "invalid_request"),
        ("entities.create", {**ADA, "entity_id": "south", "feature_id": "none"}, 404, "feature_not_found"),
        ("entities.create", {"customer_id": "bob", "entity_id": "south", **SEATS}, 404, "customer_not_found"),
        ("entities.create", {**ADA, **SEATS}, 400, "invalid_inputs"),
        ("entities.create", {**ADA, **SEATS, "entity_id": ""}, 400, "invalid_inputs"),
        ("entities.get", {"entity_id": "north"}, 400, "entity_id_required"),
        ("entities.get", {**ADA, "entity_id": "south"}, 404, "entity_not_found"),
        ("entities.update", {**ADA, "entity_id": "south"}, 404, "entity_not_found"),
        ("entities.delete", {**ADA, "entity_id": "south"}, 404, "entity_not_found"),
        ("entities.delete", {"entity_id": "north", "customer_id": "bob"}, 404, "customer_not_found"),
        ("balances.check", {**ADA, "feature_id": "messages", "entity_id": "south"}, 404, "entity_not_found"),
        ("balances.track", {**ADA, "feature_id": "messages", "entity_id": "south"}, 404, "entity_not_found"),
        ("events.list", {**ADA, "entity_id": "south"}, 404, "entity_not_found"),
    ]

    assert table == await api.refusals(table)


async def test_usage_of_an_entity(api: Api) -> None:
    """Answers name the entity; its events are found by it."""
    await subscribe_ada(api)
    await api.call("entities.create", {**NORTH, **SEATS})
    asked = {**NORTH, "feature_id": "messages"}
    tracked = await api.call("balances.track", {**asked, "value": 60})
    checked = await api.call("balances.check", asked)
    sent = await api.call("balances.check", {**asked, "required_balance": 40, "send_event": True})
    await api.call("balances.track", {**ADA, "feature_id": "messages", "value": 1})

    assert ("north", 940) == (tracked["entity_id"], tracked["balance"]["remaining"])
    assert ("north", 940) == (checked["entity_id"], checked["balance"]["remaining"])
    assert ("north", 900) == (sent["entity_id"], sent["balance"]["remaining"])
    events = (await api.call("events.list", {**NORTH}))["list"]
    assert [40, 60] == sorted(event["value"] for event in events)
    assert 899 == (await api.call("entities.get", NORTH))["balances"]["messages"]["remaining"]


@pytest.mark.parametrize("operation", ["balances.check", "balances.track"])
@on_sqlite
async def test_an_entity_is_not_made_by_usage(api: Api, operation: str) -> None:
    """`entity_data` is taken and changes nothing: an entity that does not exist is not found (§2.6)."""
    await add_ada(api)
    body = {**NORTH, "feature_id": "messages", "entity_data": {**SEATS, "name": "North"}}

    assert "entity_not_found" == (await api.refused(operation, body)).code
    assert [] == (await api.call("entities.list", ADA))["list"]


@on_sqlite
async def test_seats_that_nobody_pays(api: Api) -> None:
    """402 `pay_invoice_failed`, and there is no entity."""
    await stock(api)
    seats = {**SEATS, "price": {"amount": 8, "interval": "month", "billing_method": "usage_based"}}
    charged = {**seats, "proration": {"on_increase": "prorate_immediately", "on_decrease": "none"}}
    await api.call("plans.create", {**PRO, "plan_id": "paid", "items": [charged]})
    await add(api, "ada")
    await api.call("sandbox.add_card", {**ADA})
    await api.call("billing.attach", {**ADA, "plan_id": "paid"})
    await api.call("sandbox.set_next_charge", {**ADA, "outcome": "decline"})
    refused = await api.refused("entities.create", {**NORTH, **SEATS})

    assert (402, "pay_invoice_failed") == (refused.status, refused.code)
    assert [] == (await api.call("entities.list", ADA))["list"]
    await api.call("entities.create", {**NORTH, **SEATS})
    assert 1 == (await api.call("customers.get", ADA))["balances"]["seats"]["usage"]
