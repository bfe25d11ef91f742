"""Plans made to measure over HTTP: marked everywhere, kept whatever becomes of the plan, put back when asked."""

from typing import Any

from tests.api.shop import FEBRUARY_MS, subscribe_ada
from tests.support.api import Api

ADA = {"customer_id": "ada"}
PRO = {**ADA, "plan_id": "pro"}
OWN = {
    "customize": {
        "price": {"amount": 20, "interval": "month"},
        "add_items": [{"feature_id": "ai_credits", "included": 5}],
    }
}


async def held(api: Api) -> dict[str, Any]:
    """What Ada holds, with the plan."""
    answer = await api.call("customers.get", {**ADA, "expand": ["subscriptions.plan"]})
    subscription: dict[str, Any] = answer["subscriptions"][0]
    return subscription


async def test_a_custom_plan_is_marked_everywhere(api: Api) -> None:
    """On the customer, in lists, on the plan that is shown and in the numbers of the plan; not on the plan itself."""
    await subscribe_ada(api)
    before = await held(api)
    preview = await api.call("billing.preview_update", {**PRO, **OWN, "expand": ["incoming.plan"]})
    await api.call("billing.update", {**PRO, **OWN})
    after = await held(api)
    (listed,) = (await api.call("subscriptions.list", {**ADA, "plan_id": "pro"}))["list"]

    assert (False, True, True) == (before["is_custom"], after["is_custom"], listed["is_custom"])
    assert ("is_custom" in before["plan"], after["plan"]["is_custom"]) == (False, True)
    assert preview["incoming"][0]["plan"]["is_custom"]
    plan = await api.call("plans.get", {"plan_id": "pro", "expand": ["customers"]})
    assert ("is_custom" in plan, plan["customers"]["custom"]) == (False, 1)


async def test_it_survives_changes_of_the_plan(api: Api) -> None:
    """A new version, the held one changed in place, another name: price and items stay what was agreed."""
    await subscribe_ada(api)
    await api.call("billing.update", {**PRO, **OWN})
    agreed = (await held(api))["plan"]
    dearer = {"plan_id": "pro", "price": {"amount": 90, "interval": "month"}, "items": []}
    await api.call("plans.update", {**dearer, "disable_version": True})
    await api.call("plans.update", {**dearer, "force_version": True, "name": "Pro 2"})
    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": FEBRUARY_MS})
    kept = await held(api)

    assert (True, 1, agreed["price"], agreed["items"]) == (
        kept["is_custom"], kept["plan_version"], kept["plan"]["price"], kept["plan"]["items"]
    )  # fmt: skip
    newest = (await api.call("invoices.list", ADA))["list"][0]
    assert 20 + 3 * 8 == newest["total"]


async def test_a_feature_that_only_a_custom_plan_names_stays(api: Api) -> None:
    """It is in use: it is not removed, and what it is does not change."""
    await subscribe_ada(api)
    await api.call(
        "features.create", {"feature_id": "reports", "name": "Reports", "type": "metered", "consumable": True}
    )
    own = {"customize": {"add_items": [{"feature_id": "reports", "included": 5}]}}
    await api.call("billing.update", {**PRO, **own})
    removed = await api.refused("features.delete", {"feature_id": "reports"})
    changed = await api.refused("features.update", {"feature_id": "reports", "consumable": False})

    assert (409, "invalid_request") == (removed.status, removed.code)
    assert changed.status in {400, 409}


async def test_back_on_the_standard_plan(api: Api) -> None:
    """`billing.update` with the version alone: the price is the plan's again, and so are the items."""
    await subscribe_ada(api)
    await api.call("billing.update", {**PRO, **OWN})
    preview = await api.call("billing.preview_update", {**PRO, "version": 1})
    await api.call("billing.update", {**PRO, "version": 1})
    back = await held(api)

    assert (10, "update_plan") == (preview["total"], preview["intent"])
    assert (False, 30, 3) == (back["is_custom"], back["plan"]["price"]["amount"], len(back["plan"]["items"]))
    again = await api.refused("billing.update", {**PRO, "version": 1})
    assert (400, "invalid_request") == (again.status, again.code)
