"""What turns at an instant: renewals, resets, trial ends, starts and ends (billing.md §5.9, §9, §10.3, §11)."""

# ruff: noqa: ANN401  # `changes` are fields of the value being made, of any type

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.model import Grant
from sumac.billing.model import (
    Decision,
    EndPlan,
    Holding,
    IssueInvoice,
    PlanStatus,
    RenewPlan,
    ResetGrants,
    StartPlan,
)
from sumac.billing.rules.turn import compute_due_at, decide_turn
from sumac.core.money import round_sum
from sumac.core.time import Cadence, Interval
from sumac.invoices.model import InvoiceKind
from tests.rules.offers import (
    ADD_ON,
    FREE,
    JANUARY,
    ONCE,
    ONE_OFF,
    PREMIUM,
    PRO,
    PRO_TRIAL,
    QUARTERLY,
    TRIAL,
    YEARLY,
    at,
    canceling,
    grant,
    held,
    item,
    plan,
    prepaid,
    scheduled,
    snapshot,
    usage_based,
)

FEBRUARY, MARCH = at("2026-02-01"), at("2026-03-01")
TRIAL_END = at("2026-01-15")
FREE_TRIAL = replace(FREE, id="free-trial", free_trial=replace(TRIAL, card_required=False), auto_enable=False)


def turn(*holdings: Holding, at_: datetime = FEBRUARY, grants: Sequence[Grant] = (), **changes: Any) -> Decision:
    return decide_turn(snapshot(*holdings, grants=grants, **changes), at=at_)


def amounts(decision: Decision) -> list[Decimal]:
    """The lines of the invoice in cents, in order; empty without one."""
    return [line.exact_minor for line in decision.invoice.lines] if decision.invoice else []


def kinds(decision: Decision) -> list[type]:
    return [type(action) for action in decision.actions]


def resets(decision: Decision) -> dict[str, tuple[Decimal, datetime | None]]:
    """Balance and next reset of every grant that is full again."""
    done = [action.grants for action in decision.actions if isinstance(action, ResetGrants)]
    return {each.id: (each.balance, each.resets_at) for grants in done for each in grants}


def metered(holding: Holding, included: int, used: int, rate: str, **changes: Any) -> Grant:
    """A grant of the plan's messages, paid for after use."""
    return grant(
        "messages",
        included,
        used,
        customer_plan_id=holding.held.id,
        overage_allowed=True,
        price=usage_based(rate),
        **changes,
    )


def test_renewal() -> None:
    """T1, 1 February: 20 + 50 x 0.10 = $25, a new period, and the units are full again."""
    pro = held(PRO)
    decision = turn(pro, grants=[metered(pro, 100, 150, "0.10")])

    assert [RenewPlan, ResetGrants, IssueInvoice] == kinds(decision)
    assert [2000, 500] == amounts(decision)
    renewed = decision.actions[0]
    assert isinstance(renewed, RenewPlan)
    assert replace(pro.held, period_start=FEBRUARY, period_end=MARCH) == renewed.held
    assert {"messages-grant": (Decimal(100), MARCH)} == resets(decision)
    assert decision.invoice is not None
    assert (InvoiceKind.RENEWAL, ("pro",), "held-pro", FEBRUARY) == (
        decision.invoice.kind,
        decision.invoice.plan_ids,
        decision.invoice.customer_plan_id,
        decision.invoice.period_start,
    )


def test_a_renewal_keeps_the_day_of_the_month() -> None:
    """From 31 January: 28 February, 31 March, 30 April."""
    holding, ends = held(PRO, at("2026-01-31")), []
    for _ in range(3):
        assert holding.held.period_end is not None
        renewed = turn(holding, at_=holding.held.period_end).actions[0]
        assert isinstance(renewed, RenewPlan)
        holding = Holding(renewed.held, PRO)
        ends.append(renewed.held.period_end)

    assert [at("2026-03-31"), at("2026-04-30"), at("2026-05-31")] == ends


