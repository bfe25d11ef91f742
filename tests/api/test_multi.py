"""Several plans at once over HTTP (api.md §2.5)."""

from tests.api.shop import add_ada
from tests.support.api import Api, Body, Refused

EXTRA = {
    "plan_id": "extra",
    "name": "Extra",
    "add_on": True,
    "price": {"amount": 20, "interval": "month"},
    "items": [{"feature_id": "messages", "included": 50, "reset": {"interval": "month"}}],
}
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
