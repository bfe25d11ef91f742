"""billing.update and its preview over HTTP (api.md §2.5)."""

import pytest

from tests.api.shop import FEBRUARY_MS, SEATS_CHOSEN, subscribe_ada
from tests.support.api import Api, Body, Refused

ADA = {"customer_id": "ada"}
PRO = {**ADA, "plan_id": "pro"}
MORE_SEATS = {"feature_quantities": [{"feature_id": "seats", "quantity": 8}]}


async def granted(api: Api, feature_id: str = "seats") -> Body:
    """What Ada has of a feature."""
    answer: Body = (await api.call("customers.get", ADA))["balances"][feature_id]["granted"]
    return answer


async def test_more_seats(api: Api) -> None:
    """Three more seats at $8 are previewed, charged and there; the next cycle counts them."""
    await subscribe_ada(api)
    preview = await api.call("billing.preview_update", {**PRO, **MORE_SEATS})
    answer = await api.call("billing.update", {**PRO, **MORE_SEATS})

    assert (24, "update_quantity", 30 + 48) == (
        preview["total"], preview["intent"], preview["next_cycle"]["total"],
    )  # fmt: skip
    assert [("seats", -24), ("seats", 48)] == [(line["feature_id"], line["total"]) for line in preview["line_items"]]
    assert FEBRUARY_MS == preview["next_cycle"]["starts_at"]
    assert ([8], []) == (
        [each["quantity"] for each in preview["incoming"][0]["feature_quantities"]], preview["outgoing"],
    )  # fmt: skip
    assert (24, "paid") == (answer["invoice"]["total"], answer["invoice"]["status"])
    assert 8 == await granted(api)


async def test_fewer_seats_from_the_next_period(api: Api) -> None:
    """Pro's seats are paid to the end of the month: fewer of them cost nothing back and stay until then."""
    await subscribe_ada(api)
    fewer = {"feature_quantities": [{"feature_id": "seats", "quantity": 3}]}
    preview = await api.call("billing.preview_update", {**PRO, **fewer})
    await api.call("billing.update", {**PRO, **fewer})

    assert (0, [], 38) == (preview["total"], preview["line_items"], preview["next_cycle"]["total"])
    assert 5 == await granted(api)
    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": FEBRUARY_MS})
    assert 3 == await granted(api)


async def test_credit_pays_first(api: Api) -> None:
    """What was given back is named in the preview, and spent before the card is charged."""
    await subscribe_ada(api)
    await api.call("billing.update", {**PRO, "cancel_action": "cancel_immediately"})
    preview = await api.call("billing.preview_attach", {**PRO, **SEATS_CHOSEN})

    assert ({"balance": 54, "currency": "usd"}, 54) == (preview["invoice_credits"], preview["total"])


async def test_a_plan_made_to_measure(api: Api) -> None:
    """$5 more and 500 more messages: charged now, shown as the customer's plan, and kept when the plan changes."""
    await subscribe_ada(api)
    items = [{"feature_id": "messages", "included": 1500, "reset": {"interval": "month"}}]
    customize = {
        "price": {"amount": 35, "interval": "month"},
        "remove_items": [{"feature_id": "messages"}],
        "add_items": items,
    }
    preview = await api.call("billing.preview_update", {**PRO, "customize": customize})
    answer = await api.call("billing.update", {**PRO, "customize": customize})

    assert (5, "update_plan") == (preview["total"], preview["intent"])
    assert 5 == answer["invoice"]["total"]
    assert 1500 == await granted(api, "messages")
    ada = await api.call("customers.get", {**ADA, "expand": ["subscriptions.plan"]})
    (subscription,) = ada["subscriptions"]
    assert 35 == subscription["plan"]["price"]["amount"]
    assert 30 == (await api.call("plans.get", {"plan_id": "pro"}))["price"]["amount"]


