"""While a trial that reverts runs: what is bought in its place, what follows it, what is refused (billing.md §11)."""

# fields of requests, of any type

from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.billing.model import (
    EndPlan,
    HeldLine,
    Holding,
    HoldLines,
    IssueInvoice,
    Payment,
    ReleaseLines,
    ResumePlan,
    SchedulePlan,
    StartPlan,
)
from sumac.billing.requests import (
    AttachRequest,
    BillingRequest,
    CancelAction,
    CancelRequest,
    CarryOver,
    MultiAttachRequest,
    MultiCancelRequest,
    PlanTiming,
    PlanWish,
    RedirectMode,
    UpdateRequest,
)
from sumac.billing.rules.eligibility import compute_eligibility
from sumac.billing.rules.multi import decide_multi_attach, decide_multi_cancel
from sumac.billing.rules.revert import check_request
from sumac.catalog.model import Customization, Plan
from sumac.core.errors import BadRequest, Conflict
from tests.rules.decisions import FEBRUARY, amounts, attach, kinds, metered, started, turn
from tests.rules.offers import (
    ADD_ON,
    FREE,
    GROWTH,
    JANUARY,
    PRO,
    at,
    held,
    item,
    plan,
    prepaid,
    scheduled,
    snapshot,
)
from tests.rules.reverts import (
    AGAIN,
    LEFT,
    OVER,
    SINCE,
    TO_STAY,
    TRIED,
    charged,
    ends_at_end,
    pausing,
    tried,
    trying,
)


def test_a_trial_that_lost_its_end_reverts_all_the_same() -> None:
    """The paused plan is what counts, even where somebody could be charged for the other."""
    endless = Holding(replace(tried().held, ends_at=None), TRIED)

    assert [EndPlan, ResumePlan, HoldLines] == kinds(turn(endless, at_=OVER, paused=(pausing(held(PRO)),)))


def test_the_paused_plan_is_asked_for() -> None:
    """The trial is over, as if it had been cancelled; how the plan is to be otherwise is said afterwards."""
    assert [EndPlan, ResumePlan, HoldLines] == kinds(attach(trying(), PRO, at("2026-01-13")))
    for changes in ({"quantities": {"messages": 5}}, {"version": 1}, {"customize": Customization()}):
        bought = replace(PRO, items=(item("messages", 0, price=prepaid("1")),))
        with pytest.raises(BadRequest, match="goes on as it was"):
            attach(trying(), bought, SINCE, **changes)


def test_another_plan_is_bought() -> None:
    """The paused plan is over: its usage is billed, its rest given back as of when it stopped, and what waited too."""
    pro = pausing(held(PRO))
    used = metered(pro, 100, 150, "0.10")
    waiting = HeldLine("waiting", charged(pro, 300, JANUARY, SINCE))
    paid = (charged(pro, 1550, JANUARY, FEBRUARY),)
    state = trying(grants=[used], held_lines=(waiting,), charges=paid, auto_enabled=(FREE,))
    decision = attach(state, GROWTH, at("2026-01-21"), carry_usages=CarryOver(enabled=True))

    assert [IssueInvoice, ReleaseLines, EndPlan, EndPlan, StartPlan] == kinds(decision)
    assert [500, 300, -1050, 10000] == amounts(decision)
    assert ["held-tried", "held-pro"] == [each.id for each in ends_at_end(decision)]
    assert [at("2026-01-21")] * 2 == [each.ends_at for each in ends_at_end(decision)]


def test_buying_another_plan_is_a_change_of_a_subscription() -> None:
    """It is charged or confirmed, as without the trial: no checkout that could be left with nothing."""
    without_card = trying(card=False)

    assert Payment.CHARGE is attach(without_card, GROWTH, SINCE).payment
    assert Payment.CONFIRM is attach(without_card, GROWTH, SINCE, redirect_mode=RedirectMode.ALWAYS).payment


def test_a_plan_with_an_end_is_bought() -> None:
    """The free plan fills the place after it, for nothing rests there any more."""
    state = trying(auto_enabled=(FREE,), plan_ids=("new-plan", "free-plan"))
    decision = attach(state, GROWTH, SINCE, ends_at=FEBRUARY)

    assert SchedulePlan is kinds(decision)[-1]


def test_a_trial_that_reverts_is_not_shared() -> None:
    """A smaller plan at once, and an add-on, are paid for: nothing is billed along with what is never paid."""
    lite = plan("lite", 5)

    assert None is started(attach(trying(), lite, SINCE, timing=PlanTiming.IMMEDIATE)).trial_ends_at
    add_on = attach(trying(), ADD_ON, SINCE)
    assert ([2000], None) == (amounts(add_on), started(add_on).trial_ends_at)
    assert [IssueInvoice, StartPlan] == kinds(add_on)


def test_the_tried_plan_is_bought() -> None:
    """With free_trial null it begins as a plan of its own, and the paused one is over."""
    decision = attach(trying(), replace(TRIED, free_trial=None), SINCE, customize=TO_STAY)

    assert [IssueInvoice, EndPlan, EndPlan, StartPlan] == kinds(decision)
    assert (None, None) == (started(decision).trial_ends_at, started(decision).ends_at)
    with pytest.raises(Conflict):
        attach(trying(trials_used=frozenset({"tried"})), TRIED, SINCE)


