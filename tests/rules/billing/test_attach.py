"""What attaching a plan comes to: the scenario matrix (billing.md §10.2 to §10.5)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.billing.model import (
    CancelPlan,
    DropScheduled,
    EndPlan,
    IssueInvoice,
    KeepPlan,
    Payment,
    PlanStatus,
    SchedulePlan,
    StartPlan,
)
from sumac.billing.requests import (
    PlanTiming,
)
from sumac.catalog.model import Plan
from sumac.core.errors import Conflict
from sumac.core.time import Period
from sumac.invoices.model import InvoiceKind
from tests.rules.decisions import FEBRUARY, HALF, attach, cents, kinds, started
from tests.rules.offers import (
    ADD_ON,
    FREE,
    GROWTH,
    JANUARY,
    ONCE,
    ONE_OFF,
    PREMIUM,
    PRO,
    PRO_ANNUAL,
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


def test_free_plan() -> None:
    """A1: active at once, no invoice, no card, no period that anybody pays for."""
    decision = attach(snapshot(card=False), FREE)

    assert [StartPlan] == kinds(decision)
    assert Payment.NONE is decision.payment
    held_now = started(decision)
    assert (PlanStatus.ACTIVE, JANUARY, JANUARY, None) == (
        held_now.status, held_now.starts_at, held_now.anchor_at, held_now.period_end,
    )  # fmt: skip
    assert held_now.recurring


def test_paid_plan() -> None:
    """A2: $20 are charged, and the plan is active from now to the same day next month."""
    decision = attach(snapshot(), PRO, at("2026-01-31"), subscription_id="mine")

    assert [IssueInvoice, StartPlan] == kinds(decision)
    assert (2000, Payment.CHARGE) == (cents(decision), decision.payment)
    assert decision.invoice is not None
    assert (InvoiceKind.START, ("pro",), "new-plan", at("2026-01-31"), "usd") == (
        decision.invoice.kind,
        decision.invoice.plan_ids,
        decision.invoice.customer_plan_id,
        decision.invoice.period_start,
        decision.invoice.currency,
    )
    held_now = started(decision)
    assert (at("2026-01-31"), at("2026-02-28")) == (held_now.period_start, held_now.period_end)
    assert ("new-plan", "cus_1", "pro", 1, "mine") == (
        held_now.id, held_now.customer_key, held_now.plan_id, held_now.version, held_now.subscription_id,
    )  # fmt: skip


def test_paid_plan_without_a_card() -> None:
    """A3: the customer has to complete a hosted page; the decision is the same as with a card."""
    decision = attach(snapshot(card=False), PRO)

    assert Payment.CHECKOUT is decision.payment
    assert attach(snapshot(), PRO).actions == decision.actions


def test_free_to_paid() -> None:
    """A4: Free is over, Pro is active and counts its periods from now."""
    decision = attach(snapshot(held(FREE)), PRO, at("2026-01-10"))

    assert [IssueInvoice, EndPlan, StartPlan] == kinds(decision)
    assert 2000 == cents(decision)
    assert at("2026-01-10") == started(decision).anchor_at


@pytest.mark.parametrize(
    ("now", "total"),
    [("2026-01-01", 3000), ("2026-01-16 12:00", 1500), ("2026-01-11", 2032), ("2026-01-25 06:00", 653)],
)
def test_upgrade(now: str, total: int) -> None:
    """A5: at once, for the difference over the time that is left; the cycle stays as it was."""
    decision = attach(snapshot(held(PRO)), PREMIUM, at(now))

    assert [IssueInvoice, EndPlan, StartPlan] == kinds(decision)
    assert (total, Payment.CHARGE) == (cents(decision), decision.payment)
    assert decision.invoice is not None
    assert InvoiceKind.CHANGE is decision.invoice.kind
    assert (JANUARY, FEBRUARY) == (started(decision).anchor_at, started(decision).period_end)
    (ended,) = [action.held for action in decision.actions if isinstance(action, EndPlan)]
    assert ("held-pro", PlanStatus.EXPIRED, at(now), at(now)) == (
        ended.id, ended.status, ended.ends_at, ended.canceled_at,
    )  # fmt: skip


def test_upgrade_bills_the_usage_of_the_plan_left() -> None:
    """Pro used 150 of 100 and is left at half cycle: 5.00 - 10.00 + 25.00 = $20.00, usage first."""
    used = grant("messages", 100, 150, customer_plan_id="held-pro", overage_allowed=True, price=usage_based("0.10"))
    decision = attach(snapshot(held(PRO), grants=[used]), PREMIUM, HALF)

    assert decision.invoice is not None
    assert [500, -1000, 2500] == [line.exact_minor for line in decision.invoice.lines]
    assert 2000 == cents(decision)


def test_held_seats_are_not_billed_at_a_switch() -> None:
    """Seats billed after use are billed at the end of a period, by the plan that holds them then (§5.9, §10.8)."""
    team = plan("team", 20, item("seats", 2, price=usage_based("10")))
    used = grant("seats", 2, 5, customer_plan_id="held-team", reset=None, overage_allowed=True, price=usage_based("10"))
    decision = attach(snapshot(held(team), grants=[used]), PREMIUM)

    assert 3000 == cents(decision)


def test_downgrade() -> None:
    """A6: Premium runs on to the end of its cycle, Pro is scheduled for that instant, nothing is billed."""
    decision = attach(snapshot(held(PREMIUM)), PRO, HALF, subscription_id="later")

    assert [CancelPlan, SchedulePlan] == kinds(decision)
    assert Payment.NONE is decision.payment
    canceled, waiting = (action.held for action in decision.actions)  # type: ignore[union-attr]  # both are about plans
    assert (PlanStatus.ACTIVE, HALF, FEBRUARY) == (canceled.status, canceled.canceled_at, canceled.ends_at)
    assert (PlanStatus.SCHEDULED, FEBRUARY, JANUARY, "later") == (
        waiting.status, waiting.starts_at, waiting.anchor_at, waiting.subscription_id,
    )  # fmt: skip


def test_downgrade_to_free() -> None:
    """A7: Free is scheduled and counts from its own start."""
    decision = attach(snapshot(held(PRO), card=False), FREE, HALF)

    assert [CancelPlan, SchedulePlan] == kinds(decision)
    waiting = decision.actions[1].held  # type: ignore[union-attr]  # a scheduled plan
    assert (FEBRUARY, FEBRUARY) == (waiting.starts_at, waiting.anchor_at)


@pytest.mark.parametrize("offer", [PRO, PREMIUM, FREE])
def test_only_the_last_plan_remains_scheduled(offer: Plan) -> None:
    """A8: what waited for the place is dropped, the running plan keeps its end and the instant it was canceled."""
    waiting = scheduled(PRO if offer is FREE else FREE, FEBRUARY)
    decision = attach(snapshot(canceling(held(GROWTH), FEBRUARY), waiting), offer, HALF)

    assert [DropScheduled, CancelPlan, SchedulePlan] == kinds(decision)
    assert waiting.held == decision.actions[0].held  # type: ignore[union-attr]  # a dropped plan
    canceled = decision.actions[1].held  # type: ignore[union-attr]  # a canceled plan
    assert (JANUARY, FEBRUARY) == (canceled.canceled_at, canceled.ends_at)


def test_an_end_once_set_is_kept() -> None:
    """A plan that ends on 20 January does so, whatever is to follow."""
    twentieth = at("2026-01-20")
    canceled, waiting = attach(snapshot(canceling(held(GROWTH), twentieth)), PRO, HALF).actions

    assert isinstance(canceled, CancelPlan)
    assert isinstance(waiting, SchedulePlan)
    assert (twentieth, twentieth) == (canceled.held.ends_at, waiting.held.starts_at)


def test_to_an_annual_plan() -> None:
    """A9: 200 - 20 = $180 at the start; on 15 February $165.34, up to the original anchor's next year."""
    renewed = held(PRO, period_start=FEBRUARY, period_end=at("2026-03-01"))
    later = attach(snapshot(renewed), PRO_ANNUAL, at("2026-02-15"))

    assert 18000 == cents(attach(snapshot(held(PRO)), PRO_ANNUAL))
    assert 16534 == cents(later)
    assert (JANUARY, at("2027-01-01")) == (started(later).anchor_at, started(later).period_end)


