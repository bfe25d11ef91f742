"""Why a balance is what it is, over HTTP, with worked numbers (billing.md §1.7)."""

from decimal import Decimal
from typing import Any

import pytest

from tests.api.shop import FEATURES, FEBRUARY_MS, JANUARY_MS, MONTH, PACK, add_ada, subscribe_ada
from tests.support.api import Api, Body

ADA = {"customer_id": "ada"}
MESSAGES = {**ADA, "feature_id": "messages"}
DAY_MS = 86_400_000
MADE_UP = JANUARY_MS + 10 * DAY_MS
"""When somebody makes up for an outage."""


async def offer(api: Api, **item: object) -> None:
    """A customer on a free plan of 100 messages a month."""
    await api.call("features.create", FEATURES[0])
    messages = {"feature_id": "messages", "included": 100, "reset": MONTH, **item}
    await api.call("plans.create", {"plan_id": "free", "name": "Free", "auto_enable": True, "items": [messages]})
    await api.call("customers.get_or_create", ADA)


async def go_to(api: Api, at: int) -> None:
    """Moves the customer's clock."""
    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": at})


async def explain(api: Api, **asked: object) -> Body:
    """The explanation of the messages."""
    return await api.call("balances.explain", {**MESSAGES, **asked})


def numbers(balance: Body) -> tuple[Any, Any, Any]:
    """Granted, remaining and used."""
    return balance["granted"], balance["remaining"], balance["usage"]


async def test_a_month_and_the_next(api: Api) -> None:
    """100 given, 30 used, 20 added by hand, 5 used make 85; the next month begins anew, and the last is still told."""
    await offer(api)
    await api.call("balances.track", {**MESSAGES, "value": 30})
    await go_to(api, MADE_UP)
    await api.call("balances.update", {**MESSAGES, "add_to_balance": 20, "reason": "outage"})
    await go_to(api, MADE_UP + DAY_MS)
    await api.call("balances.track", {**MESSAGES, "value": 5})

    explained = await explain(api)
    (source,) = explained["sources"]
    assert (100, 85, 15) == numbers(explained["balance"])
    assert ("plan", "free", 100, 85) == tuple(source[name] for name in ("source", "plan_id", "granted", "balance"))
    assert ("granted", JANUARY_MS, 100, 100) == tuple(
        source["opening"][name] for name in ("kind", "at", "granted", "balance")
    )
    (edit,) = source["entries"]
    told = {name: edit[name] for name in ("kind", "at", "reason", "granted_change", "balance_change", "usage_change")}
    assert {
        "kind": "edited",
        "at": MADE_UP,
        "reason": "outage",
        "granted_change": 0,
        "balance_change": 20,
        "usage_change": -20,
    } == told
    assert edit["actor"]
    assert [{"feature_id": "messages", "credit_cost": 1, "events": 2, "value": 35}] == source["usage_by_feature"]
    assert [(5, MADE_UP + DAY_MS), (30, JANUARY_MS)] == [
        (each["value"], each["at"]) for each in explained["events"]["list"]
    ]

    assert (100, 70, 30) == numbers((await explain(api, at=MADE_UP - 1))["balance"])
    assert (100, 90, 10) == numbers((await explain(api, at=MADE_UP))["balance"])
    await go_to(api, FEBRUARY_MS)
    renewed = await explain(api)
    (source,) = renewed["sources"]
    assert (100, 100, 0) == numbers(renewed["balance"])
    assert ("reset", FEBRUARY_MS, 100) == tuple(source["opening"][name] for name in ("kind", "at", "balance"))
    assert ([], [], []) == (source["entries"], source["usage_by_feature"], renewed["events"]["list"])
    before = await explain(api, at=FEBRUARY_MS - 1)
    assert {**explained, "at": FEBRUARY_MS - 1} == before


