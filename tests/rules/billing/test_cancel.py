"""Cancelling, and changing one's mind (billing.md §12.1, §12.5, §12.6)."""

# ruff: noqa: ANN401  # `changes` are fields of the value being made, of any type

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.model import (
    CancelPlan,
    Decision,
    DropScheduled,
    EndPlan,
    Holding,
    IssueInvoice,
    KeepPlan,
    PlanStatus,
    SchedulePlan,
    Snapshot,
    StartPlan,
)
from sumac.billing.requests import (
    CancelAction,
    CancelRequest,
)
from sumac.billing.rules.cancel import canceling as set_to_end
from sumac.billing.rules.cancel import decide_cancel
from sumac.billing.rules.target import find_target
from sumac.core.errors import BadRequest, NotFound
from sumac.invoices.model import InvoiceKind
from tests.rules.decisions import FEBRUARY, HALF, TRIAL_END, cents, kinds
from tests.rules.offers import (
    ADD_ON,
    FREE,
    JANUARY,
    ONE_OFF,
    PREMIUM,
    PRO,
    PRO_ANNUAL,
    PRO_TRIAL,
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

NOW, LATER, KEEP = CancelAction.CANCEL_IMMEDIATELY, CancelAction.CANCEL_END_OF_CYCLE, CancelAction.UNCANCEL


def cancel(
    state: Snapshot, action: CancelAction, now: datetime = HALF, *, plan_id: str | None = "pro", **request: Any
) -> Decision:
    return decide_cancel(state, CancelRequest("acme", action, plan_id, **request), now=now)


def test_at_the_end_of_the_cycle() -> None:
    """The plan runs on to the end of its cycle; nothing is billed."""
    (canceled,) = cancel(snapshot(held(PRO)), LATER, at("2026-01-10")).actions

    assert isinstance(canceled, CancelPlan)
    assert replace(held(PRO).held, canceled_at=at("2026-01-10"), ends_at=FEBRUARY) == canceled.held


def test_the_free_plan_follows() -> None:
    """The auto-enabled free plan of the group is scheduled for the end (T4)."""
    state = snapshot(held(PRO), auto_enabled=(replace(FREE, id="other", group="support"), PREMIUM, FREE))
    canceled, waiting = cancel(state, LATER).actions

    assert isinstance(canceled, CancelPlan)
    assert isinstance(waiting, SchedulePlan)
    assert ("free", PlanStatus.SCHEDULED, FEBRUARY, FEBRUARY, HALF, "new-plan") == (
        waiting.held.plan_id,
        waiting.held.status,
        waiting.held.starts_at,
        waiting.held.anchor_at,
        waiting.held.created_at,
        waiting.held.id,
    )


@pytest.mark.parametrize(
    ("state", "plan_id"),
    [
        pytest.param(snapshot(held(PRO), held(ADD_ON), auto_enabled=(FREE,)), "add-on", id="an-add-on"),
        pytest.param(
            snapshot(held(PRO), held(replace(PREMIUM, group="support")), auto_enabled=(FREE,)),
            "pro",
            id="another-paid-main",
        ),
        pytest.param(snapshot(held(PRO), auto_enabled=(replace(FREE, group="support"),)), "pro", id="another-group"),
        pytest.param(snapshot(held(PRO), auto_enabled=(replace(PRO, auto_enable=True),)), "pro", id="not-free"),
        pytest.param(snapshot(held(PRO)), "pro", id="none-is-auto-enabled"),
    ],
)
def test_nothing_follows(state: Snapshot, plan_id: str) -> None:
    """The free plan fills an empty main place only, and only if no other paid main plan runs."""
    assert [CancelPlan] == kinds(cancel(state, LATER, plan_id=plan_id))


def test_a_free_plan_in_another_group_does_not_stand_in_the_way() -> None:
    """Only paid main plans of other groups count."""
    state = snapshot(held(PRO), held(replace(FREE, id="basic", group="support")), auto_enabled=(FREE,))

    assert [CancelPlan, SchedulePlan] == kinds(cancel(state, LATER))


def test_the_place_already_taken() -> None:
    """Where a free plan of the group runs beside it, or a plan waits for the place, nothing more follows."""
    beside = snapshot(held(PRO), held(replace(FREE, id="basic")), auto_enabled=(FREE,))
    waiting = snapshot(held(PRO), scheduled(PREMIUM, FEBRUARY), auto_enabled=(FREE,))

    assert [CancelPlan] == kinds(cancel(beside, LATER))
    assert [CancelPlan] == kinds(cancel(waiting, LATER))


def test_twice_is_once() -> None:
    """A plan that is canceling already stays as it is."""
    assert () == cancel(snapshot(canceling(held(PRO), FEBRUARY), auto_enabled=(FREE,)), LATER).actions


@pytest.mark.parametrize("offer", [FREE, ONE_OFF])
def test_no_cycle_to_end_with(offer: Any) -> None:
    """Free and one-off plans end at once or not at all."""
    with pytest.raises(BadRequest, match="use cancel_immediately"):
        cancel(snapshot(held(offer)), LATER, plan_id=offer.id)


@pytest.mark.parametrize(
    ("holding", "ends_at"),
    [
        pytest.param(held(PRO, at("2026-01-31")), "2026-02-28", id="monthly"),
        pytest.param(held(PRO_ANNUAL), "2027-01-01", id="yearly"),
        pytest.param(held(PRO_TRIAL, anchor_at=TRIAL_END, trial_ends_at=TRIAL_END), "2026-02-15", id="after-its-trial"),
    ],
)
def test_the_end_is_that_of_the_longest_cycle(holding: Holding, ends_at: str) -> None:
    """From the end of January."""
    assert at(ends_at) == set_to_end(holding, at("2026-01-31")).held.ends_at


def test_a_trial_ends_with_itself() -> None:
    """During a trial the end is the trial's; without any cycle it is now."""
    on_trial = held(PRO_TRIAL, anchor_at=TRIAL_END, trial_ends_at=TRIAL_END)

    assert TRIAL_END == set_to_end(on_trial, at("2026-01-05")).held.ends_at
    assert HALF == set_to_end(held(FREE), HALF).held.ends_at


def test_immediately() -> None:
    """The unused time is given back; overage is forgiven; the free plan starts (T4)."""
    used = grant("messages", 100, 400, customer_plan_id="held-pro", overage_allowed=True, price=usage_based("0.10"))
    decision = cancel(snapshot(held(PRO), grants=[used], auto_enabled=(FREE,)), NOW)

    assert [IssueInvoice, EndPlan, StartPlan] == kinds(decision)
    assert -1000 == cents(decision)
    assert decision.invoice is not None
    assert (InvoiceKind.FINAL, "held-pro") == (decision.invoice.kind, decision.invoice.customer_plan_id)
    ended, free = decision.actions[1:]
    assert isinstance(ended, EndPlan)
    assert isinstance(free, StartPlan)
    assert (PlanStatus.EXPIRED, HALF, HALF) == (ended.held.status, ended.held.canceled_at, ended.held.ends_at)
    assert ("free", PlanStatus.ACTIVE, HALF) == (free.held.plan_id, free.held.status, free.held.starts_at)
    assert [(Decimal(100), at("2026-02-16 12:00"))] == [(each.balance, each.resets_at) for each in free.provisions]


def test_immediately_gives_back_prepaid_units() -> None:
    """Pro with 300 prepaid units for $30, at the start: -$50."""
    words = plan("pro", 20, item("words", 0, price=prepaid("10", units=100)))
    state = snapshot(held(words, quantities={"words": Decimal(300)}))

    assert -5000 == cents(cancel(state, NOW, JANUARY))


@pytest.mark.parametrize(
    ("holding", "total"),
    [(held(ADD_ON), -2000), (held(FREE), 0), (held(ONE_OFF, quantities={"messages": Decimal(100)}), 0)],
)
def test_immediately_by_kind(holding: Holding, total: int) -> None:
    """An add-on gives back its time; free and one-off plans leave no invoice."""
    decision = cancel(snapshot(holding), NOW, JANUARY, plan_id=holding.plan.id)

    assert total == cents(decision)
    assert (decision.invoice is None) is (total == 0)
    assert EndPlan in kinds(decision)


def test_the_free_plan_does_not_follow_itself() -> None:
    """Cancelled, an auto-enabled plan is over."""
    assert [EndPlan] == kinds(cancel(snapshot(held(FREE), auto_enabled=(FREE,)), NOW, plan_id="free"))


def test_immediately_drops_what_was_to_follow() -> None:
    """The scheduled successor is gone, and the instant it was first canceled is kept."""
    waiting = scheduled(FREE, FEBRUARY)
    decision = cancel(snapshot(canceling(held(PRO), FEBRUARY), waiting), NOW)

    assert DropScheduled(waiting.held) == decision.actions[0]
    ended = decision.actions[2]
    assert isinstance(ended, EndPlan)
    assert (JANUARY, HALF) == (ended.held.canceled_at, ended.held.ends_at)


SUPPORT = replace(PREMIUM, id="support", group="support")
ADD_ON_LATER = scheduled(ADD_ON, FEBRUARY)
NEXT_PHASE = scheduled(ADD_ON, FEBRUARY, schedule_id="sched")


@pytest.mark.parametrize(
    ("state", "plan_id", "dropped"),
    [
        pytest.param(snapshot(held(PRO), ADD_ON_LATER), "pro", True, id="the-main-plan"),
        pytest.param(snapshot(held(PRO), held(replace(FREE, group="x")), ADD_ON_LATER), "pro", True, id="beside-free"),
        pytest.param(snapshot(held(PRO), held(ADD_ON), ADD_ON_LATER), "pro", True, id="one-more-of-it"),
        pytest.param(snapshot(held(PRO), NEXT_PHASE), "pro", True, id="of-a-schedule"),
        pytest.param(snapshot(held(PRO), held(ADD_ON), NEXT_PHASE), "pro", False, id="it-goes-on"),
        pytest.param(snapshot(held(PRO), held(SUPPORT), ADD_ON_LATER), "pro", False, id="beside-another-main-plan"),
        pytest.param(snapshot(held(PRO), held(ONE_OFF), ADD_ON_LATER), "one-off", False, id="what-was-bought-once"),
        pytest.param(snapshot(held(PRO), scheduled(ONE_OFF, FEBRUARY)), "pro", False, id="a-purchase-waits"),
        pytest.param(
            snapshot(held(PRO), held(replace(ADD_ON, id="more")), ADD_ON_LATER), "more", False, id="an-add-on"
        ),
    ],
)
def test_immediately_drops_add_ons_that_wait(state: Snapshot, plan_id: str, *, dropped: bool) -> None:
    """An add-on that was to start beside the last main plan does not (§12.5)."""
    assert dropped is (DropScheduled in kinds(cancel(state, NOW, plan_id=plan_id)))
    assert DropScheduled not in kinds(cancel(state, LATER, plan_id="pro"))


def test_immediately_during_a_trial() -> None:
    """Nothing was paid, nothing is given back, and no overage is billed."""
    on_trial = held(PRO, anchor_at=TRIAL_END, trial_ends_at=TRIAL_END)

    assert [EndPlan] == kinds(cancel(snapshot(on_trial), NOW, at("2026-01-05")))


def test_immediately_without_billing() -> None:
    """With billing off there is no invoice."""
    assert [EndPlan] == kinds(cancel(snapshot(held(PRO)), NOW, bill=False))


def test_immediately_while_past_due() -> None:
    """The period that was not paid is not given back."""
    assert [EndPlan] == kinds(cancel(snapshot(held(PRO, status=PlanStatus.PAST_DUE)), NOW))


def test_seats_go_along_to_the_free_plan() -> None:
    """Units that are held are counted by the plan that follows."""
    basic = plan("basic", None, item("seats", 2), auto_enable=True)
    seats = grant("seats", 5, 4, customer_plan_id="held-pro", reset=None)
    start = cancel(snapshot(held(PRO), grants=[seats], auto_enabled=(basic,)), NOW).actions[-1]

    assert isinstance(start, StartPlan)
    assert [-2] == [each.balance for each in start.provisions]


def test_changing_ones_mind() -> None:
    """The plan runs on, what was to follow is dropped."""
    waiting = scheduled(FREE, FEBRUARY)
    decision = cancel(snapshot(canceling(held(PRO), FEBRUARY), waiting), KEEP)

    assert (DropScheduled(waiting.held), KeepPlan(held(PRO).held)) == decision.actions


def test_nothing_to_change() -> None:
    """Keeping a plan that is not canceling does nothing."""
    assert () == cancel(snapshot(held(PRO)), KEEP).actions


@pytest.mark.parametrize("action", [NOW, LATER])
def test_cancelling_a_scheduled_plan(action: CancelAction) -> None:
    """It is dropped, and the plan it was to replace runs on; others stay as they are."""
    waiting = scheduled(PRO, FEBRUARY)
    add_on = canceling(held(ADD_ON), FEBRUARY)
    other = canceling(held(replace(PREMIUM, id="support", group="support")), FEBRUARY)
    decision = cancel(snapshot(canceling(held(PREMIUM), FEBRUARY), add_on, other, waiting), action)

    assert (DropScheduled(waiting.held), KeepPlan(held(PREMIUM).held)) == decision.actions


def test_a_plan_that_ends_for_another_reason_stays_canceled() -> None:
    """Only a plan that ends where the scheduled one was to start runs on."""
    waiting, leaving = scheduled(PRO, at("2026-03-01")), canceling(held(PREMIUM), FEBRUARY)

    assert (DropScheduled(waiting.held),) == cancel(snapshot(leaving, waiting), NOW).actions


def test_a_scheduled_plan_has_no_cancellation() -> None:
    """There is nothing to undo before it has started."""
    with pytest.raises(BadRequest, match="has not started"):
        cancel(snapshot(scheduled(PRO, FEBRUARY)), KEEP)


@pytest.mark.parametrize(
    ("holdings", "request_", "expected"),
    [
        pytest.param([held(PRO), held(ADD_ON)], {"plan_id": "add-on"}, "held-add-on", id="by-plan"),
        pytest.param([held(PRO), held(ADD_ON)], {}, "held-pro", id="the-paid-main-plan"),
        pytest.param([held(FREE), held(PRO)], {}, "held-pro", id="paid-before-free"),
        pytest.param([held(FREE)], {}, "held-free", id="the-only-one"),
        pytest.param([held(ONE_OFF)], {}, "held-one-off", id="the-only-purchase"),
        pytest.param([held(ADD_ON), held(PRO)], {"subscription_id": "held-add-on"}, "held-add-on", id="by-our-id"),
        pytest.param(
            [held(PRO, subscription_id="mine"), held(ADD_ON)], {"subscription_id": "mine"}, "held-pro", id="by-their-id"
        ),
        pytest.param(
            [held(ADD_ON, id="old"), held(ADD_ON, at("2026-01-05"), id="new")],
            {"plan_id": "add-on"},
            "new",
            id="newest",
        ),
        pytest.param(
            [scheduled(PRO, FEBRUARY, id="z-next"), held(PRO, id="now")], {"plan_id": "pro"}, "now", id="running-first"
        ),
        pytest.param([held(PREMIUM), scheduled(PRO, FEBRUARY)], {"plan_id": "pro"}, "held-pro", id="a-scheduled-one"),
    ],
)
def test_which_plan_is_meant(holdings: Sequence[Holding], request_: dict[str, Any], expected: str) -> None:
    """By id, or the one that can be meant."""
    assert expected == find_target(holdings, CancelRequest("acme", NOW, **request_)).held.id


def test_no_such_plan() -> None:
    """What the customer does not have cannot be canceled; nor can a plan that is over."""
    for state, plan_id in ((snapshot(), None), (snapshot(held(FREE)), "pro")):
        with pytest.raises(NotFound, match="does not have plan") as caught:
            cancel(state, NOW, plan_id=plan_id)
        assert "customer_product_not_found" == caught.value.code
    with pytest.raises(NotFound, match="does not have plan mine"):
        cancel(snapshot(held(PRO)), NOW, plan_id=None, subscription_id="mine")


@pytest.mark.parametrize(
    "holdings",
    [
        [held(PRO), held(replace(PREMIUM, group="support"))],
        [held(ADD_ON, id="a"), held(ONE_OFF)],
    ],
)
def test_several_plans(holdings: Sequence[Holding]) -> None:
    """Where several can be meant the caller has to say which."""
    with pytest.raises(BadRequest, match="say which with plan_id"):
        cancel(snapshot(*holdings), NOW, plan_id=None)
