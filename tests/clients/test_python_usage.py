"""The published Python client tells usage many pieces at a time, and asks what it came to (api.md §2.4, §2.7)."""

from collections.abc import Iterator

import pytest
from autumn_sdk import Autumn

from tests.support.server import LiveServer


@pytest.fixture(scope="module")
def client(server: LiveServer) -> Iterator[Autumn]:
    """The client of a shop with messages, seats and a free plan of messages."""
    with Autumn(secret_key=server.create_key(), server_url=server.url, fail_open=False) as made:
        for feature_id, names in (("messages", ["message_sent"]), ("seats", [])):
            made.features.create(
                feature_id=feature_id, name=feature_id, type_="metered", consumable=True, event_names=names
            )
        item = {"feature_id": "messages", "included": 50, "reset": {"interval": "month"}}
        made.plans.create(plan_id="free", name="Free", auto_enable=True, items=[item])
        yield made


def test_usage_over_time(client: Autumn) -> None:
    """Many pieces at once, and what they came to by days, by property and by the balance that paid."""
    client.customers.get_or_create(customer_id="eve", name="Eve", expand=[])
    told = [
        {"customer_id": "eve", "feature_id": "messages", "value": 7, "properties": {"model": "small"}},
        {"customer_id": "eve", "event_name": "message_sent", "value": 0.5},
    ]

    assert client.batch_track(request=told).success

    answer = client.events.aggregate(
        customer_id="eve",
        feature_id=["messages", "seats"],
        range="24h",
        group_by="properties.model",
        filter_by={"model": "small"},
        aggregate_on="deducted",
    )
    plain = client.events.aggregate(feature_id="messages", customer_id="eve", range="7d", bin_size="hour")

    assert {"messages": 7, "seats": 0} == answer.list[-1].values
    assert {"messages": {"small": 7}, "seats": {}} == answer.list[-1].grouped_values
    assert (1, 7) == (answer.total["messages"].count, answer.total["messages"].sum)
    balances = (answer.deductions or [])[-1].values["messages"].balances
    assert [("free", 7, 1)] == [(each.plan_id, each.deducted, each.events) for each in balances]
    assert (2, 7.5) == (plain.total["messages"].count, plain.total["messages"].sum)
