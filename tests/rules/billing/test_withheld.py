"""Units of a plan that is past due, and overage that counts for the next period (billing.md §9.2, §9.3)."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from sumac.balances.model import Grant, RolledUnits
from sumac.billing.model import Holding, PlanStatus, ResetGrants
from sumac.billing.rules.refill import refill_late
from sumac.billing.rules.turn import compute_due_at, decide_turn
from sumac.catalog.model import Rollover
from tests.rules.decisions import FEBRUARY, MARCH, resets, turn
from tests.rules.offers import PRO, at, grant, held, item, plan, prepaid, snapshot, usage_based

FOREVER = Rollover("forever", 0)
GROWTH = plan("growth", 100, item("messages", 100), item("words", 10, price=usage_based("1")))
TOLERANT = replace(GROWTH, ignore_past_due=True)


def behind(offer: Holding, due: datetime = FEBRUARY) -> Holding:
    """The plan is past due, and renews at the instant."""
    return Holding(replace(offer.held, status=PlanStatus.PAST_DUE, period_end=due), offer.plan)


def owned(*grants: Grant) -> list[Grant]:
    return [replace(each, customer_plan_id="growth") for each in grants]


MESSAGES, WORDS = owned(grant("messages", 100, 40), grant("words", 10, 4, price=usage_based("1"), overage_allowed=True))


@pytest.mark.parametrize(
    ("holding", "expected"),
    [
        pytest.param(held(GROWTH, id="growth"), {"messages-grant", "words-grant"}, id="active"),
        pytest.param(behind(held(GROWTH, id="growth")), {"words-grant"}, id="past-due"),
        pytest.param(behind(held(TOLERANT, id="growth")), {"messages-grant", "words-grant"}, id="ignored"),
        pytest.param(behind(held(GROWTH, id="another")), {"messages-grant", "words-grant"}, id="another-plan"),
    ],
)
def test_what_is_full_again_while_past_due(holding: Holding, expected: set[str]) -> None:
    """Units without a price wait, unless the plan says otherwise; what is billed is given with every period."""
    decision = turn(holding, grants=[MESSAGES, WORDS])

    assert expected == set(resets(decision))


def test_a_period_begun_anew_gives_nothing_that_is_withheld() -> None:
    """Not even then are free units given while the plan is past due."""
    growth = behind(held(GROWTH, id="growth", next_anchor_at=at("2026-01-20")))

    assert {"words-grant"} == set(resets(turn(growth, grants=[MESSAGES, WORDS], at_=at("2026-01-20"))))


def test_withheld_units_are_not_due() -> None:
    """Nothing turns for them; what expires, and what has a price, is due as ever."""
    expiring = replace(MESSAGES, expires_at=at("2026-02-20"))

    assert FEBRUARY == compute_due_at([], [MESSAGES])
    assert None is compute_due_at([], [MESSAGES], withheld={"growth"})
    assert at("2026-02-20") == compute_due_at([], [expiring], withheld={"growth"})
    assert FEBRUARY == compute_due_at([], [MESSAGES, WORDS], withheld={"growth"})


def test_one_reset_makes_up_for_all() -> None:
    """Half a year late, once the plan is paid: full once, what was left rolls over once, the next within a month."""
    late = replace(MESSAGES, rollover=FOREVER)
    gone = replace(grant("messages", 5, id="gone", reset=None), rollover_of=late.id, expires_at=MARCH)
    state = snapshot(held(GROWTH, id="growth"), grants=[late, WORDS, gone, grant("messages", 7, id="free")])

    (action,) = refill_late(state, {"growth"}, now=at("2026-07-15"))

    assert [("messages-grant", Decimal(100), at("2026-08-01"))] == [
        (each.id, each.balance, each.resets_at) for each in action.grants
    ]
    assert ({late.id: RolledUnits(Decimal(60), None)}, ()) == (action.rolled, action.emptied)


@pytest.mark.parametrize(
    ("restored", "now"),
    [
        pytest.param({"growth"}, at("2026-01-31"), id="not-due"),
        pytest.param(set[str](), at("2026-07-15"), id="not-restored"),
    ],
)
def test_nothing_to_make_up_for(restored: set[str], now: datetime) -> None:
    """Units that are not due, or not of a plan that is active again, stay as they are."""
    state = snapshot(held(GROWTH, id="growth"), grants=[MESSAGES])

    assert [] == list(refill_late(state, restored, now=now))


@pytest.mark.parametrize(
    ("each", "persists", "expected"),
    [
        pytest.param(grant("messages", 100, 130), True, 70, id="free"),
        pytest.param(grant("messages", 100, 130), False, 100, id="forgiven"),
        pytest.param(grant("messages", 100, 60), True, 100, id="none"),
        pytest.param(grant("messages", 100, 350), True, -150, id="more-than-a-period"),
        pytest.param(grant("messages", 20, 130, prepaid=80, price=prepaid("1")), True, 70, id="bought-in-advance"),
        pytest.param(
            grant("messages", 100, 130, price=usage_based("1"), overage_allowed=True), True, 100, id="paid-after-use"
        ),
        pytest.param(grant("messages", 100, 130, adjustment=Decimal(9)), True, 79, id="beyond-what-was-edited"),
    ],
)
def test_overage_of_free_units(each: Grant, persists: bool, expected: int) -> None:  # noqa: FBT001  # a setting
    """With the setting it is taken from the next period; what is billed never is (§9.3)."""
    balance = each.balance + each.adjustment
    state = snapshot(held(PRO), grants=[replace(each, balance=balance)], persists_overage=persists)

    (action,) = [each for each in decide_turn(state, at=FEBRUARY).actions if isinstance(each, ResetGrants)]

    assert [Decimal(expected)] == [each.balance for each in action.grants]
    assert [0] == [each.adjustment for each in action.grants]
