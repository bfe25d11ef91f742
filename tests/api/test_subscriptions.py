"""subscriptions.list and purchases.list over HTTP (api.md §2.16)."""

from typing import Any

from tests.api.shop import FEBRUARY_MS, JANUARY_MS
from tests.support.api import Api, Body, Refused, on_sqlite

MONTHLY = {"amount": 20, "interval": "month"}
CARD = "sandbox.add_card"


async def sell(api: Api) -> None:
    """Two customers on Pro, one of them canceling, and a credit pack bought twice by one of them."""
    await api.call("plans.create", {"plan_id": "pro", "name": "Pro", "price": MONTHLY})
    await api.call("plans.create", {"plan_id": "pack", "name": "Pack", "price": {"amount": 5, "interval": "one_off"}})
    for customer_id in ("ada", "bob"):
        who = {"customer_id": customer_id}
        await api.call("customers.get_or_create", {**who, "clock_at": JANUARY_MS})
        await api.call(CARD, who)
        await api.call("billing.attach", {**who, "plan_id": "pro"})
    await api.call("billing.update", {"customer_id": "bob", "plan_id": "pro", "cancel_action": "cancel_end_of_cycle"})
    for _ in range(2):
        await api.call("billing.attach", {"customer_id": "ada", "plan_id": "pack"})


async def listed(api: Api, operation: str, **body: Any) -> list[Body]:  # noqa: ANN401  # any JSON
    """Everything on the first page, which is the last."""
    answer = await api.call(operation, body)

    assert (False, None) == (answer["has_more"], answer["next_cursor"])

    rows: list[Body] = answer["list"]
    return rows


async def test_a_subscription_is_listed_while_it_runs_and_after(api: Api) -> None:
    """Who holds it, since when, until when; ended ones are found by their status."""
    await sell(api)
    (row,) = await listed(api, "subscriptions.list", customer_id="bob")

    assert row.pop("id").startswith("cus_prod_")
    assert {
        "plan_id": "pro",
        "auto_enable": False,
        "add_on": False,
        "status": "active",
        "past_due": False,
        "canceled_at": JANUARY_MS,
        "expires_at": FEBRUARY_MS,
        "trial_ends_at": None,
        "started_at": JANUARY_MS,
        "current_period_start": JANUARY_MS,
        "current_period_end": FEBRUARY_MS,
        "quantity": 1,
        "scope": "customer",
        "plan_version": 1,
        "is_custom": False,
        "customer_id": "bob",
        "entity_id": None,
        "created_at": JANUARY_MS,
    } == row

    await api.call("customers.advance_test_clock", {"customer_id": "bob", "frozen_time": FEBRUARY_MS})
    (over,) = await listed(api, "subscriptions.list", customer_id="bob")

    assert "expired" == over["status"]
    assert [over] == await listed(api, "subscriptions.list", statuses=["expired"])
    assert ["ada"] == [each["customer_id"] for each in await listed(api, "subscriptions.list", statuses=["active"])]


async def test_past_due_is_a_filter_of_its_own(api: Api) -> None:
    """A plan whose renewal was declined is active, past due, and found by it."""
    await sell(api)
    await api.call("sandbox.set_next_charge", {"customer_id": "ada", "outcome": "decline"})
    await api.call("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": FEBRUARY_MS})
    (row,) = await listed(api, "subscriptions.list", statuses=["past_due"])

    assert ("ada", "active", True) == (row["customer_id"], row["status"], row["past_due"])


async def test_purchases_are_not_subscriptions(api: Api) -> None:
    """Each time it was bought is a row of its own."""
    await sell(api)
    rows = await listed(api, "purchases.list", plan_id="pack")

    assert 2 == len({row["id"] for row in rows})
    assert {("pack", "active", "ada", JANUARY_MS)} == {
        (row["plan_id"], row["status"], row["customer_id"], row["created_at"]) for row in rows
    }
    assert {"pro"} == {row["plan_id"] for row in await listed(api, "subscriptions.list")}


async def test_pages(api: Api) -> None:
    """A page at a time, every one exactly once."""
    await sell(api)
    first = await api.call("subscriptions.list", {"limit": 1})
    second = await api.call("subscriptions.list", {"limit": 1, "start_cursor": first["next_cursor"]})

    assert (True, False) == (first["has_more"], second["has_more"])
    assert {"ada", "bob"} == {first["list"][0]["customer_id"], second["list"][0]["customer_id"]}


@on_sqlite
async def test_refused(api: Api) -> None:
    """What is not there or not understood is named."""
    table: list[Refused] = [
        ("subscriptions.list", {"customer_id": "nobody"}, 404, "customer_not_found"),
        ("purchases.list", {"customer_id": "nobody"}, 404, "customer_not_found"),
        ("purchases.list", {"entity_id": "seat"}, 404, "entity_not_found"),
        ("subscriptions.list", {"statuses": ["paused"]}, 400, "invalid_inputs"),
        ("subscriptions.list", {"limit": 201}, 400, "invalid_inputs"),
        ("subscriptions.list", {"start_cursor": "nonsense"}, 400, "invalid_cursor"),
    ]

    assert table == await api.refusals(table)
