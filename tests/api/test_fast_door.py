"""The short way for checks and tracks answers as the general door does, or leaves it to that one (design §5)."""

import json
from collections.abc import Sequence
from datetime import timedelta

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from sumac.api.fast_door import FastDoor
from sumac.api.services import Services
from sumac.core.clock import ManualClock
from sumac.organizations import service as organizations
from tests.api.shop import MONTH, add, add_ada, subscribe_ada
from tests.support.api import ADDRESS, Api, Body, on_sqlite

MESSAGES = {"customer_id": "ada", "feature_id": "messages"}
PLAIN: Sequence[tuple[str, Body]] = (
    ("balances.check", MESSAGES),
    ("check", {**MESSAGES, "required_balance": 51}),
    ("entitled", {**MESSAGES, "required_balance": 0.30}),
    ("check", {**MESSAGES, "required_balance": None, "entity_id": None, "properties": None}),
    ("check", {"customer_id": "ada", "feature_id": "sso"}),
    ("check", {"customer_id": "ada", "feature_id": "seats", "properties": {"region": "eu", "cached": True}}),
    ("check", {"customer_id": "ada", "feature_id": "ai_credits", "required_balance": -1}),
    ("check", {**MESSAGES, "required_balance": 1e14}),
    ("balances.track", MESSAGES),
    ("track", {**MESSAGES, "value": 0.1}),
    ("track", {**MESSAGES, "value": 1e-10}),
    ("events", {"customer_id": "ada", "event_name": "message_sent", "value": 2, "properties": {"team": None}}),
    ("track", {**MESSAGES, "value": -1.5, "overage_behavior": "overflow"}),
    ("track", {**MESSAGES, "value": 1000, "overage_behavior": "reject"}),
    ("track", {**MESSAGES, "value": 1000}),
    ("track", {"customer_id": "ada", "event_name": "message_sent", "overage_behavior": "reject"}),
    ("track", {"customer_id": "ada", "feature_id": "sso"}),
    ("track", {"customer_id": "ada", "feature_id": "messages", "event_name": "message_sent"}),
    ("track", {"customer_id": "ada"}),
)
HANDED_OVER: Sequence[tuple[str, bytes]] = (
    ("check", b""),
    ("check", b"{"),
    ("check", b"[]"),
    ("check", b"\xff"),
    ("check", b'{"customer_id": "ada"}'),
    ("check", b'{"customer_id": "nobody", "feature_id": "messages"}'),
    ("check", b'{"customer_id": "ada", "feature_id": "nothing"}'),
    ("check", b'{"customer_id": "ada", "feature_id": "no such id!"}'),
    ("check", b'{"customer_id": "ada", "feature_id": "messages", "entity_id": "nobody"}'),
    ("check", b'{"customer_id": "ada", "feature_id": "messages", "required_balance": "1"}'),
    ("check", b'{"customer_id": "ada", "feature_id": "messages", "required_balance": true}'),
    ("check", b'{"customer_id": "ada", "feature_id": "messages", "required_balance": NaN}'),
    ("check", b'{"customer_id": "ada", "feature_id": "messages", "required_balance": 1e99}'),
    ("check", b'{"customer_id": "ada", "feature_id": "messages", "required_balance": 99999999999999999999}'),
    ("check", b'{"customer_id": "ada", "feature_id": "messages", "expand": ["balance.feature"]}'),
    ("check", b'{"customer_id": "ada", "feature_id": "messages", "send_event": true}'),
    ("check", b'{"customer_id": "ada", "feature_id": "messages", "newer_than_us": 1}'),
    ("track", b'{"customer_id": "ada", "feature_id": "messages", "async": true}'),
    ("track", b'{"customer_id": "ada", "feature_id": "messages", "timestamp": 1767225600000}'),
    ("track", b'{"customer_id": "ada", "feature_id": "messages", "overage_behavior": "explode"}'),
    ("track", b'{"customer_id": "ada", "feature_id": "messages", "properties": {"deep": {"er": 1}}}'),
    ("track", b'{"customer_id": "ada", "feature_id": "messages", "properties": {"half": "\\ud800"}}'),
    ("track", b'{"customer_id": "ada", "feature_id": "messages", "properties": {"long": "' + b"x" * 17_000 + b'"}}'),
)


class _Reached(Exception):
    """The general door was."""


async def _general(_scope: Scope, receive: Receive, _send: Send) -> None:
    raise _Reached(await receive())


def alone(api: Api) -> Api:
    """The caller at a fast door with nothing behind it but an exception."""
    door = FastDoor(_general, api.services)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url=ADDRESS)
    return Api(client, api.services, api.contracts, api.tenant, api.headers)


def told(response: httpx.Response, name: str) -> tuple[int, object]:
    """The status and the answer about one customer, without ids that differ for everybody."""
    return response.status_code, _alike(json.loads(response.text.replace(name, "ada")))


def _alike(value: object) -> object:
    match value:
        case dict():
            own = {"id", "balance_id"} if "plan_id" in value else set()
            return {key: _alike(inner) for key, inner in value.items() if key not in own}
        case list():
            return [_alike(inner) for inner in value]
        case _:
            return value


