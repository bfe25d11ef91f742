"""Balances taken away, and usage spread anew (billing.md §8.3, §8.4)."""

# ruff: noqa: ANN401  # `changes` and `which` are fields of the value being made, of any type

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.model import Grant
from sumac.balances.requests import RemoveRequest, Which
from sumac.balances.rules.remove import Removal, decide_recalculation, decide_removal
from sumac.catalog.model import Proration
from sumac.core.errors import BadRequest, Conflict, NotFound
from sumac.core.time import Interval
from tests.rules.limited import NOON, PAID, limited
from tests.rules.offers import grant, usage_based
from tests.rules.pooled import contribution, pool

MONTHLY_100 = grant("messages", 100, 30)
LASTING_200 = grant("messages", 200, id="lasting", reset=None)
DESK_50 = grant("messages", 50, 5, id="desk-50", entity_key="desk")
SLOT = grant("messages", 50, 5, id="slot", entity_key="desk", shared_id="slots")
OF_PLAN = replace(grant("messages", 10, id="of-plan"), customer_plan_id="held-pro", plan_id="pro")
ROLLED = grant("messages", 40, 10, id="rolled", reset=None, rollover_of="messages-grant")
PRORATION = Proration("bill_immediately", "none")


def removed(grants: Sequence[Grant], *, recalculate: bool = False, paid: Sequence[str] = (), **which: Any) -> Removal:
    """What taking balances away comes to, for a customer with the entity desk."""
    request = RemoveRequest(Which("acme", **which), recalculate=recalculate)
    before = limited(grants, entities={"desk": ()})
    return decide_removal(before, request, paid_plans=paid, carrier_id="carrier", now=NOON)


@pytest.mark.parametrize(
    ("grants", "which", "ended"),
    [
        ([MONTHLY_100, LASTING_200], {"balance_id": "lasting"}, ["lasting"]),
        ([MONTHLY_100, LASTING_200], {"feature_id": "messages"}, ["messages-grant", "lasting"]),
        ([MONTHLY_100, LASTING_200], {"feature_id": "messages", "interval": Interval.MONTH}, ["messages-grant"]),
        ([MONTHLY_100, DESK_50], {"feature_id": "messages"}, ["messages-grant"]),
        ([MONTHLY_100, DESK_50], {"feature_id": "messages", "entity_id": "desk"}, ["desk-50"]),
        ([MONTHLY_100, DESK_50], {"balance_id": "desk-50"}, ["desk-50"]),
        ([MONTHLY_100, SLOT], {"feature_id": "messages"}, ["messages-grant", "slot"]),
        ([MONTHLY_100, SLOT], {"balance_id": "slots"}, ["slot"]),
        ([MONTHLY_100, ROLLED], {"feature_id": "messages"}, ["messages-grant", "rolled"]),
        ([OF_PLAN, LASTING_200], {"balance_id": "of-plan"}, ["of-plan"]),
        ([grant("sso"), LASTING_200], {"feature_id": "sso"}, ["sso-grant"]),
    ],
)
def test_what_ends(grants: Sequence[Grant], which: Mapping[str, Any], ended: Sequence[str]) -> None:
    """What is meant and what rolled over from it, and nothing else changes: what was used of it is forgotten."""
    removal = removed(grants, **which)

    assert ended == [each.id for each in removal.ended]
    assert ((), None) == (removal.changed, removal.carrier)


@pytest.mark.parametrize(
    ("grants", "which", "changed"),
    [
        ([MONTHLY_100, LASTING_200], {"balance_id": "messages-grant"}, {"lasting": 170}),
        ([MONTHLY_100, grant("messages", 20, id="small")], {"balance_id": "messages-grant"}, {"small": -10}),
        ([grant("messages", 100), LASTING_200], {"balance_id": "messages-grant"}, {}),
        ([grant("messages", 100, -5), LASTING_200], {"balance_id": "messages-grant"}, {}),
        ([grant("messages", unlimited=True, balance=Decimal(-9)), LASTING_200], {"balance_id": "messages-grant"}, {}),
        ([MONTHLY_100, grant("messages", id="endless", unlimited=True)], {"balance_id": "messages-grant"},
         {"endless": -30}),
        ([DESK_50, replace(DESK_50, id="desk-2"), LASTING_200], {"entity_id": "desk", "balance_id": "desk-2"},
         {"desk-50": 40}),
        ([MONTHLY_100, contribution(200, entity_key=None), grant("messages", 20, id="small")],
         {"balance_id": "messages-grant"}, {"small": -10}),
    ],
)  # fmt: skip
def test_what_was_used_is_taken_from_the_others(
    grants: Sequence[Grant], which: Mapping[str, Any], changed: Mapping[str, int]
) -> None:
    """With recalculation those that are left pay for what was used, even below zero; others' scopes do not."""
    removal = removed(grants, recalculate=True, feature_id="messages", **which)

    assert changed == {each.id: each.balance for each in removal.changed}
    assert removal.carrier is None


@pytest.mark.parametrize(
    ("grants", "which", "owner"),
    [([MONTHLY_100], {}, None), ([DESK_50, LASTING_200], {"entity_id": "desk"}, "desk")],
)
def test_what_was_used_is_carried_on(grants: Sequence[Grant], which: Mapping[str, Any], owner: str | None) -> None:
    """Where nothing is left to take it from, a balance that grants nothing and never resets owes it."""
    carrier = removed(grants, recalculate=True, feature_id="messages", **which).carrier

    assert carrier is not None
    assert ("carrier", Decimal(0), -grants[0].usage, None, owner) == (
        carrier.id, carrier.granted, carrier.balance, carrier.resets_at, carrier.entity_key,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("grants", "which", "code"),
    [
        ([grant("messages", 10, **PAID)], {"feature_id": "messages"}, "balance_is_paid"),
        ([OF_PLAN], {"feature_id": "messages"}, "balance_is_paid"),
        ([contribution(entity_key=None)], {"feature_id": "messages"}, "balance_is_pooled"),
        ([contribution(), pool()], {"balance_id": "pool"}, "balance_is_pooled"),
    ],
)
def test_what_cannot_be_taken_away(grants: Sequence[Grant], which: Mapping[str, Any], code: str) -> None:
    """What is paid for comes and goes with its plan, and a pool with those who contribute to it."""
    with pytest.raises(Conflict) as caught:
        removed(grants, paid=["held-pro"], **which)

    assert code == caught.value.code


