"""Nobody sees or touches anything of another tenant (design.md §2; security.md §5.4 1)."""

from dataclasses import replace
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

from sumac.core.tenant import Env
from sumac.storage.schema import TENANT, metadata
from tests.api.operations import ALIASES, SCOPES, SIGNING_IN, WALK, registered
from tests.api.shop import FEATURES, add_ada
from tests.api.test_rewards import coupon
from tests.support.api import Api

ELSEWHERE = {
    "customers.list": 200,
    "features.list": 200,
    "migrations.list": 200,
    "rewards.list": 200,
    "referral_programs.list": 200,
    "organization.get": 200,
    "organization.get_billing_settings": 200,
    "organization.update_billing_settings": 200,
    "balances.finalize": 200,  # a lock that is not known is left alone
    "features.create": 400,  # its credit schema names a feature that the stranger does not have
}
SANDBOX_ONLY = {"customers.advance_test_clock"}
TRACES = (
    "Ada",
    "ada@lumen.test",
    "Lumen",
    "Pro",
    "Messages",
    "sso",
    "evt_",
    "inv_",
    "cus_ent_",
    "cus_prod_",
    "secret_note",
)


async def fill(api: Api) -> str:
    """Gives the tenant one of everything; answers the address of a checkout that nobody has paid yet."""
    await add_ada(api)
    await api.call("customers.update", {"customer_id": "ada", "metadata": {"secret_note": "x"}})
    await api.call("rewards.create", coupon(id="welcome", name="Lumen", promo_codes=[{"code": "HELLO"}]))
    await api.call("customers.add_reward", {"customer_id": "ada", "reward_id": "welcome"})
    program = {"id": "friends", "reward_id": "welcome", "redeem_on": "customer_creation", "received_by": "all"}
    await api.call("referral_programs.create", program)
    await api.call("referrals.create_code", {"customer_id": "ada", "program_id": "friends"})
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "pro"})
    await api.call("balances.track", {"customer_id": "ada", "feature_id": "messages"})
    lock = {"lock_id": "job", "enabled": True}
    await api.call("balances.check", {"customer_id": "ada", "feature_id": "messages", "lock": lock})
    await api.call("customers.get_or_create", {"customer_id": "payer"})
    page = await api.call("billing.attach", {"customer_id": "payer", "plan_id": "pro"})
    url: str = page["payment_url"]
    return url


async def rows(api: Api) -> dict[str, list[Any]]:
    """Everything that is stored of the tenant."""
    found = {}
    async with api.services.database.system_reading() as system:
        for table in metadata.sorted_tables:
            if TENANT in table.c:
                own = sa.select(table).where(table.c[TENANT] == api.tenant.key)
                found[table.name] = sorted(map(repr, await system.all(own)))
    return found


def assert_no_trace(answer: httpx.Response) -> None:
    for trace in TRACES:
        assert trace not in answer.text, (trace, answer.text)


def told(operation: str, *, stranger: Api) -> int:
    """The status that a stranger gets: 404, except for lists, which are empty, and for play in live."""
    if stranger.tenant.env is Env.LIVE and (operation.startswith("sandbox.") or operation in SANDBOX_ONLY):
        return 403
    return ELSEWHERE.get(operation, 404)


async def walk_as(stranger: Api, owner: Api) -> None:
    """Calls every operation with the owner's ids; the owner's rows stay to the byte."""
    made = {"url": await fill(owner), "invoice_id": (await owner.call("invoices.list"))["list"][0]["id"]}
    made["migration_id"] = (await owner.call("migrations.create", {"plan_id": "pro"}))["id"]
    before = await rows(owner)
    for operation, body in WALK.items():
        asked = {**body, **{name: made[name] for name in body.keys() & made.keys()}} if isinstance(body, dict) else body
        answer = await stranger.send(operation, asked)

        if operation != "organization.get":  # everybody may know their own; it has both environments
            assert_no_trace(answer)
        assert (operation, told(operation, stranger=stranger)) == (operation, answer.status_code), answer.text
        assert [] == answer.json().get("list", [])

    assert before == await rows(owner)


