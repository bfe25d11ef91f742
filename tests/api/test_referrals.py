"""referral_programs.*, referrals.* and whom a customer invited, over HTTP (api.md §2.9, billing.md §18.2)."""

import re
from typing import Any

import pytest

from tests.api.shop import add_ada
from tests.api.test_rewards import ONCE, WELCOME, coupon
from tests.support.api import Api, Refused, on_sqlite

FRIENDS: dict[str, Any] = {
    "id": "friends",
    "reward_id": "welcome_credits",
    "redeem_on": "customer_creation",
    "received_by": "all",
}
UNSAID = {"max_redemptions": None, "plan_ids": None, "exclude_trial": None}


@pytest.fixture
async def shop(api: Api) -> Api:
    """Ada with a card, Bob without, 50 credits to be given, and a tenth off one invoice."""
    await add_ada(api)
    await api.call("customers.get_or_create", {"customer_id": "bob", "name": "Bob", "email": "bob@bob.test"})
    await api.call("rewards.create", {"feature_grant": WELCOME})
    await api.call("rewards.create", coupon(id="tenth", value=10, duration=ONCE))
    return api


async def code_of(api: Api, customer_id: str = "ada", program_id: str = "friends") -> str:
    """The customer's code."""
    made = await api.call("referrals.create_code", {"customer_id": customer_id, "program_id": program_id})
    code: str = made["code"]
    return code


async def test_a_program_is_created_read_changed_and_deleted(shop: Api) -> None:
    """It is answered as it was asked for; its reward cannot be deleted; a deleted one takes its codes along."""
    created = await shop.call("referral_programs.create", FRIENDS)

    assert {**FRIENDS, **UNSAID, "created_at": created["created_at"]} == created
    assert created == await shop.call("referral_programs.get", {"referral_program_id": "friends"})
    assert {"list": [created]} == await shop.call("referral_programs.list")

    change: dict[str, Any] = {
        "reward_id": "tenth",
        "redeem_on": "checkout",
        "received_by": "referrer",
        "plan_ids": ["pro"],
        "max_redemptions": 5,
        "exclude_trial": True,
    }
    changed = await shop.call("referral_programs.update", {"referral_program_id": "friends", **change})

    assert {**created, **change} == changed
    assert changed == await shop.call("referral_programs.update", {"referral_program_id": "friends"})
    assert "invalid_request" == (await shop.refused("rewards.delete", {"reward_id": "tenth"})).code

    code = await code_of(shop)

    assert {"success": True} == await shop.call("referral_programs.delete", {"referral_program_id": "friends"})
    assert {"success": True} == await shop.call("rewards.delete", {"reward_id": "tenth"})
    assert {"list": []} == await shop.call("referral_programs.list")
    refused = await shop.refused("referrals.redeem_code", {"customer_id": "bob", "code": code})
    assert "referral_code_not_found" == refused.code


async def test_a_code_is_made_once_and_rewarded_at_once(shop: Api) -> None:
    """Six capitals and digits, whatever case they are typed in; both have the credits; Ada sees whom she invited."""
    await shop.call("referral_programs.create", FRIENDS)
    made = await shop.call("referrals.create_code", {"customer_id": "ada", "program_id": "friends"})

    assert re.fullmatch("[A-Z0-9]{6}", made["code"])
    assert made == await shop.call("referrals.create_code", {"customer_id": "ada", "program_id": "friends"})

    redeemed = await shop.call("referrals.redeem_code", {"customer_id": "bob", "code": made["code"].lower()})

    assert {"id": redeemed["id"], "customer_id": "bob", "reward_id": "welcome_credits"} == redeemed
    ada = await shop.call("customers.get", {"customer_id": "ada", "expand": ["referrals"]})
    bob = await shop.call("customers.get", {"customer_id": "bob", "expand": ["referrals"]})
    assert [50, 50] == [each["balances"]["ai_credits"]["remaining"] for each in (ada, bob)]
    (invited,) = ada["referrals"]
    who = {"id": "bob", "name": "Bob", "email": "bob@bob.test"}
    assert {
        "program_id": "friends",
        "customer": who,
        "reward_applied": True,
        "created_at": invited["created_at"],
    } == invited
    assert [] == bob["referrals"]


