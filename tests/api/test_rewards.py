"""rewards.*, and the rewards of a customer, over HTTP (api.md §2.10, billing.md §18.1)."""

from typing import Any

import pytest

from sumac.core.time import from_ms
from sumac.storage.schema import referral_programs
from tests.api.shop import JANUARY_MS, add_ada, stock
from tests.support.api import Api, Refused, on_sqlite

COUPON: dict[str, Any] = {
    "id": "launch20",
    "name": "Launch 20",
    "type": "percentage_discount",
    "value": 20,
    "duration": {"type": "months", "length": 3},
    "plan_ids": ["pro"],
    "promo_codes": [{"code": "LAUNCH20", "global_max_redemption": 50}],
}
FOREVER = {"type": "forever", "length": None}
ONCE = {"type": "one_off", "length": None}
WELCOME: dict[str, Any] = {
    "id": "welcome_credits",
    "name": "Welcome",
    "grants": [
        {"feature_id": "ai_credits", "included": 50, "expiry": {"type": "month", "length": 1}},
        {"feature_id": "sso", "included": None, "expiry": None},
    ],
    "promo_codes": [{"code": "HELLO50", "max_uses": 2}, {"code": "Hi", "max_uses": None}],
}


def work(**changes: object) -> dict[str, Any]:
    """A request for an invoice of $100 of work."""
    return {"customer_id": "ada", "custom_line_items": [{"amount": 100, "description": "Work"}], **changes}


def coupon(**changes: object) -> dict[str, Any]:
    """A request for a coupon that takes 20 percent off everything."""
    made = {**COUPON, "duration": FOREVER, "plan_ids": None, "promo_codes": []}
    return {"coupon": {**made, **changes}}


async def test_a_coupon_is_created_read_changed_and_deleted(api: Api) -> None:
    """It is answered as it was asked for; the list shows it; a change leaves its worth alone (api.md §2.10)."""
    await stock(api)

    created = await api.call("rewards.create", {"coupon": COUPON})

    shown = {**COUPON, "created_at": created["coupon"]["created_at"], "redemptions": {"LAUNCH20": 0}, "currency": None}
    shown["promo_codes"] = [{"code": "LAUNCH20", "global_max_redemption": 50, "first_time_transaction": False}]
    assert {"coupon": shown} == created
    assert created == await api.call("rewards.get", {"reward_id": "launch20"})
    assert {"coupons": [shown], "feature_grants": []} == await api.call("rewards.list")

    codes = [{"code": "Autumn", "expires_at": JANUARY_MS, "first_time_transaction": True}]
    change = {"name": "Launch", "plan_ids": None, "promo_codes": codes}
    changed = await api.call("rewards.update", {"reward_id": "launch20", "coupon": change})

    codes = [{**codes[0], "global_max_redemption": None}]
    assert {"coupon": {**shown, **change, "promo_codes": codes, "redemptions": {"Autumn": 0}}} == changed
    assert {"success": True} == await api.call("rewards.delete", {"reward_id": "launch20"})
    assert {"coupons": [], "feature_grants": []} == await api.call("rewards.list")
    assert "reward_not_found" == (await api.refused("rewards.get", {"reward_id": "launch20"})).code


@on_sqlite
async def test_an_amount_is_in_the_organizations_currency(api: Api) -> None:
    """A fixed discount and invoice credits say in which currency they are."""
    for kind in ("fixed_discount", "invoice_credits"):
        body = coupon(id=kind, type=kind, value=50)

        assert "usd" == (await api.call("rewards.create", body))["coupon"]["currency"]