async def test_both_doors_give_the_same_answers(api: Api) -> None:
    """A plain request is answered alone by the fast door, as the general one answers it for a customer like that."""
    await add_ada(api)
    await add(api, "bob", name="Ada")
    fast = alone(api)
    for path, body in PLAIN:
        general = await api.send(path, {**body, "customer_id": "bob", "newer_than_us": 1})
        quick = await fast.send(path, body)

        assert told(general, "bob") == told(quick, "ada"), (path, body)


async def test_prices_rollovers_and_seats_look_the_same(api: Api, clock: ManualClock) -> None:
    """Sources with prices, paid seats, edits and entities are shown by both doors alike."""
    await subscribe_ada(api)
    await api.call("balances.update", {**MESSAGES, "add_to_balance": 7})
    await api.call("balances.create", {**MESSAGES, "included_grant": 3, "reset": MONTH})
    clock.advance(timedelta(days=40))
    fast = alone(api)
    for path, body in PLAIN[:8]:
        general = await api.send(path, {**body, "newer_than_us": 1})

        assert general.json() == (await fast.send(path, body)).json(), (path, body)


@on_sqlite
@pytest.mark.parametrize(("path", "body"), HANDED_OVER)
async def test_what_is_not_plain_goes_through_the_general_door(api: Api, path: str, body: bytes) -> None:
    """It gets there with every byte, and nothing was counted before."""
    await add_ada(api)
    with pytest.raises(_Reached) as reached:
        await alone(api).raw(path, body)

    (message,) = reached.value.args

    assert body == message["body"]
    assert 50 == (await api.call("check", MESSAGES))["balance"]["remaining"]


@on_sqlite
@pytest.mark.parametrize(
    "headers",
    [
        {"idempotency-key": "once"},
        {"x-api-version": "1.2"},
        {"authorization": "Bearer am_sk_test_unknown"},
        {"authorization": "Basic YTpi"},
        {"authorization": ""},
    ],
)
async def test_headers_that_need_care_go_through_the_general_door(api: Api, headers: dict[str, str]) -> None:
    """An idempotency key, another version, and keys that are not known."""
    await add_ada(api)
    with pytest.raises(_Reached):
        await alone(api).send("check", MESSAGES, **headers)


@on_sqlite
async def test_scopes_hold(api: Api) -> None:
    """A key that may only read does not count, and one of something else does neither."""
    await add_ada(api)
    reader, other = await api.with_key("balances:read"), await api.with_key("features:read")

    assert 200 == (await reader.send("check", MESSAGES)).status_code
    assert 403 == (await reader.refused("track", MESSAGES)).status
    assert 403 == (await other.refused("check", MESSAGES)).status
    assert 403 == (await other.refused("track", MESSAGES)).status


async def test_a_revoked_key_is_refused_at_once(api: Api, crowd: Sequence[Services]) -> None:
    """Whoever is remembered is forgotten, also by a process that has not revoked the key itself."""
    await add_ada(api)
    for path in ("check", "track"):
        assert 200 == (await api.send(path, MESSAGES)).status_code
    async with crowd[0].database.system() as system:
        await organizations.revoke_keys(system, api.tenant.organization_id, name="Test")
    for path in ("check", "track", "check"):
        assert 401 == (await api.refused(path, MESSAGES)).status

    async with crowd[0].database.system() as system:
        key = await organizations.create_key(system, api.tenant.organization_id, api.tenant.env, name="Test")

    assert 48 == (await api.sending(authorization=f"Bearer {key}").call("track", MESSAGES))["balance"]["remaining"]


async def test_an_answer_is_kept_no_longer_than_it_is_right(api: Api, clock: ManualClock) -> None:
    """The same question is answered anew after usage, an edit, a change of the catalog, and at a reset."""
    await add_ada(api)
    for _ in range(2):
        assert 50 == (await api.call("check", MESSAGES))["balance"]["remaining"]
    await api.call("track", {**MESSAGES, "value": 50})
    for _ in range(2):
        assert not (await api.call("check", MESSAGES))["allowed"]
    await api.call("balances.update", {**MESSAGES, "add_to_balance": 4})

    assert 4 == (await api.call("check", MESSAGES))["balance"]["remaining"]

    clock.advance(timedelta(days=31))

    assert 50 == (await api.call("check", MESSAGES))["balance"]["remaining"]

    await api.call("customers.update", {"customer_id": "ada", "new_customer_id": "eve"})

    assert 404 == (await api.refused("check", MESSAGES)).status
    assert 200 == (await api.send("check", {**MESSAGES, "customer_id": "eve"})).status_code


@on_sqlite
async def test_a_limit_of_an_hour_is_over_after_it(api: Api, clock: ManualClock) -> None:
    """An answer that depends on the time is given for the time it is asked at."""
    await add_ada(api)
    limit = {"feature_id": "messages", "limit": 5, "interval": "day", "enabled": True}
    await api.call("customers.update", {"customer_id": "ada", "billing_controls": {"usage_limits": [limit]}})
    await api.call("track", {**MESSAGES, "value": 5})

    assert not (await api.call("check", MESSAGES))["allowed"]

    clock.advance(timedelta(days=1))

    assert (await api.call("check", MESSAGES))["allowed"]
