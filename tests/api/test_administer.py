"""Balances administered over HTTP: created, edited, deleted, recalculated (api.md §2.4, billing.md §8)."""

import pytest

from tests.api.shop import JANUARY_MS, add_ada, subscribe_ada
from tests.support.api import Api, Body

MESSAGES = {"customer_id": "ada", "feature_id": "messages"}
DAY_MS = 86_400_000


async def messages(api: Api) -> tuple[float, float, float]:
    """Granted, remaining and used."""
    balance = (await api.call("balances.check", MESSAGES))["balance"]
    return balance["granted"], balance["remaining"], balance["usage"]


async def test_units_are_given_beside_the_plan(api: Api) -> None:
    """They add to what the plan grants, under the caller's own name, which is taken once."""
    await subscribe_ada(api)
    granted, remaining, _ = await messages(api)
    gift: Body = {**MESSAGES, "included_grant": 50, "balance_id": "welcome", "expires_at": JANUARY_MS + DAY_MS}

    assert {"success": True} == await api.call("balances.create", gift)
    assert (granted + 50, remaining + 50, 0) == await messages(api)
    assert 409 == (await api.refused("balances.create", gift)).status


async def test_an_edit_lasts_until_the_reset(api: Api) -> None:
    """What is left is set; the grant stays, so that usage follows, and the next period begins as ever."""
    await subscribe_ada(api)
    granted, _, _ = await messages(api)

    edited = await api.call("balances.update", {**MESSAGES, "remaining": 80, "reason": "goodwill"})

    assert edited["success"] is True
    assert (granted, 80, granted - 80) == await messages(api)
    await api.call("balances.update", {**MESSAGES, "add_to_balance": -30})
    assert (granted, 50, granted - 50) == await messages(api)
    await api.call("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": JANUARY_MS + 32 * DAY_MS})
    assert (granted, granted, 0) == await messages(api)


async def test_a_gift_is_taken_away_again(api: Api) -> None:
    """By its name; what a paid plan gives is not (409), and what is not there is not found (404)."""
    await subscribe_ada(api)
    before = await messages(api)
    await api.call("balances.create", {**MESSAGES, "included_grant": 50, "balance_id": "welcome"})

    assert {"success": True} == await api.call("balances.delete", {"customer_id": "ada", "balance_id": "welcome"})
    assert before == await messages(api)
    for choice, status in (({"balance_id": "welcome"}, 404), ({"feature_id": "messages"}, 409)):
        assert status == (await api.refused("balances.delete", {"customer_id": "ada", **choice})).status


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"remaining": 1, "add_to_balance": 1}, id="two-ways"),
        pytest.param({"remaining": 1, "usage": 1}, id="two-other-ways"),
        pytest.param({"expires_at": JANUARY_MS - DAY_MS}, id="an-end-in-the-past"),
    ],
)
async def test_what_contradicts_itself_is_refused(api: Api, change: Body) -> None:
    """With 400, and nothing changes."""
    await subscribe_ada(api)
    before = await messages(api)

    assert 400 == (await api.refused("balances.update", {**MESSAGES, **change})).status
    assert before == await messages(api)


async def test_recalculating(api: Api) -> None:
    """Without anything overdrawn there is nothing to spread; the preview says so and writes nothing."""
    await add_ada(api)
    await api.call("balances.create", {**MESSAGES, "included_grant": 20})
    before = await messages(api)

    assert {"list": []} == await api.call("balances.preview_recalculate", MESSAGES)
    assert {"success": True} == await api.call("balances.recalculate", MESSAGES)
    assert before == await messages(api)