async def test_a_feature_grant_is_redeemed_with_a_code(api: Api) -> None:
    """Its features are there at once, once per customer whichever code; the code is spent as often as it may be."""
    await add_ada(api)
    created = await api.call("rewards.create", {"feature_grant": WELCOME})
    shown = {**WELCOME, "created_at": created["feature_grant"]["created_at"], "redemptions": {"HELLO50": 0, "Hi": 0}}
    assert {"feature_grant": shown} == created

    redeemed = await api.call("rewards.redeem", {"customer_id": "ada", "code": "hello50"})

    granted = [{"feature_id": "ai_credits", "balance": 50}, {"feature_id": "sso", "balance": 1}]
    assert {"reward_id": "welcome_credits", "entitlements_granted": granted} == redeemed
    customer = await api.call("customers.get", {"customer_id": "ada"})
    assert (50, {"sso"}) == (customer["balances"]["ai_credits"]["remaining"], customer["flags"].keys())
    listed = await api.call("rewards.list")
    assert {"HELLO50": 1, "Hi": 0} == listed["feature_grants"][0]["redemptions"]
    again = await api.refused("rewards.redeem", {"customer_id": "ada", "code": "Hi"})
    assert (400, "invalid_reward") == (again.status, again.code)
    unknown = await api.refused("rewards.redeem", {"customer_id": "ada", "code": "HELLO51"})
    assert (404, "reward_not_found") == (unknown.status, unknown.code)


@on_sqlite
async def test_what_a_feature_grant_gives_can_be_changed(api: Api) -> None:
    """Lists replace, and a coupon's fields are refused for it."""
    await stock(api)
    await api.call("rewards.create", {"feature_grant": WELCOME})
    grants = [{"feature_id": "messages", "included": 7, "expiry": None}]
    change = {
        "reward_id": "welcome_credits",
        "feature_grant": {"grants": grants, "promo_codes": WELCOME["promo_codes"]},
    }

    changed = await api.call("rewards.update", change)

    assert grants == changed["feature_grant"]["grants"]
    assert changed == await api.call("rewards.update", {"reward_id": "welcome_credits"})
    refused = await api.refused("rewards.update", {"reward_id": "welcome_credits", "coupon": {"name": "No"}})
    assert (400, "invalid_reward") == (refused.status, refused.code)


TAKEN = [{"code": "launch20"}]
REFUSED: list[Refused] = [
    ("rewards.create", {"coupon": COUPON}, 400, "duplicate_reward_id"),
    ("rewards.create", coupon(id="other", promo_codes=TAKEN), 400, "duplicate_promo_code"),
    ("rewards.create", coupon(id="other", promo_codes=[{"code": "A"}, {"code": "a"}]), 400, "duplicate_promo_code"),
    ("rewards.create", coupon(id="other", promo_codes=[{"code": "TEN-OFF"}]), 400, "invalid_reward"),
    ("rewards.create", coupon(id="other", value=101), 400, "invalid_reward"),
    ("rewards.create", coupon(id="other", value=0), 400, "invalid_inputs"),
    ("rewards.create", coupon(id="other", duration={"type": "months", "length": None}), 400, "invalid_reward"),
    ("rewards.create", coupon(id="other", duration={"type": "one_off", "length": 2}), 400, "invalid_reward"),
    ("rewards.create", coupon(id="other", type="free_product", value=50), 400, "invalid_reward"),
    ("rewards.create", coupon(id="other", type="free_product", value=100), 400, "invalid_reward"),
    ("rewards.create", coupon(id="other", plan_ids=["nothing"]), 404, "product_not_found"),
    ("rewards.create", coupon(id="other", surprise=1), 400, "invalid_inputs"),
    ("rewards.create", {}, 400, "invalid_inputs"),
    ("rewards.create", {**coupon(id="other"), "feature_grant": WELCOME}, 400, "invalid_inputs"),
    ("rewards.update", {"reward_id": "launch20", "feature_grant": {"name": "No"}}, 400, "invalid_reward"),
    ("rewards.update", {"reward_id": "nothing"}, 404, "reward_not_found"),
    ("rewards.delete", {"reward_id": "nothing"}, 404, "reward_not_found"),
    ("customers.add_reward", {"customer_id": "ada"}, 400, "invalid_request"),
    ("customers.add_reward", {"customer_id": "ada", "reward_id": "nothing"}, 404, "reward_not_found"),
    ("customers.add_reward", {"customer_id": "bob", "reward_id": "launch20"}, 404, "customer_not_found"),
    ("customers.remove_reward", {"customer_id": "ada"}, 404, "reward_not_found"),
]


