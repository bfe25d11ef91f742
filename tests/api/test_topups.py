"""Automatic top-ups over HTTP: switched on, counted, shown (api.md §2.0, billing.md §6.6)."""

from typing import Any

import pytest

from tests.api.shop import JANUARY_MS
from tests.support.api import Api, on_sqlite

pytestmark = [on_sqlite, pytest.mark.usefixtures("bought")]
EXPANDED = {"expand": ["billing_controls.auto_topups.purchase_limit"]}
DAILY = {"interval": "day", "limit": 2}
DAY_MS = 24 * 60 * 60 * 1000


@pytest.fixture
async def bought(api: Api) -> None:
    """Ada has bought 100 messages once, and has a card."""
    once = {"amount": 10, "interval": "one_off", "billing_units": 100, "billing_method": "prepaid"}
    await api.call(
        "features.create", {"feature_id": "messages", "name": "Messages", "type": "metered", "consumable": True}
    )
    await api.call(
        "plans.create",
        {
            "plan_id": "pack",
            "name": "Pack",
            "add_on": True,
            "price": {"amount": 1, "interval": "one_off"},
            "items": [{"feature_id": "messages", "price": once}],
        },
    )
    await api.call("customers.get_or_create", {"customer_id": "ada", "name": "Ada", "email": "ada@example.test"})
    await api.call("sandbox.add_card", {"customer_id": "ada", "number": "4242424242424242"})
    quantities = [{"feature_id": "messages", "quantity": 100}]
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "pack", "feature_quantities": quantities})


async def control(api: Api, **changes: Any) -> dict[str, Any]:  # noqa: ANN401  # fields of the control
    """Sets Ada's only top-up; answers the customer."""
    topup = {"feature_id": "messages", "enabled": True, "threshold": 20, "quantity": 100, **changes}
    return await api.call("customers.update", {"customer_id": "ada", "billing_controls": {"auto_topups": [topup]}})


async def shown(api: Api) -> dict[str, Any]:
    """The purchase limit of Ada's top-up as it stands."""
    customer = await api.call("customers.get", {"customer_id": "ada", **EXPANDED})
    return dict(customer["billing_controls"]["auto_topups"][0]["purchase_limit"])


async def test_switching_it_on_buys_what_ran_low(api: Api) -> None:
    """At once, and it is in the answer; sending the same again buys nothing."""
    await api.call("balances.track", {"customer_id": "ada", "feature_id": "messages", "value": 95})
    off = await control(api, enabled=False)
    on = await control(api)
    again = await control(api, threshold=1000)

    assert [5, 105, 105] == [each["balances"]["messages"]["remaining"] for each in (off, on, again)]


async def test_the_purchase_limit_is_shown_as_it_stands(api: Api) -> None:
    """How much of it is used up and when it ends; without expand what was configured is shown."""
    plain = await control(api, purchase_limit=DAILY)
    before = await shown(api)
    await api.call("balances.track", {"customer_id": "ada", "feature_id": "messages", "value": 95})
    await api.services.topups.close()
    after = await shown(api)

    limit = {**DAILY, "interval_count": 1}
    assert limit == plain["billing_controls"]["auto_topups"][0]["purchase_limit"]
    assert {**limit, "count": 0} == {name: value for name, value in before.items() if name != "next_reset_at"}
    assert {**limit, "count": 1} == {name: value for name, value in after.items() if name != "next_reset_at"}
    assert JANUARY_MS + DAY_MS == after["next_reset_at"]


async def test_the_count_can_be_written(api: Api) -> None:
    """It is kept beside the control, not in it."""
    answered = await control(api, purchase_limit={**DAILY, "count": 2})

    assert "count" not in answered["billing_controls"]["auto_topups"][0]["purchase_limit"]
    assert 2 == (await shown(api))["count"]

    await control(api, purchase_limit={**DAILY, "count": 0})

    assert 0 == (await shown(api))["count"]


async def test_no_limit(api: Api) -> None:
    """There is nothing to count: everything is null but for the count."""
    await control(api)

    assert {"interval": None, "interval_count": None, "limit": None, "count": 0, "next_reset_at": JANUARY_MS} == (
        await shown(api)
    )


@pytest.mark.parametrize(
    "limit", [{"count": 1}, {**DAILY, "count": 3}, {**DAILY, "count": -1}, {"interval": "day"}], ids=str
)
async def test_counts_that_cannot_be(api: Api, limit: dict[str, Any]) -> None:
    """A count goes with an interval and a limit, and is not above it."""
    topup = {"feature_id": "messages", "threshold": 20, "quantity": 100, "purchase_limit": limit}
    refused = await api.refused(
        "customers.update", {"customer_id": "ada", "billing_controls": {"auto_topups": [topup]}}
    )

    assert (400, "invalid_inputs") == (refused.status, refused.code)
