"""Signing in to the dashboard, and what a session may do (api.md §1.2; security.md §5.4 19)."""

import re
from collections.abc import Mapping
from datetime import timedelta
from http.cookies import SimpleCookie

import httpx
import pytest
from structlog.testing import capture_logs

from sumac.core.clock import ManualClock
from sumac.organizations import service as organizations
from sumac.organizations.model import Role
from sumac.storage.schema import members
from tests.support.api import Api, on_sqlite, refusal

OWNER = "owner@lumen.test"
DASHBOARD = {"x-client-type": "dashboard"}
COOKIE = "sumac_session"


async def link_token(api: Api) -> str:
    """The token of a one-time link for the owner."""
    async with api.services.database.system() as system:
        owner = await organizations.find_owner(system, api.tenant.organization_id)
        assert owner is not None
        return await organizations.create_link_token(system, owner.id)


async def send(api: Api, operation: str, body: object = None, **headers: str) -> httpx.Response:
    """What the dashboard's page would send: its header, and whatever cookies the client holds."""
    return await api.client.post(f"/v1/{operation}", json=body or {}, headers={**DASHBOARD, **headers})


async def sign_in(api: Api) -> httpx.Response:
    answer = await send(api, "sessions.create", {"link": await link_token(api)})

    assert 200 == answer.status_code, answer.text

    return answer


async def code_of(api: Api, email: str = OWNER) -> str | None:
    """The code in the server's log after one was requested; None when none was sent."""
    with capture_logs() as logs:
        answer = await send(api, "sessions.request_code", {"email": email})

    assert {"success": True} == answer.json()

    codes = [entry["code"] for entry in logs if entry["event"] == "sign_in_code"]
    return codes[0] if codes else None


def told(answer: httpx.Response) -> tuple[int, str]:
    refused = refusal(answer)
    return refused.status, refused.code


async def test_a_link_signs_in_once(api: Api) -> None:
    """Who is signed in is answered; the link is worthless afterwards."""
    token = await link_token(api)
    first = await send(api, "sessions.create", {"link": token})
    second = await send(api, "sessions.create", {"link": token})
    member = first.json()["member"]

    assert {
        "member": {"id": member["id"], "email": OWNER, "name": None, "role": "owner"},
        "organization": {"id": api.tenant.organization_id, "slug": "lumen", "name": "Lumen"},
    } == first.json()
    assert (401, "invalid_link") == told(second)


async def test_the_cookie_is_kept_from_scripts_and_other_sites(api: Api) -> None:
    """HttpOnly, SameSite, for the whole site, and not to be stored by anything between."""
    answer = await sign_in(api)
    cookie = SimpleCookie(answer.headers["set-cookie"])[COOKIE]

    assert (True, "lax", "/", "", 30 * 86_400) == (
        cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"], int(cookie["max-age"])
    )  # fmt: skip
    assert "no-store" == answer.headers["cache-control"]
    assert cookie.value not in answer.text


async def test_a_session_is_read_and_ended(api: Api) -> None:
    """After signing out the cookie is worth nothing, also to somebody who kept a copy."""
    assert (401, "no_session") == told(await send(api, "sessions.get"))

    signed_in = await sign_in(api)
    kept = api.client.cookies[COOKIE]

    assert signed_in.json() == (await send(api, "sessions.get")).json()
    assert {"success": True} == (await send(api, "sessions.delete")).json()

    api.client.cookies.clear()

    assert (401, "no_session") == told(await send(api, "sessions.get", cookie=f"{COOKIE}={kept}"))
    assert (401, "no_session") == told(await send(api, "customers.list", cookie=f"{COOKIE}={kept}"))


async def test_a_session_ends_by_itself(api: Api, clock: ManualClock) -> None:
    """After thirty days."""
    await sign_in(api)
    clock.advance(timedelta(days=30))

    assert (401, "no_session") == told(await send(api, "customers.list"))


async def test_a_code_signs_in(api: Api) -> None:
    """Six digits, written to the log while there is no mail server; used once."""
    code = await code_of(api, OWNER.upper())
    assert code is not None
    assert re.fullmatch(r"\d{6}", code)

    signed_in = await send(api, "sessions.create", {"email": OWNER, "code": code})
    again = await send(api, "sessions.create", {"email": OWNER, "code": code})

    assert "owner" == signed_in.json()["member"]["role"]
    assert (401, "invalid_code") == told(again)


