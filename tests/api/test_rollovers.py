"""Units that roll over, over HTTP: said of an item, seen in balances (api.md §2.0)."""

from typing import Any

import pytest

from sumac.core.clock import ManualClock
from tests.api.shop import FEATURES, FEBRUARY_MS, MARCH_MS, MONTH
from tests.support.api import Api, Body, on_sqlite
from tests.support.rolling import FEBRUARY, MARCH

pytestmark = on_sqlite
LAST_MS = 253_402_300_799_999  # the last millisecond of 9999
ADA = {"customer_id": "ada"}


async def offer(api: Api, rollover: dict[str, Any]) -> Body:
    """A customer on a free plan of 100 messages a month that roll over; answers the plan's item."""
    await api.call("features.create", FEATURES[0])
    messages = {"feature_id": "messages", "included": 100, "reset": MONTH, "rollover": rollover}
    plan = await api.call("plans.create", {"plan_id": "free", "name": "Free", "auto_enable": True, "items": [messages]})
    await api.call("customers.get_or_create", ADA)
    (item,) = plan["items"]
    shown: Body = item
    return shown


async def messages_of(api: Api) -> Body:
    ada = await api.call("customers.get", ADA)
    balance: Body = ada["balances"]["messages"]
    return balance


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (
            {"max": 40, "expiry_duration_type": "month", "expiry_duration_length": 2},
            {"max": 40, "expiry_duration_type": "month", "expiry_duration_length": 2},
        ),
        (
            {"max_percentage": 12.5, "expiry_duration_type": "month"},
            {"max": None, "max_percentage": 12.5, "expiry_duration_type": "month"},
        ),
        (
            {"expiry_duration_type": "forever"},
            {"max": None, "expiry_duration_type": "forever", "expiry_duration_length": 0},
        ),
    ],
)
async def test_an_item_says_what_rolls_over(api: Api, sent: dict[str, Any], shown: Body) -> None:
    """It is answered as it was sent, without a cap as null."""
    assert shown == (await offer(api, sent))["rollover"]


async def test_what_rolled_over_is_shown_by_itself(api: Api, clock: ManualClock) -> None:
    """It counts as granted and remaining, is listed with what was used of it, and the breakdown is without it."""
    await offer(api, {"max": 80, "expiry_duration_type": "month", "expiry_duration_length": 1})
    before = await messages_of(api)
    await api.call("track", {**ADA, "feature_id": "messages", "value": 30})
    clock.move_to(FEBRUARY)

    tracked = (await api.call("track", {**ADA, "feature_id": "messages", "value": 20}))["balance"]

    assert "rollovers" not in before
    assert tracked == await messages_of(api)
    assert [{"granted": 70, "balance": 50, "expires_at": MARCH_MS}] == tracked["rollovers"]
    assert (170, 150, 20) == (tracked["granted"], tracked["remaining"], tracked["usage"])
    assert [(100, 100, 0)] == [
        (each["included_grant"], each["remaining"], each["usage"]) for each in tracked["breakdown"]
    ]
    assert before["next_reset_at"] == FEBRUARY_MS
    clock.move_to(MARCH)
    assert [80] == [each["balance"] for each in (await messages_of(api))["rollovers"]]


async def test_what_never_expires_is_shown_with_the_last_instant(api: Api, clock: ManualClock) -> None:
    """Clients expect a number: it is the last millisecond they can read as a date."""
    await offer(api, {"expiry_duration_type": "forever"})
    clock.move_to(FEBRUARY)

    answer = await api.call("check", {**ADA, "feature_id": "messages", "required_balance": 150})

    assert answer["allowed"]
    assert [{"granted": 100, "balance": 100, "expires_at": LAST_MS}] == answer["balance"]["rollovers"]


@pytest.mark.parametrize(
    ("rollover", "sentence"),
    [
        ({"max": 0, "expiry_duration_type": "month"}, "above 0"),
        ({"max": 1, "max_percentage": 1, "expiry_duration_type": "month"}, "not both"),
        ({"max_percentage": 101, "expiry_duration_type": "month"}, "max_percentage"),
        ({"expiry_duration_type": "year"}, "expiry_duration_type"),
        ({"expiry_duration_type": "month", "expiry_duration_length": -1}, "expiry_duration_length"),
        ({"max": 5}, "expiry_duration_type"),
    ],
)
async def test_rollovers_that_cannot_be(api: Api, rollover: dict[str, Any], sentence: str) -> None:
    """The sentence names what is wrong."""
    await api.call("features.create", FEATURES[0])
    messages = {"feature_id": "messages", "included": 100, "reset": MONTH, "rollover": rollover}

    refused = await api.refused("plans.create", {"plan_id": "free", "name": "Free", "items": [messages]})

    assert 400 == refused.status
    assert sentence in refused.message
