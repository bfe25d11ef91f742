"""Corners of attaching: the place taken, who pays where, what is kept, trials once had (billing.md §10, §11)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.model import (
    CancelPlan,
    DropScheduled,
    EndPlan,
    GiveUnits,
    Holding,
    IssueInvoice,
    Payment,
    PlanStatus,
    SchedulePlan,
    Snapshot,
    StartPlan,
)
from sumac.billing.requests import InvoiceMode, MultiAttachRequest, PlanTiming, PlanWish, RedirectMode
from sumac.billing.rules.multi import decide_multi_attach
from sumac.billing.rules.preview import compute_next_cycle
from sumac.catalog.model import FreeTrial, Plan, TrialUnit
from sumac.core.errors import BadRequest, Conflict
from tests.rules.decisions import FEBRUARY, HALF, TRIAL_END, amounts, attach, cents, kinds, started, turn
from tests.rules.offers import (
    ADD_ON,
    FEATURES,
    FREE,
    GROWTH,
    JANUARY,
    ONCE,
    ONE_OFF,
    PREMIUM,
    PRO,
    PRO_TRIAL,
    TRIAL,
    at,
    canceling,
    grant,
    held,
    item,
    plan,
    prepaid,
    scheduled,
    snapshot,
)

DAY5 = at("2026-01-05")
NOW, LATER = {"timing": PlanTiming.IMMEDIATE}, {"timing": PlanTiming.END_OF_CYCLE}
PREMIUM_TRIAL = replace(PREMIUM, id="premium-trial", free_trial=FreeTrial(7, TrialUnit.DAY))
ON_TRIAL: dict[str, Any] = {"anchor_at": TRIAL_END, "trial_ends_at": TRIAL_END, "period_end": TRIAL_END}


class TestThePlace:
    """Which plans an attach takes away (§10.2, §10.3)."""

    @pytest.mark.parametrize("changes", [NOW, LATER, {"starts_at": at("2026-01-20")}, {"anchor": "now"}])
    def test_the_plan_that_runs_is_not_scheduled(self, changes: dict[str, Any]) -> None:
        """Attached again it is a conflict, whenever it is to begin."""
        with pytest.raises(Conflict, match="Plan pro is already attached"):
            attach(snapshot(held(PRO)), PRO, HALF, **changes)

    @pytest.mark.parametrize(
        ("offer", "expected"),
        [
            pytest.param(PREMIUM, [DropScheduled, IssueInvoice, StartPlan], id="another-main-plan"),
            pytest.param(PRO, [DropScheduled, IssueInvoice, StartPlan], id="the-same-plan"),
            pytest.param(FREE, [DropScheduled, StartPlan], id="a-free-one"),
            pytest.param(ADD_ON, [IssueInvoice, StartPlan], id="an-add-on"),
            pytest.param(ONE_OFF, [IssueInvoice, StartPlan], id="a-purchase"),
            pytest.param(replace(PRO, id="eu", group="eu"), [IssueInvoice, StartPlan], id="another-group"),
        ],
    )
    def test_what_waits_for_it(self, offer: Plan, expected: list[type]) -> None:
        """A plan that waits goes where another one takes its place, though none runs there; beside others it stays."""
        assert expected == kinds(attach(snapshot(scheduled(PRO, FEBRUARY)), offer, HALF))

    def test_what_waits_is_swapped(self) -> None:
        """Another later start in its stead."""
        decision = attach(snapshot(scheduled(PRO, FEBRUARY)), PREMIUM, HALF, starts_at=at("2026-01-20"))

        assert [DropScheduled, SchedulePlan] == kinds(decision)

    def test_a_plan_that_is_past_due(self) -> None:
        """It is replaced like any other; what is owed for it is owed still, and so its unused time is given back."""
        decision = attach(snapshot(held(PRO, status=PlanStatus.PAST_DUE)), PREMIUM, HALF)

        assert ([-1000, 2500], PlanStatus.ACTIVE) == (amounts(decision), started(decision).status)

    def test_what_stands_beside_stays(self) -> None:
        """Neither an add-on nor what was bought once goes with the plan that is left."""
        state = snapshot(held(PRO), held(ADD_ON), held(ONE_OFF))
        decision = attach(state, PREMIUM, HALF)

        assert ["held-pro"] == [each.held.id for each in decision.actions if isinstance(each, EndPlan)]

    def test_free_to_free_begins_anew(self) -> None:
        """One free plan after another counts from now (§20.1 case 26)."""
        other = plan("hobby", None, item("messages", 50))
        decision = attach(snapshot(held(FREE)), other, HALF)

        assert ([EndPlan, StartPlan], HALF) == (kinds(decision), started(decision).anchor_at)


@pytest.mark.parametrize(
    ("offer", "changes", "payment"),
    [
        pytest.param(PRO, {"invoice_mode": InvoiceMode()}, Payment.SEND, id="sent-before-it-begins"),
        pytest.param(PRO, {"invoice_mode": InvoiceMode(enable_immediately=True)}, Payment.NONE, id="sent-and-begun"),
        pytest.param(ONE_OFF, {"invoice_mode": InvoiceMode()}, Payment.SEND, id="a-purchase-sent"),
        pytest.param(PRO, {"starts_at": FEBRUARY}, Payment.NONE, id="a-later-start"),
        pytest.param(PRO, {"bill": False}, Payment.NONE, id="no-billing"),
    ],
)
@pytest.mark.parametrize("mode", [RedirectMode.ALWAYS, RedirectMode.NEVER])
def test_no_page_is_needed(offer: Plan, changes: dict[str, Any], payment: Payment, mode: RedirectMode) -> None:
    """Without a card, and even if a page was asked for: an invoice is sent, or nothing is due yet (§10.5)."""
    assert payment is attach(snapshot(card=False), offer, redirect_mode=mode, **changes).payment


@pytest.mark.parametrize("finalize", [True, False])
def test_a_downgrade_at_once_does_not_wait_to_be_paid(finalize: bool) -> None:  # noqa: FBT001  # a column
    """Deferred it is refused, whether finalized or not; given at once it may be sent (§10.7)."""
    state = snapshot(held(PREMIUM))
    with pytest.raises(BadRequest, match="enable_plan_immediately"):
        attach(state, PRO, HALF, invoice_mode=InvoiceMode(finalize=finalize), **NOW)
    given = attach(state, PRO, HALF, invoice_mode=InvoiceMode(finalize=finalize, enable_immediately=True), **NOW)

    assert (-1500, Payment.NONE) == (cents(given), given.payment)


def test_bought_units_outlive_a_switch_of_several() -> None:
    """150 left of what was bought once are kept where several plans come at once (§10.9)."""
    packs = plan("packs", 20, item("messages", 0, reset=None, price=prepaid("10", cadence=ONCE, units=100)))
    own = grant("messages", prepaid=200, used=50, customer_plan_id="held-packs", reset=None, price=packs.items[0].price)
    request = MultiAttachRequest("acme", (PlanWish("premium"), PlanWish("add-on")))
    state = snapshot(held(packs), grants=[own], plan_ids=("first", "second"))
    decision = decide_multi_attach(state, [PREMIUM, ADD_ON], request, now=HALF)
    (kept,) = [each for each in decision.actions if isinstance(each, GiveUnits)]

    assert [(150, None)] == [(each.balance, each.expires_at) for each in kept.provisions]


class TestATrialOnceHad:
    """A plan's trial counts once per customer, wherever the plan is attached from (§11)."""

    USED: frozenset[str] = frozenset({"premium-trial"})

    @pytest.mark.parametrize(
        ("holding", "total", "anchor"),
        [
            pytest.param(held(PRO), 1500, JANUARY, id="an-upgrade-is-prorated"),
            pytest.param(held(FREE), 5000, HALF, id="from-free-it-is-whole"),
        ],
    )
    def test_it_is_charged(self, holding: Holding, total: int, anchor: object) -> None:
        """As a plan that has none."""
        decision = attach(snapshot(holding, trials_used=self.USED), PREMIUM_TRIAL, HALF)

        assert (total, anchor, None) == (
            cents(decision), started(decision).anchor_at, started(decision).trial_ends_at,
        )  # fmt: skip

    def test_from_another_trial(self) -> None:
        """The running trial ends and the whole price is charged."""
        state = snapshot(held(PRO_TRIAL, **ON_TRIAL), trials_used=self.USED)
        decision = attach(state, PREMIUM_TRIAL, DAY5)

        assert (5000, DAY5, None) == (cents(decision), started(decision).anchor_at, started(decision).trial_ends_at)


