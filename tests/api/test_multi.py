"""Several plans at once over HTTP (api.md §2.5)."""

from tests.api.shop import JANUARY_MS, add_ada
from tests.support.api import Api, Body, Refused

EXTRA = {
    "plan_id": "extra",
    "name": "Extra",
    "add_on": True,
    "price": {"amount": 20, "interval": "month"},
    "items": [{"feature_id": "messages", "included": 50, "reset": {"interval": "month"}}],
}
DAY_MS = 86_400_000
BOTH = {"customer_id": "ada", "plans": [{"plan_id": "pro"}, {"plan_id": "extra"}]}


def ended(*plan_ids: str, action: str = "cancel_immediately") -> Body:
    return {"customer_id": "ada", "updates": [{"plan_id": each, "cancel_action": action} for each in plan_ids]}


async def open_shop(api: Api, *, card: bool = True) -> None:
    await add_ada(api, card=card)
    await api.call("plans.create", EXTRA)


async def test_what_is_previewed_is_charged(api: Api) -> None:
    """$30 and $20 together are $50, previewed and invoiced; the next cycle costs the same."""
    await open_shop(api)
    preview = await api.call("billing.preview_multi_attach", BOTH)
    answer = await api.call("billing.multi_attach", BOTH)

    assert (50, 50, False, None) == (
        preview["total"], preview["next_cycle"]["total"], preview["redirect_to_checkout"], preview["checkout_type"],
    )  # fmt: skip
    assert ["pro", "extra"] == [each["plan_id"] for each in preview["incoming"]]
    assert (50, "paid", None) == (answer["invoice"]["total"], answer["invoice"]["status"], answer["payment_url"])


async def test_without_a_card(api: Api) -> None:
    """One page for both plans."""
    await open_shop(api, card=False)
    preview = await api.call("billing.preview_multi_attach", BOTH)
    answer = await api.call("billing.multi_attach", BOTH)

    assert "stripe_checkout" == preview["checkout_type"]
    assert answer["payment_url"] is not None


async def test_a_plan_that_is_held_already(api: Api) -> None:
    """The conflict is named, and nothing is attached."""
    await open_shop(api)
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "pro"})
    refused = await api.refused("billing.multi_attach", BOTH)

    assert (409, "plan_already_attached") == (refused.status, refused.code)
    ada = await api.call("customers.get", {"customer_id": "ada"})
    assert ["pro"] == [each["plan_id"] for each in ada["subscriptions"]]


async def test_cancelled_together(api: Api) -> None:
    """The preview has one entry for the plans billed together; both are gone afterwards, for one credit of $50."""
    await open_shop(api)
    await api.call("billing.multi_attach", BOTH)
    preview = await api.call("billing.preview_multi_update", ended("pro", "extra"))
    answer = await api.call("billing.multi_update", ended("pro", "extra"))

    assert (-50, [["extra", "pro"]]) == (
        preview["total"],
        [sorted(each["plan_ids"]) for each in preview["subscriptions"]],
    )
    assert [-50] == [each["total"] for each in preview["subscriptions"]]
    assert ["pro", "extra"] == [each["plan_id"] for each in preview["subscriptions"][0]["outgoing"]]
    assert -50 == answer["invoice"]["total"]
    ada = await api.call("customers.get", {"customer_id": "ada"})
    assert ["free"] == [each["plan_id"] for each in ada["subscriptions"]]


async def test_the_last_payment_back(api: Api) -> None:
    """A refund is for ending at once, and not beside a proration."""
    await open_shop(api)
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "pro"})
    body = {"customer_id": "ada", "plan_id": "pro", "refund_last_payment": "full"}
    ending_now = {**body, "cancel_action": "cancel_immediately"}
    table: list[Refused] = [
        ("billing.update", {**body, "cancel_action": "cancel_end_of_cycle"}, 400, "invalid_request"),
        ("billing.update", {**ending_now, "proration_behavior": "none"}, 400, "invalid_request"),
    ]

    assert table == await api.refusals(table)
    assert "invoice" not in await api.call("billing.update", ending_now)
    (invoice,) = (await api.call("invoices.list", {"customer_id": "ada"}))["list"]
    assert (30, 30) == (invoice["total"], invoice["refunded_amount"])


