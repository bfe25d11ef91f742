"""balances.check and balances.track over HTTP (api.md §2.4)."""

import asyncio

import pytest

from sumac.core.clock import ManualClock
from tests.api.shop import FEBRUARY_MS, JANUARY_MS, add_ada, stock, subscribe_ada
from tests.support.api import Api, Body, Refused, on_sqlite

MESSAGES = {"customer_id": "ada", "feature_id": "messages"}


def balance_of(breakdown_id: str, *, usage: float) -> Body:
    """The messages of Pro, of which some are used."""
    return {
        "feature_id": "messages",
        "granted": 1000,
        "remaining": max(0, 1000 - usage),
        "usage": usage,
        "unlimited": False,
        "overage_allowed": True,
        "max_purchase": None,
        "next_reset_at": FEBRUARY_MS,
        "breakdown": [
            {
                "id": breakdown_id,
                "plan_id": "pro",
                "included_grant": 1000,
                "prepaid_grant": 0,
                "remaining": max(0, 1000 - usage),
                "usage": usage,
                "unlimited": False,
                "reset": {"interval": "month", "resets_at": FEBRUARY_MS},
                "price": {"amount": 2, "billing_units": 500, "billing_method": "usage_based", "max_purchase": None},
                "expires_at": None,
            }
        ],
    }


def deduction_of(balance: Body, value: float) -> Body:
    """What a track took from the only source of that balance."""
    source = balance["breakdown"][0]
    return {
        "balance_id": source["id"],
        "feature_id": balance["feature_id"],
        "plan_id": source["plan_id"],
        "reset": source["reset"],
        "value": value,
    }


async def breakdown_id(api: Api, feature_id: str = "messages") -> str:
    ada = await api.call("customers.get", {"customer_id": "ada"})
    found: str = ada["balances"][feature_id]["breakdown"][0]["id"]
    return found


async def drop_credits(api: Api) -> None:
    """Without a credit system that pays for messages, answers speak of messages alone, as the worked examples do."""
    await api.call("plans.delete", {"plan_id": "credit_pack"})
    await api.call("features.delete", {"feature_id": "ai_credits"})


async def test_a_check_is_answered_as_documented(api: Api) -> None:
    """The worked example of api.md §5.1; the older addresses answer the same."""
    await subscribe_ada(api)
    await api.call("balances.track", {**MESSAGES, "value": 60})
    expected = {
        "allowed": True,
        "customer_id": "ada",
        "required_balance": 1,
        "balance": balance_of(await breakdown_id(api), usage=60),
        "flag": None,
    }

    assert expected == await api.call("balances.check", {**MESSAGES, "required_balance": 1})
    for path in ("balances.check", "check", "entitled"):
        assert expected == await api.call(path, MESSAGES)


async def test_a_flag_is_answered_as_documented(api: Api) -> None:
    """The worked example of api.md §5.1; without it, everything is null and not allowed."""
    await add_ada(api)
    request = {"customer_id": "ada", "feature_id": "sso"}
    without = {"allowed": False, "customer_id": "ada", "required_balance": 1, "balance": None, "flag": None}

    assert without == await api.call("balances.check", request)

    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "pro"})
    ada = await api.call("customers.get", {"customer_id": "ada"})
    flag = {"id": ada["flags"]["sso"]["id"], "plan_id": "pro", "expires_at": None, "feature_id": "sso"}

    assert {**without, "allowed": True, "flag": flag} == await api.call("balances.check", request)


async def test_a_track_is_answered_as_documented(api: Api) -> None:
    """The worked example of api.md §5.1; the older addresses do the same."""
    await subscribe_ada(api)
    await drop_credits(api)
    source = await breakdown_id(api)
    for usage, path in enumerate(("balances.track", "track", "events"), start=1):
        balance = balance_of(source, usage=usage)

        assert {
            "customer_id": "ada",
            "value": 1,
            "balance": balance,
            "deductions": [deduction_of(balance, 1)],
        } == await api.call(path, {**MESSAGES, "value": 1, "properties": {"model": "small"}})


