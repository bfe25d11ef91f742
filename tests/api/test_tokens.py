"""balances.track_tokens over HTTP (api.md §2.4, billing.md §1.2)."""

import pytest

from tests.api.shop import FEBRUARY_MS, JANUARY_MS
from tests.support.api import Api, Body, Refused, on_sqlite

KIMI = "amazon-bedrock/global.moonshotai.kimi-k3"  # 3 dollars in, 15 out, 0.3 from the cache, 3.75 into it
ADA = {"customer_id": "ada"}
CREDITS: Body = {
    "feature_id": "credits",
    "name": "Credits",
    "type": "ai_credit_system",
    "default_markup": 20,
    "provider_markups": {"openai": {"markup": 50}},
    "model_markups": {
        "openai/gpt-4o": {"markup": -100},
        "acme/own": {"input_cost": 1, "output_cost": 2},
        "acme/half": {"input_cost": 1},
    },
}
ONCE = {"idempotency-key": "once"}
CALL: Body = {**ADA, "model_id": KIMI, "input_tokens": 1_000, "output_tokens": 500}
MESSAGES = {"feature_id": "messages", "name": "Messages", "type": "metered", "consumable": True}


async def open_shop(api: Api, *features: Body, held: str = "credits", included: int = 10) -> None:
    """Ada on a plan that includes credits."""
    for feature in features or (CREDITS,):
        await api.call("features.create", feature)
    item = {"feature_id": held, "included": included, "reset": {"interval": "month"}}
    await api.call("plans.create", {"plan_id": "free", "name": "Free", "auto_enable": True, "items": [item]})
    await api.call("customers.get_or_create", ADA)


async def left(api: Api) -> object:
    """Credits that are left."""
    return (await api.call("balances.check", {**ADA, "feature_id": "credits"}))["balance"]["remaining"]


async def test_tokens_are_counted_as_credits(api: Api) -> None:
    """0.0105 dollars by the price list and 20 percent on top: 0.0126 credits, exact, in the answer as of a track."""
    await open_shop(api)
    answer = await api.call("balances.track_tokens", CALL)

    assert ("ada", 0.0126) == (answer["customer_id"], answer["value"])
    assert ("credits", 10, 9.9874, 0.0126) == tuple(
        answer["balance"][name] for name in ("feature_id", "granted", "remaining", "usage")
    )
    assert [("credits", "free", 0.0126)] == [
        (each["feature_id"], each["plan_id"], each["value"]) for each in answer["deductions"]
    ]
    assert 9.9874 == await left(api)


async def test_the_event_tells_where_its_value_comes_from(api: Api) -> None:
    """Model, tokens, prices and markup are recorded with what the caller said; they cannot be forged by it."""
    await open_shop(api)
    told = {"chat": "c1", "model_id": "forged", "cost_usd": "0"}
    cached = {"cache_read_tokens": 10_000, "cache_write_tokens": 2_000, "audio_input_tokens": 0}
    await api.call("balances.track_tokens", {**CALL, **cached, "reasoning_tokens": 100, "properties": told})
    event = (await api.call("events.list", ADA))["list"][0]

    assert ("credits", 0.027) == (event["feature_id"], event["value"])
    assert {
        "chat": "c1",
        "model_id": KIMI,
        "input_tokens": 1_000,
        "output_tokens": 500,
        "cache_read_tokens": 10_000,
        "cache_write_tokens": 2_000,
        "reasoning_tokens": 100,
        "usd_per_million": {
            "input": "3",
            "output": "15",
            "cache_read": "0.3",
            "cache_write": "3.75",
            "reasoning": "15",
        },
        "cost_usd": "0.0225",
        "markup_percent": "20",
    } == event["properties"]
    by_model = {"feature_id": "credits", "range": "7d", "group_by": "properties.model_id"}
    series = (await api.call("events.aggregate", {**ADA, **by_model}))["list"]
    assert {"credits": {KIMI: 0.027}} == series[-1]["grouped_values"]


