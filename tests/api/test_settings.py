"""organization.get_billing_settings and organization.update_billing_settings."""

from typing import Any

import pytest

from tests.api.shop import FEBRUARY_MS, subscribe_ada
from tests.support.api import Api, on_sqlite

pytestmark = on_sqlite
USUAL: dict[str, Any] = {
    "retry_days": [1, 3, 5, 7],
    "after_last_retry": "cancel",
    "past_due_access": True,
    "cancel_on_past_due": False,
    "void_invoices_on_cancellation": False,
    "persist_free_overage": False,
    "usage_alerts": [],
}
READ, CHANGE = "organization.get_billing_settings", "organization.update_billing_settings"


async def test_what_is_named_is_changed(api: Api) -> None:
    """The usual settings hold until they are changed, one by one; the other environment has its own."""
    assert USUAL == await api.call(READ)

    assert {**USUAL, "retry_days": [2]} == await api.call(CHANGE, {"retry_days": [2]})
    changed = await api.call(CHANGE, {"after_last_retry": "keep_past_due", "past_due_access": False})

    assert {**USUAL, "retry_days": [2], "after_last_retry": "keep_past_due", "past_due_access": False} == changed
    assert changed == await api.call(READ)


async def test_usage_alerts_are_answered_as_they_were_sent(api: Api) -> None:
    """With the defaults that were left out; an empty list removes them."""
    alert = {"feature_id": "messages", "threshold": 120.5, "threshold_type": "usage_percentage", "name": "much"}
    changed = await api.call(CHANGE, {"usage_alerts": [alert, {"threshold": 3, "threshold_type": "remaining"}]})

    assert [
        {**alert, "enabled": True},
        {"enabled": True, "threshold": 3, "threshold_type": "remaining"},
    ] == changed["usage_alerts"]
    assert changed == await api.call(READ)
    assert [] == (await api.call(CHANGE, {"usage_alerts": []}))["usage_alerts"]


async def test_each_environment_has_its_own(api: Api, live: Api) -> None:
    """What the sandbox tries out does not touch who pays for real."""
    await api.call(CHANGE, {"retry_days": []})

    assert USUAL == await live.call(READ)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"retry_days": [0]}, "retry_days"),
        ({"retry_days": [61]}, "retry_days"),
        ({"retry_days": [1.5]}, "retry_days"),
        ({"retry_days": [1] * 11}, "retry_days"),
        ({"after_last_retry": "forgive"}, "after_last_retry"),
        ({"past_due_access": "yes"}, "past_due_access"),
        ({"usage_alerts": [{"threshold": 1}]}, "threshold_type"),
        ({"usage_alerts": [{"threshold": 101, "threshold_type": "remaining_percentage"}]}, "remaining_percentage"),
        ({}, "Nothing to change"),
        ({"retry_days": None}, "Nothing to change"),
    ],
    ids=str,
)
async def test_what_cannot_be(api: Api, body: dict[str, Any], sentence: str) -> None:
    """400, the sentence names the setting, and nothing is changed."""
    refused = await api.refused(CHANGE, body)

    assert (400, "invalid_inputs") == (refused.status, refused.code)
    assert sentence in refused.message
    assert USUAL == await api.call(READ)


async def test_they_hold_from_the_next_failure_on(api: Api) -> None:
    """Without retries the plan ends with the first renewal that is declined, and the clock says so."""
    await subscribe_ada(api)
    await api.call(CHANGE, {"retry_days": [], "void_invoices_on_cancellation": True})
    await api.call("sandbox.set_next_charge", {"customer_id": "ada", "outcome": "decline"})

    move = await api.call("customers.advance_test_clock", {"customer_id": "ada", "frozen_time": FEBRUARY_MS})

    assert {"payment_failed", "plan_ended", "plan_started"} <= {each["kind"] for each in move["happened"]}
    listed = (await api.call("invoices.list", {"customer_id": "ada"}))["list"]
    assert "void" == listed[0]["status"]
