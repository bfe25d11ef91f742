"""Trials set, taken away or extended, and what is billed along with a plan on trial (billing.md §11, §20.1)."""

# ruff: noqa: ANN401  # `more` are fields of the snapshot, of any type

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.model import (
    CancelPlan,
    ChangePlan,
    CustomerPlan,
    Decision,
    EndPlan,
    Holding,
    RenewPlan,
    ReplaceTerms,
    SchedulePlan,
    StartPlan,
)
from sumac.billing.requests import CancelAction, CancelRequest
from sumac.billing.rules.cancel import decide_cancel
from sumac.catalog.model import Customization, FreeTrial, Plan, TrialUnit
from tests.rules.decisions import HALF, TRIAL_END, amounts, attach, cents, kinds, metered, started, turn
from tests.rules.offers import (
    ADD_ON,
    FREE,
    JANUARY,
    PREMIUM,
    PRO,
    PRO_TRIAL,
    TRIAL,
    at,
    canceling,
    grant,
    held,
    plan,
    snapshot,
)

DAY5 = at("2026-01-05")
WEEK = FreeTrial(7, TrialUnit.DAY)
RUNNING: dict[str, Any] = {"anchor_at": TRIAL_END, "trial_ends_at": TRIAL_END, "period_end": TRIAL_END}
ON_TRIAL, ADD_ON_TRIAL = held(PRO_TRIAL, **RUNNING), held(ADD_ON, **RUNNING)
PREMIUM_TRIAL = replace(PREMIUM, free_trial=TRIAL)
SUPPORT = plan("support", 20, group="support")


def with_trial(state: list[Holding], offer: Plan, trial: FreeTrial | None, now: datetime, **more: Any) -> Decision:
    """Attaches the plan with this trial, or without any, whatever the catalogue says."""
    wanted = Customization(free_trial=trial, sets_trial=True)
    return attach(snapshot(*state, **more), replace(offer, free_trial=trial), now, customize=wanted)


def moved(decision: Decision) -> list[CustomerPlan]:
    """The plans that go on in other periods."""
    return [action.held for action in decision.actions if isinstance(action, ChangePlan)]


def replaced(decision: Decision) -> CustomerPlan:
    """The plan that goes on on other terms."""
    (found,) = [action.held for action in decision.actions if isinstance(action, ReplaceTerms)]
    return found


def test_a_trial_beside_a_paid_plan() -> None:
    """An add-on with seven days of trial onto Pro: -$20, and both are on trial, their units with them."""
    own = metered(held(PRO), 100, 40, "0.10")
    decision = with_trial([held(PRO)], ADD_ON, WEEK, JANUARY, grants=[own])
    end = JANUARY + timedelta(days=7)

    assert ([-2000], [end]) == (amounts(decision), [each.trial_ends_at for each in moved(decision)])
    assert end == started(decision).trial_ends_at
    (pro,) = moved(decision)
    assert (end, end) == (pro.anchor_at, pro.period_end)
    (change,) = [action for action in decision.actions if isinstance(action, ChangePlan)]
    assert [(end, Decimal(60))] == [(each.resets_at, each.balance) for each in change.grants]
    assert [2000, 2000] == amounts(turn(Holding(started(decision), ADD_ON), Holding(pro, PRO), at_=end))


def test_no_trial_beside_a_trial() -> None:
    """An add-on without one onto Pro on trial: the trial is over for both, $40."""
    decision = with_trial([ON_TRIAL], ADD_ON, None, DAY5)

    assert [2000, 2000] == amounts(decision)
    for each in (started(decision), *moved(decision)):
        assert (None, DAY5, at("2026-02-05")) == (each.trial_ends_at, each.anchor_at, each.period_end)


def test_an_upgrade_ends_the_trial_of_all() -> None:
    """Alone $50; with another $20 plan on the same trial $70, and that one is no longer on trial."""
    sibling = held(SUPPORT, **RUNNING)
    decision = attach(snapshot(ON_TRIAL, sibling), PREMIUM, DAY5)

    assert [5000] == amounts(attach(snapshot(ON_TRIAL), PREMIUM, DAY5))
    assert [5000, 2000] == amounts(decision)
    assert [("support", None)] == [(each.plan_id, each.trial_ends_at) for each in moved(decision)]


def test_an_upgrade_to_a_trial_extends_that_of_all() -> None:
    """Nothing is charged; the add-on's trial ends with the new one. A paid plan and its add-on are given back."""
    on_trial = attach(snapshot(ON_TRIAL, ADD_ON_TRIAL), PREMIUM_TRIAL, DAY5)
    paid = attach(snapshot(held(PRO), held(ADD_ON)), PREMIUM_TRIAL, HALF)

    assert ([], [at("2026-01-19")]) == (amounts(on_trial), [each.trial_ends_at for each in moved(on_trial)])
    assert ([-1000, -1000], 14) == (amounts(paid), (moved(paid)[0].anchor_at - HALF).days)


def test_what_is_cancelled_is_left_alone() -> None:
    """An add-on that runs out with the trial is not charged for because the trial of another plan ends."""
    decision = attach(snapshot(ON_TRIAL, canceling(ADD_ON_TRIAL, TRIAL_END)), PREMIUM, DAY5)

    assert ([5000], []) == (amounts(decision), moved(decision))


def test_what_is_billed_apart_is_left_alone() -> None:
    """A subscription of its own keeps its periods."""
    apart = held(SUPPORT, at("2025-12-20"))

    decision = attach(snapshot(ON_TRIAL, apart), PREMIUM_TRIAL, DAY5)

    assert ([], []) == (amounts(decision), moved(decision))