@pytest.mark.parametrize(
    ("call", "value"),
    [
        pytest.param({"model_id": "openai/gpt-4o"}, 0, id="free-by-its-model"),
        pytest.param({"model_id": "openai/gpt-4o-mini"}, 0.000675, id="by-its-provider"),
        pytest.param({"model_id": "acme/own"}, 0.0024, id="own-costs"),
        pytest.param({"model_id": "acme/own", "audio_output_tokens": 500}, 0.0036, id="own-costs-of-all-output"),
        pytest.param({"output_tokens": 0, "input_tokens": 0}, 0, id="nothing"),
        pytest.param({"input_tokens": 1, "output_tokens": 0}, 0.0000036, id="one-token"),
        pytest.param({"feature_id": "credits"}, 0.0126, id="named"),
        pytest.param({"input_tokens": 1e3, "output_tokens": 500.0}, 0.0126, id="whole-numbers-however-written"),
    ],
)
@on_sqlite
async def test_what_tokens_cost(api: Api, call: Body, value: float) -> None:
    """The nearest markup, and the price list unless the system has costs of its own."""
    await open_shop(api)
    answer = await api.call("balances.track_tokens", {**CALL, **call})

    assert value == answer["value"]
    assert value == pytest.approx(answer["balance"]["usage"], abs=1e-12)


REFUSED: list[Refused] = [
    ("balances.track_tokens", {**CALL, "model_id": "acme/unknown"}, 400, "invalid_model"),
    ("balances.track_tokens", {**CALL, "model_id": "acme/half"}, 400, "invalid_model"),
    ("balances.track_tokens", {**CALL, "model_id": "global.moonshotai.kimi-k3"}, 400, "invalid_model"),
    ("balances.track_tokens", {**CALL, "model_id": ""}, 400, "invalid_inputs"),
    ("balances.track_tokens", {**CALL, "input_tokens": -1}, 400, "invalid_inputs"),
    ("balances.track_tokens", {**CALL, "input_tokens": 1.5}, 400, "invalid_inputs"),
    ("balances.track_tokens", {**CALL, "input_tokens": "1"}, 400, "invalid_inputs"),
    ("balances.track_tokens", {**CALL, "output_tokens": 2**53}, 400, "invalid_inputs"),
    ("balances.track_tokens", {**ADA, "model_id": KIMI, "input_tokens": 1}, 400, "invalid_inputs"),
    ("balances.track_tokens", {**CALL, "overage_behavior": "ignore"}, 400, "invalid_inputs"),
    ("balances.track_tokens", {**CALL, "timestamp": FEBRUARY_MS}, 400, "invalid_inputs"),
    ("balances.track_tokens", {**CALL, "feature_id": "messages"}, 400, "invalid_request"),
    ("balances.track_tokens", {**CALL, "feature_id": "ghost"}, 404, "feature_not_found"),
    ("balances.track_tokens", {**CALL, "customer_id": "ghost"}, 404, "customer_not_found"),
    ("balances.track_tokens", {**CALL, "entity_id": "ghost"}, 404, "entity_not_found"),
    (
        "balances.track_tokens",
        {**CALL, "input_tokens": 10_000_000, "overage_behavior": "reject"},
        400,
        "insufficient_balance",
    ),
    ("balances.track_tokens", {**CALL, "model_id": "acme/gold"}, 400, "invalid_inputs"),
]


@on_sqlite
async def test_tokens_that_cannot_be_counted(api: Api) -> None:
    """Each is refused with its code and nothing is counted: an unknown price is an error, never nothing."""
    gold = {**CREDITS["model_markups"], "acme/gold": {"input_cost": 10**40, "output_cost": 0, "markup": 10**40}}
    await open_shop(api, MESSAGES, {**CREDITS, "model_markups": gold})

    assert REFUSED == await api.refusals(REFUSED)
    assert 10 == await left(api)
    assert [] == (await api.call("events.list", ADA))["list"]