def test_nothing_is_due() -> None:
    """At any other instant nothing happens."""
    assert () == turn(held(PRO), held(FREE), held(ONE_OFF), at_=at("2026-01-20")).actions


def test_prepaid_units_renew() -> None:
    """T2: base $49 and 5 seats beyond 5 included at $10 are $99; one-off prices are not charged again."""
    team = plan("team", 49, item("seats", 5, price=prepaid("10")), *ONE_OFF.items)
    chosen = {"seats": Decimal(10), "messages": Decimal(100)}

    assert [4900, 5000] == amounts(turn(held(team, quantities=chosen)))


def test_seats_billed_after_use_are_billed_every_month() -> None:
    """Base 20, 2 included at $10, 5 held: $50, and again, with no reset (§5.9)."""
    team = held(plan("team", 20, item("seats", 2, price=usage_based("10"))))
    seats = grant(
        "seats", 2, 5, customer_plan_id="held-team", reset=None, overage_allowed=True, price=usage_based("10")
    )
    first = turn(team, grants=[seats])
    again = turn(held(team.plan, period_start=FEBRUARY, period_end=MARCH), grants=[seats], at_=MARCH)

    assert [RenewPlan, IssueInvoice] == kinds(first)
    assert [[2000, 3000], [2000, 3000]] == [amounts(first), amounts(again)]


def test_each_price_at_its_own_boundary() -> None:
    """Seats monthly, workflows quarterly: months 1 and 2 are $50, month 3 is 20 + 30 + 25 = $75 (§5.9)."""
    mixed = plan(
        "mixed",
        20,
        item("seats", 2, price=usage_based("10")),
        item("words", 0, price=usage_based("5"), reset=QUARTERLY),
    )
    seats = grant(
        "seats", 2, 5, customer_plan_id="held-mixed", reset=None, overage_allowed=True, price=usage_based("10")
    )
    words = grant(
        "words",
        0,
        5,
        customer_plan_id="held-mixed",
        reset=QUARTERLY,
        overage_allowed=True,
        price=usage_based("5", cadence=QUARTERLY),
    )
    bills = [
        amounts(turn(held(mixed, period_end=at(end)), grants=[seats, words], at_=at(end)))
        for end in ("2026-02-01", "2026-03-01", "2026-04-01")
    ]

    assert [[2000, 3000], [2000, 3000], [2000, 3000, 2500]] == bills


def test_a_year_is_charged_once_a_year() -> None:
    """Yearly seats of a monthly plan are left out until their own year is over."""
    mixed = plan("mixed", 20, item("seats", 0, price=prepaid("120", cadence=YEARLY)))
    chosen = {"seats": Decimal(2)}

    assert [2000] == amounts(turn(held(mixed, quantities=chosen)))
    year = at("2027-01-01")
    assert [2000, 24000] == amounts(turn(held(mixed, quantities=chosen, period_end=year), at_=year))


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


def test_a_canceled_plan_ends_with_its_last_usage() -> None:
    """500 of 100 used: the end bills 400 x 0.10 = $40 and no new period (§12.5)."""
    pro = canceling(held(PRO), FEBRUARY)
    decision = turn(pro, grants=[metered(pro, 100, 500, "0.10")])

    assert [EndPlan, IssueInvoice] == kinds(decision)
    assert [4000] == amounts(decision)
    ended = decision.actions[0]
    assert isinstance(ended, EndPlan)
    assert replace(pro.held, status=PlanStatus.EXPIRED) == ended.held


def test_a_plan_that_ends_later_renews_until_then() -> None:
    """An annual plan with monthly units is billed for them every month up to its end."""
    annual = plan("annual", 600, item("messages", 100, price=usage_based("0.10")), cadence=YEARLY)
    leaving = canceling(held(annual), at("2027-01-01"))
    decision = turn(leaving, grants=[metered(leaving, 100, 150, "0.10")])

    assert [RenewPlan, ResetGrants, IssueInvoice] == kinds(decision)
    assert [500] == amounts(decision)


