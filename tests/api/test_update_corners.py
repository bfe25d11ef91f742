"""What previews say where a plan is kept and changed at once, or counted anew, over HTTP (api.md §2.5)."""

import pytest

from tests.api.shop import FEBRUARY_MS, JANUARY_MS, SEATS_CHOSEN, add_ada, subscribe_ada
from tests.support.api import Api, Body, Refused

ADA = {"customer_id": "ada"}
PRO = {**ADA, "plan_id": "pro"}
DAY = 86_400_000
MORE_SEATS = {"feature_quantities": [{"feature_id": "seats", "quantity": 8}]}
FEWER_SEATS = {"feature_quantities": [{"feature_id": "seats", "quantity": 3}]}


async def test_kept_and_changed_is_one_plan(api: Api) -> None:
    """Uncancelled with more seats, the plan comes once and its next cycle is charged once."""
    await subscribe_ada(api)
    await api.call("billing.update", {**PRO, "cancel_action": "cancel_end_of_cycle"})
    preview = await api.call("billing.preview_update", {**PRO, **MORE_SEATS, "cancel_action": "uncancel"})

    assert (24, 30 + 48, FEBRUARY_MS) == (
        preview["total"], preview["next_cycle"]["total"], preview["next_cycle"]["starts_at"],
    )  # fmt: skip
    assert [("pro", [8], None)] == [
        (each["plan_id"], [chosen["quantity"] for chosen in each["feature_quantities"]], each["canceled_at"])
        for each in preview["incoming"]
    ]


async def test_a_canceled_plan_has_no_next_cycle(api: Api) -> None:
    """More seats for the time until its end only."""
    await subscribe_ada(api)
    await api.call("billing.update", {**PRO, "cancel_action": "cancel_end_of_cycle"})
    preview = await api.call("billing.preview_update", {**PRO, **MORE_SEATS})

    assert (24, None) == (preview["total"], preview.get("next_cycle"))


async def test_fewer_seats_of_a_plan_that_becomes_dearer(api: Api) -> None:
    """What waits for the renewal is in the next cycle of the new price, and comes with it."""
    await subscribe_ada(api)
    await api.call("billing.update", {**PRO, **FEWER_SEATS})
    dearer = {**PRO, "customize": {"price": {"amount": 40, "interval": "month"}}}
    preview = await api.call("billing.preview_update", dearer)
    await api.call("billing.update", dearer)

    assert (10, 40 + 8) == (preview["total"], preview["next_cycle"]["total"])
    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": FEBRUARY_MS})
    assert [48, 10, 54] == [each["total"] for each in (await api.call("invoices.list", ADA))["list"]]
    assert 3 == (await api.call("customers.get", ADA))["balances"]["seats"]["granted"]


async def test_periods_counted_from_a_later_day(api: Api) -> None:
    """The next cycle begins on that day with what is not paid of it yet: 10 of 31 days of $54."""
    await add_ada(api)
    body = {**PRO, **SEATS_CHOSEN, "billing_cycle_anchor": JANUARY_MS + 10 * DAY}
    preview = await api.call("billing.preview_attach", body)
    await api.call("billing.attach", body)

    assert (54, JANUARY_MS + 10 * DAY, 17.42) == (
        preview["total"], preview["next_cycle"]["starts_at"], preview["next_cycle"]["total"],
    )  # fmt: skip
    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": JANUARY_MS + 10 * DAY})
    assert [17.42, 54] == [each["total"] for each in (await api.call("invoices.list", ADA))["list"]]


async def test_a_plan_that_has_not_started(api: Api) -> None:
    """More of it costs nothing yet, and it still comes on its day."""
    await add_ada(api)
    await api.call("billing.attach", {**PRO, **SEATS_CHOSEN, "starts_at": FEBRUARY_MS})
    preview = await api.call("billing.preview_update", {**PRO, **MORE_SEATS})

    assert (0, FEBRUARY_MS, 78) == (
        preview["total"], preview["incoming"][0]["effective_at"], preview["next_cycle"]["total"],
    )  # fmt: skip


@pytest.mark.parametrize("action", ["cancel_immediately", "cancel_end_of_cycle"])
async def test_a_cancellation_is_nothing_else(api: Api, action: str) -> None:
    """With quantities, a version or other terms it is refused, whatever they are; nothing happens (§12.1)."""
    await subscribe_ada(api)
    changes: list[Body] = [
        MORE_SEATS,
        {"version": 1},
        {"customize": {"price": {"amount": 40, "interval": "month"}}},
        {"customize": {"free_trial": None}},
        {"billing_cycle_anchor": "now"},
    ]
    table: list[Refused] = [
        ("billing.update", {**PRO, **change, "cancel_action": action}, 400, "invalid_request") for change in changes
    ]

    assert table == await api.refusals(table)
    (subscription,) = (await api.call("customers.get", ADA))["subscriptions"]
    assert ("pro", "active", None) == (subscription["plan_id"], subscription["status"], subscription["canceled_at"])


async def test_other_terms_that_wait(api: Api) -> None:
    """From the end of the cycle: nothing now; what is about a change at once cannot wait with them."""
    await subscribe_ada(api)
    later = {
        **PRO,
        "customize": {"price": {"amount": 40, "interval": "month"}},
        "plan_schedule": "end_of_cycle",
    }
    table: list[Refused] = [
        ("billing.update", {**later, "carry_over_usages": {"enabled": True}}, 400, "invalid_request"),
        ("billing.update", {**later, "invoice_mode": {"enabled": True}}, 400, "invalid_request"),
        ("billing.update", {**later, "billing_cycle_anchor": "now"}, 400, "invalid_request"),
    ]

    assert table == await api.refusals(table)
    preview = await api.call("billing.preview_update", later)
    assert (0, 40 + 24) == (preview["total"], preview["next_cycle"]["total"])
    await api.call("billing.update", later)
    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": FEBRUARY_MS})
    assert [64, 54] == [each["total"] for each in (await api.call("invoices.list", ADA))["list"]]