@pytest.mark.parametrize(
    ("action", "intent", "total"),
    [
        ("cancel_immediately", "cancel_immediately", -54),
        ("cancel_end_of_cycle", "cancel_end_of_cycle", 0),
        ("uncancel", "uncancel", 0),
    ],
)
async def test_previews_of_cancelling(api: Api, action: str, intent: str, total: int) -> None:
    """They say what would come and go, and change nothing."""
    await subscribe_ada(api)
    preview = await api.call("billing.preview_update", {**PRO, "cancel_action": action})

    assert (intent, total) == (preview["intent"], preview["total"])
    (subscription,) = (await api.call("customers.get", ADA))["subscriptions"]
    assert ("pro", None) == (subscription["plan_id"], subscription["canceled_at"])


async def test_a_declined_card(api: Api) -> None:
    """The seats do not come; the answer says why and where to pay."""
    await subscribe_ada(api)
    await api.call("sandbox.set_next_charge", {**ADA, "outcome": "decline"})
    answer = await api.call("billing.update", {**PRO, **MORE_SEATS})

    assert ("open", "payment_failed") == (answer["invoice"]["status"], answer["required_action"]["code"])
    assert answer["payment_url"]
    assert 5 == await granted(api)


async def test_an_invoice_to_send(api: Api) -> None:
    """The invoice waits thirty days, the seats for it; nothing is charged."""
    await subscribe_ada(api)
    answer = await api.call("billing.update", {**PRO, **MORE_SEATS, "invoice_mode": {"enabled": True}})

    assert "open" == answer["invoice"]["status"]
    assert answer["invoice"]["hosted_invoice_url"]
    assert 5 == await granted(api)
    (open_one,) = (await api.call("invoices.list", {**ADA, "status": ["open"]}))["list"]
    await api.call("invoices.pay", {"invoice_id": open_one["id"]})
    assert 8 == await granted(api)


async def test_an_invoice_that_is_voided(api: Api) -> None:
    """The seats that waited for it never come, and the plan goes on as it was."""
    await subscribe_ada(api)
    await api.call("billing.update", {**PRO, **MORE_SEATS, "invoice_mode": {"enabled": True, "net_terms_days": 7}})
    (sent,) = (await api.call("invoices.list", {**ADA, "status": ["open"]}))["list"]
    await api.call("invoices.void", {"invoice_id": sent["id"]})
    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": FEBRUARY_MS})

    assert 5 == await granted(api)
    (subscription,) = (await api.call("customers.get", ADA))["subscriptions"]
    assert ("active", False) == (subscription["status"], subscription["past_due"])


async def test_what_is_refused(api: Api) -> None:
    """Each is refused with its own code; the plan goes on as it was."""
    await subscribe_ada(api)
    unknown = {"feature_quantities": [{"feature_id": "messages", "quantity": 1}]}
    twice = {"feature_quantities": [*MORE_SEATS["feature_quantities"], *MORE_SEATS["feature_quantities"]]}
    missing = {"remove_items": [{"feature_id": "ai_credits"}]}
    table: list[Refused] = [
        ("billing.update", PRO, 400, "invalid_request"),
        ("billing.update", {**PRO, **unknown}, 400, "invalid_options"),
        ("billing.update", {**PRO, **twice}, 400, "invalid_options"),
        ("billing.update", {**PRO, **MORE_SEATS, "cancel_action": "cancel_immediately"}, 400, "invalid_request"),
        (
            "billing.update",
            {**PRO, "customize": {"price": {"amount": 30, "interval": "month"}}},
            400,
            "invalid_request",
        ),
        ("billing.update", {**PRO, "customize": missing}, 400, "invalid_request"),
        ("billing.update", {**PRO, "customize": {}}, 400, "invalid_inputs"),
        ("billing.update", {**PRO, "version": 9}, 404, "product_not_found"),
        ("billing.update", {**ADA, "plan_id": "free", **MORE_SEATS}, 404, "customer_product_not_found"),
        ("billing.update", {**PRO, "billing_cycle_anchor": FEBRUARY_MS}, 400, "invalid_request"),
        ("billing.update", {**PRO, **SEATS_CHOSEN, "invoice_mode": {"enabled": True}}, 400, "invalid_request"),
    ]

    assert table == await api.refusals(table)
    assert 5 == await granted(api)
