"""A plan made to measure for one customer (api.md §2.0 `customize`)."""

from dataclasses import replace
from typing import Any

import pytest

from sumac.catalog.model import BillingMethod, Customization, ItemFilter
from sumac.catalog.rules.custom import customized
from sumac.core.errors import BadRequest
from sumac.core.time import Interval
from tests.support.build import YEARLY, item, plan, prepaid_price, price, trial, usage_price

BOUGHT = item("messages", 0, price=prepaid_price(10))
USED = item("messages", 100, price=usage_price("0.10"))
WORDS = item("words", 50, reset=YEARLY)
PRO = plan("pro", BOUGHT, USED, WORDS, free_trial=trial(14))


def test_nothing_else_changes() -> None:
    """What is not named stays; a price or a trial that is set to nothing is gone."""
    assert PRO == customized(PRO, Customization())
    assert replace(PRO, price=price(30)) == customized(PRO, Customization(price=price(30), sets_price=True))
    assert replace(PRO, price=None) == customized(PRO, Customization(sets_price=True))
    assert replace(PRO, free_trial=None) == customized(PRO, Customization(sets_trial=True))
    assert replace(PRO, free_trial=trial(7)) == customized(PRO, Customization(free_trial=trial(7), sets_trial=True))


def test_items() -> None:
    """All of them replaced, or some taken away and others added, at the end."""
    more = item("seats", 5, reset=None)

    assert (more,) == customized(PRO, Customization(items=(more,))).items
    assert () == customized(PRO, Customization(items=())).items
    changed = customized(PRO, Customization(remove_items=(ItemFilter("words"),), add_items=(more,)))
    assert (BOUGHT, USED, more) == changed.items


@pytest.mark.parametrize(
    ("named", "kept"),
    [
        ({"feature_id": "messages"}, (WORDS,)),
        ({"billing_method": BillingMethod.PREPAID}, (USED, WORDS)),
        ({"billing_method": BillingMethod.USAGE_BASED, "feature_id": "messages"}, (BOUGHT, WORDS)),
        ({"interval": Interval.YEAR}, (BOUGHT, USED)),
        ({"interval": Interval.MONTH, "billing_method": BillingMethod.PREPAID}, (USED, WORDS)),
        ({"interval_count": 1}, ()),
    ],
)
def test_items_are_named_by_what_is_said_of_them(named: dict[str, Any], kept: tuple[Any, ...]) -> None:
    """All that fit everything said are meant."""
    assert kept == customized(PRO, Customization(remove_items=(ItemFilter(**named),))).items


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (Customization(remove_items=(ItemFilter("seats"),)), "no such item of feature seats"),
        (Customization(remove_items=(ItemFilter(interval=Interval.WEEK),)), "no such item$"),
        (Customization(remove_items=(ItemFilter("words", interval_count=2),)), "no such item"),
        (Customization(items=(), add_items=(WORDS,)), "items replaces all items"),
        (Customization(items=(), remove_items=(ItemFilter("words"),)), "items replaces all items"),
    ],
)
def test_what_is_refused(change: Customization, problem: str) -> None:
    """An item that is not there, and two ways of changing items at once."""
    with pytest.raises(BadRequest, match=problem):
        customized(PRO, change)
