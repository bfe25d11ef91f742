"""What a changed plan would have cost, over HTTP (decision 0023)."""

from typing import Any

from tests.api.shop import FEBRUARY_MS, JANUARY_MS, MONTH, PRO_ITEMS, subscribe_ada
from tests.support.api import Api, Refused, on_sqlite

BACKWARDS = {"start": FEBRUARY_MS, "end": JANUARY_MS}
ASKED: dict[str, Any] = {"plan_id": "pro", "period": {"start": JANUARY_MS, "end": FEBRUARY_MS}}
DEARER = [
    {
        "feature_id": "messages",
        "included": 500,
        "reset": MONTH,
        "price": {"amount": 1, "interval": "month", "billing_units": 100, "billing_method": "usage_based"},
    },
    *PRO_ITEMS[1:],
]


async def test_a_change_is_compared_with_the_present(api: Api) -> None:
    """1,800 messages: $4 as it is, $13 under the change; the plan itself stays as it was."""
    await subscribe_ada(api)
    await api.call("balances.track", {"customer_id": "ada", "feature_id": "messages", "value": 1800})
    plan = await api.call("plans.get", {"plan_id": "pro"})
    answer = await api.call("plans.what_if", {**ASKED, "changes": {"items": DEARER}})
    (ada,) = answer["list"]

    assert ("ada", "usd", None, 9) == (ada["customer_id"], ada["currency"], ada["excluded"], ada["difference"])
    assert {"recurring": 30, "prepaid": 24, "overage": 4, "total": 58} == ada["before"]
    assert {"recurring": 30, "prepaid": 24, "overage": 13, "total": 67} == ada["after"]
    gone = {"used": 1800, "ran_out_at": JANUARY_MS, "refused": 0}
    assert [{"feature_id": "messages", "before": gone, "after": gone}] == ada["features"]
    assert {
        "replayed": 1,
        "excluded": 0,
        "paying_more": 1,
        "paying_less": 0,
        "refused_more": 0,
        "amounts": [{"currency": "usd", "before": 58, "after": 67, "difference": 9}],
    } == answer["totals"]
    assert plan == await api.call("plans.get", {"plan_id": "pro"})


async def test_no_change_is_no_difference(api: Api) -> None:
    """Without changes, and by default for the last full month, in which nobody held the plan yet."""
    await subscribe_ada(api)
    same = await api.call("plans.what_if", {**ASKED, "changes": {}, "customer_ids": ["ada"]})
    before = await api.call("plans.what_if", {"plan_id": "pro", "changes": {"price": None}})

    assert [0] == [each["difference"] for each in same["list"]]
    assert JANUARY_MS == before["period"]["end"]
    assert ["held_for_part"] == [each["excluded"] for each in before["list"]]
    assert (0, []) == (before["totals"]["replayed"], before["totals"]["amounts"])


REFUSED: list[Refused] = [
    ("plans.what_if", {**ASKED, "changes": {}, "plan_id": "ghost"}, 404, "product_not_found"),
    ("plans.what_if", {**ASKED, "changes": {}, "customer_ids": ["nobody"]}, 404, "customer_not_found"),
    ("plans.what_if", {**ASKED, "changes": {}, "limit": 101}, 400, "invalid_request"),
    ("plans.what_if", {**ASKED, "changes": {}, "start_cursor": "what"}, 400, "invalid_cursor"),
    ("plans.what_if", {**ASKED, "changes": {"items": [{"feature_id": "ghost"}]}}, 404, "feature_not_found"),
    ("plans.what_if", {"plan_id": "pro", "changes": {}, "period": BACKWARDS}, 400, "invalid_request"),
]


@on_sqlite
async def test_what_cannot_be_asked_is_refused(api: Api) -> None:
    """An unknown plan, customer or feature, too long a page and a period that ends first."""
    await subscribe_ada(api)

    assert REFUSED == await api.refusals(REFUSED)