async def test_the_last_payment_of_several_back(api: Api) -> None:
    """`refund_last_payment` stands beside the updates: what was paid for both goes back once, without a credit."""
    await open_shop(api)
    await api.call("billing.multi_attach", BOTH)
    body = ended("pro", "extra")
    one = body["updates"][0]
    refund = {"refund_last_payment": "full"}
    later = ended("pro", action="cancel_end_of_cycle")
    table: list[Refused] = [
        ("billing.multi_update", {**later, **refund}, 400, "invalid_request"),
        ("billing.multi_update", {**body, "updates": [{**one, "proration_behavior": "none"}], **refund}, 400,
         "invalid_request"),
        ("billing.multi_update", {**body, "updates": [{**one, "proration_behavior": "bill_difference"}]}, 400,
         "invalid_request"),
        ("billing.multi_update", {**body, "subscription_params": {"trial_end": "now"}}, 400, "invalid_request"),
        ("billing.multi_update", {**body, "updates": [one, one]}, 400, "invalid_request"),
        ("billing.multi_update", {**body, "updates": []}, 400, "invalid_inputs"),
    ]  # fmt: skip

    assert table == await api.refusals(table)
    preview = await api.call("billing.preview_multi_update", {**body, **refund})
    assert 0 == preview["total"]
    assert "invoice" not in await api.call("billing.multi_update", {**body, **refund})
    (invoice,) = (await api.call("invoices.list", {"customer_id": "ada"}))["list"]
    assert (50, 50) == (invoice["total"], invoice["refunded_amount"])


async def test_several_subscriptions_are_previewed_apart(api: Api) -> None:
    """Plans with periods of their own have an entry each; a free plan has none."""
    await open_shop(api)
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "pro"})
    await api.call("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": JANUARY_MS + 15 * DAY_MS})
    apart = {"plans": [{"plan_id": "extra"}], "new_billing_subscription": True}
    await api.call("billing.multi_attach", {"customer_id": "ada", **apart})
    preview = await api.call("billing.preview_multi_update", ended("pro", "extra"))

    assert [["pro"], ["extra"]] == [each["plan_ids"] for each in preview["subscriptions"]]
    assert preview["total"] == round(sum(each["total"] for each in preview["subscriptions"]), 2)
    await api.call("billing.multi_update", ended("pro", "extra"))
    preview = await api.call("billing.preview_multi_update", ended("free"))
    assert (0, []) == (preview["total"], preview["subscriptions"])


async def test_what_does_not_go_together(api: Api) -> None:
    """Each refusal has the status of what is wrong."""
    await open_shop(api)
    attach = "billing.multi_attach"
    table: list[Refused] = [
        (attach, {**BOTH, "plans": []}, 400, "invalid_inputs"),
        (attach, {**BOTH, "plans": [{"plan_id": "ghost"}]}, 404, "product_not_found"),
        (attach, {**BOTH, "entity_id": "team"}, 404, "entity_not_found"),
        (attach, {**BOTH, "plans": [{"plan_id": "pro", "entity_id": "team"}]}, 404, "entity_not_found"),
        (attach, {**BOTH, "plans": [{"plan_id": "pro"}, {"plan_id": "pro"}]}, 400, "invalid_request"),
        (
            attach,
            {**BOTH, "plans": [{"plan_id": "credit_pack"}], "billing_cycle_anchor": "now"},
            400,
            "invalid_request",
        ),
        (attach, {**BOTH, "discounts": [{"reward_id": "ten"}]}, 404, "reward_not_found"),
        (attach, {**BOTH, "starts_at": JANUARY_MS + 90 * DAY_MS}, 400, "invalid_request"),
        (attach, {**BOTH, "customer_id": "ghost"}, 404, "customer_not_found"),
        (
            attach,
            {**BOTH, "plans": [{"plan_id": each, "subscription_id": "mine"} for each in ("pro", "extra")]},
            409,
            "duplicate_subscription_id",
        ),
        ("billing.multi_update", ended("pro"), 404, "customer_product_not_found"),
    ]

    assert table == await api.refusals(table)
    await api.call(attach, {**BOTH, "plans": [{"plan_id": "extra"}]})
    refused = await api.refused(attach, {**BOTH, "redirect_mode": "always"})
    assert (400, "invalid_redirect_mode") == (refused.status, refused.code)


async def test_one_trial_for_all(api: Api) -> None:
    """Seven days of Pro with a purchase of $10: $10 now; a trial that is taken away leaves $40."""
    await open_shop(api)
    week = {"duration_length": 7, "duration_type": "day", "card_required": True}
    body = {"customer_id": "ada", "plans": [{"plan_id": "pro"}, {"plan_id": "credit_pack"}]}
    without = await api.call("billing.preview_multi_attach", {**body, "free_trial": None})
    answer = await api.call("billing.multi_attach", {**body, "free_trial": week})

    assert (40, 10) == (without["total"], answer["invoice"]["total"])
    ada = await api.call("customers.get", {"customer_id": "ada"})
    assert [("pro", JANUARY_MS + 7 * DAY_MS)] == [
        (each["plan_id"], each["trial_ends_at"]) for each in ada["subscriptions"]
    ]
    assert ["credit_pack"] == [each["plan_id"] for each in ada["purchases"]]
