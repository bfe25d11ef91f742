"""Attaching plans with a free trial, and plans beside a running trial (billing.md §11)."""

# ruff: noqa: ANN401  # `changes` are fields of the value being made, of any type

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.model import (
    CancelPlan,
    Decision,
    EndPlan,
    Holding,
    Payment,
    SchedulePlan,
    StartPlan,
)
from sumac.billing.requests import (
    PlanTiming,
    RedirectMode,
)
from sumac.catalog.model import FreeTrial, Plan, TrialUnit
from sumac.core.errors import BadRequest
from tests.rules.decisions import TRIAL_END, attach, cents, started
from tests.rules.offers import (
    ADD_ON,
    FREE,
    JANUARY,
    ONE_OFF,
    PREMIUM,
    PRO,
    PRO_TRIAL,
    TRIAL,
    at,
    grant,
    held,
    item,
    plan,
    prepaid,
    snapshot,
    usage_based,
)

DAY5 = at("2026-01-05")
NO_CARD = replace(PRO_TRIAL, free_trial=replace(TRIAL, card_required=False))
PREMIUM_TRIAL = replace(PREMIUM, id="premium-trial", free_trial=FreeTrial(7, TrialUnit.DAY))


def start(decision: Decision) -> StartPlan:
    """The start of the plan."""
    (found,) = [action for action in decision.actions if isinstance(action, StartPlan)]
    return found


def on_trial(offer: Plan = PRO_TRIAL, **changes: Any) -> Holding:
    """The plan, on trial since January until the fifteenth."""
    return held(offer, **{"anchor_at": TRIAL_END, "trial_ends_at": TRIAL_END, "period_end": TRIAL_END, **changes})


def test_with_a_card() -> None:
    """Active at once, $0 now; periods and resets count from the trial's end."""
    decision = attach(snapshot(), PRO_TRIAL)
    held_now = started(decision)

    assert (None, Payment.NONE) == (decision.invoice, decision.payment)
    assert (TRIAL_END, TRIAL_END, TRIAL_END, JANUARY) == (
        held_now.trial_ends_at, held_now.anchor_at, held_now.period_end, held_now.period_start,
    )  # fmt: skip
    assert [TRIAL_END] == [each.resets_at for each in start(decision).provisions]
    assert [100] == [each.balance for each in start(decision).provisions]


@pytest.mark.parametrize(
    ("offer", "mode", "payment"),
    [
        (PRO_TRIAL, RedirectMode.IF_REQUIRED, Payment.SETUP),
        (PRO_TRIAL, RedirectMode.ALWAYS, Payment.SETUP),
        (NO_CARD, RedirectMode.IF_REQUIRED, Payment.NONE),
        (NO_CARD, RedirectMode.NEVER, Payment.NONE),
        (NO_CARD, RedirectMode.ALWAYS, Payment.SETUP),
    ],
)
def test_without_a_card(offer: Plan, mode: RedirectMode, payment: Payment) -> None:
    """A card is asked for where the trial needs one, and always when the caller says so."""
    assert payment is attach(snapshot(card=False), offer, redirect_mode=mode).payment


def test_without_a_card_and_never() -> None:
    """A trial that needs a card cannot start without a page."""
    with pytest.raises(BadRequest, match="no payment method"):
        attach(snapshot(card=False), PRO_TRIAL, redirect_mode=RedirectMode.NEVER)


def test_once_per_customer() -> None:
    """Who ever had the plan on trial pays at once, and needs a card."""
    used: dict[str, Any] = {"trials_used": frozenset({"pro-trial"})}
    decision = attach(snapshot(**used), PRO_TRIAL)

    assert (2000, Payment.CHARGE, None) == (cents(decision), decision.payment, started(decision).trial_ends_at)
    assert Payment.CHECKOUT is attach(snapshot(card=False, **used), NO_CARD).payment
    assert started(attach(snapshot(trials_used=frozenset({"other"})), PRO_TRIAL)).trial_ends_at == TRIAL_END


@pytest.mark.parametrize(
    ("trial", "ends_at"),
    [
        (FreeTrial(14, TrialUnit.DAY), "2026-02-14"),
        (FreeTrial(1, TrialUnit.MONTH), "2026-02-28"),
        (FreeTrial(1, TrialUnit.YEAR), "2027-01-31"),
    ],
)
def test_lengths(trial: FreeTrial, ends_at: str) -> None:
    """Days, months and years from the attach."""
    assert at(ends_at) == started(attach(snapshot(), replace(PRO, free_trial=trial), at("2026-01-31"))).trial_ends_at


def test_prepaid_units_are_granted_and_one_off_prices_charged() -> None:
    """On trial monthly seats cost nothing yet; what is paid once is paid now (§11, §13.1: $10)."""
    team = plan(
        "team",
        20,
        item("seats", 0, price=prepaid("10")),
        *(each for each in ONE_OFF.items),
        free_trial=TRIAL,
    )
    quantities = {"seats": Decimal(3), "messages": Decimal(100)}
    decision = attach(snapshot(), team, quantities=quantities)

    assert (1000, Payment.CHARGE) == (cents(decision), decision.payment)
    assert [3, 100] == [each.balance for each in start(decision).provisions]
    assert Payment.CHECKOUT is attach(snapshot(card=False), team, quantities=quantities).payment


