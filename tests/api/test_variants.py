"""Variants of plans over HTTP (billing.md §16.3)."""

from typing import Any

from tests.api.shop import ADA, PRO_ITEMS, stock, subscribe_ada
from tests.support.api import Api, Body, Refused, on_sqlite

VARIANT = {"base_plan_id": "pro", "variant_plan_id": "team", "name": "Team"}
DEARER = {"plan_id": "pro", "price": {"amount": 35, "interval": "month"}}


async def plan(api: Api, plan_id: str = "team") -> Body:
    return await api.call("plans.get", {"plan_id": plan_id})


async def test_a_variant_is_made_and_named(api: Api) -> None:
    """Version 1 with everything the base has, not enabled by itself, and it says whose variant it is."""
    await stock(api)
    made = await api.call("plans.create_variant", VARIANT)
    base = await plan(api, "pro")

    assert ("team", "Team", 1, "pro", {"base_plan_id": "pro"}) == (
        made["id"], made["name"], made["version"], made["base_variant_id"], made["variant_details"],
    )  # fmt: skip
    assert (base["items"], base["price"], False) == (made["items"], made["price"], made["auto_enable"])
    assert made == await plan(api)
    assert "variant_details" not in base


async def test_a_change_of_the_base_reaches_the_variants_that_are_named(api: Api) -> None:
    """By its difference; a variant that is held makes its next version, others change in place; the rest stays."""
    await subscribe_ada(api)
    for name in ("team", "club", "rest"):
        await api.call("plans.create_variant", {**VARIANT, "variant_plan_id": name})
    await api.call("plans.update", {"plan_id": "team", "items": PRO_ITEMS[:1]})
    await api.call("customers.get_or_create", {**ADA, "customer_id": "eve", "email": "eve@lumen.test"})
    await api.call("sandbox.add_card", {"customer_id": "eve"})
    await api.call("billing.attach", {"customer_id": "eve", "plan_id": "club"})
    items: list[dict[str, Any]] = [{**PRO_ITEMS[0], "included": 2000}, {**PRO_ITEMS[1], "included": 3}, PRO_ITEMS[2]]
    change = {**DEARER, "items": items, "update_variant_ids": ["team", "club"]}
    preview = await api.call("plans.preview_update", change)

    told = {each["plan"]["id"]: (each["selected"], each["will_version"], each["customers"]["total"])
            for each in preview["variants"]}  # fmt: skip
    assert {"team": (True, False, 0), "club": (True, True, 1), "rest": (False, False, 0)} == told

    await api.call("plans.update", change)
    seen = {}
    for name in ("pro", "team", "club", "rest"):
        shown = await plan(api, name)
        units = {each["feature_id"]: each["included"] for each in shown["items"]}
        seen[name] = (shown["version"], shown["price"]["amount"], units)
    assert {
        "pro": (2, 35, {"messages": 2000, "seats": 3, "sso": 0}),
        "team": (1, 35, {"messages": 2000, "seats": 3}),
        "club": (2, 35, {"messages": 2000, "seats": 3, "sso": 0}),
        "rest": (1, 30, {"messages": 1000, "seats": 2, "sso": 0}),
    } == seen


async def test_what_does_not_fit_is_named_beforehand(api: Api) -> None:
    """A yearly price is left as it is, another one is replaced: both are conflicts. Archived variants are left out."""
    await stock(api)
    for name in ("annual", "cheap", "old"):
        await api.call("plans.create_variant", {**VARIANT, "variant_plan_id": name})
    await api.call("plans.update", {"plan_id": "annual", "price": {"amount": 300, "interval": "year"}})
    await api.call("plans.update", {"plan_id": "cheap", "price": {"amount": 5, "interval": "month"}})
    await api.call("plans.update", {"plan_id": "old", "archived": True})
    change = {**DEARER, "update_variant_ids": ["annual", "cheap", "old"]}
    preview = await api.call("plans.preview_update", change)

    assert {"annual": ["different_interval"], "cheap": ["base_price_divergence"]} == {
        each["plan"]["id"]: [conflict["type"] for conflict in each["conflicts"]] for each in preview["variants"]
    }
    await api.call("plans.update", change)
    assert [300, 35, 30] == [(await plan(api, name))["price"]["amount"] for name in ("annual", "cheap", "old")]


async def test_linked_and_detached(api: Api) -> None:
    """A plan becomes a variant, follows the base under a new name, and is a plan by itself again."""
    await stock(api)
    linked = await api.call("plans.update", {"plan_id": "credit_pack", "base_plan_id": "support"})
    await api.call("plans.update", {"plan_id": "support", "new_plan_id": "help"})
    renamed = await plan(api, "credit_pack")
    detached = await api.call("plans.update", {"plan_id": "credit_pack", "base_plan_id": None})

    assert ("support", "help", None) == (
        linked["base_variant_id"], renamed["base_variant_id"], detached["base_variant_id"],
    )  # fmt: skip
    await api.call("plans.update", {"plan_id": "credit_pack", "base_plan_id": "help"})
    await api.call("plans.delete", {"plan_id": "help", "all_versions": True})
    assert None is (await plan(api, "credit_pack"))["base_variant_id"]


async def test_to_attach_a_variant_is_to_switch(api: Api) -> None:
    """From the base to its dearer variant is an upgrade, charged at once."""
    await subscribe_ada(api)
    await api.call("plans.create_variant", VARIANT)
    await api.call("plans.update", {"plan_id": "team", "price": {"amount": 50, "interval": "month"}})
    quantity = [{"feature_id": "seats", "quantity": 5}]
    preview = await api.call(
        "billing.preview_attach", {"customer_id": "ada", "plan_id": "team", "feature_quantities": quantity}
    )

    assert 20 == preview["total"]


BROKEN: list[Refused] = [
    ("plans.create_variant", {**VARIANT, "base_plan_id": "ghost"}, 404, "product_not_found"),
    ("plans.create_variant", VARIANT, 409, "product_id_already_exists"),
    ("plans.create_variant", {**VARIANT, "base_plan_id": "team", "variant_plan_id": "x"}, 400,
     "nested_variant_not_allowed"),
    ("plans.create_variant", {**VARIANT, "base_plan_id": "credit_pack", "variant_plan_id": "x"}, 400,
     "cannot_fork_archived_base"),
    ("plans.update", {"plan_id": "team", "auto_enable": True, "price": None, "items": []}, 400,
     "variant_cannot_be_default"),
    ("plans.update", {**DEARER, "update_variant_ids": ["free"]}, 400, "invalid_propagation_target"),
    ("plans.update", {**DEARER, "update_variant_ids": [f"v{number}" for number in range(21)]}, 400,
     "too_many_variants"),
    ("plans.preview_update", {**DEARER, "update_variant_ids": ["free"]}, 400, "invalid_propagation_target"),
    ("plans.update", {"plan_id": "pro", "base_plan_id": "support"}, 400, "nested_variant_not_allowed"),
    ("plans.update", {"plan_id": "support", "base_plan_id": "ghost"}, 404, "product_not_found"),
]  # fmt: skip


@on_sqlite
async def test_a_rule_of_variants_that_is_broken(api: Api) -> None:
    """Each is refused with its own code, and the plans stay as they were."""
    await stock(api)
    await api.call("plans.create_variant", VARIANT)
    await api.call("plans.update", {"plan_id": "credit_pack", "archived": True})
    everything = {"all_versions": True, "include_archived": True}
    before = await api.call("plans.list", everything)

    assert BROKEN == await api.refusals(BROKEN)
    assert before == await api.call("plans.list", everything)