def test_a_smaller_plan_follows() -> None:
    """It starts when the trial ends; the paused plan ends then, and its rest is given back on one invoice."""
    for follower, priced in ((plan("lite", 5), [500]), (FREE, [])):
        decision = turn(tried(), scheduled(follower, OVER), at_=OVER, paused=(pausing(held(PRO)),))

        assert [EndPlan, EndPlan, StartPlan, IssueInvoice] == kinds(decision)
        assert [-LEFT, *priced] == [round(each) for each in amounts(decision)]


def test_others_are_not_concerned() -> None:
    """A plan paused in another group rests on while plans of this one turn."""
    resting = pausing(held(replace(PRO, id="elsewhere", group="other")))
    state = snapshot(held(GROWTH), tried(replace(TRIED, group="other"), over=at("2026-03-01")), paused=(resting,))

    assert not any(isinstance(action, ResumePlan) for action in turn(*state.holdings, paused=state.paused).actions)


def test_the_trial_cannot_be_removed_along() -> None:
    """A plan of another group cannot take it away, nor can several plans at once."""
    other = replace(GROWTH, group="other")
    with pytest.raises(BadRequest) as removed:
        attach(trying(), other, SINCE, remove_plan_ids=("tried",))
    several = MultiAttachRequest("acme", plans=(PlanWish("growth"), PlanWish("add-on")))
    with pytest.raises(BadRequest) as replaced:
        decide_multi_attach(trying(plan_ids=("a", "b")), [GROWTH, ADD_ON], several, now=SINCE)

    assert ["trial_reverts"] * 2 == [removed.value.code, replaced.value.code]


@pytest.mark.parametrize(
    ("offer", "trial"),
    [(TRIED, None), (GROWTH, AGAIN)],
    ids=["its own", "one that is set"],
)
def test_it_is_for_one_plan_by_itself(offer: Plan, trial: Customization | None) -> None:
    """Several plans at once do not revert; a trial that is taken away does not either."""
    several = MultiAttachRequest("acme", plans=(PlanWish(offer.id), PlanWish("add-on")), trial=trial)
    state = snapshot(held(PRO), plan_ids=("a", "b"))
    with pytest.raises(BadRequest, match="reverts"):
        decide_multi_attach(state, [offer, ADD_ON], several, now=SINCE)

    without = replace(several, trial=TO_STAY)
    assert StartPlan in kinds(decide_multi_attach(state, [offer, ADD_ON], without, now=SINCE))


def test_several_are_cancelled() -> None:
    """The paused plan goes on though another plan is cancelled after the trial."""
    changes = tuple(
        CancelRequest("acme", CancelAction.CANCEL_IMMEDIATELY, plan_id=each) for each in ("tried", "add-on")
    )
    state = trying(held(ADD_ON), auto_enabled=(FREE,), plan_ids=("a", "b"))
    decision = decide_multi_cancel(state, MultiCancelRequest("acme", changes), now=at("2026-01-13"))

    assert [IssueInvoice, EndPlan, ResumePlan, HoldLines, EndPlan] == kinds(decision)


PLAN_PAUSED, TRIAL_REVERTS = "plan_paused", "trial_reverts"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (CancelRequest("acme", CancelAction.CANCEL_IMMEDIATELY, plan_id="pro"), PLAN_PAUSED),
        (CancelRequest("acme", CancelAction.UNCANCEL, subscription_id="held-pro"), PLAN_PAUSED),
        (UpdateRequest("acme", plan_id="pro", quantities={"messages": Decimal(5)}), PLAN_PAUSED),
        (MultiCancelRequest("acme", (CancelRequest("acme", CancelAction.UNCANCEL, plan_id="pro"),)), PLAN_PAUSED),
        (UpdateRequest("acme", plan_id="tried", customize=AGAIN), TRIAL_REVERTS),
        (UpdateRequest("acme", plan_id="tried", version=2), TRIAL_REVERTS),
        (UpdateRequest("acme", plan_id="tried", anchor="now"), TRIAL_REVERTS),
        (UpdateRequest("acme", plan_id="tried", uncancel=True), TRIAL_REVERTS),
        (UpdateRequest("acme", plan_id="tried", quantities={"messages": Decimal(5)}), None),
        (UpdateRequest("acme", plan_id="tried", customize=Customization(items=())), None),
        (UpdateRequest("acme", plan_id="add-on", version=2), None),
        (CancelRequest("acme", CancelAction.CANCEL_IMMEDIATELY, plan_id="tried"), None),
        (AttachRequest("acme", "pro"), None),
    ],
)
def test_what_may_be_asked_meanwhile(request_: BillingRequest, code: str | None) -> None:
    """The paused plan stays as it is, and so does the trial it waits for; everything else goes on."""
    state = trying(held(ADD_ON))
    if code is None:
        check_request(state, request_)
        return
    with pytest.raises(BadRequest) as refused:
        check_request(state, request_)

    assert code == refused.value.code


def test_an_unknown_plan_is_not_the_paused_one() -> None:
    """Nothing is said about it here: who looks for it finds nothing."""
    check_request(trying(), CancelRequest("acme", CancelAction.CANCEL_IMMEDIATELY, plan_id="unknown"))


def test_standing_towards_the_paused_plan() -> None:
    """It waits, as a scheduled one does."""
    assert "scheduled" == compute_eligibility(trying(), PRO, now=SINCE).status