async def test_a_credit_system_that_pays_is_shown_beside(api: Api) -> None:
    """Credits stand in `balances` whether they were touched or not; a track that used both has no single balance."""
    await add_ada(api)
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "credit_pack"})
    own = await api.call("balances.track", {**MESSAGES, "value": 45})
    both = await api.call("balances.track", {**MESSAGES, "value": 10})
    credits_left = both["balances"]["ai_credits"]

    assert {"messages", "ai_credits"} == own["balances"].keys()
    assert own["balance"] == own["balances"]["messages"]
    assert both["balance"] is None
    assert (0, 55 - 5) == (both["balances"]["messages"]["remaining"], both["balances"]["messages"]["usage"])
    assert (99, 1) == (credits_left["remaining"], credits_left["usage"])
    assert [("messages", 5), ("ai_credits", 1)] == [
        (deduction["feature_id"], deduction["value"]) for deduction in both["deductions"]
    ]


async def test_a_check_that_credits_pay_for_speaks_of_credits(api: Api) -> None:
    """Balance and required units are those of the credit system: required x cost (api.md §2.4)."""
    await add_ada(api)
    await api.call("billing.attach", {"customer_id": "ada", "plan_id": "credit_pack"})
    answer = await api.call("balances.check", {**MESSAGES, "required_balance": 60})

    assert (True, 12, "ai_credits") == (answer["allowed"], answer["required_balance"], answer["balance"]["feature_id"])
    assert not (await api.call("balances.check", {**MESSAGES, "required_balance": 501}))["allowed"]


async def test_an_event_name_counts_for_the_features_that_listen(api: Api) -> None:
    """The name is answered, and one event is appended per feature (api.md §2.3)."""
    await add_ada(api)
    await drop_credits(api)
    answer = await api.call("balances.track", {"customer_id": "ada", "event_name": "message_sent", "value": 2.0})

    assert ("message_sent", 2, 48) == (answer["event_name"], answer["value"], answer["balance"]["remaining"])


async def test_features_are_expanded_in_balances_and_flags(api: Api) -> None:
    """balance.feature on check and track, flag.feature on check (api.md §1.11)."""
    await subscribe_ada(api)
    messages = await api.call("features.get", {"feature_id": "messages"})
    sso = await api.call("features.get", {"feature_id": "sso"})
    checked = await api.call("balances.check", {**MESSAGES, "expand": ["balance.feature"]})
    tracked = await api.call("balances.track", {**MESSAGES, "expand": ["balance.feature"]})
    flagged = await api.call("balances.check", {"customer_id": "ada", "feature_id": "sso", "expand": ["flag.feature"]})

    assert messages == checked["balance"]["feature"] == tracked["balance"]["feature"]
    assert sso == flagged["flag"]["feature"]


@pytest.mark.parametrize(
    ("value", "usage"), [(3.0, 3), (0.1, 0.1), (0.0000000001, 0.0000000001), (0, 0), (-2, 0), (1200, 1200)]
)
async def test_units_are_counted_exactly(api: Api, value: float, usage: float) -> None:
    """Ten decimal digits at least, no drift, floats where integers are meant; usage does not fall below zero."""
    await subscribe_ada(api)
    answer = await api.call("balances.track", {**MESSAGES, "value": value})

    assert (value, usage) == (answer["value"], answer["balance"]["usage"])
    assert max(0, 1000 - value) == pytest.approx(answer["balance"]["remaining"]) or value < 0


async def test_tenths_add_up(api: Api) -> None:
    """0.1 ten times is 1, not 0.9999999999999999 (api.md §1.7)."""
    await subscribe_ada(api)
    for _ in range(10):
        await api.call("balances.track", {**MESSAGES, "value": 0.1})
    text = (await api.send("balances.check", MESSAGES)).text

    assert '"usage":1,' in text
    assert '"remaining":999,' in text