async def test_credits_name_what_was_used(api: Api) -> None:
    """Messages that credits pay for are told as such, with what a message costs of them."""
    await add_ada(api)
    await api.call("billing.attach", {**ADA, "plan_id": PACK["plan_id"]})
    await api.call("balances.track", {**MESSAGES, "value": 60})

    explained = await explain(api, feature_id="ai_credits")

    assert (100, 98, 2) == numbers(explained["balance"])
    (source,) = explained["sources"]
    assert [{"feature_id": "messages", "credit_cost": 0.2, "events": 1, "value": 2}] == source["usage_by_feature"]
    (event,) = explained["events"]["list"]
    assert ("messages", 60) == (event["feature_id"], event["value"])
    assert [("ai_credits", 0.2, 2)] == [
        (each["feature_id"], each["credit_cost"], each["value"]) for each in event["deductions"]
    ]


async def test_whose_units_they_are(api: Api) -> None:
    """An entity sees its own units and the customer's, and the customer sees everybody's."""
    await subscribe_ada(api)
    await api.call("entities.create", {**ADA, "entity_id": "desk", "feature_id": "seats"})
    await api.call("entities.create", {**ADA, "entity_id": "shelf", "feature_id": "seats"})
    for entity_id, units in (("desk", 7), ("shelf", 9)):
        await api.call("balances.create", {**MESSAGES, "entity_id": entity_id, "included_grant": units})
    await api.call("balances.track", {**MESSAGES, "entity_id": "desk", "value": 3})

    seen = await explain(api, entity_id="desk")
    whole = await explain(api)

    assert {(None, 1000), ("desk", 4)} == {(each["entity_id"], each["balance"]) for each in seen["sources"]}
    assert {(None, 1000), ("desk", 4), ("shelf", 9)} == {
        (each["entity_id"], each["balance"]) for each in whole["sources"]
    }
    assert ((1007, 1004, 3), (1016, 1013, 3)) == (numbers(seen["balance"]), numbers(whole["balance"]))
    checked = (await api.call("balances.check", {**MESSAGES, "entity_id": "desk"}))["balance"]
    assert numbers(checked) == numbers(seen["balance"])
    assert ["desk"] == [event["entity_id"] for event in seen["events"]["list"]]


async def test_what_was_bought_and_what_is_beyond(api: Api) -> None:
    """Bought units are told apart from included ones, and overage from what is left."""
    await subscribe_ada(api)
    await api.call("balances.track", {**MESSAGES, "value": 1200})

    seats = (await explain(api, feature_id="seats"))["balance"]
    overdrawn = await explain(api)

    assert (5, 2, 3) == (seats["granted"], seats["included_grant"], seats["prepaid_grant"])
    assert (1000, 0, 1200) == numbers(overdrawn["balance"])
    assert (200, True) == (overdrawn["balance"]["overage"], overdrawn["balance"]["overage_allowed"])
    assert -200 == overdrawn["sources"][0]["balance"]


async def test_a_flag_has_no_numbers(api: Api) -> None:
    """Its entries say since when it is there, and by which plan."""
    await subscribe_ada(api)

    explained = await explain(api, feature_id="sso")

    assert explained["balance"] is None
    assert "pro" == explained["flag"]["plan_id"]
    assert ["granted"] == [each["opening"]["kind"] for each in explained["sources"]]


async def test_what_is_without_end(api: Api) -> None:
    """Nothing is granted and nothing left of it, as balances show it; usage is told all the same."""
    await offer(api, included=0, unlimited=True)
    await api.call("balances.track", {**MESSAGES, "value": 8})

    explained = await explain(api)

    assert (0, 0, 8) == numbers(explained["balance"])
    assert explained["balance"]["unlimited"] is True
    assert [8] == [each["value"] for each in explained["sources"][0]["usage_by_feature"]]