class TestTrials:
    """What a trial does not change (§11)."""

    def test_from_a_free_plan_on_trial(self) -> None:
        """A paid plan in place of a free one on trial begins now and is charged whole."""
        free_trial = held(replace(FREE, free_trial=TRIAL), trial_ends_at=TRIAL_END, period_end=TRIAL_END)
        decision = attach(snapshot(free_trial), PRO, DAY5)

        assert (2000, DAY5, None) == (cents(decision), started(decision).anchor_at, started(decision).trial_ends_at)

    def test_seats_are_in_the_first_charge(self) -> None:
        """Bought on trial they cost nothing yet; the next cycle begins at the trial's end with all of them."""
        team = plan("team", 20, item("seats", 0, price=prepaid("10")), free_trial=TRIAL)
        decision = attach(snapshot(), team, quantities={"seats": 3})
        on_trial = Holding(started(decision), team)
        upcoming = compute_next_cycle(on_trial, FEATURES, currency="usd")
        assert upcoming is not None

        assert ([], TRIAL_END) == (amounts(decision), upcoming.starts_at)
        assert [2000, 3000] == [line.exact_minor for line in upcoming.lines]
        assert [2000, 3000] == amounts(turn(on_trial, at_=TRIAL_END))

    @pytest.mark.parametrize(
        "holding",
        [
            pytest.param(canceling(held(PRO_TRIAL, **ON_TRIAL), TRIAL_END), id="canceled"),
            pytest.param(held(replace(FREE, free_trial=TRIAL), **ON_TRIAL), id="free"),
        ],
    )
    def test_there_is_no_next_cycle(self, holding: Holding) -> None:
        """What is canceled ends with its trial, and a free plan does: nothing follows."""
        assert compute_next_cycle(holding, FEATURES, currency="usd") is None

    def test_a_purchase_during_a_trial(self) -> None:
        """What is bought once is charged now, and the trial goes on."""
        decision = attach(snapshot(held(PRO_TRIAL, **ON_TRIAL)), ONE_OFF, DAY5, quantities={"messages": 100})

        assert ([IssueInvoice, StartPlan], [1000, 1000]) == (kinds(decision), amounts(decision))
        assert started(decision).trial_ends_at is None

    @pytest.mark.parametrize("offer", [PREMIUM_TRIAL, replace(PREMIUM_TRIAL, free_trial=None)])
    def test_a_downgrade_from_a_paid_plan_has_none(self, offer: Plan) -> None:
        """What waits for the end of a cycle that was paid begins without a trial of its own (§11 rule 2)."""
        state: Snapshot = snapshot(held(GROWTH))
        canceled, waiting = attach(state, offer, HALF).actions
        assert isinstance(canceled, CancelPlan)
        assert isinstance(waiting, SchedulePlan)
        then = turn(Holding(canceled.held, GROWTH), Holding(waiting.held, offer))

        assert ([5000], None) == (amounts(then), started(then).trial_ends_at)

    def test_longer_than_the_cycle_of_units(self) -> None:
        """Units of a shorter interval do not come back before the trial's end: the trial is one period (§2.2)."""
        daily = replace(PRO_TRIAL, items=(item("messages", 10, reset=None), item("words", 5)))
        decision = attach(snapshot(), replace(daily, free_trial=FreeTrial(3, TrialUnit.MONTH)))
        (start,) = [each for each in decision.actions if isinstance(each, StartPlan)]

        assert [None, at("2026-04-01")] == [each.resets_at for each in start.provisions]


def test_units_bought_are_counted_with_the_included_ones() -> None:
    """100 included and 200 chosen are one pack bought and a balance of 200 (§1.6)."""
    words = plan("words", None, item("words", 100, price=prepaid("10", units=100)))
    decision = attach(snapshot(), words, quantities={"words": 200})
    (start,) = [each for each in decision.actions if isinstance(each, StartPlan)]

    assert ([1000], [(100, 100, Decimal(200))]) == (
        amounts(decision), [(each.included, each.prepaid, each.balance) for each in start.provisions],
    )  # fmt: skip
