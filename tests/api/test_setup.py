"""billing.setup_payment over HTTP (api.md §2.5, billing.md §13.3)."""

from typing import Any

import pytest

from tests.api.shop import MARCH_MS, add_ada
from tests.support.api import Api, Body, Refused, on_sqlite

SETUP = "billing.setup_payment"
DECLINING = "4000000000000341"
PRO = {"customer_id": "ada", "plan_id": "pro"}


async def holds(api: Api) -> list[tuple[str, str]]:
    """Ada's subscriptions and invoices."""
    ada = await api.call("customers.get", {"customer_id": "ada", "expand": ["invoices"]})
    held = [(each["plan_id"], each["status"]) for each in ada["subscriptions"]]
    return sorted([*held, *((str(each["total"]), each["status"]) for each in ada["invoices"])])


async def test_a_card_ahead_of_a_charge(api: Api) -> None:
    """The answer is a page; once it is completed the next paid plan is charged without another one."""
    await add_ada(api, card=False)
    answer = await api.call(SETUP, {"customer_id": "ada", "success_url": "https://lumen.test/done"})

    assert ({"customer_id", "url"}, "ada") == (answer.keys(), answer["customer_id"])
    await api.call("sandbox.complete_checkout", {"url": answer["url"]})
    assert [("free", "active")] == await holds(api)
    assert None is (await api.call("billing.attach", PRO))["payment_url"]
    assert [("30", "paid"), ("pro", "active")] == await holds(api)


async def test_a_plan_follows(api: Api) -> None:
    """With a plan, its quantities and its terms: attached and charged when the card is there, not before."""
    await add_ada(api, card=False)
    seats = [{"feature_id": "seats", "quantity": 5}]
    own = {"customize": {"price": {"amount": 12, "interval": "month"}}}
    answer = await api.call(SETUP, {**PRO, "feature_quantities": seats, **own})

    assert [("free", "active")] == await holds(api)
    await api.call("sandbox.complete_checkout", {"url": answer["url"]})
    assert [("36", "paid"), ("pro", "active")] == await holds(api)


async def test_a_declined_card(api: Api) -> None:
    """The invoice stays open and nothing is given."""
    await add_ada(api, card=False)
    answer = await api.call(SETUP, PRO)
    await api.call("sandbox.complete_checkout", {"url": answer["url"], "number": DECLINING})

    assert [("30", "open"), ("free", "active")] == await holds(api)


async def test_a_plan_that_follows_later(api: Api) -> None:
    """One that is to start at a date of its own waits for it."""
    await add_ada(api, card=False)
    answer = await api.call(SETUP, {**PRO, "starts_at": MARCH_MS})
    await api.call("sandbox.complete_checkout", {"url": answer["url"]})

    assert [("free", "active"), ("pro", "scheduled")] == await holds(api)


async def test_what_is_refused(api: Api) -> None:
    """Everything that would keep the plan from being attached is an error before there is a page."""
    await add_ada(api)
    await api.call("billing.attach", PRO)
    table: list[Refused] = [
        (SETUP, {"customer_id": "ghost"}, 404, "customer_not_found"),
        (SETUP, {"customer_id": "ada", "entity_id": "team"}, 404, "entity_not_found"),
        (SETUP, {**PRO, "plan_id": "ghost"}, 404, "product_not_found"),
        (SETUP, PRO, 409, "plan_already_attached"),
        (SETUP, {**PRO, "feature_quantities": [{"feature_id": "sso", "quantity": 1}]}, 400, "invalid_options"),
        (SETUP, {"success_url": "https://lumen.test/"}, 400, "invalid_inputs"),
    ]

    assert table == await api.refusals(table)


@on_sqlite
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("invoice_mode", {"enabled": True, "payment_method_types": ["card"]}),
        ("long_lived_checkout", True),
        ("new_billing_subscription", True),
        ("plan_schedule", "end_of_cycle"),
        ("redirect_mode", "always"),
    ],
)
async def test_what_is_not_for_a_card(api: Api, name: str, value: Any) -> None:  # noqa: ANN401  # any JSON value
    """It is named, and there is no page; what changes nothing is let through."""
    await add_ada(api, card=False)
    refused = await api.refused(SETUP, {**PRO, name: value})
    unchanged: Body = {"redirect_mode": "if_required", "plan_schedule": None}

    assert (400, "invalid_request") == (refused.status, refused.code)
    assert name in refused.message
    assert (await api.call(SETUP, {**PRO, **unchanged}))["url"]
