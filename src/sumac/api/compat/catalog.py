"""Catalogues before 2.3: the published command line's own types have other words for proration (clients.md §5)."""

from typing import Any

from sumac.api.compat.pairs import Json, Pair

ON_INCREASE = {"prorate": "prorate_immediately", "charge_immediately": "bill_immediately"}
ON_DECREASE = {"prorate": "prorate_immediately", "refund_immediately": "prorate_immediately", "no_action": "none"}


def update_from_2_2(request: Json) -> Json:
    """The request with the words of the contract; what is not shaped as it should be is left for the schema to say."""
    return _each(request, "plans", lambda plan: _each(plan, "items", _item))


def _item(item: Json) -> Json:
    proration = item.get("proration")
    if not isinstance(proration, dict):
        return item
    told = dict(proration)
    for name, words in (("on_increase", ON_INCREASE), ("on_decrease", ON_DECREASE)):
        if isinstance(told.get(name), str):
            told[name] = words.get(told[name], told[name])
    return {**item, "proration": told}


def _each(value: Json, name: str, change: Any) -> Json:  # noqa: ANN401  # a change of one element
    elements = value.get(name)
    if not isinstance(elements, list):
        return value
    return {**value, name: [change(each) if isinstance(each, dict) else each for each in elements]}


PUSHED_FROM_2_2 = Pair(up=update_from_2_2)