def test_a_scheduled_plan_takes_over() -> None:
    """The old plan's last usage and the new plan's first price are one invoice: 20 + 10 = $30 (§9.4)."""
    premium = canceling(held(PREMIUM), FEBRUARY)
    waiting = scheduled(PRO, FEBRUARY, anchor_at=JANUARY)
    decision = turn(premium, waiting, grants=[metered(premium, 500, 700, "0.05")])

    assert [EndPlan, StartPlan, IssueInvoice] == kinds(decision)
    assert [1000, 2000] == amounts(decision)
    start = decision.actions[1]
    assert isinstance(start, StartPlan)
    assert replace(waiting.held, status=PlanStatus.ACTIVE, period_start=FEBRUARY, period_end=MARCH) == start.held
    assert [(Decimal(100), MARCH)] == [(each.balance, each.resets_at) for each in start.provisions]
    assert decision.invoice is not None
    assert (("premium", "pro"), "held-premium") == (decision.invoice.plan_ids, decision.invoice.customer_plan_id)


def test_a_scheduled_plan_charges_what_is_paid_once() -> None:
    """One-off prices of a scheduled plan are charged when it starts (§10.10)."""
    mixed = plan("mixed", 20, *ONE_OFF.items)
    waiting = scheduled(mixed, FEBRUARY, quantities={"messages": Decimal(100)})

    assert [2000, 1000] == amounts(turn(waiting))
    assert [] == amounts(turn(scheduled(plan("once", 10, cadence=ONCE), FEBRUARY)))


def test_seats_move_to_the_scheduled_plan() -> None:
    """Premium (5 seats) to Pro (2) with 4 held: only $20 now, 2 beyond from the start (§5.9)."""
    team5 = canceling(held(plan("team5", 50, item("seats", 5, price=usage_based("10")))), FEBRUARY)
    team2 = scheduled(plan("team2", 20, item("seats", 2, price=usage_based("10"))), FEBRUARY)
    seats = grant(
        "seats", 5, 4, customer_plan_id="held-team5", reset=None, overage_allowed=True, price=usage_based("10")
    )
    decision = turn(team5, team2, grants=[seats])
    start = decision.actions[1]

    assert [2000] == amounts(decision)
    assert isinstance(start, StartPlan)
    assert [-2] == [each.balance for each in start.provisions]


def test_an_add_on_stays_with_its_own_renewal() -> None:
    """A12: the plan becomes Free, the add-on renews beside it."""
    decision = turn(canceling(held(PRO), FEBRUARY), held(ADD_ON), scheduled(FREE, FEBRUARY))

    assert [EndPlan, RenewPlan, StartPlan, IssueInvoice] == kinds(decision)
    assert [2000] == amounts(decision)
    assert decision.invoice is not None
    assert ("add-on",) == decision.invoice.plan_ids


def test_a_plan_in_another_group_is_not_replaced() -> None:
    """Seats of a plan of another group that ends at the same instant stay behind."""
    support = canceling(held(plan("support", 5, item("seats", 9), group="support")), FEBRUARY)
    seats = grant("seats", 9, 4, customer_plan_id="held-support", reset=None)
    start = turn(support, scheduled(plan("team", None, item("seats", 2)), FEBRUARY), grants=[seats]).actions[1]

    assert isinstance(start, StartPlan)
    assert [2] == [each.balance for each in start.provisions]


def test_everything_at_one_instant_is_one_invoice() -> None:
    """A renewal, an end with overage and a start land on one invoice, under the oldest paying plan."""
    leaving = replace(PREMIUM, id="old", group="support")
    pro, old = held(PRO), canceling(held(leaving, at("2025-12-01"), period_end=FEBRUARY), FEBRUARY)
    new = scheduled(replace(PRO, id="new", group="support"), FEBRUARY)
    decision = turn(pro, old, new, grants=[metered(pro, 100, 150, "0.10"), metered(old, 500, 520, "0.05", id="old")])

    assert [EndPlan, RenewPlan, StartPlan, ResetGrants, IssueInvoice] == kinds(decision)
    assert [100, 2000, 500, 2000] == amounts(decision)
    assert 4600 == round_sum(amounts(decision))
    assert decision.invoice is not None
    assert (("old", "pro", "new"), "held-old") == (decision.invoice.plan_ids, decision.invoice.customer_plan_id)