def test_add_on() -> None:
    """A10, A11: an add-on stands beside the plan and is billed to the end of its cycle; the plan is left alone."""
    decision = attach(snapshot(held(PRO)), ADD_ON, HALF)

    assert [IssueInvoice, StartPlan] == kinds(decision)
    assert 1000 == cents(decision)
    assert 2000 == cents(attach(snapshot(held(PRO)), ADD_ON))
    assert (JANUARY, FEBRUARY) == (started(decision).anchor_at, started(decision).period_end)
    assert started(decision).recurring
    assert [IssueInvoice, EndPlan, StartPlan] == kinds(attach(snapshot(held(PRO), held(ADD_ON)), PREMIUM))
    assert 3000 == cents(attach(snapshot(held(PRO), held(ADD_ON)), PREMIUM))


def test_the_same_add_on_twice() -> None:
    """A13: each is a row of its own, for the packs it was bought with."""
    words = plan("words", None, item("words", 100, price=prepaid("10", units=100)), add_on=True)
    first = attach(snapshot(held(PRO)), words, quantities={"words": 200})
    second = attach(
        snapshot(held(PRO), held(words, quantities={"words": Decimal(200)})), words, quantities={"words": 300}
    )

    assert [1000, 2000] == [cents(first), cents(second)]
    assert [IssueInvoice, StartPlan] == kinds(second)


def test_one_off_plan() -> None:
    """A14, A15: a purchase beside whatever runs; again and again, always whole."""
    first = attach(snapshot(held(PRO)), ONE_OFF, HALF, quantities={"messages": 100})
    again = attach(snapshot(held(PRO), held(ONE_OFF)), ONE_OFF, HALF, quantities={"messages": 100})

    assert [2000, 2000] == [cents(first), cents(again)]
    assert [IssueInvoice, StartPlan] == kinds(again)
    assert not started(first).recurring
    assert started(first).period_end is None