async def test_a_check_may_count_at_once(api: Api) -> None:
    """`send_event` deducts what was required if it is allowed, and nothing if it is not (api.md §2.4)."""
    await add_ada(api)
    await drop_credits(api)
    counted = await api.call("balances.check", {**MESSAGES, "required_balance": 30, "send_event": True})
    refused = await api.call("balances.check", {**MESSAGES, "required_balance": 30, "send_event": True})
    events = await api.call("events.list", {"customer_id": "ada"})

    assert (True, 20, 30) == (counted["allowed"], counted["balance"]["remaining"], counted["balance"]["usage"])
    assert (False, 20, 30) == (refused["allowed"], refused["balance"]["remaining"], refused["balance"]["usage"])
    assert [30] == [event["value"] for event in events["list"]]


async def test_what_is_not_there_is_capped_or_refused(api: Api) -> None:
    """`cap` takes what is there, `reject` takes nothing, `overflow` takes everything (api.md §2.4)."""
    await add_ada(api)
    await drop_credits(api)
    refused = await api.refused("balances.track", {**MESSAGES, "value": 60, "overage_behavior": "reject"})
    capped = await api.call("balances.track", {**MESSAGES, "value": 60})
    overflown = await api.call("balances.track", {**MESSAGES, "value": 5, "overage_behavior": "overflow"})

    assert (400, "insufficient_balance") == (refused.status, refused.code)
    assert (0, 50, 50) == (
        capped["balance"]["remaining"], capped["balance"]["usage"], capped["deductions"][0]["value"]
    )  # fmt: skip
    assert (0, 55) == (overflown["balance"]["remaining"], overflown["balance"]["usage"])


async def test_parallel_spending_never_overspends(api: Api) -> None:
    """Sixty callers with a balance for fifty: fifty are served, the balance is zero (security.md §5.4 2)."""
    await add_ada(api)
    await drop_credits(api)
    body = {**MESSAGES, "overage_behavior": "reject"}
    answers = await asyncio.gather(*(api.send("balances.track", body) for _ in range(60)))
    checked = await api.call("balances.check", MESSAGES)

    assert [200] * 50 + [400] * 10 == sorted(answer.status_code for answer in answers)
    assert (False, 0, 50) == (checked["allowed"], checked["balance"]["remaining"], checked["balance"]["usage"])


async def test_a_track_with_a_key_counts_once(api: Api) -> None:
    """The body's `idempotency_key` has a namespace of its own, apart from the header's (api.md §1.9)."""
    await add_ada(api)
    await drop_credits(api)
    body = {**MESSAGES, "idempotency_key": "k1"}
    await api.call("balances.track", body)
    again = await api.refused("balances.track", body)
    apart = await api.call("balances.track", MESSAGES, **{"idempotency-key": "k1"})

    assert (409, "duplicate_idempotency_key") == (again.status, again.code)
    assert 2 == apart["balance"]["usage"]


async def test_a_balance_resets_when_its_time_comes(api: Api, clock: ManualClock) -> None:
    """Right at the millisecond, computed on read, without any job (design.md §5)."""
    await add_ada(api)
    await drop_credits(api)
    await api.call("balances.track", {**MESSAGES, "value": 50})
    before = await api.call("balances.check", MESSAGES)
    clock.move_to(clock.now().replace(month=2))
    after = await api.call("balances.check", MESSAGES)

    assert (False, 0, FEBRUARY_MS) == (
        before["allowed"],
        before["balance"]["remaining"],
        before["balance"]["next_reset_at"],
    )
    assert (True, 50, 0) == (after["allowed"], after["balance"]["remaining"], after["balance"]["usage"])


