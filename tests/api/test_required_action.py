"""What is answered when a charge is not completed (api.md §2.5, billing.md §10.6, §20.0), and what comes of it."""

from datetime import timedelta
from typing import Any

import pytest

from sumac.core.clock import ManualClock
from tests.api.shop import FEBRUARY_MS, SEATS_CHOSEN, add_ada
from tests.support.api import Api, Body

ADA = {"customer_id": "ada"}
ATTACH: Body = {**ADA, "plan_id": "pro", **SEATS_CHOSEN}
SCALE = {"plan_id": "scale", "name": "Scale", "price": {"amount": 90, "interval": "month"}}
MORE_SEATS: Body = {**ADA, "plan_id": "pro", "feature_quantities": [{"feature_id": "seats", "quantity": 8}]}
ASKED: dict[str, tuple[bool, str, Body, int]] = {
    "attach": (False, "billing.attach", ATTACH, 54),
    "upgrade": (True, "billing.attach", {**ADA, "plan_id": "scale"}, 36),
    "quantity": (True, "billing.update", MORE_SEATS, 24),
}
"""Whether Ada is on Pro before, the operation and its body, and what it costs in dollars."""

CODES = {
    "decline": "payment_failed",
    "insufficient_funds": "payment_failed",
    "require_action": "3ds_required",
    "pending": "payment_processing",
    "pending_then_decline": "payment_processing",
}


async def holding(api: Api) -> Any:  # noqa: ANN401  # JSON
    """Ada's plans and seats."""
    ada = await api.call("customers.get", ADA)
    return [each["plan_id"] for each in ada["subscriptions"]], ada["balances"].get("seats", {}).get("granted")


@pytest.fixture
async def ada(api: Api) -> Api:
    """Ada with a good card, and plans to buy."""
    await add_ada(api)
    await api.call("plans.create", SCALE)
    return api


async def ask(ada: Api, what: str, outcome: str) -> tuple[Body, Any]:
    """Asks for something whose charge ends like this; the answer, and what Ada held before."""
    subscribed, operation, body, _ = ASKED[what]
    if subscribed:
        await ada.call("billing.attach", ATTACH)
    before = await holding(ada)
    await ada.call("sandbox.set_next_charge", {**ADA, "outcome": outcome})
    return await ada.call(operation, body), before


@pytest.mark.parametrize("outcome", CODES)
@pytest.mark.parametrize("what", ASKED)
async def test_the_action_that_is_required(ada: Api, what: str, outcome: str) -> None:
    """The code, an open invoice and an address to pay at; nothing is changed (R1, R2, R6)."""
    answer, before = await ask(ada, what, outcome)

    assert {"customer_id", "invoice", "payment_url", "required_action"} == answer.keys()
    assert ("open", ASKED[what][3]) == (answer["invoice"]["status"], answer["invoice"]["total"])
    assert CODES[outcome] == answer["required_action"]["code"]
    assert answer["required_action"]["reason"].endswith(".")
    assert answer["payment_url"]
    assert before == await holding(ada)


@pytest.mark.parametrize("outcome", ["decline", "require_action"])
@pytest.mark.parametrize("what", ASKED)
async def test_paid_at_the_address(ada: Api, what: str, outcome: str) -> None:
    """Within ten minutes the change happens, for one payment."""
    answer, before = await ask(ada, what, outcome)

    await ada.call("sandbox.complete_checkout", {"url": answer["payment_url"]})

    assert before != await holding(ada)
    listed = (await ada.call("invoices.list", ADA))["list"]
    assert {"paid"} == {each["status"] for each in listed}
    assert ASKED[what][3] == listed[0]["total"]


@pytest.mark.parametrize("outcome", ["decline", "require_action", "pending_then_decline"])
@pytest.mark.parametrize("what", ASKED)
async def test_not_paid_in_time(ada: Api, clock: ManualClock, what: str, outcome: str) -> None:
    """After ten minutes the invoice is void, Ada is where she was, and the address takes no money for it."""
    answer, before = await ask(ada, what, outcome)
    for _ in range(3):
        clock.advance(timedelta(minutes=10))
        await ada.services.billing.resume_attempts()

    assert "void" == (await ada.call("invoices.list", ADA))["list"][0]["status"]
    paid = await ada.call("sandbox.complete_checkout", {"url": answer["payment_url"]})

    assert "refunded" == paid["status"]
    assert before == await holding(ada)


async def test_a_declined_renewal(ada: Api) -> None:
    """Past due, with its access; paid on the invoice's page it is no longer (R4)."""
    await ada.call("billing.attach", ATTACH)
    await ada.call("sandbox.set_next_charge", {**ADA, "outcome": "require_action"})
    move = await ada.call("customers.advance_test_clock", {**ADA, "frozen_time": FEBRUARY_MS})

    assert "payment_failed" in {each["kind"] for each in move["happened"]}
    (pro,) = (await ada.call("customers.get", ADA))["subscriptions"]
    assert ("active", True) == (pro["status"], pro["past_due"])
    assert (await ada.call("check", {**ADA, "feature_id": "messages"}))["allowed"]
    token = (await ada.call("invoices.list", ADA))["list"][0]["hosted_invoice_url"].rpartition("/")[2]
    page = await ada.client.post(f"/invoice/{token}/pay")
    await ada.call("sandbox.complete_checkout", {"url": page.headers["location"]})

    (pro,) = (await ada.call("customers.get", ADA))["subscriptions"]
    assert not pro["past_due"]
