"""Billing controls over HTTP: set, shown, and holding usage (billing.md §6, api.md §2.0)."""

import pytest

from tests.api.shop import MONTH, PRO, stock
from tests.support.api import Api, Body, Refused, on_sqlite

ADA = {"customer_id": "ada"}
MESSAGES = {**ADA, "feature_id": "messages"}
DAILY = {"feature_id": "messages", "limit": 5, "interval": "day", "anchor": "utc"}
EU: Body = {"properties": {"region": "eu", "batch": 2, "test": True}}
EU_TEXTS: Body = {"properties": {"region": "eu", "batch": "2", "test": "true"}}


async def controls(api: Api) -> Body:
    """The billing controls of ada."""
    found: Body = (await api.call("customers.get", ADA))["billing_controls"]
    return found


async def remaining(api: Api) -> float:
    """The messages left to ada."""
    left: float = (await api.call("customers.get", ADA))["balances"]["messages"]["remaining"]
    return left


async def test_a_customer_is_held_to_a_usage_limit(api: Api) -> None:
    """Set through an update, it holds track and check, is shown with its count, and goes with an empty list."""
    await stock(api)
    await api.call("customers.get_or_create", ADA)
    answer = await api.call("customers.update", {**ADA, "billing_controls": {"usage_limits": [DAILY]}})

    assert [{**DAILY, "enabled": True, "usage": 0, "source": "customer"}] == answer["billing_controls"]["usage_limits"]

    tracked = await api.call("balances.track", {**MESSAGES, "value": 10})
    refused = await api.refused("balances.track", {**MESSAGES, "value": 0.1, "overage_behavior": "reject"})

    assert (10, 45) == (tracked["value"], tracked["balance"]["remaining"])
    assert [5] == [each["value"] for each in tracked["deductions"]]
    assert (400, "usage_limit_exceeded") == (refused.status, refused.code)
    assert not (await api.call("balances.check", MESSAGES))["allowed"]
    assert [5] == [each["usage"] for each in (await controls(api))["usage_limits"]]

    await api.call("customers.update", {**ADA, "billing_controls": {"usage_limits": []}})

    assert (await api.call("balances.check", MESSAGES))["allowed"]
    assert {"usage_limits": []} == await controls(api)


@on_sqlite
async def test_what_plans_decide_is_shown_beside_what_the_customer_decides(api: Api) -> None:
    """Each entry says whose it is; what an entry of the customer hides, or a stricter plan, is not shown (§6.1)."""
    await stock(api)
    spend: list[Body] = [
        {"feature_id": "messages", "enabled": True, "overage_limit": 25},
        {"enabled": True, "overage_limit": 90},
    ]
    alert = {"feature_id": "messages", "threshold": 80, "threshold_type": "usage_percentage"}
    lists = {"usage_limits": [{**DAILY, "filter": EU}], "usage_alerts": [alert], "overage_allowed": []}
    await api.call("plans.update", {"plan_id": "free", "billing_controls": {**lists, "spend_limits": spend}})
    extra = {"plan_id": "extra", "name": "Extra", "add_on": True, "items": [{"feature_id": "sso"}]}
    stricter = {"usage_limits": [{**DAILY, "filter": EU, "limit": 4}]}
    await api.call("plans.create", {**extra, "billing_controls": stricter})
    await api.call("customers.get_or_create", ADA)
    await api.call("billing.attach", {**ADA, "plan_id": "extra"})
    properties = {"region": "eu", "batch": 2.0, "test": "true"}
    await api.call("balances.track", {**MESSAGES, "value": 9, "properties": properties})
    shown = await controls(api)

    assert {
        "spend_limits": [{**each, "source": "plan"} for each in spend],
        "usage_limits": [{**DAILY, "filter": EU_TEXTS, "limit": 4, "enabled": True, "usage": 4, "source": "plan"}],
        "usage_alerts": [{**alert, "enabled": True, "source": "plan"}],
    } == shown

    own: Body = {"feature_id": "messages", "enabled": False}
    await api.call("customers.update", {**ADA, "billing_controls": {"spend_limits": [own]}})

    assert [{**own, "source": "customer"}, {**spend[1], "source": "plan"}] == (await controls(api))["spend_limits"]


@on_sqlite
async def test_an_entity_shows_its_own(api: Api) -> None:
    """Without a source, and with what its own limit has counted."""
    await stock(api)
    await api.call("customers.get_or_create", ADA)
    named = {**ADA, "entity_id": "north"}
    await api.call("entities.create", {**named, "feature_id": "seats", "billing_controls": {"usage_limits": [DAILY]}})
    await api.call("balances.track", {**MESSAGES, "entity_id": "north", "value": 9})
    answer = await api.call("entities.get", named)

    assert {"usage_limits": [{**DAILY, "enabled": True, "usage": 5}]} == answer["billing_controls"]
    assert 45 == await remaining(api)
    assert {} == await controls(api)


