"""The published Python client gives, edits and takes away balances, and reads what comes of it (api.md §2.4)."""

from collections.abc import Iterator

import pytest
from autumn_sdk import Autumn

from tests.support.server import LiveServer


@pytest.fixture(scope="module")
def client(server: LiveServer) -> Iterator[Autumn]:
    """The client of a shop with messages and a free plan of 50 a month."""
    with Autumn(secret_key=server.create_key(), server_url=server.url, fail_open=False) as made:
        made.features.create(feature_id="messages", name="Messages", type_="metered", consumable=True)
        item = {"feature_id": "messages", "included": 50, "reset": {"interval": "month"}}
        made.plans.create(plan_id="free", name="Free", auto_enable=True, items=[item])
        yield made


def test_balances_by_hand(client: Autumn) -> None:
    """Each call succeeds, its models read what is shown afterwards, an edited balance too."""
    client.customers.get_or_create(customer_id="eve", expand=[])
    reset = {"interval": "month"}
    rollover = {"max": 5, "length": 1}
    created = client.balances.create(
        customer_id="eve", feature_id="messages", included_grant=10, balance_id="gift", reset=reset, rollover=rollover
    )

    assert created.success
    assert client.balances.update(customer_id="eve", feature_id="messages", balance_id="gift", remaining=30).success
    assert client.balances.update(customer_id="eve", feature_id="messages", add_to_balance=-5).success
    found = client.customers.get(customer_id="eve", expand=["invoice_previews"])
    assert (60, 75) == (found.balances["messages"].granted, found.balances["messages"].remaining)
    assert [] == found.invoice_previews
    assert client.balances.delete(customer_id="eve", feature_id="messages", balance_id="gift").success
    left = client.check(customer_id="eve", feature_id="messages").balance
    assert left is not None
    assert ["free"] == [each.plan_id for each in left.breakdown or ()]
