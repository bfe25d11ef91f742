"""Usage that is told without waiting for what comes of it (api.md §2.4, billing.md §5.1)."""

from tests.api.shop import add_ada
from tests.support.api import Api, on_sqlite

MESSAGES = {"customer_id": "ada", "feature_id": "messages"}


async def test_usage_is_counted_when_it_is_accepted(api: Api) -> None:
    """202 with no balance, but on disk like any other; what was told comes back."""
    await add_ada(api)
    answers = [
        await api.send("balances.track", {**MESSAGES, "value": 2.5, "async": True}),
        await api.send("track", {"customer_id": "ada", "event_name": "message_sent", "async": True}),
    ]

    assert [202, 202] == [answer.status_code for answer in answers]
    assert [
        {"customer_id": "ada", "value": 2.5, "balance": None},
        {"customer_id": "ada", "event_name": "message_sent", "value": 1, "balance": None},
    ] == [answer.json() for answer in answers]
    assert 46.5 == (await api.call("balances.check", MESSAGES))["balance"]["remaining"]


@on_sqlite
async def test_what_cannot_be_counted_is_refused_all_the_same(api: Api) -> None:
    """An unknown customer, a key that was received, too much for reject: nothing is accepted that is not counted."""
    await add_ada(api)
    once = {**MESSAGES, "async": True, "idempotency_key": "once"}

    assert 202 == (await api.send("balances.track", once)).status_code
    assert 409 == (await api.refused("balances.track", once)).status
    assert 404 == (await api.refused("balances.track", {**once, "customer_id": "ghost"})).status
    much = {**MESSAGES, "async": True, "value": 51, "overage_behavior": "reject"}
    assert "insufficient_balance" == (await api.refused("balances.track", much)).code
    assert 49 == (await api.call("balances.check", MESSAGES))["balance"]["remaining"]