@on_sqlite
async def test_a_spend_limit_holds_overage(api: Api) -> None:
    """Pro's 1000 messages and 25 more, exact to the tenth decimal place."""
    await stock(api)
    priced = {**PRO, "plan_id": "open", "price": None, "items": [
        {"feature_id": "messages", "included": 1000, "reset": MONTH,
         "price": {"amount": 0, "interval": "month", "billing_method": "usage_based"}},
    ]}  # fmt: skip
    await api.call("plans.create", priced)
    await api.call("customers.get_or_create", ADA)
    await api.call("billing.attach", {**ADA, "plan_id": "open"})
    limit = {"feature_id": "messages", "enabled": True, "overage_limit": 25}
    await api.call("customers.update", {**ADA, "billing_controls": {"spend_limits": [limit]}})
    asked = [
        (await api.call("balances.check", {**MESSAGES, "required_balance": each}))["allowed"]
        for each in (1025, 1025.0000000001)
    ]
    tracked = await api.call("balances.track", {**MESSAGES, "value": 1030})

    assert [True, False] == asked
    assert 1025 == tracked["balance"]["usage"]


def entries(kind: str, *listed: Body) -> Body:
    """An update with these entries."""
    return {**ADA, "billing_controls": {kind: list(listed)}}


SPEND = {"enabled": True, "overage_limit": 25}
TOPUP = {"feature_id": "messages", "threshold": 1, "quantity": 1}
ALERT = {"threshold": 101, "threshold_type": "remaining_percentage"}
REFUSED: list[Body] = [
    entries("usage_limits", DAILY, {**DAILY, "limit": 6}),
    entries(
        "usage_limits", {**DAILY, "filter": EU}, {**DAILY, "filter": {"properties": {**EU["properties"], "batch": "2"}}}
    ),
    entries("usage_limits", {**DAILY, "filter": {"properties": {}}}),
    entries("usage_limits", {**DAILY, "filter": {"properties": dict.fromkeys("abcde", "x")}}),
    entries("usage_limits", {**DAILY, "filter": {"properties": {"a" * 65: "x"}}}),
    entries("usage_limits", {**DAILY, "filter": {"properties": {"": "x"}}}),
    entries("usage_limits", {**DAILY, "filter": {"properties": {"a": "x" * 129}}}),
    entries("usage_limits", {**DAILY, "filter": {"properties": {"a": "\x00"}}}),
    entries("usage_limits", {**DAILY, "filter": {"properties": {"a": None}}}),
    entries("usage_limits", {**DAILY, "limit": -1}),
    entries("usage_limits", {**DAILY, "limit": 10_000_000_000_001}),
    entries("usage_limits", {**DAILY, "limit": 1234567890.1234567}),
    entries("usage_limits", {**DAILY, "interval": "one_off"}),
    entries("spend_limits", SPEND, SPEND),
    entries("spend_limits", {**SPEND, "feature_id": "messages"}, {"feature_id": "messages"}),
    entries("overage_allowed", {"feature_id": "messages"}, {"feature_id": "messages", "enabled": True}),
    entries("auto_topups", TOPUP, {**TOPUP, "threshold": 2}),
    entries("auto_topups", {**TOPUP, "purchase_limit": {"interval": "month", "limit": 1.5}}),
    entries("auto_topups", {**TOPUP, "purchase_limit": {"interval": "month", "limit": 1, "count": 2}}),
    entries("usage_alerts", ALERT),
    entries("usage_alerts", {**ALERT, "threshold": 50}, {**ALERT, "threshold": 50.0, "name": "again"}),
]
ACCEPTED: list[Body] = [
    entries("usage_limits", DAILY, {**DAILY, "filter": EU_TEXTS}, {**DAILY, "feature_id": "seats"}),
    entries("usage_limits", {**DAILY, "filter": {"properties": dict.fromkeys("abcd", "x" * 128)}}),
    entries("usage_limits", {**DAILY, "filter": {"properties": {"a" * 64: "0.1"}}}),
    entries("usage_limits", {**DAILY, "limit": 10_000_000_000_000}),
    entries("usage_limits", {**DAILY, "limit": 0.1}),
    entries("spend_limits", SPEND, {**SPEND, "feature_id": "messages"}),
    entries("usage_alerts", {**ALERT, "threshold": 50}, {**ALERT, "threshold": 60}),
]


@on_sqlite
async def test_entries_that_are_refused(api: Api) -> None:
    """Two for the same usage, filters and numbers beyond their bounds: nothing is kept."""
    await stock(api)
    await api.call("customers.get_or_create", ADA)
    table: list[Refused] = [("customers.update", body, 400, "invalid_inputs") for body in REFUSED]

    assert table == await api.refusals(table)
    assert {} == await controls(api)


@on_sqlite
@pytest.mark.parametrize("body", ACCEPTED)
async def test_entries_that_are_kept(api: Api, body: Body) -> None:
    """What is given is answered, and usage is counted with it."""
    await stock(api)
    await api.call("customers.get_or_create", ADA)
    ((kind, listed),) = body["billing_controls"].items()
    answer = (await api.call("customers.update", body))["billing_controls"][kind]

    assert listed == [{name: each[name] for name in given} for given, each in zip(listed, answer, strict=True)]
    assert (await api.call("balances.check", {**MESSAGES, "required_balance": 0.1}))["allowed"]