async def test_codes_cannot_be_guessed(api: Api) -> None:
    """After five wrong ones the right one is refused too; an unknown address is answered like a known one."""
    code = await code_of(api)
    assert code is not None
    wrong = "000000" if code != "000000" else "111111"
    tries = [told(await send(api, "sessions.create", {"email": OWNER, "code": wrong})) for _ in range(5)]
    late = told(await send(api, "sessions.create", {"email": OWNER, "code": code}))

    assert [(401, "invalid_code")] * 5 == tries
    assert (429, "rate_limit_exceeded") == late
    assert await code_of(api, "nobody@lumen.test") is None
    assert (401, "invalid_code") == told(await send(api, "sessions.create", {"email": "nobody@x.test", "code": code}))


async def test_a_code_grows_old(api: Api, clock: ManualClock) -> None:
    """Ten minutes; a link fifteen."""
    code, link = await code_of(api), await link_token(api)
    clock.advance(timedelta(minutes=10))
    late_code = await send(api, "sessions.create", {"email": OWNER, "code": code})
    clock.advance(timedelta(minutes=5))
    late_link = await send(api, "sessions.create", {"link": link})

    assert ((401, "invalid_code"), (401, "invalid_link")) == (told(late_code), told(late_link))


@on_sqlite
async def test_other_sites_cannot_use_the_session(api: Api) -> None:
    """A form of another site brings the cookie but cannot set our header (security.md §5.4 19)."""
    await sign_in(api)
    for operation, code in (
        ("sessions.create", "not_the_dashboard"),
        ("sessions.get", "not_the_dashboard"),
        ("sessions.delete", "not_the_dashboard"),
        ("sessions.request_code", "not_the_dashboard"),
        ("customers.get_or_create", "no_secret_key"),
    ):
        for headers in ({}, {"x-client-type": "script"}):
            refused = refusal(await api.client.post(f"/v1/{operation}", json={"customer_id": "x"}, headers=headers))

            assert (operation, code) == (operation, refused.code)
            assert refused.status in {401, 403}


async def test_a_session_reaches_both_environments(api: Api, live: Api) -> None:
    """The header app_env chooses; without it, it is the sandbox (api.md §1.3)."""
    await api.call("customers.get_or_create", {"customer_id": "in_sandbox"})
    await live.call("customers.get_or_create", {"customer_id": "in_live"})
    await sign_in(api)

    async def seen(**headers: str) -> list[str]:
        answer = await send(api, "customers.list", **headers)
        return [customer["id"] for customer in answer.json()["list"]]

    assert ["in_sandbox"] == await seen()
    assert ["in_sandbox"] == await seen(app_env="sandbox")
    assert ["in_live"] == await seen(app_env="live")
    assert (400, "invalid_inputs") == told(await send(api, "customers.list", app_env="moon"))


async def test_a_session_sees_its_own_organization_only(api: Api, rival: Api) -> None:
    """Whoever signs in for one organization reads nothing of the other."""
    await rival.call("customers.get_or_create", {"customer_id": "theirs"})
    await sign_in(api)

    assert [] == (await send(api, "customers.list")).json()["list"]
    assert 404 == (await send(api, "customers.get", {"customer_id": "theirs"})).status_code


ALLOWED: Mapping[Role, tuple[int, int, int, int]] = {
    # customers.list, customers.get_or_create, plans.create, features.delete
    Role.OWNER: (200, 200, 200, 404),
    Role.ADMIN: (200, 200, 200, 404),
    Role.DEVELOPER: (200, 200, 200, 404),
    Role.SALES: (200, 200, 403, 403),
    Role.MEMBER: (200, 403, 403, 403),
}


@on_sqlite
@pytest.mark.parametrize("role", Role)
async def test_roles(api: Api, role: Role) -> None:
    """What a member may do follows from the role they have now, not from the one they signed in with."""
    await sign_in(api)
    async with api.services.database.system() as system:
        await system.update(members, members.c.email == OWNER, values={"role": role})
    statuses = [
        (await send(api, operation, body)).status_code
        for operation, body in (
            ("customers.list", {}),
            ("customers.get_or_create", {"customer_id": "x"}),
            ("plans.create", {"plan_id": "x", "name": "X"}),
            ("features.delete", {"feature_id": "ghost"}),
        )
    ]

    assert ALLOWED[role] == tuple(statuses)


@on_sqlite
async def test_a_sign_in_that_says_nothing(api: Api) -> None:
    """Either a link, or an address with its code."""
    for body in (
        {},
        {"email": OWNER},
        {"code": "123456"},
        {"link": "x", "email": OWNER, "code": "123456"},
        {"link": 5},
    ):
        assert (body, 400, "invalid_inputs") == (body, *told(await send(api, "sessions.create", body)))
