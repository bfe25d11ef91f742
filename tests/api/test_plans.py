"""plans.* over HTTP (api.md §2.2)."""

from typing import Any

from tests.api.shop import ADA, FEATURES, FREE, JANUARY_MS, MONTH, PRO, PRO_ITEMS, PRO_ITEMS_SHOWN, stock, subscribe_ada
from tests.support.api import Api, Refused, on_sqlite

TRIAL = {"duration_length": 14, "duration_type": "day", "card_required": True}
PRO_SHOWN = {
    "id": "pro",
    "name": "Pro",
    "description": None,
    "group": None,
    "version": 1,
    "add_on": False,
    "auto_enable": False,
    "price": {
        "amount": 30,
        "interval": "month",
        "display": {"primary_text": "$30", "secondary_text": "per month"},
    },
    "items": PRO_ITEMS_SHOWN,
    "created_at": JANUARY_MS,
    "env": "sandbox",
    "archived": False,
    "base_variant_id": None,
    "config": {"ignore_past_due": False},
    "metadata": {},
    "active": True,
    "version_slug": "v1",
}
FREE_SHOWN = {
    **PRO_SHOWN,
    "id": "free",
    "name": "Free",
    "auto_enable": True,
    "price": None,
    "items": [
        {
            "feature_id": "messages",
            "included": 50,
            "unlimited": False,
            "pooled": False,
            "reset": MONTH,
            "price": None,
            "display": {"primary_text": "50 messages"},
        }
    ],
}


async def add_features(api: Api) -> None:
    for feature in FEATURES:
        await api.call("features.create", feature)


def without_proration(plan: dict[str, Any]) -> dict[str, Any]:
    """The plan as the worked example shows it, which leaves out the optional proration of items."""
    items = [{name: value for name, value in item.items() if name != "proration"} for item in plan["items"]]
    return {**plan, "items": items}


async def test_a_plan_is_answered_as_documented(api: Api) -> None:
    """The worked example of api.md §5.1."""
    await add_features(api)
    answer = await api.call("plans.create", {**PRO, "free_trial": TRIAL})

    assert {**PRO_SHOWN, "free_trial": TRIAL} == without_proration(answer)
    assert answer == await api.call("plans.get", {"plan_id": "pro"})
    assert {"on_increase": "prorate_immediately", "on_decrease": "none"} == answer["items"][1]["proration"]


async def test_what_the_python_client_sends_is_the_same_plan(api: Api) -> None:
    """It writes every number as a float and adds defaults (clients.md §1.1)."""
    await add_features(api)
    items = [
        {**PRO_ITEMS[0], "included": 1000.0, "pooled": False, "reset": {"interval": "month", "interval_count": 1.0}},
        {**PRO_ITEMS[1], "included": 2.0, "pooled": False},
        {**PRO_ITEMS[2], "pooled": False},
    ]
    items[0]["price"] = {**PRO_ITEMS[0]["price"], "amount": 2.0, "interval_count": 1.0, "billing_units": 500.0}
    price = {"amount": 30.0, "interval": "month", "interval_count": 1.0}
    defaults = {"group": "", "add_on": False, "auto_enable": False, "create_in_stripe": True}
    answer = await api.call(
        "plans.create", {"plan_id": "pro", "name": "Pro", **defaults, "price": price, "items": items}
    )

    assert PRO_SHOWN == without_proration(answer)
    assert answer == await api.call("plans.get", {"plan_id": "pro", "version": 1.0})


async def test_a_list_says_what_attaching_would_mean(api: Api) -> None:
    """The worked example of api.md §5.1: the customer is on the free plan."""
    await add_features(api)
    await api.call("plans.create", FREE)
    await api.call("customers.get_or_create", ADA)

    assert {"list": [FREE_SHOWN]} == await api.call("plans.list")

    eligibility = {
        "trial_available": False, "status": "active", "canceling": False, "trialing": False, "attach_action": "none"
    }  # fmt: skip

    assert {"list": [{**FREE_SHOWN, "customer_eligibility": eligibility}]} == await api.call(
        "plans.list", {"customer_id": "ada"}
    )


async def test_what_attaching_each_plan_would_mean(api: Api) -> None:
    """A dearer plan is an upgrade, a cheaper one a downgrade, an add-on is added, a one-off is bought."""
    await subscribe_ada(api)
    await api.call("plans.create", {"plan_id": "max", "name": "Max", "price": {"amount": 99, "interval": "month"}})
    plans = (await api.call("plans.list", {"customer_id": "ada"}))["list"]
    actions = {plan["id"]: plan["customer_eligibility"]["attach_action"] for plan in plans}

    assert {"credit_pack": "purchase", "free": "downgrade", "max": "upgrade", "pro": "none", "support": "activate"} == (
        actions
    )


