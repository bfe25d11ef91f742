"""Fifty callers over HTTP at one balance: by every door, what is there is given out once (billing.md §5.4, §9)."""

import asyncio
from collections import Counter
from datetime import timedelta

import httpx

from sumac.core.clock import ManualClock
from sumac.core.time import from_ms
from tests.api.shop import FEBRUARY_MS, add_ada
from tests.support.api import Api, Body

MILLISECOND = timedelta(milliseconds=1)
MESSAGES: Body = {"customer_id": "ada", "feature_id": "messages"}
REJECTING: Body = {**MESSAGES, "overage_behavior": "reject"}
CALLERS = 50
EVERY_DOOR: tuple[tuple[str, Body], ...] = (
    ("track", REJECTING),
    ("balances.track", {**REJECTING, "properties": {"deep": {"er": 1}}}),
    ("check", {**MESSAGES, "send_event": True}),
    ("balances.check", {**MESSAGES, "required_balance": 1, "lock": {"enabled": True}}),
)


def counted(answer: httpx.Response) -> bool:
    """Whether the caller was told that the unit is theirs."""
    return answer.is_success and answer.json().get("allowed", True)


async def test_thirty_units_for_fifty(api: Api) -> None:
    """Plain and general tracks, checks that count and locks at once: exactly thirty of fifty get a unit."""
    await add_ada(api)
    await api.call("balances.update", {**MESSAGES, "remaining": 30})

    calls = [EVERY_DOOR[number % len(EVERY_DOOR)] for number in range(CALLERS)]
    answers = await asyncio.gather(*(api.send(path, body) for path, body in calls))

    assert {200, 400} == {answer.status_code for answer in answers}
    assert 30 == sum(counted(answer) for answer in answers)
    assert 0 == (await api.call("check", MESSAGES))["balance"]["remaining"]
    assert 30 == sum(event["value"] for event in (await api.call("events.list", {"limit": 100}))["list"])


async def test_the_instant_of_a_reset(api: Api, clock: ManualClock) -> None:
    """A millisecond before, all are refused; at the instant fifty get one each, from memory or not, and no more."""
    await add_ada(api)
    assert 0 == (await api.call("track", {**MESSAGES, "value": 50}))["balance"]["remaining"]
    clock.move_to(from_ms(FEBRUARY_MS) - MILLISECOND)
    before = await asyncio.gather(*(api.send("track", REJECTING) for _ in range(CALLERS)))
    refused = await api.call("check", MESSAGES)

    clock.advance(MILLISECOND)
    after = await asyncio.gather(*(api.send("track", REJECTING) for _ in range(CALLERS + 10)))

    assert ({400}, False) == ({answer.status_code for answer in before}, refused["allowed"])
    assert {200: CALLERS, 400: 10} == Counter(answer.status_code for answer in after)
    assert {FEBRUARY_MS} == {event["timestamp"] for event in (await api.call("events.list", {"limit": 50}))["list"]}
