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


def test_tokens_of_models(client: Autumn) -> None:
    """They are counted as credits, by the public price of a model or by one of our own, with the markup on top."""
    client.features.create(
        feature_id="tokens",
        name="Tokens",
        type_="ai_credit_system",
        default_markup=20,
        provider_markups={"acme": {"markup": 100}},
        model_markups={"acme/large": {"input_cost": 3, "output_cost": 15}},
    )
    client.customers.get_or_create(customer_id="tess", expand=[])
    client.balances.create(customer_id="tess", feature_id="tokens", included_grant=10)
    kimi = "amazon-bedrock/global.moonshotai.kimi-k3"
    own = client.track_tokens(customer_id="tess", model_id="acme/large", input_tokens=1_000, output_tokens=500)
    listed = client.track_tokens(
        customer_id="tess",
        model_id=kimi,
        input_tokens=1_000,
        output_tokens=500,
        cache_read_tokens=10_000,
        properties={"chat": "c1"},
        overage_behavior="overflow",
    )
    kept = client.features.get(feature_id="tokens")
    events = client.events.list(customer_id="tess", feature_id="tokens").list

    assert (0.021, 0.0162) == (own.value, listed.value)
    assert listed.balance is not None
    assert 9.9628 == listed.balance.remaining
    assert {"acme/large", kimi} == {event.properties["model_id"] for event in events}
    assert 20 == kept.default_markup
    assert isinstance(kept.provider_markups, dict)
    assert 100 == kept.provider_markups["acme"].markup