async def test_usage_may_be_told_late(api: Api) -> None:
    """A timestamp in the past is the event's own; one in the future is refused (api.md §2.4)."""
    await add_ada(api)
    await api.call("balances.track", {**MESSAGES, "timestamp": float(JANUARY_MS - 5000)})
    events = await api.call("events.list", {"customer_id": "ada"})
    refused = await api.refused("balances.track", {**MESSAGES, "timestamp": JANUARY_MS + 1})

    assert [JANUARY_MS - 5000] == [event["timestamp"] for event in events["list"]]
    assert (400, "invalid_inputs") == (refused.status, refused.code)


LARGE = 10**15
BROKEN_RULES: list[Refused] = [
    ("balances.track", {"customer_id": "ghost", "feature_id": "messages"}, 404, "customer_not_found"),
    ("balances.track", {"customer_id": "ada", "feature_id": "ghost"}, 404, "feature_not_found"),
    ("balances.track", {"customer_id": "ada", "event_name": "ghost"}, 404, "feature_not_found"),
    ("balances.track", {"customer_id": "ada"}, 400, "invalid_inputs"),
    ("balances.track", {**MESSAGES, "event_name": "message_sent"}, 400, "invalid_inputs"),
    ("balances.track", {"customer_id": "ada", "feature_id": "sso"}, 400, "invalid_request"),
    ("balances.track", {**MESSAGES, "entity_id": "ghost"}, 404, "entity_not_found"),
    ("balances.track", {**MESSAGES, "value": "1"}, 400, "invalid_inputs"),
    ("balances.track", {**MESSAGES, "value": True}, 400, "invalid_inputs"),
    ("balances.track", {**MESSAGES, "value": LARGE * 10**30}, 400, "invalid_inputs"),
    ("balances.track", {**MESSAGES, "overage_behavior": "ask"}, 400, "invalid_inputs"),
    ("balances.track", {**MESSAGES, "properties": []}, 400, "invalid_inputs"),
    ("balances.track", {**MESSAGES, "idempotency_key": ""}, 400, "invalid_inputs"),
    ("balances.track", {**MESSAGES, "expand": ["flag.feature"]}, 400, "invalid_expand"),
    (
        "balances.track",
        {"customer_id": "ada", "event_name": "message_sent", "overage_behavior": "reject"},
        400,
        "invalid_request",
    ),
    ("balances.check", {"customer_id": "ghost", "feature_id": "messages"}, 404, "customer_not_found"),
    ("balances.check", {"customer_id": "ada", "feature_id": "ghost"}, 404, "feature_not_found"),
    ("balances.check", {"customer_id": "ada"}, 400, "invalid_inputs"),
    ("balances.check", {**MESSAGES, "entity_id": "ghost"}, 404, "entity_not_found"),
    ("balances.check", {**MESSAGES, "required_balance": "many"}, 400, "invalid_inputs"),
    ("balances.check", {**MESSAGES, "expand": ["feature"]}, 400, "invalid_expand"),
    ("balances.check", {"customer_id": "ada", "feature_id": "sso", "send_event": True}, 400, "invalid_request"),
]


@on_sqlite
async def test_a_rule_of_balances_that_is_broken(api: Api) -> None:
    """Each is refused with its own code; nothing is counted and no event is written (api.md §2.4)."""
    await add_ada(api)
    before = await api.call("customers.get", {"customer_id": "ada"})

    assert BROKEN_RULES == await api.refusals(BROKEN_RULES)
    assert before == await api.call("customers.get", {"customer_id": "ada"})
    assert [] == (await api.call("events.list"))["list"]


@on_sqlite
async def test_the_documented_refusal(api: Api) -> None:
    """The worked example of api.md §5.1, to the letter."""
    await stock(api)
    answer = await api.send("balances.track", {"customer_id": "ghost", "feature_id": "messages"})

    assert {"message": "Customer ghost not found", "code": "customer_not_found", "env": "sandbox"} == answer.json()
    assert 404 == answer.status_code
