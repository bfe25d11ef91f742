"""Pooled items over HTTP: what plans of several entities give is one balance (billing.md §17.3)."""

import pytest

from tests.api.shop import JANUARY_MS, MONTH, add_ada
from tests.support.api import Api, Body

ADA = {"customer_id": "ada"}
NORTH, SOUTH = ({**ADA, "entity_id": each} for each in ("north", "south"))
DESK = {
    "plan_id": "desk",
    "name": "Desk",
    "group": "desks",
    "price": {"amount": 10, "interval": "month"},
    "items": [{"feature_id": "messages", "included": 60, "pooled": True, "reset": MONTH}],
}


@pytest.fixture
async def ada(api: Api) -> Api:
    """Ada on the free plan of 50 messages, with a card and two entities, each of which is attached to the desk plan."""
    await add_ada(api)
    plan = await api.call("plans.create", DESK)
    assert [True] == [each["pooled"] for each in plan["items"]]
    for entity in (NORTH, SOUTH):
        await api.call("entities.create", {**entity, "feature_id": "seats"})
        await api.call("billing.attach", {**entity, "plan_id": "desk"})
    return api


async def pool_of(api: Api, operation: str, who: Body) -> Body:
    """The one source of no plan, as the customer or an entity is shown it."""
    balance = (await api.call(operation, who))["balances"]["messages"]
    (pool,) = [each for each in balance["breakdown"] if each["plan_id"] is None]
    assert [pool["id"]] == [each["id"] for each in balance["breakdown"] if each["plan_id"] != "free"]
    shown: Body = pool
    return shown


async def test_one_balance(ada: Api) -> None:
    """The customer and every entity see and use the same source, and nothing of the contributions behind it."""
    await ada.call("balances.track", {**NORTH, "feature_id": "messages", "value": 70})
    expected = {"included_grant": 120, "prepaid_grant": 0, "price": None, "expires_at": None, "unlimited": False}

    for operation, who in (("customers.get", ADA), ("entities.get", NORTH), ("entities.get", SOUTH)):
        pool = await pool_of(ada, operation, who)
        assert expected == {key: pool[key] for key in expected}
        balance = (await ada.call(operation, who))["balances"]["messages"]
        assert (170, 100, 70) == (balance["granted"], balance["remaining"], balance["usage"])
    for required, allowed in ((100, True), (101, False)):
        checked = await ada.call("check", {**SOUTH, "feature_id": "messages", "required_balance": required})
        assert (allowed, 170) == (checked["allowed"], checked["balance"]["granted"])


async def test_where_it_comes_from(ada: Api) -> None:
    """The explanation is the pool's alone: what each plan gave, and what usage took."""
    await ada.call("balances.track", {**NORTH, "feature_id": "messages", "value": 70})
    explained = await ada.call("balances.explain", {**SOUTH, "feature_id": "messages"})
    assert (170, 100) == (explained["balance"]["granted"], explained["balance"]["remaining"])
    (pool,) = [each for each in explained["sources"] if each["plan_id"] is None]

    changes = [(each["granted_change"], each["balance_change"]) for each in pool["entries"]]
    assert (60, 60, [(60, 60)]) == (pool["opening"]["granted"], pool["opening"]["balance"], changes)
    assert 120 == pool["granted"]


async def test_who_leaves_and_comes_back(ada: Api) -> None:
    """The last one ends the pool, which is listed as expired; whoever comes back begins another one."""
    first = await pool_of(ada, "customers.get", ADA)
    gone = {"plan_id": "desk", "cancel_action": "cancel_immediately"}
    await ada.call("billing.update", {**NORTH, **gone})
    left = await pool_of(ada, "entities.get", NORTH)
    assert (first["id"], 60) == (left["id"], left["remaining"])
    await ada.call("entities.delete", SOUTH)
    balance = (await ada.call("customers.get", ADA))["balances"]["messages"]
    assert ["free"] == [each["plan_id"] for each in balance["breakdown"]]
    await ada.call("billing.attach", {**NORTH, "plan_id": "desk"})

    again = await pool_of(ada, "customers.get", ADA)
    assert (True, 60) == (again["id"] != first["id"], again["remaining"])
    listed = {
        status: [
            each["id"]
            for each in (await ada.call("balances.list", {**ADA, "statuses": [status]}))["list"]
            if each["plan_id"] is None
        ]
        for status in ("active", "expired")
    }
    assert {"active": [again["id"]], "expired": [first["id"]]} == listed


async def test_by_hand(ada: Api) -> None:
    """A pool can be edited, and neither it nor what contributes to it is taken away by itself."""
    pool = await pool_of(ada, "customers.get", ADA)
    await ada.call("balances.update", {**ADA, "feature_id": "messages", "balance_id": pool["id"], "remaining": 7})
    edited = await pool_of(ada, "entities.get", SOUTH)
    assert (7, JANUARY_MS) == (edited["remaining"], edited["edited_at"])

    refusal = await ada.refused("balances.delete", {**ADA, "balance_id": pool["id"]})
    assert (409, "balance_is_pooled") == (refusal.status, refusal.code)


async def test_what_cannot_be_pooled(api: Api) -> None:
    """Units that are billed afterwards, and units without number that have a price."""
    await add_ada(api)
    used = {"amount": 1, "interval": "month", "billing_method": "usage_based"}
    bought = {"amount": 1, "interval": "month", "billing_method": "prepaid"}
    for item in ({"included": 5, "price": used}, {"unlimited": True, "price": bought}):
        body = {**DESK, "items": [{"feature_id": "messages", "pooled": True, "reset": MONTH, **item}]}
        refusal = await api.refused("plans.create", body)
        assert (400, "invalid_product_item") == (refusal.status, refusal.code)