@on_sqlite
async def test_what_is_refused(api: Api) -> None:
    """Each with its code (api.md §2.10)."""
    await add_ada(api)
    await api.call("rewards.create", {"coupon": COUPON})

    assert REFUSED == await api.refusals(REFUSED)


async def test_a_customer_has_one_reward_of_their_own(api: Api) -> None:
    """Adding another takes its place, and removing it leaves none; `expand` shows it (dashboard.md §4.13)."""
    await add_ada(api)
    await api.call("rewards.create", coupon())
    await api.call("rewards.create", coupon(id="ten", name="Ten", type="fixed_discount", value=10, duration=ONCE))
    ada = {"customer_id": "ada"}

    await api.call("customers.add_reward", {**ada, "reward_id": "launch20"})
    added = await api.call("customers.add_reward", {**ada, "reward_id": "ten"})

    assert {"success": True, "reward_id": "ten"} == added
    shown = (await api.call("customers.get", {**ada, "expand": ["rewards"]}))["rewards"]["discounts"]
    assert [("ten", "Ten", "fixed_discount", 10, "usd")] == [
        (each["id"], each["name"], each["type"], each["discount_value"], each["currency"]) for each in shown
    ]
    assert {"success": True} == await api.call("customers.remove_reward", {**ada, "reward_id": "ten"})
    assert {"discounts": []} == (await api.call("customers.get", {**ada, "expand": ["rewards"]}))["rewards"]


@pytest.mark.parametrize("name", ["customers.add_reward", "rewards.redeem"])
@on_sqlite
async def test_a_code_gives_a_discount_once(api: Api, name: str) -> None:
    """A code is one way to the reward, for the first transaction only where it says so; a second one is refused."""
    await add_ada(api)
    await api.call("rewards.create", coupon(promo_codes=[{"code": "LAUNCH20"}]))
    await api.call("rewards.create", coupon(id="new", promo_codes=[{"code": "NEW", "first_time_transaction": True}]))
    word = "code" if name == "rewards.redeem" else "promotion_code"

    answer = await api.call(name, {"customer_id": "ada", word: "launch20"})

    assert "launch20" == answer["reward_id"]
    again = await api.refused(name, {"customer_id": "ada", word: "LAUNCH20"})
    assert (400, "invalid_reward") == (again.status, again.code)
    await api.call("customers.remove_reward", {"customer_id": "ada"})
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "pro"})
    late = await api.refused(name, {"customer_id": "ada", word: "NEW"})
    assert (400, "promo_code_first_time_only") == (late.status, late.code)


async def test_a_preview_shows_what_the_invoice_will_be(api: Api) -> None:
    """Line by line before and after discounts, now and next time; attached, it comes to the same (api.md §2.5)."""
    await add_ada(api)
    await api.call("rewards.create", coupon())
    await api.call("rewards.create", coupon(id="ten", name="Ten", type="fixed_discount", value=10, duration=ONCE))
    wanted = {"customer_id": "ada", "plan_id": "pro", "discounts": [{"reward_id": "ten"}, {"reward_id": "launch20"}]}

    preview = await api.call("billing.preview_attach", wanted)

    (line,) = preview["line_items"]
    assert (30, 14) == (line["subtotal"], line["total"])
    assert [
        {"amount_off": 6, "percent_off": 20, "reward_id": "launch20", "reward_name": "Launch 20"},
        {"amount_off": 10, "reward_id": "ten", "reward_name": "Ten"},
    ] == line["discounts"]
    assert (30, 14) == (preview["subtotal"], preview["total"])
    assert (30, 24) == (preview["next_cycle"]["subtotal"], preview["next_cycle"]["total"])
    attached = await api.call("billing.attach", wanted)
    assert 14 == attached["invoice"]["total"]
    shown = await api.call("customers.get", {"customer_id": "ada", "expand": ["rewards", "invoice_previews"]})
    assert ["launch20"] == [each["id"] for each in shown["rewards"]["discounts"]]
    assert (30, 24) == tuple(shown["invoice_previews"][0][name] for name in ("subtotal", "total"))
    listed = (await api.call("invoices.list", {"customer_id": "ada"}))["list"][0]
    assert 14 == listed["total"]