def test_units_of_a_plan_that_ends_are_not_refilled() -> None:
    """They end with it; other units at the same instant are full again."""
    pro = canceling(held(PRO), FEBRUARY)
    decision = turn(pro, grants=[metered(pro, 100, 50, "0.10"), grant("words", 10, 3)])

    assert {"words-grant": (Decimal(10), MARCH)} == resets(decision)


@pytest.mark.parametrize(
    ("cadence", "due", "following"),
    [
        (Cadence(Interval.HOUR), "2026-01-01 01:00", "2026-01-01 02:00"),
        (Cadence(Interval.DAY), "2026-01-02", "2026-01-03"),
        (Cadence(Interval.WEEK, 2), "2026-01-15", "2026-01-29"),
    ],
)
def test_units_reset_on_their_own(cadence: Cadence, due: str, following: str) -> None:
    """Free units come back at their own interval, above and below zero, with nothing to pay."""
    grants = [grant("messages", 100, 40, id="a", reset=cadence), grant("words", 5, 9, id="b", prepaid=1, reset=cadence)]
    decision = turn(held(FREE), grants=grants, at_=at(due))

    assert [ResetGrants] == kinds(decision)
    assert {"a": (Decimal(100), at(following)), "b": (Decimal(6), at(following))} == resets(decision)


def test_a_reset_long_overdue() -> None:
    """Six months late is one reset, and the next is within one interval (§9.3)."""
    decision = turn(held(FREE), grants=[grant("messages", 100, 40)], at_=at("2026-07-15"))

    assert {"messages-grant": (Decimal(100), at("2026-08-01"))} == resets(decision)


def test_a_month_end_does_not_drift() -> None:
    """A free plan attached on 31 January resets on 28 February and 31 March (§20 case 2, decided by §9.3)."""
    january_31 = at("2026-01-31")
    messages = grant("messages", 100, 40, anchor_at=january_31, resets_at=at("2026-02-28"))
    decision = turn(held(FREE, january_31), grants=[messages], at_=at("2026-02-28"))

    assert {"messages-grant": (Decimal(100), at("2026-03-31"))} == resets(decision)


@pytest.mark.parametrize(
    ("holdings", "grants", "expected"),
    [
        pytest.param([], [], None, id="nothing"),
        pytest.param([held(FREE), held(ONE_OFF)], [grant("seats", 5, reset=None)], None, id="nothing-ever"),
        pytest.param([held(PRO)], [], "2026-02-01", id="renewal"),
        pytest.param([canceling(held(PRO), at("2026-01-20"))], [], "2026-01-20", id="end-before-renewal"),
        pytest.param([canceling(held(PRO), at("2026-05-20"))], [], "2026-02-01", id="renewal-before-end"),
        pytest.param([held(PRO, status=PlanStatus.PAST_DUE)], [], "2026-02-01", id="past-due"),
        pytest.param([held(PRO, status=PlanStatus.EXPIRED)], [], None, id="expired"),
        pytest.param([scheduled(PRO, at("2026-03-01"))], [], "2026-03-01", id="scheduled-start"),
        pytest.param([held(PRO)], [grant("messages", 1, resets_at=at("2026-01-02"))], "2026-01-02", id="reset"),
    ],
)
def test_the_next_instant_due(holdings: Sequence[Holding], grants: Sequence[Grant], expected: str | None) -> None:
    """The earliest of ends, renewals, starts and resets."""
    due_at = compute_due_at([each.held for each in holdings], grants)

    assert (None if expected is None else at(expected)) == due_at
