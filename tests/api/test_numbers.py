"""Every quantity a caller may send: exact up to ten billions of thousands, and refused beyond (api.md §1.7)."""

import json
from decimal import Decimal

import pytest

from tests.api.shop import add_ada
from tests.support.api import Api, Body, on_sqlite, refusal

WHO = '"customer_id": "ada", "feature_id": "messages"'
CREDITS = '"feature_id": "x", "name": "X", "type": "credit_system"'
LIMIT = '"feature_id": "messages", "interval": "day", "enabled": true'
HELD = {"customer_id": "ada", "feature_id": "messages", "lock": {"enabled": True, "lock_id": "job"}}
QUANTITIES = {
    "balances.check": (f'{{{WHO}, "required_balance": %s}}', "required_balance"),
    "balances.track": (f'{{{WHO}, "value": %s}}', "value"),
    "balances.batch_track": (f'[{{{WHO}, "value": 1}}, {{{WHO}, "value": %s}}]', "value"),
    "balances.finalize": ('{"lock_id": "job", "action": "confirm", "override_value": %s}', "override_value"),
    "balances.create": (f'{{{WHO}, "included_grant": %s}}', "included_grant"),
    "balances.update remaining": (f'{{{WHO}, "remaining": %s}}', "remaining"),
    "balances.update usage": (f'{{{WHO}, "usage": %s}}', "usage"),
    "balances.update add_to_balance": (f'{{{WHO}, "add_to_balance": %s}}', "add_to_balance"),
    "balances.update included_grant": (f'{{{WHO}, "included_grant": %s}}', "included_grant"),
    "plans.create": (
        '{"plan_id": "x", "name": "X", "items": [{"feature_id": "messages", "included": %s}]}',
        "included",
    ),
    "features.create": (
        f'{{{CREDITS}, "credit_schema": [{{"metered_feature_id": "messages", "credit_cost": %s}}]}}',
        "credit_cost",
    ),
    "billing.attach": (
        '{"customer_id": "ada", "plan_id": "pro", "feature_quantities": [{"feature_id": "seats", "quantity": %s}]}',
        "quantity",
    ),
    "customers.update": (
        f'{{"customer_id": "ada", "billing_controls": {{"usage_limits": [{{{LIMIT}, "limit": %s}}]}}}}',
        "limit",
    ),
}
NONE = ["NaN", "Infinity", "-Infinity", "1e400", "10000000000001", "1e14", str(2**53 + 1), str(2**63), "-1e14", '"5"']


@on_sqlite
@pytest.mark.parametrize("place", QUANTITIES)
async def test_a_quantity_that_is_none(api: Api, place: str) -> None:
    """Not finite, beyond 10^13, or a text: 400 with the field's name, and the balance stands."""
    await add_ada(api)
    await api.call("balances.check", HELD)
    operation = place.partition(" ")[0]
    content, field = QUANTITIES[place]
    before = await shown(api)
    for number in NONE:
        told = refusal(await api.raw(operation, (content % number).encode()))

        assert (number, 400) == (number, told.status), told
        assert field in told.message or number in {"NaN", "Infinity", "-Infinity"}, told

    assert before == await shown(api)


async def shown(api: Api) -> Body:
    """The messages of the customer."""
    answer = await api.call("customers.get", {"customer_id": "ada"})
    messages: Body = answer["balances"]["messages"]
    return messages


async def test_the_largest_and_the_smallest(api: Api) -> None:
    """10^13 units and the ten-billionth part of one are kept, added and shown to the last digit."""
    await add_ada(api)
    for number in ("1e13", "10000000000000"):
        answer = await api.raw("balances.update", (QUANTITIES["balances.update remaining"][0] % number).encode())

        assert 200 == answer.status_code, answer.text

    for number in ("0.0000000001", "1e-10", "1E-10", "0.10000000005"):
        assert 200 == (await api.raw("balances.track", (QUANTITIES["balances.track"][0] % number).encode())).status_code

    text = (await api.send("customers.get", {"customer_id": "ada"})).text
    messages = json.loads(text, parse_float=Decimal)["balances"]["messages"]

    assert Decimal("9999999999999.8999999997") == messages["remaining"]
    assert Decimal("-9999999999949.8999999997") == messages["usage"]