async def test_an_item_shows_its_feature_when_asked(api: Api) -> None:
    """The feature inside an item speaks of types as older versions did (api.md §2.0)."""
    await stock(api)
    plain = await api.call("plans.get", {"plan_id": "pro"})
    shown = await api.call("plans.get", {"plan_id": "pro", "expand": ["items.feature"]})

    assert all("feature" not in item for item in plain["items"])
    assert [("messages", "single_use"), ("seats", "continuous_use"), ("sso", "boolean")] == [
        (item["feature"]["id"], item["feature"]["type"]) for item in shown["items"]
    ]
    assert {"singular": "message", "plural": "messages"} == shown["items"][0]["feature"]["display"]


async def test_terms_that_nobody_holds_change_in_place(api: Api) -> None:
    """Without customers an update makes no version; what is not given stays, items given replace all."""
    await stock(api)
    answer = await api.call("plans.update", {"plan_id": "pro", "price": {"amount": 35, "interval": "month"}})

    assert (1, 35, 3) == (answer["version"], answer["price"]["amount"], len(answer["items"]))

    answer = await api.call("plans.update", {"plan_id": "pro", "items": PRO_ITEMS[:1], "price": None, "name": "Pro 2"})

    assert (1, None, 1, "Pro 2") == (answer["version"], answer["price"], len(answer["items"]), answer["name"])


async def test_terms_that_somebody_holds_become_the_next_version(api: Api) -> None:
    """Whoever holds version 1 keeps it; both versions can be read, and the newest is the plan."""
    await subscribe_ada(api)
    answer = await api.call("plans.update", {"plan_id": "pro", "price": {"amount": 35, "interval": "month"}})
    first = await api.call("plans.get", {"plan_id": "pro", "version": 1})
    newest = await api.call("plans.get", {"plan_id": "pro"})
    ada = await api.call("customers.get", {"customer_id": "ada", "expand": ["subscriptions.plan"]})
    listed = (await api.call("plans.list", {"all_versions": True}))["list"]

    assert (2, 1, 30) == (answer["version"], first["version"], first["price"]["amount"])
    assert answer == newest
    assert 1 == ada["subscriptions"][0]["plan"]["version"]
    assert [1, 2] == sorted(plan["version"] for plan in listed if plan["id"] == "pro")


async def test_a_name_makes_no_version(api: Api) -> None:
    """Only price, items and trial are terms."""
    await subscribe_ada(api)
    answer = await api.call("plans.update", {"plan_id": "pro", "name": "Professional", "metadata": {"tier": "b"}})

    assert (1, "Professional", {"tier": "b"}) == (answer["version"], answer["name"], answer["metadata"])


async def test_a_plan_keeps_its_controls(api: Api) -> None:
    """Lists of controls are answered with their defaults, and only when there are any (api.md §2.0)."""
    await stock(api)
    limit = {"feature_id": "messages", "limit": 500, "interval": "day"}
    answer = await api.call("plans.update", {"plan_id": "pro", "billing_controls": {"usage_limits": [limit]}})

    assert {"usage_limits": [{**limit, "enabled": True}]} == answer["billing_controls"]
    assert answer == await api.call("plans.get", {"plan_id": "pro"})
    assert "billing_controls" not in await api.call("plans.get", {"plan_id": "free"})


async def test_an_archived_plan_is_listed_when_asked_for(api: Api) -> None:
    """Clients send `archived: false` with every update, which brings a plan back (api.md §1.12)."""
    await stock(api)
    archived = await api.call("plans.update", {"plan_id": "pro", "archived": True})
    hidden = (await api.call("plans.list"))["list"]
    shown = (await api.call("plans.list", {"include_archived": True}))["list"]
    back = await api.call("plans.update", {"plan_id": "pro", "create_in_stripe": True, "archived": False})

    assert (True, False) == (archived["archived"], back["archived"])
    assert "pro" not in {plan["id"] for plan in hidden}
    assert "pro" in {plan["id"] for plan in shown}


async def test_a_deleted_version_is_gone(api: Api) -> None:
    """The newest version goes first; with all_versions the plan goes."""
    await stock(api)
    await api.call(
        "plans.update", {"plan_id": "pro", "price": {"amount": 35, "interval": "month"}, "force_version": True}
    )

    assert {"success": True} == await api.call("plans.delete", {"plan_id": "pro", "all_versions": False})
    assert 1 == (await api.call("plans.get", {"plan_id": "pro"}))["version"]
    assert {"success": True} == await api.call("plans.delete", {"plan_id": "pro", "all_versions": True})
    assert 404 == (await api.refused("plans.get", {"plan_id": "pro"})).status


def item(**changes: object) -> dict[str, Any]:
    """One item of messages that costs a dollar a unit."""
    price = {"amount": 1, "interval": "month", "billing_method": "usage_based"}
    return {"feature_id": "messages", "included": 10, "reset": MONTH, "price": price, **changes}


def priced(**changes: object) -> dict[str, Any]:
    """The same item with another price; None takes a key away."""
    price = {**item()["price"], **changes}
    return item(price={name: value for name, value in price.items() if value is not None})