async def test_what_is_refused(shop: Api) -> None:
    """Each rule has its stable code (api.md §2.9)."""
    await shop.call("referral_programs.create", {**FRIENDS, "max_redemptions": 1})
    await shop.call("customers.get_or_create", {"customer_id": "eve"})
    await shop.call("referral_programs.create", {**FRIENDS, "id": "more"})
    code, more = await code_of(shop), await code_of(shop, program_id="more")
    table: list[Refused] = [
        ("referral_programs.create", FRIENDS, 400, "duplicate_reward_program_id"),
        ("referral_programs.create", {**FRIENDS, "id": "x", "reward_id": "none"}, 404, "reward_not_found"),
        ("referral_programs.create", {**FRIENDS, "id": "x", "redeem_on": "checkout"}, 400, "invalid_request"),
        ("referral_programs.create", {**FRIENDS, "id": "x", "plan_ids": ["none"]}, 404, "product_not_found"),
        ("referral_programs.create", {**FRIENDS, "id": "x", "max_redemptions": 0}, 400, "invalid_inputs"),
        ("referral_programs.create", {**FRIENDS, "id": "x", "other": 1}, 400, "invalid_inputs"),
        ("referral_programs.get", {"referral_program_id": "none"}, 404, "reward_program_not_found"),
        ("referral_programs.delete", {"referral_program_id": "none"}, 404, "reward_program_not_found"),
        ("referral_programs.update", {"referral_program_id": "none"}, 404, "reward_program_not_found"),
        ("referral_programs.update", {"referral_program_id": "more", "redeem_on": "checkout"}, 400, "invalid_request"),
        ("referrals.create_code", {"customer_id": "ada", "program_id": "none"}, 404, "reward_program_not_found"),
        ("referrals.create_code", {"customer_id": "none", "program_id": "more"}, 404, "customer_not_found"),
        ("referrals.redeem_code", {"customer_id": "bob", "code": "NOBODY"}, 404, "referral_code_not_found"),
        ("referrals.redeem_code", {"customer_id": "none", "code": code}, 404, "customer_not_found"),
        ("referrals.redeem_code", {"customer_id": "ada", "code": code}, 400, "customer_cannot_redeem_own_code"),
    ]

    assert table == await shop.refusals(table)

    await shop.call("referrals.redeem_code", {"customer_id": "bob", "code": code})
    await shop.call("referrals.redeem_code", {"customer_id": "bob", "code": more})
    table = [
        ("referrals.redeem_code", {"customer_id": "eve", "code": code}, 400, "referral_code_max_redemptions_reached"),
        ("referrals.redeem_code", {"customer_id": "bob", "code": more}, 400, "customer_already_redeemed_referral_code"),
    ]

    assert table == await shop.refusals(table)


@on_sqlite
async def test_on_checkout_the_code_waits_for_the_purchase(shop: Api) -> None:
    """Until Bob buys, Ada is told that nothing was applied; then she pays a tenth less (billing.md §18.2)."""
    await stock_program(shop)
    await shop.call("referrals.redeem_code", {"customer_id": "bob", "code": await code_of(shop)})
    await shop.services.referrals.trigger_waiting()

    assert [False] == await applied(shop)

    await shop.call("sandbox.add_card", {"customer_id": "bob"})
    await shop.call("billing.attach", {"customer_id": "bob", "plan_id": "pro", "redirect_mode": "never"})

    assert 1 == await shop.services.referrals.trigger_waiting()
    assert [True] == await applied(shop)

    preview = await shop.call("billing.preview_attach", {"customer_id": "ada", "plan_id": "pro"})

    assert 27 == preview["total"]


@on_sqlite
async def test_a_listed_plan_keeps_its_id(shop: Api) -> None:
    """A plan that a program lists is not renamed; everything else of it may change (api.md §2.2)."""
    await stock_program(shop)
    rename = {"plan_id": "pro", "new_plan_id": "plus"}

    refused = await shop.refused("plans.update", rename)

    assert (409, "invalid_request") == (refused.status, refused.code)
    assert "friends" in refused.message
    await shop.call("plans.update", {"plan_id": "pro", "name": "Plus"})
    await shop.call("referral_programs.delete", {"referral_program_id": "friends"})
    assert "plus" == (await shop.call("plans.update", rename))["id"]


async def stock_program(api: Api) -> None:
    """A tenth off for whoever invites a buyer of Pro."""
    program = {**FRIENDS, "reward_id": "tenth", "redeem_on": "checkout", "received_by": "referrer", "plan_ids": ["pro"]}
    await api.call("referral_programs.create", program)


async def applied(api: Api) -> list[bool]:
    """Whether Ada got the reward, for each whom she invited."""
    ada = await api.call("customers.get", {"customer_id": "ada", "expand": ["referrals"]})
    return [each["reward_applied"] for each in ada["referrals"]]