@on_sqlite
async def test_the_largest_counts_are_exact(api: Api) -> None:
    """Counts up to 2⁵³ - 1 are priced to the last digit, and kept at ten decimal places."""
    await open_shop(api, {**CREDITS, "model_markups": {"acme/cheap": {"input_cost": 0.0000001, "output_cost": 1}}})
    most = {"model_id": "acme/cheap", "input_tokens": 2**53 - 1, "output_tokens": 0, "overage_behavior": "overflow"}
    answer = await api.call("balances.track_tokens", {**CALL, **most})

    assert 1080.8639105689 == answer["value"]  # 9,007,199,254,740,991 x 10⁻¹³ x 1.2, the 11th digit dropped
    assert -1070.8639105689 == 10 - answer["balance"]["usage"]


async def test_which_credits_pay(api: Api) -> None:
    """With several AI credit systems one is named; archived ones do not count; where there is none, nothing does."""
    other = {"feature_id": "other", "name": "Other", "type": "ai_credit_system"}
    await open_shop(api, MESSAGES, held="messages")
    assert "feature_not_found" == (await api.refused("balances.track_tokens", CALL)).code
    await api.call("features.create", CREDITS)
    await api.call("features.create", other)
    refused = await api.refused("balances.track_tokens", CALL)

    assert (400, "invalid_inputs") == (refused.status, refused.code)
    assert "feature_id" in refused.message
    assert 0.0126 == (await api.call("balances.track_tokens", {**CALL, "feature_id": "credits"}))["value"]
    await api.call("features.update", {"feature_id": "other", "archived": True})
    assert 0.0126 == (await api.call("balances.track_tokens", CALL))["value"]


@on_sqlite
async def test_a_changed_markup_counts_from_then_on(api: Api) -> None:
    """What was counted stays as it was."""
    await open_shop(api)
    before = await api.call("balances.track_tokens", CALL)
    await api.call("features.update", {"feature_id": "credits", "default_markup": -100})
    after = await api.call("balances.track_tokens", CALL)

    assert (0.0126, 0) == (before["value"], after["value"])
    assert 9.9874 == await left(api)


@on_sqlite
async def test_credits_of_credits(api: Api) -> None:
    """A credit system may pay for AI credits, each of which costs as many of its own (api.md §2.3)."""
    paying = {"metered_feature_id": "credits", "credit_cost": 100}
    coins = {"feature_id": "coins", "name": "Coins", "type": "credit_system", "credit_schema": [paying]}
    await open_shop(api, CREDITS, coins, held="coins")
    answer = await api.call("balances.track_tokens", CALL)

    assert ("coins", 8.74) == (answer["balance"]["feature_id"], answer["balance"]["remaining"])
    assert [("coins", 1.26)] == [(each["feature_id"], each["value"]) for each in answer["deductions"]]


@on_sqlite
async def test_tokens_as_any_other_usage(api: Api) -> None:
    """Old address, 202 with `async`, for an entity, in the past, beyond the balance, and once per idempotency key."""
    await open_shop(api, CREDITS, {"feature_id": "seats", "name": "Seats", "type": "metered"})
    await api.call("entities.create", {**ADA, "entity_id": "desk", "feature_id": "seats"})
    accepted = await api.send("track_tokens", {**CALL, "entity_id": "desk", "async": True})

    assert 202 == accepted.status_code
    assert {**ADA, "entity_id": "desk", "value": 0.0126, "balance": None} == accepted.json()
    dated = {**CALL, "timestamp": JANUARY_MS - 1}
    assert 200 == (await api.send("balances.track_tokens", dated, **ONCE)).status_code
    again = await api.refused("balances.track_tokens", dated, **ONCE)
    assert "duplicate_idempotency_key" == again.code
    events = (await api.call("events.list", {**ADA, "feature_id": "credits"}))["list"]
    assert [JANUARY_MS, JANUARY_MS - 1] == [event["timestamp"] for event in events]
    assert 9.9748 == await left(api)
    much = {**CALL, "input_tokens": 10_000_000}
    capped = await api.call("balances.track_tokens", much)
    assert (36.0090, 0) == (capped["value"], capped["balance"]["remaining"])
    assert 9.9748 == capped["deductions"][0]["value"]
    over = await api.call("balances.track_tokens", {**CALL, "overage_behavior": "overflow"})
    assert 10.0126 == over["balance"]["usage"]
