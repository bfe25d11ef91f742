"""balances.batch_track over HTTP (api.md §2.4, billing.md §5.1, §5.2)."""

from typing import Any

import pytest

from tests.api.shop import add_ada, subscribe_ada
from tests.support.api import Api, Refusal, on_sqlite, refusal

MESSAGES = {"customer_id": "ada", "feature_id": "messages"}
Items = list[dict[str, Any]]


@pytest.fixture
async def shop(api: Api) -> Api:
    """Ada and Bob are on the free plan: each has 50 messages."""
    await add_ada(api)
    await api.call("customers.get_or_create", {"customer_id": "bob"})
    return api


async def batch(api: Api, items: Items) -> None:
    """Counts usage; it must be accepted."""
    answer = await api.send("balances.batch_track", items)

    assert (202, {"success": True}) == (answer.status_code, answer.json())


async def remaining(api: Api, customer_id: str = "ada", feature_id: str = "messages") -> float:
    answer = await api.call("balances.check", {"customer_id": customer_id, "feature_id": feature_id})
    left: float = answer["balance"]["remaining"]
    return left


async def values(api: Api, **chosen: object) -> list[float]:
    """What the events counted, oldest first."""
    return [event["value"] for event in reversed((await api.call("events.list", chosen))["list"])]


async def test_everything_is_counted_when_it_answers(shop: Api) -> None:
    """Of several customers, by feature or event name, with values of every kind; each is an event of its own."""
    await batch(
        shop,
        [
            {**MESSAGES, "value": 3},
            {"customer_id": "bob", "event_name": "message_sent"},
            {**MESSAGES, "value": -1, "properties": {"model": "a"}},
            {**MESSAGES, "value": 0.5, "async": True},
        ],
    )

    assert (47.5, 49) == (await remaining(shop), await remaining(shop, "bob"))
    assert [-1, 0.5, 3] == sorted(await values(shop, customer_id="ada"))
    total = await shop.call("events.aggregate", {"feature_id": "messages", "range": "24h"})
    assert {"messages": {"count": 4, "sum": 3.5}} == total["total"]


async def test_a_thousand(shop: Api) -> None:
    """As many as may come at once, and not one more; in the order given, the last ones find nothing left."""
    await batch(shop, [{**MESSAGES, "value": 0.06}] * 1_000)

    assert 0 == await remaining(shop)
    assert 1_000 == len(await values(shop, customer_id="ada", limit=1_000))
    for wrong in ([], [MESSAGES] * 1_001):
        assert 400 == (await shop.refused("balances.batch_track", wrong)).status


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"feature_id": "messages"}, 400, "invalid_inputs"),
    ({"customer_id": "ada"}, 400, "invalid_inputs"),
    ({**MESSAGES, "event_name": "message_sent"}, 400, "invalid_inputs"),
    ({**MESSAGES, "value": "1"}, 400, "invalid_inputs"),
    ({**MESSAGES, "value": 1e14}, 400, "invalid_inputs"),
    ({**MESSAGES, "timestamp": 4_000_000_000_000}, 400, "invalid_inputs"),
    ({**MESSAGES, "lock": {"lock_id": "job", "enabled": True}}, 400, "invalid_inputs"),
    ({**MESSAGES, "customer_id": "ghost"}, 404, "customer_not_found"),
    ({**MESSAGES, "feature_id": "ghost"}, 404, "feature_not_found"),
    ({**MESSAGES, "feature_id": "sso"}, 400, "invalid_request"),
    ({**MESSAGES, "entity_id": "ghost"}, 404, "entity_not_found"),
    ({"customer_id": "ada", "event_name": "ghost"}, 404, "feature_not_found"),
    ({"customer_id": "ada", "event_name": "message_sent", "overage_behavior": "reject"}, 400, "invalid_request"),
]


@on_sqlite
@pytest.mark.parametrize(("wrong", "status", "code"), WRONG)
async def test_one_that_is_wrong_refuses_all(shop: Api, wrong: dict[str, Any], status: int, code: str) -> None:
    """The message says which, and nothing is counted."""
    refused = await shop.refused("balances.batch_track", [MESSAGES, {**MESSAGES, "value": 2}, wrong, MESSAGES])

    assert Refusal(status, code, refused.message, "sandbox") == refused
    assert refused.message.startswith("2"), refused.message
    assert [] == await values(shop)
    assert 50 == await remaining(shop)


@on_sqlite
async def test_only_an_array_is_a_batch(shop: Api) -> None:
    """One piece of usage is no batch, nor is nothing."""
    for body in (b'{"customer_id": "ada", "feature_id": "messages"}', b"", b"[1]", b"[[]]"):
        assert 400 == refusal(await shop.raw("balances.batch_track", body)).status


async def test_each_has_its_own_key(shop: Api) -> None:
    """What was received before, or twice in one batch, is counted once; a key that was refused is free again."""
    first = {**MESSAGES, "value": 1, "idempotency_key": "one"}
    await batch(shop, [first, {**MESSAGES, "value": 2, "idempotency_key": "two"}, first])
    await batch(shop, [first, {**MESSAGES, "value": 4, "idempotency_key": "three"}])

    assert 43 == await remaining(shop)
    assert 409 == (await shop.refused("balances.track", {**MESSAGES, "idempotency_key": "two"})).status
    much = {**MESSAGES, "value": 44, "overage_behavior": "reject", "idempotency_key": "much"}
    await batch(shop, [much, {**MESSAGES, "value": 3}])
    assert 40 == await remaining(shop)
    await shop.call("balances.track", {**much, "value": 40})
    assert 0 == await remaining(shop)


async def test_a_retried_batch(shop: Api) -> None:
    """A header's key is the batch's own: the repeat is refused as a whole."""
    answers = [await shop.send("balances.batch_track", [MESSAGES], **{"idempotency-key": "batch"}) for _ in range(2)]

    assert [202, 409] == [answer.status_code for answer in answers]
    assert 49 == await remaining(shop)


async def test_seats_are_paid_for(api: Api) -> None:
    """Usage of prorated seats, of which five were chosen, goes through billing like any other."""
    await subscribe_ada(api)
    await batch(api, [{"customer_id": "ada", "feature_id": "seats", "value": 4}, MESSAGES])

    assert 1 == await remaining(api, feature_id="seats")
    assert 999 == await remaining(api)
