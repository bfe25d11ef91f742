"""When an attached plan starts, ends and is billed, over HTTP (billing.md §10.10)."""

from tests.api.shop import FEBRUARY_MS, JANUARY_MS, MARCH_MS, add_ada
from tests.support.api import Api, Body, Refused

ADA = {"customer_id": "ada"}
PRO = {**ADA, "plan_id": "pro"}
DAY = 86_400_000


async def pro(api: Api) -> Body:
    """Ada's subscription to Pro."""
    ada = await api.call("customers.get", ADA)
    (subscription,) = [each for each in ada["subscriptions"] if each["plan_id"] == "pro"]
    answer: Body = subscription
    return answer


async def totals(api: Api) -> list[int]:
    """The totals of Ada's invoices, oldest first."""
    listed = (await api.call("invoices.list", ADA))["list"]
    return [invoice["total"] for invoice in reversed(listed)]


async def test_a_later_start(api: Api) -> None:
    """Scheduled, billed on its day and not before; Free gives way then."""
    await add_ada(api)
    preview = await api.call("billing.preview_attach", {**PRO, "starts_at": FEBRUARY_MS})
    answer = await api.call("billing.attach", {**PRO, "starts_at": FEBRUARY_MS})

    assert (0, FEBRUARY_MS) == (preview["total"], preview["incoming"][0]["effective_at"])
    assert "invoice" not in answer
    assert ("scheduled", FEBRUARY_MS) == ((await pro(api))["status"], (await pro(api))["started_at"])
    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": FEBRUARY_MS})
    assert ("active", MARCH_MS) == ((await pro(api))["status"], (await pro(api))["current_period_end"])
    assert [30] == await totals(api)


async def test_access_before_the_first_charge(api: Api) -> None:
    """Enabled at once, the plan is there today and billed from the day it starts."""
    await add_ada(api)
    await api.call("billing.attach", {**PRO, "starts_at": FEBRUARY_MS, "enable_plan_immediately": True})

    assert ("active", FEBRUARY_MS) == ((await pro(api))["status"], (await pro(api))["current_period_end"])
    assert [] == await totals(api)
    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": FEBRUARY_MS})
    assert [30] == await totals(api)


async def test_a_start_in_the_past(api: Api) -> None:
    """Forty days back, two periods are due at once and the third is billed at its boundary."""
    await add_ada(api)
    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": FEBRUARY_MS + 9 * DAY})
    answer = await api.call("billing.attach", {**PRO, "starts_at": JANUARY_MS})

    assert 60 == answer["invoice"]["total"]
    assert (JANUARY_MS, MARCH_MS) == ((await pro(api))["started_at"], (await pro(api))["current_period_end"])
    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": MARCH_MS})
    assert [60, 30] == await totals(api)


async def test_an_end(api: Api) -> None:
    """The plan ends on the day it was sold until, and Free is back."""
    await add_ada(api)
    await api.call("billing.attach", {**PRO, "ends_at": MARCH_MS})

    assert (MARCH_MS, None) == ((await pro(api))["expires_at"], (await pro(api))["canceled_at"])
    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": MARCH_MS})
    ada = await api.call("customers.get", ADA)
    assert ["free"] == [each["plan_id"] for each in ada["subscriptions"]]
    assert [30, 30] == await totals(api)


async def test_a_cycle_that_begins_now(api: Api) -> None:
    """In the middle of the month: half of $30 is given back and a whole period is charged."""
    await add_ada(api)
    await api.call("billing.attach", PRO)
    await api.call("customers.advance_test_clock", {**ADA, "frozen_time": JANUARY_MS + 15 * DAY + DAY // 2})
    answer = await api.call("billing.update", {**PRO, "billing_cycle_anchor": "now"})

    assert 15 == answer["invoice"]["total"]
    assert JANUARY_MS + 46 * DAY + DAY // 2 == (await pro(api))["current_period_end"]


async def test_what_is_refused(api: Api) -> None:
    """Dates that cannot be, each with a sentence; nothing is attached."""
    await add_ada(api)
    table: list[Refused] = [
        ("billing.attach", {**PRO, "ends_at": JANUARY_MS - 1}, 400, "invalid_request"),
        ("billing.attach", {**PRO, "billing_cycle_anchor": JANUARY_MS - 1}, 400, "invalid_request"),
        ("billing.attach", {**PRO, "starts_at": FEBRUARY_MS, "ends_at": FEBRUARY_MS}, 400, "invalid_request"),
        (
            "billing.attach",
            {**PRO, "starts_at": FEBRUARY_MS, "invoice_mode": {"enabled": True}},
            400,
            "invalid_request",
        ),
        (
            "billing.attach",
            {**PRO, "enable_plan_immediately": True, "invoice_mode": {"enabled": True}},
            400,
            "invalid_request",
        ),
        ("billing.attach", {**PRO, "new_billing_subscription": False}, 400, "invalid_request"),
        ("billing.attach", {**PRO, "remove_plan_ids": ["credit_pack"]}, 404, "customer_product_not_found"),
        ("billing.attach", {**PRO, "custom_line_items": [{"amount": 1, "description": "x"}]}, 400, "invalid_request"),
        ("billing.attach", {**ADA, "plan_id": "credit_pack", "starts_at": FEBRUARY_MS}, 400, "invalid_request"),
    ]

    assert table == await api.refusals(table)
    ada = await api.call("customers.get", ADA)
    assert ["free"] == [each["plan_id"] for each in ada["subscriptions"]]
