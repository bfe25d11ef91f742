"""Locks over HTTP: a check that holds units, and balances.finalize (api.md §2.4, §2.16)."""

from datetime import timedelta

import pytest

from sumac.core.clock import ManualClock
from tests.api.shop import JANUARY_MS, add_ada, subscribe_ada
from tests.support.api import Api, Body, Refused, on_sqlite

MESSAGES = {"customer_id": "ada", "feature_id": "messages"}
MINUTE_MS, DAY_MS = 60_000, 86_400_000
LOCK = {"lock_id": "job_81", "enabled": True}


def locked(required: float = 20, **lock: object) -> Body:
    """A check that holds so many messages."""
    return {**MESSAGES, "required_balance": required, "lock": {**LOCK, **lock}}


async def remaining(api: Api) -> tuple[float, float]:
    """The messages that are left, and those that are used."""
    balance = (await api.call("balances.check", MESSAGES))["balance"]
    return balance["remaining"], balance["usage"]


async def test_a_lock_is_answered_as_documented(api: Api) -> None:
    """The worked example of api.md §5.1: 60 used, 20 held; finalized for 17, 77 are used."""
    await subscribe_ada(api)
    await api.call("balances.track", {**MESSAGES, "value": 60})

    held = await api.call("balances.check", locked(expires_at=JANUARY_MS + 10 * MINUTE_MS))

    assert (True, 20, 920, 80) == (
        held["allowed"],
        held["required_balance"],
        held["balance"]["remaining"],
        held["balance"]["usage"],
    )
    finalized = {"lock_id": "job_81", "action": "confirm", "override_value": 17}
    assert {"success": True} == await api.call("balances.finalize", finalized)
    assert (923, 77) == await remaining(api)
    assert {"success": True} == await api.call("balances.finalize", {**finalized, "action": "release"})
    assert (923, 77) == await remaining(api)


@pytest.mark.parametrize("send_event", [True, False])
async def test_it_is_counted_once(api: Api, *, send_event: bool) -> None:
    """With `send_event` or without, the units are taken once; the events say what was held and the difference."""
    await add_ada(api)

    await api.call("balances.check", {**locked(7), "send_event": send_event, "properties": {"model": "small"}})
    await api.call("balances.finalize", {"lock_id": "job_81", "action": "confirm", "override_value": 9.5})

    listed = (await api.call("events.list", {"customer_id": "ada"}))["list"]
    assert [2.5, 7] == sorted(event["value"] for event in listed)
    assert [{"model": "small"}] * 2 == [event["properties"] for event in listed]


async def test_no_is_no_refusal(api: Api) -> None:
    """What does not fit is answered with allowed: false, and the name of the lock stays free."""
    await add_ada(api)
    left, _ = await remaining(api)

    refused = await api.call("balances.check", {**locked(left + 1), "feature_id": "messages"})

    assert (False, left) == (refused["allowed"], refused["balance"]["remaining"])
    assert (await api.call("balances.check", locked(left)))["allowed"]


@on_sqlite
async def test_what_fits_is_held(api: Api) -> None:
    """With cap as much as there is, with overflow everything (api.md §2.16)."""
    await add_ada(api)
    left, _ = await remaining(api)

    for number, behavior in enumerate(("cap", "overflow")):
        name = f"job_{number}"
        held = await api.call("balances.check", locked(left + 5, overage_behavior=behavior, lock_id=name))

        assert (True, 0) == (held["allowed"], held["balance"]["remaining"])
        assert left + (0, 5)[number] == held["balance"]["usage"]
        await api.call("balances.finalize", {"lock_id": name, "action": "release"})


async def test_it_expires(api: Api, clock: ManualClock) -> None:
    """Whoever asks at the instant of the expiry sees the units back; finalizing it then changes nothing."""
    await add_ada(api)
    left, _ = await remaining(api)
    await api.call("balances.check", locked(20, expires_at=JANUARY_MS + MINUTE_MS))

    clock.advance(timedelta(minutes=1))

    assert (left, 0) == await remaining(api)
    await api.call("balances.finalize", {"lock_id": "job_81", "action": "confirm"})
    assert (left, 0) == await remaining(api)


@on_sqlite
async def test_the_sandbox_clock_tells(api: Api) -> None:
    """Moved over the expiry, the customer's clock says that the units came back."""
    await add_ada(api)
    start = {"customer_id": "ada", "frozen_time": JANUARY_MS}
    await api.call("customers.advance_test_clock", start)
    await api.call("balances.check", locked(20, expires_at=JANUARY_MS + MINUTE_MS))

    moved = await api.call("customers.advance_test_clock", {**start, "frozen_time": JANUARY_MS + DAY_MS})

    assert (JANUARY_MS + MINUTE_MS, "reservation_expired") in [(each["at"], each["kind"]) for each in moved["happened"]]


@on_sqlite
async def test_without_a_name(api: Api) -> None:
    """A lock may be left without one; it should expire then."""
    await add_ada(api)

    request = {**MESSAGES, "lock": {"enabled": True, "expires_at": JANUARY_MS + MINUTE_MS}}

    assert (await api.call("balances.check", request))["allowed"]
    assert (await api.call("balances.check", request))["allowed"]


REFUSED: list[Refused] = [
    ("balances.check", {**locked(), "feature_id": "seats"}, 400, "invalid_request"),
    ("balances.check", {**locked(), "feature_id": "sso"}, 400, "invalid_request"),
    ("balances.check", {**locked(), "feature_id": "ghost"}, 404, "feature_not_found"),
    ("balances.check", {**locked(), "customer_id": "ghost"}, 404, "customer_not_found"),
    ("balances.check", {**locked(), "entity_id": "ghost"}, 404, "entity_not_found"),
    ("balances.check", locked(lock_id="x" * 257), 400, "invalid_inputs"),
    ("balances.check", locked(lock_id=""), 400, "invalid_inputs"),
    ("balances.check", locked(enabled=False), 400, "invalid_inputs"),
    ("balances.check", locked(expires_at=JANUARY_MS), 400, "invalid_request"),
    ("balances.check", locked(expires_at=JANUARY_MS + DAY_MS + 1), 400, "invalid_request"),
    ("balances.check", locked(overage_behavior="ask"), 400, "invalid_inputs"),
    ("balances.check", {**MESSAGES, "lock": True}, 400, "invalid_inputs"),
    ("balances.check", locked(lock_id="taken"), 409, "lock_already_exists"),
    ("balances.track", {**MESSAGES, "lock": LOCK}, 400, "invalid_request"),
    ("balances.finalize", {"lock_id": "taken"}, 400, "invalid_inputs"),
    ("balances.finalize", {"action": "confirm"}, 400, "invalid_inputs"),
    ("balances.finalize", {"lock_id": "taken", "action": "keep"}, 400, "invalid_inputs"),
    (
        "balances.finalize",
        {"lock_id": "taken", "action": "confirm", "override_value": 10**14},
        400,
        "invalid_inputs",
    ),
]


async def test_refusals(api: Api) -> None:
    """Each with its status and its code, and nothing is held (api.md §2.4)."""
    await add_ada(api)
    await api.call("balances.check", locked(1, lock_id="taken"))
    before = await remaining(api)

    assert REFUSED == await api.refusals(REFUSED)
    assert before == await remaining(api)
