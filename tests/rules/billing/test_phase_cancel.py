"""Cancelling what a schedule has placed (billing.md §12.5, §13.2)."""

from dataclasses import replace
from datetime import datetime

from sumac.billing.model import CancelPlan, Decision, DropScheduled, EndPlan, Holding, KeepPlan, SchedulePlan
from sumac.billing.requests import CancelAction, CancelRequest
from sumac.billing.rules.cancel import decide_cancel
from sumac.catalog.model import Plan
from tests.rules.decisions import FEBRUARY, HALF, MARCH, cents
from tests.rules.offers import ADD_ON, FREE, GROWTH, PREMIUM, PRO, at, scheduled, snapshot
from tests.rules.schedules import ends, placed

APRIL = at("2026-04-01")
NOW, LATER = CancelAction.CANCEL_IMMEDIATELY, CancelAction.CANCEL_END_OF_CYCLE
CHEAPER = replace(ADD_ON, version=2)


def waiting(offer: Plan, starts_at: datetime, ends_at: datetime | None = None) -> Holding:
    """A later phase's plan."""
    return scheduled(offer, starts_at, id=f"later-{offer.id}", schedule_id="sched_old", ends_at=ends_at)


def cancel(plan_id: str, action: CancelAction, *holdings: Holding, auto_enabled: tuple[Plan, ...] = ()) -> Decision:
    """Cancels one of them at half of January."""
    state = snapshot(*holdings, auto_enabled=auto_enabled)
    return decide_cancel(state, CancelRequest("acme", action, plan_id), now=HALF)


def dropped(decision: Decision) -> list[str]:
    """What does not start any more."""
    return [action.held.plan_id for action in decision.actions if isinstance(action, DropScheduled)]


def test_all_that_was_to_follow_is_dropped() -> None:
    """Pro ends with its cycle, not in the middle of one as its schedule had it; the free plan comes after it."""
    decision = cancel(
        "pro",
        LATER,
        placed(PRO, ends_at=at("2026-02-15")),
        waiting(PREMIUM, at("2026-02-15"), MARCH),
        waiting(GROWTH, MARCH),
        auto_enabled=(FREE,),
    )

    assert ["premium", "growth"] == dropped(decision)
    assert {"pro": FEBRUARY} == ends(decision)
    assert ["free"] == [each.held.plan_id for each in decision.actions if isinstance(each, SchedulePlan)]


def test_a_plan_that_is_of_no_schedule_is_not_dropped() -> None:
    """A downgrade that somebody asked for stays, and fills the place."""
    by_hand = scheduled(PREMIUM, MARCH)
    decision = cancel("pro", LATER, placed(PRO, ends_at=MARCH), by_hand, auto_enabled=(FREE,))

    assert [CancelPlan] == [type(each) for each in decision.actions]


def test_add_ons_have_successors_of_their_schedule_only() -> None:
    """The same add-on on other terms does not follow one that was cancelled; one bought by hand does start."""
    by_hand = scheduled(ADD_ON, APRIL, id="by-hand")
    later = cancel("add-on", LATER, placed(ADD_ON, ends_at=MARCH), waiting(CHEAPER, MARCH), by_hand)
    now = cancel("add-on", NOW, placed(ADD_ON, ends_at=MARCH), waiting(CHEAPER, MARCH), by_hand)

    assert [1, 1] == [len(dropped(each)) for each in (later, now)]
    assert {"add-on": FEBRUARY} == ends(later)
    assert -1000 == cents(now)
    assert 1 == sum(isinstance(each, EndPlan) for each in now.actions)


def test_a_phase_that_is_cancelled_leaves_the_one_before_running() -> None:
    """What was to end for it goes on, whether it runs already or is to start itself; another place is not touched."""
    holdings = (
        placed(PRO, ends_at=FEBRUARY),
        placed(ADD_ON, ends_at=MARCH),
        waiting(PREMIUM, FEBRUARY, MARCH),
        waiting(GROWTH, MARCH),
    )
    second, third = cancel("premium", LATER, *holdings), cancel("growth", NOW, *holdings)

    kept = [
        [(each.held.plan_id, each.held.ends_at) for each in one.actions if isinstance(each, KeepPlan)]
        for one in (second, third)
    ]
    assert [[("pro", None)], [("premium", None)]] == kept
    assert [["premium"], ["growth"]] == [dropped(second), dropped(third)]
