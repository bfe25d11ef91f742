"""Seats that are paid for when they are taken, over HTTP (billing.md §5.8, §22)."""

from tests.api.shop import add_ada
from tests.support.api import Api

ADA = {"customer_id": "ada"}
SEATS = {**ADA, "feature_id": "seats"}
TEAM = {
    "plan_id": "team",
    "name": "Team",
    "group": "team",
    "price": {"amount": 20, "interval": "month"},
    "items": [
        {
            "feature_id": "seats",
            "included": 1,
            "price": {"amount": 50, "interval": "month", "billing_method": "usage_based"},
            "proration": {"on_increase": "prorate_immediately", "on_decrease": "none"},
        }
    ],
}


async def test_a_seat_is_charged_when_it_is_taken(api: Api) -> None:
    """The included seat is free, the next one is $50 and on an invoice of its own; one given up may be taken again."""
    await add_ada(api)
    await api.call("plans.create", TEAM)
    await api.call("billing.attach", {**ADA, "plan_id": "team"})
    await api.call("balances.track", {**SEATS, "value": 1})
    answer = await api.call("balances.track", {**SEATS, "value": 1})

    assert (1, 2, 0) == (answer["value"], answer["balance"]["usage"], answer["balance"]["remaining"])
    listed = (await api.call("invoices.list", ADA))["list"]
    assert [50, 20] == [invoice["total"] for invoice in listed]
    given_up = await api.call("balances.track", {**SEATS, "value": -1})
    assert (1, 1) == (given_up["balance"]["usage"], given_up["balance"]["remaining"])


async def test_a_seat_that_cannot_be_paid_for(api: Api) -> None:
    """402 with its code: nothing is counted, and nothing is left to pay."""
    await add_ada(api)
    await api.call("plans.create", TEAM)
    await api.call("billing.attach", {**ADA, "plan_id": "team"})
    await api.call("sandbox.set_next_charge", {**ADA, "outcome": "decline"})
    refused = await api.refused("balances.track", {**SEATS, "value": 3})

    assert (402, "pay_invoice_failed") == (refused.status, refused.code)
    ada = await api.call("customers.get", ADA)
    assert 0 == ada["balances"]["seats"]["usage"]
    assert [] == (await api.call("invoices.list", {**ADA, "status": ["open"]}))["list"]