@pytest.mark.parametrize(
    ("which", "code"),
    [
        ({"balance_id": "other"}, "balance_not_found"),
        ({"feature_id": "words"}, "balance_not_found"),
        ({"feature_id": "unknown"}, "feature_not_found"),
        ({"feature_id": "messages", "entity_id": "desk"}, "balance_not_found"),
        ({"feature_id": "messages", "entity_id": "nobody"}, "entity_not_found"),
    ],
)
def test_what_is_not_there(which: Mapping[str, Any], code: str) -> None:
    """An entity has nothing of its own unless it was given something."""
    with pytest.raises(NotFound) as caught:
        removed([MONTHLY_100], **which)

    assert code == caught.value.code


def test_a_feature_must_be_named() -> None:
    """A name is enough to take a balance away, but not to say of what the others are to pay."""
    with pytest.raises(BadRequest, match="feature_id"):
        removed([MONTHLY_100])
    with pytest.raises(BadRequest, match="feature_id"):
        removed([MONTHLY_100], balance_id="messages-grant", recalculate=True)


def recalculated(grants: Sequence[Grant], **which: Any) -> dict[str, Decimal]:
    """The balances that change, and that spreading them again changes nothing."""
    before = limited(grants, entities={"desk": (), "lamp": ()})
    chosen = Which("acme", "messages", **which)
    changed = {each.id: each for each in decide_recalculation(before, chosen)}
    again = replace(before, grants=tuple(changed.get(each.id, each) for each in before.grants))

    assert () == decide_recalculation(again, chosen)
    return {each.id: each.balance for each in changed.values()}


A_OVER, B_FULL = grant("messages", 100, 130, id="a"), grant("messages", 200, id="b", reset=None)
OVER_OF_DESK = replace(A_OVER, id="desk-a", entity_key="desk")
FULL_OF_DESK = replace(B_FULL, id="desk-b", entity_key="desk")


@pytest.mark.parametrize(
    ("grants", "which", "expected"),
    [
        # −30 of 100 and 200 of 200: 170 in total, nothing below zero
        ([A_OVER, B_FULL], {}, {"a": 0, "b": 170}),
        # 170 used of 150 granted: −20 on one of them only
        ([grant("messages", 100, 170, id="a"), grant("messages", 50, id="b", reset=None)], {}, {"a": -20, "b": 0}),
        # nothing to do
        ([MONTHLY_100, LASTING_200], {}, {}),
        ([A_OVER, grant("messages", 50, 50, id="b")], {}, {}),
        # scopes are never crossed
        ([A_OVER, FULL_OF_DESK], {}, {}),
        ([A_OVER, B_FULL, OVER_OF_DESK, FULL_OF_DESK], {}, {"a": 0, "b": 170, "desk-a": 0, "desk-b": 170}),
        ([A_OVER, B_FULL, OVER_OF_DESK, FULL_OF_DESK], {"entity_id": "desk"}, {"desk-a": 0, "desk-b": 170}),
        # an edit is over: 180 of 150 used, so 120 of 300 are left
        ([replace(A_OVER, adjustment=Decimal(50), balance=Decimal(-30)), B_FULL], {}, {"a": 0, "b": 120}),
        # what rolled over, unlimited units, seats that are billed and pool sources stay as they are
        ([A_OVER, grant("messages", 40, id="rolled", rollover_of="a")], {}, {}),
        ([A_OVER, grant("messages", id="endless", unlimited=True, balance=Decimal(5))], {}, {}),
        ([A_OVER, grant("messages", 5, id="seats", price=usage_based("1"), proration=PRORATION)], {}, {}),
        ([A_OVER, contribution(id="b", entity_key=None, balance=Decimal(40))], {}, {}),
    ],
)
def test_usage_is_spread_anew(grants: Sequence[Grant], which: Mapping[str, Any], expected: Mapping[str, int]) -> None:
    """Where something is overdrawn while something is left, everything used is taken in the usual order."""
    assert expected == recalculated(grants, **which)


def test_an_edit_does_not_survive_a_recalculation() -> None:
    """What was adjusted is as the plan has it again, and no longer marked."""
    edited = replace(A_OVER, adjustment=Decimal(50), edited_at=NOON)
    changed = decide_recalculation(limited([edited, B_FULL]), Which("acme", "messages"))

    assert {(Decimal(0), None)} == {(each.adjustment, each.edited_at) for each in changed}


@pytest.mark.parametrize(
    ("which", "code"),
    [
        ({"feature_id": "words"}, "balance_not_found"),
        ({"feature_id": "messages", "entity_id": "desk"}, "balance_not_found"),
        ({"feature_id": "unknown"}, "feature_not_found"),
        ({"feature_id": "messages", "entity_id": "nobody"}, "entity_not_found"),
    ],
)
def test_nothing_to_recalculate(which: Mapping[str, Any], code: str) -> None:
    """What is not held cannot be recalculated."""
    with pytest.raises(NotFound) as caught:
        decide_recalculation(limited([A_OVER], entities={"desk": ()}), Which("acme", **which))

    assert code == caught.value.code