async def test_what_is_over_is_named(api: Api) -> None:
    """Units that expired say what was lost with them, units that are used up are named; neither is in the numbers."""
    await offer(api)
    expiring = {"included_grant": 50, "balance_id": "trial", "expires_at": JANUARY_MS + DAY_MS}
    await api.call("balances.create", {**MESSAGES, **expiring})
    await api.call("balances.create", {**MESSAGES, "included_grant": 10, "balance_id": "gift"})
    assert (160, 160, 0) == numbers((await explain(api))["balance"])
    await api.call("balances.delete", {**ADA, "balance_id": "trial"})
    await api.call("balances.track", {**MESSAGES, "value": 110})
    await go_to(api, JANUARY_MS + 2 * DAY_MS)

    for asked in ({}, {"at": JANUARY_MS + DAY_MS}):
        explained = await explain(api, **asked)

        assert (100, 0, 100) == numbers(explained["balance"])
        assert ["gift"] == [each["id"] for each in explained["used_up"]]
        (over,) = explained["ended"]
        assert ("trial", "ended", -50, -50) == (
            over["id"],
            *(over["ending"][name] for name in ("kind", "granted_change", "balance_change")),
        )


async def test_held_units_are_among_the_used(api: Api) -> None:
    """What a lock holds is used, and told as reserved, until it is said what it came to."""
    await offer(api)
    await api.call("balances.check", {**MESSAGES, "required_balance": 12, "lock": {"enabled": True, "lock_id": "job"}})
    held = (await explain(api))["sources"][0]
    await api.call("balances.finalize", {"lock_id": "job", "action": "confirm", "override_value": 4})
    settled = (await explain(api))["sources"][0]

    assert ((88, 12), (96, 0)) == tuple((source["balance"], source["reserved"]) for source in (held, settled))
    assert [{"feature_id": "messages", "credit_cost": 1, "events": 2, "value": 4}] == settled["usage_by_feature"]


async def test_many_entries_and_events(api: Api) -> None:
    """The newest hundred entries are listed and the others summed; events come in pages; every sum is exact."""
    await offer(api)
    for number in range(103):
        await api.call("balances.update", {**MESSAGES, "remaining": 1000 + number})
    for _ in range(5):
        await api.call("balances.track", {**MESSAGES, "value": 0.1})

    pages = [await explain(api, limit=2)]
    while pages[-1]["events"]["next_cursor"] is not None:
        pages.append(await explain(api, limit=2, start_cursor=pages[-1]["events"]["next_cursor"]))

    (source,) = pages[0]["sources"]
    assert {"entries": 3, "granted_change": 0, "balance_change": 902} == source["earlier_entries"]
    assert [1] * 100 == [entry["balance_change"] for entry in source["entries"]]
    assert (Decimal("1101.5"), Decimal("0.5")) == tuple(
        Decimal(str(each)) for each in (source["balance"], source["usage_by_feature"][0]["value"])
    )
    seen = [event["id"] for page in pages for event in page["events"]["list"]]
    assert ([2, 2, 1], 5) == ([len(page["events"]["list"]) for page in pages], len(set(seen)))


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        pytest.param({"customer_id": "eve"}, 404, "customer_not_found", id="nobody"),
        pytest.param({"feature_id": "none"}, 404, "feature_not_found", id="nothing"),
        pytest.param({"entity_id": "none"}, 404, "entity_not_found", id="no-part"),
        pytest.param({"at": JANUARY_MS + DAY_MS}, 400, "invalid_inputs", id="tomorrow"),
        pytest.param({"limit": 1001}, 400, "invalid_request", id="too-much"),
        pytest.param({"start_cursor": "x"}, 400, "invalid_cursor", id="nowhere"),
    ],
)
async def test_what_cannot_be_explained(api: Api, asked: Body, status: int, code: str) -> None:
    """Nobody, nothing, and what has not been yet."""
    await offer(api)
    await go_to(api, JANUARY_MS + 1)

    refused = await api.refused("balances.explain", {**MESSAGES, **asked})

    assert (status, code) == (refused.status, refused.code)


async def test_before_there_was_anything(api: Api) -> None:
    """Nothing was held then, and nothing is listed."""
    await offer(api)

    explained = await explain(api, at=JANUARY_MS - 1)

    assert (None, [], []) == (explained["balance"], explained["sources"], explained["events"]["list"])