TIERS = [{"to": 100, "amount": 1}, {"to": "inf", "amount": 0.5}]
BROKEN_ITEMS = {
    "amount_and_tiers": priced(tiers=TIERS),
    "neither_amount_nor_tiers": priced(amount=None),
    "last_tier_ends": priced(amount=None, tiers=[{"to": 100, "amount": 1}, {"to": 200, "amount": 1}]),
    "first_tier_below_included": priced(amount=None, tiers=[{"to": 10, "amount": 1}, {"to": "inf", "amount": 1}]),
    "volume_of_usage": priced(amount=None, tiers=TIERS, tier_behavior="volume"),
    "proration_of_usage": item(proration={"on_increase": "prorate_immediately", "on_decrease": "prorate"}),
    "prepaid_billed_immediately": {
        **priced(billing_method="prepaid"), "proration": {"on_increase": "bill_immediately", "on_decrease": "none"}
    },
    "reset_differs_from_price": item(reset={"interval": "year"}),
    "negative_included": item(included=-1),
    "included_too_large": item(included=10_000_000_000_001),
    "no_billing_units": priced(billing_units=0),
    "negative_amount": priced(amount=-1),
    "hourly_price": priced(interval="hour"),
    "unlimited_with_tiers": {**priced(amount=None, tiers=TIERS), "unlimited": True},
    "unknown_interval": item(reset={"interval": "fortnight"}),
    "included_is_text": item(included="10"),
    "no_feature_id": {"included": 1},
}  # fmt: skip


@on_sqlite
async def test_an_item_that_breaks_a_rule(api: Api) -> None:
    """The rules of items (api.md §2.2): each is refused as an input or as an item, and nothing is created."""
    await add_features(api)
    told = {
        name: await api.refused("plans.create", {"plan_id": "x", "name": "X", "items": [broken]})
        for name, broken in BROKEN_ITEMS.items()
    }

    assert {} == {name: refused for name, refused in told.items() if refused.status != 400}
    assert {"invalid_product_item", "invalid_inputs"} == {refused.code for refused in told.values()}
    assert {"list": []} == await api.call("plans.list", {"include_archived": True})


YEARLY = {"amount": 1, "interval": "year"}


BROKEN_RULES: list[Refused] = [
    ("plans.create", {"plan_id": "pro", "name": "Again"}, 400, "product_already_exists"),
    ("plans.create", {"plan_id": "x", "name": ""}, 400, "invalid_inputs"),
    ("plans.create", {"plan_id": "x", "name": "  "}, 400, "invalid_inputs"),
    ("plans.create", {"plan_id": "x"}, 400, "invalid_inputs"),
    ("plans.create", {"plan_id": "x", "name": "X", "items": [{"feature_id": "ghost"}]}, 404, "feature_not_found"),
    (
        "plans.create",
        {"plan_id": "x", "name": "X", "price": {"amount": -1, "interval": "month"}},
        400,
        "invalid_product_item",
    ),
    ("plans.create", {"plan_id": "x", "name": "X", "items": [item(), item()]}, 400, "invalid_product_item"),
    ("plans.create", {"plan_id": "x", "name": "X", "items": [{"feature_id": "sso"}] * 2}, 400, "invalid_product_item"),
    ("plans.create", {**FREE, "plan_id": "x"}, 400, "invalid_request"),
    ("plans.create", {"plan_id": "x", "name": "X", "auto_enable": True, "price": YEARLY}, 400, "invalid_request"),
    ("plans.create", {"plan_id": "x", "name": "X", "free_trial": {"duration_length": 0}}, 400, "invalid_inputs"),
    ("plans.get", {"plan_id": "ghost"}, 404, "product_not_found"),
    ("plans.get", {"plan_id": "pro", "version": 2}, 404, "product_not_found"),
    ("plans.get", {"plan_id": "pro", "expand": ["price"]}, 400, "invalid_expand"),
    ("plans.list", {"customer_id": "ghost"}, 404, "customer_not_found"),
    ("plans.list", {"entity_id": "ghost", "customer_id": "ada"}, 404, "entity_not_found"),
    ("plans.update", {"plan_id": "ghost", "name": "Ghost"}, 404, "product_not_found"),
    ("plans.update", {"plan_id": "support", "new_plan_id": "pro"}, 409, "product_id_already_exists"),
    ("plans.update", {"plan_id": "pro", "new_plan_id": "pro_2"}, 409, "invalid_request"),
    (
        "plans.update",
        {"plan_id": "pro", "force_version": True, "disable_version": True},
        400,
        "conflicting_version_flags",
    ),
    ("plans.delete", {"plan_id": "ghost"}, 404, "product_not_found"),
    ("plans.delete", {"plan_id": "pro"}, 400, "invalid_request"),
]


@on_sqlite
async def test_a_rule_of_plans_that_is_broken(api: Api) -> None:
    """Each is refused with its own code, and the plans stay as they were (api.md §2.2)."""
    await subscribe_ada(api)
    everything = {"all_versions": True, "include_archived": True}
    before = await api.call("plans.list", everything)

    assert BROKEN_RULES == await api.refusals(BROKEN_RULES)
    assert before == await api.call("plans.list", everything)