@on_sqlite
async def test_a_hosted_page_says_what_is_taken_off(api: Api) -> None:
    """The page's lines come to what is paid on it; its document names the reward."""
    await add_ada(api, card=False)
    await api.call("rewards.create", coupon())
    wanted = {"customer_id": "ada", "plan_id": "pro", "discounts": [{"reward_id": "launch20"}]}
    url = (await api.call("billing.attach", wanted))["payment_url"]
    page = await api.client.get(url)
    assert "Launch 20 (20% off)" in page.text
    assert "$24.00" in page.text

    await api.call("sandbox.complete_checkout", {"url": url})

    document = (await api.call("invoices.list", {"customer_id": "ada"}))["list"][0]
    shown = await api.client.get(document["hosted_invoice_url"])
    assert (24, True) == (document["total"], "Launch 20 (20% off)" in shown.text)


async def test_discounts_of_a_written_invoice(api: Api) -> None:
    """The customer's own reward is taken off, and those asked for, of this invoice alone; a preview says so."""
    await add_ada(api)
    for body in (coupon(id="ten", value=10), coupon(id="half", value=50, duration=ONCE)):
        await api.call("rewards.create", body)
    await api.call("customers.add_reward", {"customer_id": "ada", "reward_id": "half"})
    wanted = work(discounts=[{"reward_id": "ten"}, {"reward_id": "half"}], issue_method="finalize")

    preview = (await api.call("invoices.create", {**wanted, "preview": True}))["preview"]
    written = (await api.call("invoices.create", wanted))["invoice"]
    again = (await api.call("invoices.create", work(issue_method="finalize")))["invoice"]

    assert (55, 45, 45, 100) == (preview["discount_total"], preview["total"], written["total"], again["total"])
    await api.call("invoices.void", {"invoice_id": written["id"]})
    shown = await api.call("customers.get", {"customer_id": "ada", "expand": ["rewards"]})
    assert ["half"] == [each["id"] for each in shown["rewards"]["discounts"]]


async def test_programs_are_listed(api: Api, live: Api) -> None:
    """Oldest first, with what each says; another environment has its own (api.md §2.9)."""
    common = {"reward_id": "launch20", "created_at": from_ms(JANUARY_MS)}
    async with api.services.database.work(api.tenant) as work:
        for key, program in (
            ("rfp_2", {"id": "friends", "redeem_on": "checkout", "received_by": "all", "plan_ids": ["pro"]}),
            (
                "rfp_1",
                {"id": "bring", "redeem_on": "customer_creation", "received_by": "referrer", "max_redemptions": 3},
            ),
        ):
            await work.insert(referral_programs, key=key, **common, **program)

    bare = {"reward_id": "launch20", "created_at": JANUARY_MS, "exclude_trial": None}
    bring = {**bare, "id": "bring", "redeem_on": "customer_creation", "received_by": "referrer"}
    friends = {**bare, "id": "friends", "redeem_on": "checkout", "received_by": "all"}

    assert {
        "list": [
            {**bring, "max_redemptions": 3, "plan_ids": None},
            {**friends, "max_redemptions": None, "plan_ids": ["pro"]},
        ]
    } == await api.call("referral_programs.list")
    assert {"list": []} == await live.call("referral_programs.list")
