"""What happens when a trial ends (billing.md §9.4, §11)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from sumac.billing.model import (
    EndPlan,
    IssueInvoice,
    PlanStatus,
    RenewPlan,
    ResetGrants,
    StartPlan,
)
from tests.rules.decisions import TRIAL_END, amounts, kinds, metered, resets, turn
from tests.rules.offers import (
    ADD_ON,
    FREE,
    ONE_OFF,
    PRO,
    PRO_TRIAL,
    TRIAL,
    at,
    canceling,
    held,
    plan,
    scheduled,
)

FREE_TRIAL = replace(FREE, id="free-trial", free_trial=replace(TRIAL, card_required=False), auto_enable=False)


def test_the_end_of_a_trial() -> None:
    """The first charge, whole; what was used on trial is free, and the units begin afresh (§9.4, decided)."""
    on_trial = held(PRO_TRIAL, anchor_at=TRIAL_END, trial_ends_at=TRIAL_END, period_end=TRIAL_END)
    used = metered(on_trial, 100, 250, "0.10", anchor_at=TRIAL_END, resets_at=TRIAL_END)
    decision = turn(on_trial, grants=[used], at_=TRIAL_END)

    assert [RenewPlan, ResetGrants, IssueInvoice] == kinds(decision)
    assert [2000] == amounts(decision)
    renewed = decision.actions[0]
    assert isinstance(renewed, RenewPlan)
    assert (TRIAL_END, at("2026-02-15")) == (renewed.held.period_start, renewed.held.period_end)
    assert {"messages-grant": (Decimal(100), at("2026-02-15"))} == resets(decision)


def test_usage_after_the_trial_is_billed() -> None:
    """The period after the trial is like any other."""
    converted = held(
        PRO_TRIAL, anchor_at=TRIAL_END, trial_ends_at=TRIAL_END, period_start=TRIAL_END, period_end=at("2026-02-15")
    )
    used = metered(converted, 100, 150, "0.10", anchor_at=TRIAL_END, resets_at=at("2026-02-15"))

    assert [2000, 500] == amounts(turn(converted, grants=[used], at_=at("2026-02-15")))


def test_one_off_prices_are_not_charged_at_a_trials_end() -> None:
    """They were charged when the plan was attached (§11)."""
    mixed = plan("mixed", 20, *ONE_OFF.items, free_trial=TRIAL)
    on_trial = held(
        mixed,
        anchor_at=TRIAL_END,
        trial_ends_at=TRIAL_END,
        period_end=TRIAL_END,
        quantities={"messages": Decimal(100)},
    )

    assert [2000] == amounts(turn(on_trial, at_=TRIAL_END))


def test_a_trial_canceled_before_its_end() -> None:
    """It ends without an invoice and without overage; Free follows."""
    on_trial = canceling(held(PRO_TRIAL, anchor_at=TRIAL_END, trial_ends_at=TRIAL_END, period_end=TRIAL_END), TRIAL_END)
    used = metered(on_trial, 100, 250, "0.10", anchor_at=TRIAL_END, resets_at=TRIAL_END)
    decision = turn(on_trial, scheduled(FREE, TRIAL_END), grants=[used], at_=TRIAL_END)

    assert [EndPlan, StartPlan] == kinds(decision)


def test_a_trial_without_a_card_is_over() -> None:
    """Nobody can be charged, so the plan ends without an invoice, and the free plan takes its place (§11)."""
    on_trial = held(PRO_TRIAL, anchor_at=TRIAL_END, trial_ends_at=TRIAL_END, period_end=TRIAL_END)
    used = metered(on_trial, 100, 250, "0.10", anchor_at=TRIAL_END, resets_at=TRIAL_END)
    decision = turn(on_trial, grants=[used], at_=TRIAL_END, card=False, auto_enabled=(FREE,))

    assert [EndPlan, StartPlan] == kinds(decision)
    assert [RenewPlan, IssueInvoice] == kinds(turn(held(PRO), card=False))


def test_an_add_on_without_a_card_is_over_with_the_trial_it_shares() -> None:
    """Both end, whichever is read first, and one free plan follows."""
    trial: dict[str, Any] = {"anchor_at": TRIAL_END, "trial_ends_at": TRIAL_END, "period_end": TRIAL_END}
    both = [held(ADD_ON, **trial), held(PRO_TRIAL, **trial)]

    for holdings in (both, both[::-1]):
        decision = turn(*holdings, at_=TRIAL_END, card=False, auto_enabled=(FREE,))
        assert [EndPlan, EndPlan, StartPlan] == kinds(decision)


def test_a_free_plan_is_over_when_its_trial_is() -> None:
    """It never turns into something paid: it expires, and the auto-enabled free plan takes its place (§11)."""
    on_trial = held(FREE_TRIAL, trial_ends_at=TRIAL_END, period_end=TRIAL_END)
    ended, start = turn(on_trial, at_=TRIAL_END, auto_enabled=(FREE,)).actions

    assert isinstance(ended, EndPlan)
    assert isinstance(start, StartPlan)
    assert (PlanStatus.EXPIRED, TRIAL_END) == (ended.held.status, ended.held.ends_at)
    assert ("free", "new-plan", TRIAL_END) == (start.held.plan_id, start.held.id, start.held.starts_at)
    assert [EndPlan] == kinds(turn(on_trial, at_=TRIAL_END))


def test_a_free_trial_canceled_before_its_end() -> None:
    """What was decided then is what happens; nothing is started twice."""
    on_trial = canceling(held(FREE_TRIAL, trial_ends_at=TRIAL_END, period_end=TRIAL_END), TRIAL_END)
    decision = turn(on_trial, scheduled(FREE, TRIAL_END), at_=TRIAL_END, auto_enabled=(FREE,))

    assert [EndPlan, StartPlan] == kinds(decision)
