"""What limits usage beside the balance: overage controls and spend limits (billing.md §4.2, §6.2, §6.3)."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from sumac.balances.model import BalanceSnapshot, Grant
from sumac.balances.requests import OverageBehavior
from sumac.balances.rules.access import LimitKind
from sumac.core.errors import BadRequest
from tests.rules.limited import (
    CAP,
    OVERFLOW,
    PAID,
    REJECT,
    asked,
    balances,
    held_plan,
    limited,
    overage,
    percentage,
    spend_limit,
    used,
)
from tests.rules.offers import grant

MAX_300 = {**PAID, "max_purchase": Decimal(300)}


@pytest.mark.parametrize(
    ("before", "required", "held_by"),
    [
        pytest.param(limited([grant("messages", 100, 100)], overage()), 10**9, None, id="allowed-by-the-control"),
        pytest.param(
            limited([grant("messages", 100, 100)], overage(enabled=False)), 1, LimitKind.INCLUDED, id="forbidden-anyway"
        ),
        pytest.param(
            limited([grant("messages", 100, 100, **PAID)], overage(enabled=False)),
            1,
            LimitKind.INCLUDED,
            id="beats-native",
        ),
        pytest.param(
            limited([grant("messages", 100, 40, **PAID)], overage(enabled=False)),
            60,
            None,
            id="what-is-left-is-allowed",
        ),
        pytest.param(
            limited([grant("messages", 100, 100, **PAID)], overage(enabled=False)), -1, None, id="less-than-nothing"
        ),
        pytest.param(
            limited([grant("messages", 100, **MAX_300)], overage()),
            401,
            LimitKind.MAX_PURCHASE,
            id="native-keeps-its-cap",
        ),
        pytest.param(limited([grant("messages", 100, **MAX_300)], overage()), 400, None, id="up-to-the-native-cap"),
        pytest.param(
            limited([grant("messages", unlimited=True, reset=None)], overage(enabled=False)),
            10**9,
            None,
            id="unlimited",
        ),
        pytest.param(limited([grant("messages", 100, **PAID)], spend_limit(25)), 125, None, id="up-to-the-spend-limit"),
        pytest.param(
            limited([grant("messages", 100, **PAID)], spend_limit(25)),
            "125.0000000001",
            LimitKind.SPEND_LIMIT,
            id="a-hair-beyond-it",
        ),
        pytest.param(
            limited([grant("messages", 100, **MAX_300)], spend_limit(500)), 600, None, id="in-the-place-of-max-purchase"
        ),
        pytest.param(
            limited([grant("messages", 100, **MAX_300)], spend_limit(500, enabled=False)),
            401,
            LimitKind.MAX_PURCHASE,
            id="disabled-max-purchase-again",
        ),
        pytest.param(
            limited([grant("messages", 100, 140, **PAID)], spend_limit(25)),
            1,
            LimitKind.SPEND_LIMIT,
            id="beyond-already",
        ),
        pytest.param(limited([grant("messages", 100, 140, **PAID)], spend_limit(25)), 0, None, id="nothing-required"),
        pytest.param(
            limited([grant("messages", 100, 140, **PAID), grant("messages", 10, id="b")], spend_limit(25)),
            10,
            None,
            id="beyond-it-what-is-left-elsewhere-counts",
        ),
        pytest.param(
            limited([grant("messages", 100)], spend_limit(25)),
            101,
            LimitKind.INCLUDED,
            id="no-overage-nothing-to-limit",
        ),
        pytest.param(
            limited([grant("messages", 100)], overage(), spend_limit(25)), 125, None, id="control-and-limit-together"
        ),
        pytest.param(
            limited([grant("messages", 100)], overage(), spend_limit(25)),
            126,
            LimitKind.SPEND_LIMIT,
            id="beyond-both-together",
        ),
        pytest.param(
            limited([grant("messages", 100, **PAID)], percentage(20)), 10**9, None, id="a-percentage-of-nothing"
        ),
        pytest.param(
            limited([grant("messages", 100, **PAID)], spend_limit(0)),
            101,
            LimitKind.SPEND_LIMIT,
            id="no-overage-at-all",
        ),
    ],
)
def test_check(before: BalanceSnapshot, required: int | str, held_by: LimitKind | None) -> None:
    """Control first, then the spend limit, then max_purchase; equality passes; track with reject agrees."""
    access = asked(before, required)

    assert (held_by is None, held_by) == (access.allowed, access.held_by)
    if held_by is None:
        used(before, required, REJECT)
    else:
        with pytest.raises(BadRequest, match="does not cover"):
            used(before, required, REJECT)


def main_and(plan_id: str, **changes: bool) -> Sequence[Grant]:
    """100 units of a main plan and 50 or 100 of another, paid after use."""
    included = 100 if changes.get("add_on") else 50
    return [
        grant("messages", 100, id="main", customer_plan_id="held-main", **PAID),
        grant("messages", included, id=plan_id, customer_plan_id=f"held-{plan_id}", **PAID, **changes),
    ]


LIFETIME = [
    grant("messages", 1000, id="lasting", reset=None),
    grant("messages", 100, id="paid", **PAID),
]
TWO_PLANS = [held_plan("first", spend_limit(10)), held_plan("later", spend_limit(50))]
GRANTED_2200 = [
    grant("messages", 1200, id="first", customer_plan_id="held-first", **PAID),
    grant("messages", 1000, id="later", customer_plan_id="held-later", **PAID),
]
MAIN2 = [held_plan("main", percentage(120)), held_plan("main2")]
EXTRA = [held_plan("main", percentage(120)), held_plan("extra", add_on=True)]


@pytest.mark.parametrize(
    ("before", "tracked", "behavior", "usage"),
    [
        pytest.param(limited(LIFETIME, spend_limit(25)), [1120, 10], CAP, 1125, id="25-units-whatever-they-cost"),
        pytest.param(limited(LIFETIME, spend_limit(25)), [1120, 10], OVERFLOW, 1125, id="overflow-obeys-it"),
        pytest.param(limited(LIFETIME, spend_limit(25), overage(enabled=False)), [1120], CAP, 1100, id="forbidden"),
        pytest.param(limited(main_and("main2"), plans=MAIN2), [330], REJECT, 330, id="120-percent-of-two-main-plans"),
        pytest.param(limited(main_and("extra", add_on=True), plans=EXTRA), [320], REJECT, 320, id="add-ons-give-none"),
        pytest.param(limited(GRANTED_2200, plans=TWO_PLANS), [2200, 30], CAP, 2210, id="the-lower-of-two-plans"),
        pytest.param(limited([grant("messages", 5)], overage()), [8], CAP, 8, id="overage-by-the-control"),
        pytest.param(limited([grant("messages", 5)], overage(), spend_limit("0.1")), [8], CAP, "5.1", id="a-tenth"),
        pytest.param(limited([grant("messages", 5)], spend_limit(2)), [8], OVERFLOW, 7, id="overflow-of-free-units"),
        pytest.param(limited([grant("messages", 5)], overage(enabled=False)), [8], OVERFLOW, 8, id="overflow-anyway"),
        pytest.param(
            limited([grant("messages", 5, **PAID)], overage(enabled=False)),
            [8],
            OVERFLOW,
            8,
            id="overflow-of-paid-units",
        ),
        pytest.param(
            limited([grant("messages", 5, 9, **PAID)], spend_limit(2)), [3], CAP, 9, id="beyond-already-nothing-fits"
        ),
        pytest.param(
            limited([grant("messages", 5, 9, **PAID)], spend_limit(2)),
            [-3, 9],
            CAP,
            7,
            id="given-back-then-to-the-limit",
        ),
        pytest.param(
            limited(
                [grant("messages", 0, id="a", **PAID), grant("messages", 0, id="b", add_on=True, **PAID)],
                spend_limit(5),
            ),
            [3, 9],
            CAP,
            5,
            id="one-limit-for-all-grants",
        ),
    ],
)
def test_track(before: BalanceSnapshot, tracked: Sequence[int], behavior: OverageBehavior, usage: int | str) -> None:
    """What is used in the end, where the last step may not fit."""
    after = before
    for value in tracked:
        after = used(after, value, behavior)

    assert Decimal(usage) == sum(each.usage for each in after.grants)


@pytest.mark.parametrize(
    ("before", "too_much"),
    [
        pytest.param(used(limited(LIFETIME, spend_limit(25)), 1125), 10, id="limit-reached"),
        pytest.param(limited(main_and("main2"), plans=MAIN2), "330.0000000001", id="a-hair-beyond-120-percent"),
        pytest.param(limited(main_and("extra", add_on=True), plans=EXTRA), 321, id="beyond-120-percent-of-the-main"),
    ],
)
def test_a_rejected_track_takes_nothing(before: BalanceSnapshot, too_much: int | str) -> None:
    """The whole value must fit, or nothing moves."""
    with pytest.raises(BadRequest, match="does not cover") as refused:
        used(before, too_much, REJECT)

    assert "insufficient_balance" == refused.value.code


@pytest.mark.parametrize(
    ("before", "behavior", "held"),
    [
        (limited([grant("seats", 5, reset=None)]), CAP, -3),
        (limited([grant("seats", 5, reset=None)], overage("seats", enabled=False)), CAP, 0),
        (limited([grant("seats", 5, reset=None)], overage("seats")), REJECT, -3),
        (limited([grant("seats", 5, reset=None)], spend_limit(2, "seats")), CAP, -2),
        (limited([grant("seats", 5, reset=None)], spend_limit(2, None)), CAP, -2),
    ],
)
def test_free_seats(before: BalanceSnapshot, behavior: OverageBehavior, held: int) -> None:
    """They may be exceeded by themselves unless a control forbids it, and on check only when one allows it."""
    assert [held] == balances(used(before, 8, behavior, "seats"))


def test_free_seats_are_offered_when_the_control_allows_it() -> None:
    """A check at zero says no by itself, and yes with the control (billing.md §4.2)."""
    seats = [grant("seats", 5, 5, reset=None)]

    assert not asked(limited(seats), 1, "seats").allowed
    assert asked(limited(seats, overage("seats")), 1, "seats").allowed


def test_an_entity_that_forbids_beats_a_customer_that_allows() -> None:
    """Entity false beats customer true, for that entity only (billing.md §6.2)."""
    slots = [grant("messages", 10, id=key, entity_key=key, **PAID) for key in ("e1", "e2")]
    before = limited(slots, overage(), entities={"e1": [overage(enabled=False)], "e2": []})

    assert [0, 10] == balances(used(before, 15, entity_id="e1"))
    assert [10, -5] == balances(used(before, 15, entity_id="e2"))
    assert (False, True) == tuple(asked(before, 11, entity_id=key).allowed for key in ("e1", "e2"))


def test_a_customers_spend_limit_holds_for_each_entity() -> None:
    """Usage of an entity is measured by that entity's overage alone: two entities get 25 each (billing.md §6.3)."""
    slots = [grant("messages", 0, id=key, entity_key=key, **PAID) for key in ("e1", "e2")]
    before = limited(slots, spend_limit(25), entities={"e1": [], "e2": []})
    first = used(before, 30, entity_id="e1")

    assert [-25, 0] == balances(first)
    assert [-25, -25] == balances(used(first, 30, entity_id="e2"))
    assert [-25, 0] == balances(used(first, 30))


def test_a_limit_on_credits_holds_what_they_pay_for() -> None:
    """The limit belongs to the feature whose units go below zero."""
    before = limited([grant("action1", 10), grant("credits", 1, **PAID)], spend_limit(2, "credits"))

    assert [0, -2] == balances(used(before, 100, feature_id="action1"))
    assert [0, 1] == balances(used(limited(before.grants, overage("action1", enabled=False)), 10, REJECT, "action1"))
    assert asked(before, 15, "action1").allowed
    assert LimitKind.SPEND_LIMIT == asked(before, "15.1", "action1").held_by


def test_replaceable_seats_do_not_widen_a_spend_limit() -> None:
    """Seats that are paid for and free remain; the limit is on seats that are held."""
    held = grant("seats", 1, 3, reset=None, replaceables=Decimal(2), **PAID)
    before = limited([held], spend_limit(5, "seats"))

    assert asked(before, 3, "seats").allowed
    assert LimitKind.SPEND_LIMIT == asked(before, 4, "seats").held_by