def test_the_walk_knows_every_operation(app: FastAPI) -> None:
    """A new operation has to be added to the walk, and to say which scope it needs."""
    assert WALK.keys() | ALIASES.keys() | SIGNING_IN == registered(app)
    assert WALK.keys() == SCOPES.keys()


async def test_another_organization_sees_nothing(api: Api, rival: Api) -> None:
    """Every operation with the ids of the other organization."""
    await walk_as(rival, api)


async def test_the_other_environment_sees_nothing(api: Api, live: Api) -> None:
    """Sandbox and live of one organization never mix (api.md §1.2)."""
    await walk_as(live, api)


async def test_links_for_customers_open_nothing_for_a_stranger(api: Api, rival: Api) -> None:
    """The tokens of checkouts, portals and invoices are for browsers; through the API they reach nothing."""
    checkout = await fill(api)
    portal = (await api.call("billing.open_customer_portal", {"customer_id": "ada"}))["url"]
    invoice = (await api.call("invoices.list"))["list"][0]["hosted_invoice_url"]
    for url in (checkout, portal, invoice):
        refused = await rival.refused("sandbox.complete_checkout", {"url": url})

        assert (404, "checkout_unavailable") == (refused.status, refused.code)


async def test_the_same_ids_stand_side_by_side(api: Api, rival: Api, live: Api) -> None:
    """Each tenant has its own `ada`, `messages` and idempotency keys."""
    for caller, name in ((api, "One"), (rival, "Two"), (live, "Three")):
        await caller.call("features.create", FEATURES[0], **{"idempotency-key": "k"})
        await caller.call("customers.get_or_create", {"customer_id": "ada", "name": name})
    names = [(await caller.call("customers.list"))["list"][0]["name"] for caller in (api, rival, live)]

    assert ["One", "Two", "Three"] == names

    await rival.call("customers.delete", {"customer_id": "ada"})

    assert "One" == (await api.call("customers.get", {"customer_id": "ada"}))["name"]


async def test_cursors_of_another_tenant_open_nothing(api: Api, rival: Api) -> None:
    """A cursor says where to go on in the caller's own list, whoever made it (api.md §1.8)."""
    await fill(api)
    cursor = (await api.call("customers.list", {"limit": 1}))["next_cursor"]
    answer = await rival.call("customers.list", {"start_cursor": cursor})

    assert cursor
    assert {"list": [], "next_cursor": None} == answer


async def test_ids_of_ours_do_not_reach_across(api: Api, rival: Api) -> None:
    """Neither do the keys of customers without an id, nor the ids of subscriptions."""
    await fill(api)
    held = (await api.call("customers.get", {"customer_id": "ada"}))["subscriptions"][0]["id"]
    async with api.services.database.system_reading() as system:
        keys = await system.all(sa.select(metadata.tables["customers"].c.key))
    await rival.call("customers.get_or_create", {"customer_id": "own"})
    for (key,) in keys:
        assert 404 == (await rival.refused("customers.get", {"customer_id": key})).status
    body = {"customer_id": "own", "subscription_id": held, "cancel_action": "cancel_immediately"}

    assert 404 == (await rival.refused("billing.update", body)).status


async def test_a_session_is_bound_to_its_organization(api: Api, rival: Api) -> None:
    """A key with the dashboard's headers stays the key's tenant (api.md §1.2)."""
    await fill(api)
    nosy = replace(
        rival, headers={**rival.headers, "x-client-type": "dashboard", "app_env": "live", "org-config": "{}"}
    )

    assert 404 == (await nosy.refused("customers.get", {"customer_id": "ada"})).status
    assert "sandbox" == (await nosy.refused("customers.get", {"customer_id": "ada"})).env