def test_from_trial_to_a_plan_without_one() -> None:
    """The trial ends, the whole price is charged, and periods count from now."""
    decision = attach(snapshot(on_trial()), PREMIUM, DAY5)

    assert 5000 == cents(decision)
    assert (DAY5, at("2026-02-05"), None) == (
        started(decision).anchor_at, started(decision).period_end, started(decision).trial_ends_at,
    )  # fmt: skip


def test_what_was_used_on_trial_is_free() -> None:
    """Leaving a trial bills none of its usage."""
    used = grant("messages", 100, 250, customer_plan_id="held-pro-trial", overage_allowed=True, price=usage_based("1"))

    assert 5000 == cents(attach(snapshot(on_trial(), grants=[used]), PREMIUM, DAY5))


def test_from_trial_to_trial() -> None:
    """The new plan's trial begins afresh; nothing is charged."""
    decision = attach(snapshot(on_trial()), PREMIUM_TRIAL, DAY5)

    assert (None, DAY5 + timedelta(days=7)) == (decision.invoice, started(decision).trial_ends_at)


def test_from_paid_to_trial() -> None:
    """The rest of the paid period is given back, nothing is charged."""
    decision = attach(snapshot(held(PRO)), PREMIUM_TRIAL, at("2026-01-16 12:00"))

    assert (-1000, Payment.NONE) == (cents(decision), decision.payment)
    assert at("2026-01-23 12:00") == started(decision).trial_ends_at


def test_downgrade_waits_for_the_trials_end() -> None:
    """A smaller plan, or Free, is scheduled for the end of the trial and counts from there."""
    bigger = on_trial(replace(PREMIUM, free_trial=TRIAL))
    for smaller in (PRO, FREE):
        canceled, waiting = attach(snapshot(bigger), smaller, DAY5).actions

        assert isinstance(canceled, CancelPlan)
        assert isinstance(waiting, SchedulePlan)
        assert TRIAL_END == canceled.held.ends_at
        assert (TRIAL_END, TRIAL_END) == (waiting.held.starts_at, waiting.held.anchor_at)


def test_an_add_on_shares_the_running_trial() -> None:
    """Its own trial is not asked about: it costs nothing until the plan's trial ends, and needs no card of its own."""
    for add_on in (ADD_ON, replace(ADD_ON, free_trial=FreeTrial(30, TrialUnit.DAY))):
        decision = attach(snapshot(on_trial(), card=False), add_on, DAY5)

        assert (None, Payment.NONE) == (decision.invoice, decision.payment)
        assert (TRIAL_END, TRIAL_END) == (started(decision).trial_ends_at, started(decision).anchor_at)


def test_an_add_on_has_no_trial_beside_a_paid_plan() -> None:
    """What joins a plan that is already paid for is paid for, too."""
    decision = attach(snapshot(held(PRO)), replace(ADD_ON, free_trial=TRIAL), at("2026-01-16 12:00"))

    assert (1000, None) == (cents(decision), started(decision).trial_ends_at)


def test_an_add_on_alone_has_its_trial() -> None:
    """Without a paid plan, or beside Free, the add-on's own trial counts."""
    add_on = replace(ADD_ON, free_trial=TRIAL)

    assert TRIAL_END == started(attach(snapshot(), add_on)).trial_ends_at
    assert TRIAL_END == started(attach(snapshot(held(FREE)), add_on)).trial_ends_at


def test_a_smaller_plan_at_once_takes_over_the_trial() -> None:
    """Not an upgrade, so the state of what it replaces goes on: a running trial, or none."""
    bigger = on_trial(replace(PREMIUM, free_trial=TRIAL))
    now = {"timing": PlanTiming.IMMEDIATE}

    assert TRIAL_END == started(attach(snapshot(bigger), PRO, DAY5, **now)).trial_ends_at
    assert started(attach(snapshot(held(PREMIUM)), PRO_TRIAL, DAY5, **now)).trial_ends_at is None
    assert started(attach(snapshot(bigger), FREE, DAY5, **now)).trial_ends_at is None


def test_a_paid_plan_in_another_group_keeps_its_cycle() -> None:
    """Leaving a trial for a plan without one joins the cycle that is paid for already."""
    support = held(replace(PRO, id="support", group="support"))
    decision = attach(snapshot(support, on_trial()), PREMIUM, at("2026-01-16 12:00") - timedelta(days=5))

    assert JANUARY == started(decision).anchor_at


def test_a_free_plan_on_trial() -> None:
    """A free plan may be tried too: it is over when the trial is, and asks for no card."""
    decision = attach(snapshot(card=False), replace(FREE, free_trial=replace(TRIAL, card_required=False)))

    assert (TRIAL_END, TRIAL_END, Payment.NONE) == (
        started(decision).trial_ends_at, started(decision).period_end, decision.payment,
    )  # fmt: skip


def test_the_replaced_trial_ends() -> None:
    """The plan on trial is over now, with nothing given back."""
    decision = attach(snapshot(on_trial()), PREMIUM, DAY5)
    (ended,) = [action.held for action in decision.actions if isinstance(action, EndPlan)]

    assert DAY5 == ended.ends_at
    assert decision.invoice is not None
    assert [5000] == [line.exact_minor for line in decision.invoice.lines]
