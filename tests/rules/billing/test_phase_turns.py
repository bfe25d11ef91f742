"""What a schedule prepared comes true: phases that begin, plans that end with them (billing.md §13.2)."""

# ruff: noqa: ANN401  # `changes` are fields of the value being made, of any type

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.model import (
    EndPlan,
    Holding,
    IssueInvoice,
    PlanStatus,
    StartPlan,
)
from sumac.billing.rules.turn import decide_turn
from sumac.catalog.model import Plan
from tests.rules.decisions import FEBRUARY, HALF, MARCH, amounts, cents, kinds, metered
from tests.rules.offers import (
    ADD_ON,
    FREE,
    JANUARY,
    PREMIUM,
    PRO,
    at,
    canceling,
    grant,
    held,
    item,
    scheduled,
    snapshot,
)
from tests.rules.schedules import PRO_EU, ended, placed


def began(offer: Plan, starts_at: datetime, **changes: Any) -> Holding:
    """The plan that a schedule will start then, counted from the first of January."""
    return scheduled(offer, starts_at, anchor_at=JANUARY, schedule_id="sched_old", **changes)


def test_a_phase_in_the_middle_of_a_cycle_is_prorated() -> None:
    """Pro to Premium at half by the clock: -10 of the old, +25 of the new, as if it were done by hand."""
    decision = decide_turn(snapshot(placed(PRO, ends_at=HALF), began(PREMIUM, HALF)), at=HALF)

    assert [EndPlan, StartPlan, IssueInvoice] == kinds(decision)
    assert [-1000, 2500] == amounts(decision)


def test_a_phase_with_the_cycle_is_a_renewal() -> None:
    """At the boundary nothing is left to give back."""
    decision = decide_turn(snapshot(placed(PRO, ends_at=FEBRUARY), began(PREMIUM, FEBRUARY)), at=FEBRUARY)

    assert [5000] == amounts(decision)


def test_a_plan_that_a_later_phase_leaves_out_is_credited() -> None:
    """An add-on that ends with its phase, at half, is given back; what is owed of it is not."""
    ending = placed(ADD_ON, ends_at=HALF)
    owed = Holding(replace(ending.held, status=PlanStatus.PAST_DUE), ADD_ON)

    assert [-1000] == amounts(decide_turn(snapshot(ending), at=HALF))
    assert [] == amounts(decide_turn(snapshot(owed), at=HALF))


def test_a_plan_whose_place_a_schedule_takes_is_credited() -> None:
    """It was not the schedule's; a plan that was sold until then, or cancelled, is not given back."""
    taken = decide_turn(snapshot(canceling(held(PRO), HALF), began(PREMIUM, HALF)), at=HALF)
    sold = decide_turn(snapshot(held(PRO, ends_at=HALF)), at=HALF)

    assert [-1000, 2500] == amounts(taken)
    assert [] == amounts(sold)


def test_a_schedule_takes_its_place_from_whatever_runs_there() -> None:
    """A plan that came between, such as the free one after a trial, ends where the phase begins; no other does."""
    decision = decide_turn(snapshot(held(FREE), held(PRO_EU), began(PREMIUM, HALF)), at=HALF)
    by_hand = decide_turn(snapshot(held(FREE), scheduled(PREMIUM, HALF, anchor_at=JANUARY)), at=HALF)

    assert ["free"] == ended(decision)
    assert [] == ended(by_hand)


def test_held_units_go_along_into_the_next_phase() -> None:
    """Four seats of an add-on are four seats of the same add-on on other terms."""
    extra = replace(ADD_ON, items=(item("seats", 5),))
    seats = grant("seats", 5, 4, customer_plan_id="held-add-on", reset=None)
    decision = decide_turn(snapshot(placed(extra, ends_at=HALF), began(extra, HALF), grants=[seats]), at=HALF)

    (start,) = [each for each in decision.actions if isinstance(each, StartPlan)]
    assert [Decimal(1)] == [each.balance for each in start.provisions]


def test_a_phase_that_begins_within_a_trial() -> None:
    """What was used on trial is free, nothing was paid to give back, and the next plan is charged whole."""
    end = at("2026-01-20")
    pro = placed(PRO, anchor_at=end, trial_ends_at=end, period_end=end, ends_at=HALF)
    premium = scheduled(PREMIUM, HALF, schedule_id="sched_old")
    decision = decide_turn(snapshot(pro, premium, grants=[metered(pro, 100, 250, "0.10")]), at=HALF)

    assert [5000] == amounts(decision)


@pytest.mark.parametrize("card", [True, False])
def test_a_trial_that_runs_out_before_the_next_phase(card: bool) -> None:  # noqa: FBT001  # the case itself
    """Without a card the plan is over with its trial, though it has a later end by the schedule."""
    end = at("2026-01-15")
    pro = placed(PRO, anchor_at=end, trial_ends_at=end, period_end=end, ends_at=MARCH)
    decision = decide_turn(snapshot(pro, began(PREMIUM, MARCH), card=card), at=end)

    assert card == (2000 == cents(decision))
    assert card == ([] == ended(decision))