@pytest.mark.parametrize("trial", [TRIAL, FreeTrial(20, TrialUnit.DAY)])
def test_an_extension_replaces(trial: FreeTrial) -> None:
    """On day 5 of 14, fourteen days end fourteen days from then: a trial that is set counts from now, for all."""
    decision = with_trial([ON_TRIAL, ADD_ON_TRIAL], PRO_TRIAL, trial, DAY5)
    end = DAY5 + timedelta(days=trial.length)

    assert [] == amounts(decision)
    assert (end, end, end) == (
        replaced(decision).trial_ends_at, replaced(decision).anchor_at, replaced(decision).period_end,
    )  # fmt: skip
    assert [end] == [each.trial_ends_at for each in moved(decision)]


def test_a_trial_taken_away() -> None:
    """It ends, and the first charge comes now: $20 alone, $40 with the add-on."""
    assert [2000] == amounts(with_trial([ON_TRIAL], PRO_TRIAL, None, DAY5))
    decision = with_trial([ON_TRIAL, ADD_ON_TRIAL], PRO_TRIAL, None, DAY5)

    assert [2000, 2000] == amounts(decision)
    assert (None, DAY5) == (replaced(decision).trial_ends_at, replaced(decision).anchor_at)
    assert [(None, DAY5)] == [(each.trial_ends_at, each.anchor_at) for each in moved(decision)]


def test_a_trial_once_used() -> None:
    """Cancelled at once and attached again, the plan costs $20, in any version; a trial that is set is had again."""
    used: dict[str, Any] = {"trials_used": frozenset({"pro-trial"})}

    for offer in (PRO_TRIAL, replace(PRO_TRIAL, version=2)):
        again = attach(snapshot(**used), offer, DAY5)
        assert (2000, None) == (cents(again), started(again).trial_ends_at)
    assert at("2026-01-12") == started(with_trial([], PRO_TRIAL, WEEK, DAY5, **used)).trial_ends_at


def test_a_trial_not_wanted() -> None:
    """Without one from the start the plan is charged at once."""
    assert (2000, None) == (
        cents(with_trial([], PRO_TRIAL, None, JANUARY)),
        started(with_trial([], PRO_TRIAL, None, JANUARY)).trial_ends_at,
    )


def test_a_downgrade_at_the_trials_end() -> None:
    """Premium on trial, Pro to follow: nothing now; on the fifteenth $20, Pro counts from there, no usage is billed."""
    premium = held(PREMIUM_TRIAL, **RUNNING)
    canceled, waiting = attach(snapshot(premium), PRO, DAY5).actions
    assert isinstance(canceled, CancelPlan)
    assert isinstance(waiting, SchedulePlan)
    used = metered(premium, 500, 900, "0.05", resets_at=TRIAL_END)
    then = turn(
        Holding(canceled.held, PREMIUM_TRIAL), Holding(waiting.held, PRO), ADD_ON_TRIAL, grants=[used], at_=TRIAL_END
    )

    assert [EndPlan, RenewPlan, StartPlan] == kinds(then)[:3]
    assert [2000, 2000] == amounts(then)
    assert (TRIAL_END, at("2026-02-15"), None) == (
        started(then).period_start, started(then).period_end, started(then).trial_ends_at,
    )  # fmt: skip


def test_a_downgrade_to_free_at_the_trials_end() -> None:
    """Free waits for the fifteenth, not for a month from now, and costs nothing then."""
    canceled, waiting = attach(snapshot(ON_TRIAL), FREE, DAY5).actions
    assert isinstance(canceled, CancelPlan)
    assert isinstance(waiting, SchedulePlan)

    assert (TRIAL_END, TRIAL_END) == (canceled.held.ends_at, waiting.held.starts_at)
    then = turn(Holding(canceled.held, PRO_TRIAL), Holding(waiting.held, FREE), at_=TRIAL_END)
    assert [EndPlan, StartPlan] == kinds(then)


@pytest.mark.parametrize("action", [CancelAction.CANCEL_IMMEDIATELY, CancelAction.CANCEL_END_OF_CYCLE])
def test_cancelled_on_trial(action: CancelAction) -> None:
    """Nothing was paid and nothing is given back, nothing used is billed; Free follows now, or at the trial's end."""
    used = metered(ON_TRIAL, 100, 250, "0.10", resets_at=TRIAL_END)
    state = snapshot(ON_TRIAL, ADD_ON_TRIAL, grants=[used], auto_enabled=(FREE,))
    decision = decide_cancel(state, CancelRequest("acme", action, plan_id="pro-trial"), now=DAY5)
    over = DAY5 if action is CancelAction.CANCEL_IMMEDIATELY else TRIAL_END
    ending, following = decision.actions

    assert isinstance(ending, EndPlan | CancelPlan)
    assert isinstance(following, StartPlan | SchedulePlan)
    assert (over, over, "free") == (ending.held.ends_at, following.held.starts_at, following.held.plan_id)


def test_the_end_of_a_shared_trial() -> None:
    """Both convert together: one invoice, both counted from the trial's end, and their units are full again."""
    used = metered(ON_TRIAL, 100, 250, "0.10", anchor_at=TRIAL_END, resets_at=TRIAL_END)
    words = grant("words", 50, 50, customer_plan_id="held-add-on", anchor_at=TRIAL_END, resets_at=TRIAL_END)
    decision = turn(ON_TRIAL, ADD_ON_TRIAL, grants=[used, words], at_=TRIAL_END)

    assert [2000, 2000] == amounts(decision)
    (full,) = [action.grants for action in decision.actions if action.kind == "balances_reset"]
    assert [(100, at("2026-02-15")), (50, at("2026-02-15"))] == [(each.balance, each.resets_at) for each in full]
