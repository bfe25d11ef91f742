"""Plans before 2.2: what attaching one would mean was told by a single word, and so were units that never come back.

See api.md §1.4, §1.5, §4. The published command line takes no number of units without a reset (clients.md §5).
"""

from typing import Any

from sumac.api.compat.pairs import Json, Pair

FEATURES = "items.feature"
USED_UP = {"single_use", "credit_system"}


def scenario_of(eligibility: Json) -> Any:  # noqa: ANN401  # a text of JSON
    """The word for where the plan stands with the customer, or for what attaching it would be."""
    status = eligibility.get("status")
    if status == "active":
        return "renew" if eligibility["canceling"] else "active"
    action = eligibility["attach_action"]
    return status or (action if action in {"upgrade", "downgrade"} else "new")


def request_before_2_2(request: Json) -> Json:
    """The request, which also asks what the features of the items are: the answer has to know which are used up."""
    asked = request.get("expand") or []
    return {**request, "expand": [*asked, FEATURES]} if isinstance(asked, list) else request


def list_before_2_2(answer: Json) -> Json:
    """The plans with the older `customer_eligibility`, where a customer was named, and with a reset for given units."""
    return {**answer, "list": [_plan(plan) for plan in answer["list"]]}


def _plan(plan: Json) -> Json:
    newer: Any = plan.get("customer_eligibility")
    plan = {**plan, "items": [_item(item) for item in plan["items"]]}
    if newer is None:
        return plan
    kept = {name: newer[name] for name in ("trial_available", "attach_action")}
    return {**plan, "customer_eligibility": {**kept, "scenario": scenario_of(newer)}}


def _item(item: Json) -> Json:
    used_up = item.get("feature", {}).get("type") in USED_UP
    once = used_up and item["reset"] is None and item["price"] is None and item["included"]
    return {**item, "reset": {"interval": "one_off"}} if once else item


LISTED_BEFORE_2_2 = Pair(up=request_before_2_2, down=list_before_2_2)