def test_another_group_is_billed_along() -> None:
    """A16: plans of different groups coexist on one cycle."""
    support = replace(PREMIUM, id="support", group="support")
    decision = attach(snapshot(held(PRO)), support, HALF)

    assert [IssueInvoice, StartPlan] == kinds(decision)
    assert (2500, FEBRUARY) == (cents(decision), started(decision).period_end)


def test_a_free_plan_counts_from_its_own_start() -> None:
    """Beside a paid plan, too: nothing of it is billed along."""
    support = replace(FREE, id="support", group="support")

    assert HALF == started(attach(snapshot(held(PRO)), support, HALF)).anchor_at


def test_mixed_plan() -> None:
    """A17, A18: base, monthly words and messages bought once are $45; without quantities $20."""
    mixed = plan(
        "mixed",
        20,
        item("words", 0, price=prepaid("15", units=100)),
        item("messages", 0, reset=None, price=prepaid("10", cadence=ONCE, units=100)),
    )

    assert 4500 == cents(attach(snapshot(), mixed, quantities={"words": 100, "messages": 100}))
    assert 2000 == cents(attach(snapshot(), mixed))


def test_the_plan_already_held() -> None:
    """The running plan again is a conflict, in any version and with any quantities."""
    for again in (PRO, replace(PRO, version=2)):
        with pytest.raises(Conflict, match="Plan pro is already attached") as caught:
            attach(snapshot(held(PRO)), again)
        assert "plan_already_attached" == caught.value.code


def test_the_canceling_plan_again() -> None:
    """It is kept, and what was to follow is dropped (§21)."""
    running, waiting = canceling(held(PREMIUM), FEBRUARY), scheduled(PRO, FEBRUARY)
    decision = attach(snapshot(running, waiting), PREMIUM, HALF)

    assert (DropScheduled(waiting.held), KeepPlan(held(PREMIUM).held)) == decision.actions
    assert Payment.NONE is decision.payment


def test_upgrade_while_a_downgrade_is_scheduled() -> None:
    """The schedule is dropped; the difference is to the current plan."""
    state = snapshot(canceling(held(PRO), FEBRUARY), scheduled(FREE, FEBRUARY))
    decision = attach(state, PREMIUM)

    assert [DropScheduled, IssueInvoice, EndPlan, StartPlan] == kinds(decision)
    assert 3000 == cents(decision)
    later = attach(state, PREMIUM, HALF).actions[2]
    assert isinstance(later, EndPlan)
    assert (JANUARY, HALF) == (later.held.canceled_at, later.held.ends_at)


@pytest.mark.parametrize(
    ("current", "offer", "timing", "expected"),
    [
        (PREMIUM, PRO, PlanTiming.IMMEDIATE, [IssueInvoice, EndPlan, StartPlan]),
        (PRO, PREMIUM, PlanTiming.END_OF_CYCLE, [CancelPlan, SchedulePlan]),
        (FREE, PRO, PlanTiming.END_OF_CYCLE, [IssueInvoice, EndPlan, StartPlan]),
    ],
)
def test_the_caller_may_choose_the_time(
    current: Plan, offer: Plan, timing: PlanTiming, expected: Sequence[type]
) -> None:
    """A schedule of either kind is followed; a free plan has no cycle to wait for."""
    assert expected == kinds(attach(snapshot(held(current)), offer, HALF, timing=timing))


def test_downgrade_at_once_gives_back() -> None:
    """Premium to Pro at half cycle: -25 + 10 = -$15, for which nobody has to pay."""
    decision = attach(snapshot(held(PREMIUM), card=False), PRO, HALF, timing=PlanTiming.IMMEDIATE)

    assert (-1500, Payment.NONE) == (cents(decision), decision.payment)


def test_a_plan_of_a_long_cycle_ends_with_it() -> None:
    """An annual plan with monthly units ends with its year."""
    annual = plan("annual", 600, item("messages", 100, price=usage_based("0.10")), cadence=PRO_ANNUAL.price.cadence)  # type: ignore[union-attr]  # it has a price
    canceled = attach(snapshot(held(annual)), PRO, HALF).actions[0]

    assert at("2027-01-01") == canceled.held.ends_at  # type: ignore[union-attr]  # a canceled plan


def test_without_billing() -> None:
    """With billing off rows change and nobody pays."""
    decision = attach(snapshot(held(PRO), card=False), PREMIUM, HALF, bill=False)

    assert [EndPlan, StartPlan] == kinds(decision)
    assert Payment.NONE is decision.payment


def test_lines_name_their_periods() -> None:
    """A charge covers the time from now to the period's end; a credit the same time."""
    decision = attach(snapshot(held(PRO)), PREMIUM, HALF)

    assert decision.invoice is not None
    assert [Period(HALF, FEBRUARY)] * 2 == [line.period for line in decision.invoice.lines]
