"""Trials that revert: what is asked for, what rests, and what goes on (billing.md §11)."""

# fields of requests, of any type

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.model import (
    CancelPlan,
    DropScheduled,
    EndPlan,
    HoldLines,
    IssueInvoice,
    KeepPlan,
    PausePlan,
    Payment,
    PlanStatus,
    ResumePlan,
    Snapshot,
    StartPlan,
)
from sumac.billing.requests import (
    CancelAction,
    CancelRequest,
    CarryOver,
    PlanTiming,
    RedirectMode,
)
from sumac.billing.rules.cancel import decide_cancel
from sumac.billing.rules.multi import decide_end_unpaid
from sumac.billing.rules.turn import compute_due_at
from sumac.catalog.model import Proration
from sumac.core.errors import BadRequest
from sumac.core.time import Period
from tests.rules.decisions import FEBRUARY, amounts, attach, kinds, metered, started, turn
from tests.rules.offers import (
    ADD_ON,
    FREE,
    GROWTH,
    JANUARY,
    ONE_OFF,
    PRO,
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
from tests.rules.reverts import (
    AGAIN,
    LEFT,
    OVER,
    REST,
    REVERTS,
    SINCE,
    TRIED,
    charged,
    held_lines,
    pausing,
    resumed,
    tried,
    trying,
)


def test_the_trial_begins() -> None:
    """The plan before it rests, nothing is billed, no card is asked for, and the new one ends with its trial."""
    used = metered(held(PRO), 100, 250, "0.10")
    decision = attach(snapshot(held(PRO), grants=[used], card=False), TRIED, SINCE)

    assert ([PausePlan, StartPlan], Payment.NONE) == (kinds(decision), decision.payment)
    pause = decision.actions[0]
    assert isinstance(pause, PausePlan)
    assert (PlanStatus.PAUSED, SINCE, SINCE) == (pause.held.status, pause.held.ends_at, pause.held.paused_at)
    begun = started(decision)
    assert (OVER, OVER, OVER, OVER) == (begun.trial_ends_at, begun.ends_at, begun.period_end, begun.anchor_at)


@pytest.mark.parametrize("price", [5, 20, 50])
def test_it_begins_at_once_whatever_it_costs(price: int) -> None:
    """A trial of a smaller plan does not wait for the end of the cycle, nor does it share the state of the larger."""
    decision = attach(snapshot(held(PRO)), plan("tried", price, free_trial=REVERTS), SINCE)

    assert [PausePlan, StartPlan] == kinds(decision)
    assert OVER == started(decision).trial_ends_at


def test_the_subscription_beside_it_stays_as_it_is() -> None:
    """What was billed along with the paused plan goes on in its own periods."""
    assert [PausePlan, StartPlan] == kinds(attach(snapshot(held(PRO), held(ADD_ON)), TRIED, SINCE))


def test_what_is_bought_once_is_charged() -> None:
    """It stays with the customer, and so costs what it costs, as with every trial (§11)."""
    mixed = replace(TRIED, items=(*TRIED.items, *ONE_OFF.items))
    decision = attach(snapshot(held(PRO)), mixed, SINCE, quantities={"messages": 100})

    assert ([1000], Payment.CHARGE) == (amounts(decision), decision.payment)
    assert [PausePlan, IssueInvoice, StartPlan] == kinds(decision)


def test_a_page_may_ask_first() -> None:
    """With redirect_mode always the customer confirms it."""
    decision = attach(snapshot(held(PRO)), TRIED, SINCE, redirect_mode=RedirectMode.ALWAYS)

    assert Payment.CONFIRM is decision.payment


@pytest.mark.parametrize(
    "state",
    [
        snapshot(),
        snapshot(held(FREE)),
        snapshot(held(PRO, status=PlanStatus.PAST_DUE)),
        snapshot(held(PRO, trial_ends_at=OVER, anchor_at=OVER, period_end=OVER)),
        snapshot(canceling(held(PRO), FEBRUARY)),
        snapshot(held(PRO, ends_at=FEBRUARY)),
        snapshot(held(PRO), scheduled(GROWTH, FEBRUARY)),
        snapshot(held(replace(PRO, group="other"))),
        snapshot(held(TRIED)),
        trying(),
    ],
    ids=["nothing", "free", "past due", "on trial", "canceling", "with an end", "change waits", "other group", "same",
         "reverting"],
)  # fmt: skip
def test_it_needs_a_plan_to_revert_to(state: Snapshot) -> None:
    """Paid for, active, in the same group, running on by itself, and another one."""
    with pytest.raises(BadRequest) as refused:
        attach(state, replace(TRIED, id="tried" if state.paused == () else "other"), SINCE, customize=AGAIN)

    assert "trial_needs_subscription" == refused.value.code


def test_an_add_on_takes_no_place() -> None:
    """There is nothing that it could revert to."""
    with pytest.raises(BadRequest) as refused:
        attach(snapshot(held(PRO)), replace(ADD_ON, free_trial=REVERTS), SINCE)

    assert "trial_needs_subscription" == refused.value.code


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"anchor": "now"}, "billing_cycle_anchor"),
        ({"starts_at": FEBRUARY}, "starts_at"),
        ({"ends_at": FEBRUARY}, "ends_at"),
        ({"remove_plan_ids": ("add-on",)}, "remove_plan_ids"),
        ({"new_subscription": True}, "new_billing_subscription"),
        ({"carry_balances": CarryOver(enabled=True)}, "carry_over_balances"),
        ({"timing": PlanTiming.END_OF_CYCLE}, "plan_schedule"),
    ],
)
def test_it_is_about_now_and_these_two_plans(request_: dict[str, Any], named: str) -> None:
    """What is about other times or plans is refused by name."""
    with pytest.raises(BadRequest, match=named):
        attach(snapshot(held(PRO), held(ADD_ON)), TRIED, SINCE, **({"customize": AGAIN} | request_))


def test_a_trial_that_was_used_is_none() -> None:
    """The plan is bought as any other; asked for by itself, the trial is given again (§11)."""
    used = snapshot(held(PRO), trials_used=frozenset({"tried"}))

    assert [IssueInvoice, EndPlan, StartPlan] == kinds(attach(used, TRIED, SINCE))
    assert [PausePlan, StartPlan] == kinds(attach(used, TRIED, SINCE, customize=AGAIN))


def test_the_trial_ends() -> None:
    """No invoice; the paid 21 days are to come, on two lines that come to nothing."""
    decision = turn(tried(), at_=OVER, paused=(pausing(held(PRO)),), auto_enabled=(FREE,))

    assert [EndPlan, ResumePlan, HoldLines] == kinds(decision)
    going_on, _ = resumed(decision)
    assert (PlanStatus.ACTIVE, None) == (going_on.status, going_on.ends_at)
    assert (JANUARY + REST, JANUARY + REST, FEBRUARY + REST) == (
        going_on.anchor_at, going_on.period_start, going_on.period_end,
    )  # fmt: skip
    given_back, charged_again = held_lines(decision)
    assert (-LEFT, Period(SINCE, FEBRUARY)) == (round(given_back[0]), given_back[1])
    assert (given_back[0].copy_negate(), Period(OVER, FEBRUARY + REST)) == charged_again


def test_a_trial_longer_than_what_was_left() -> None:
    """The whole rest is still to come after two months, and what it is worth is known from the charge."""
    pro, over = pausing(held(PRO)), at("2026-03-12")
    state = snapshot(tried(over=over), paused=(pro,), charges=(charged(pro, 1550, JANUARY, FEBRUARY),))
    decision = turn(*state.holdings, at_=over, paused=state.paused, charges=state.charges)

    assert over + timedelta(days=21) == resumed(decision)[0].period_end
    assert [-1050, 1050] == [cents for cents, _ in held_lines(decision)]


@pytest.mark.parametrize(
    ("anchor", "since", "over", "ends"),
    [
        ("2026-01-31", "2026-02-10", "2026-02-20", "2026-03-10"),
        ("2026-01-15", "2026-04-01", "2026-04-21", "2026-05-05"),
        ("2026-01-01", "2026-01-15", "2026-02-04", "2026-02-21"),
        ("2024-02-29", "2026-02-10", "2026-03-20", "2026-04-07"),
    ],
)
def test_no_day_is_lost_to_the_length_of_a_month(anchor: str, since: str, over: str, ends: str) -> None:
    """The period ends exactly as much later as the plan rested, and the next one is a whole month."""
    begun = {"2026-02-10": "2026-01-31", "2026-04-01": "2026-03-15", "2026-01-15": "2026-01-01"}[since]
    begun = "2026-01-29" if anchor == "2024-02-29" else begun
    resting = pausing(held(PRO, at(begun), anchor_at=at(anchor)), at(since))
    decision = turn(tried(begun=at(since), over=at(over)), at_=at(over), paused=(resting,))

    assert at(ends) == resumed(decision)[0].period_end


def test_prices_of_several_lengths() -> None:
    """The year ends as much later as the plan rested; a month in it ends with it, or with the months before."""
    both = plan("both", 200, item("messages", 100, price=prepaid("1")), cadence=YEARLY)
    resting = pausing(held(both, quantities={"messages": Decimal(110)}, period_end=FEBRUARY))
    going_on, _ = resumed(turn(tried(), at_=OVER, paused=(resting,)))

    assert (JANUARY + REST, FEBRUARY + REST) == (going_on.anchor_at, going_on.period_end)


def test_periods_that_were_to_begin_anew() -> None:
    """The day from which they are counted anew moves too."""
    resting = pausing(held(PRO, next_anchor_at=at("2026-01-20")))

    assert at("2026-02-03") == resumed(turn(tried(), at_=OVER, paused=(resting,)))[0].next_anchor_at


def test_units_rest_with_their_plan() -> None:
    """They neither reset nor make anything due meanwhile; then they are as they were left, and reset as much later."""
    pro = pausing(held(PRO))
    used = metered(pro, 100, 130, "0.10")
    lasting = grant("words", 10, 4, id="lasting", customer_plan_id=pro.held.id, reset=None, expires_at=FEBRUARY)
    over = at("2026-02-10")
    trial = tried(over=over)

    assert over == compute_due_at([trial.held, pro.held], [used, lasting])
    assert () == turn(trial, at_=FEBRUARY, grants=[used, lasting], paused=(pro,)).actions
    _, grants = resumed(turn(trial, at_=over, grants=[used, lasting], paused=(pro,)))
    rest = over - SINCE
    assert [("messages", Decimal(-30), FEBRUARY + rest, None), ("words", Decimal(6), None, FEBRUARY + rest)] == [
        (each.feature_id, each.balance, each.resets_at, each.expires_at) for each in grants
    ]


def test_units_that_are_held_are_those_held_now() -> None:
    """Seats taken or given up during the trial are; paid ones that are free stay free until the next period."""
    seat_price = usage_based("10")
    pro = pausing(held(PRO))
    prorated = Proration("prorate_immediately", "prorate_immediately")
    both = [
        grant("seats", 5, 5, id="packs", customer_plan_id=pro.held.id, reset=None),
        grant("seats", 0, 3, id="sold", customer_plan_id=pro.held.id, reset=None, overage_allowed=True,
              price=seat_price, proration=prorated),
    ]  # fmt: skip
    for now_held, balances, free in ((2, (3, 0), 3), (6, (0, -1), 2), (12, (0, -7), 0)):
        theirs = grant("seats", 50, now_held, id="theirs", customer_plan_id="held-tried", reset=None)
        _, grants = resumed(turn(tried(), at_=OVER, grants=[*both, theirs], paused=(pro,)))

        assert balances == tuple(int(each.balance) for each in grants)
        assert (0, free) == tuple(int(each.replaceables) for each in grants)


def test_what_the_trial_does_not_give_is_as_it_was() -> None:
    """Seats that only the paused plan gives, and anything that is a flag."""
    pro = pausing(held(PRO))
    own = [
        grant("seats", 5, 5, id="packs", customer_plan_id=pro.held.id, reset=None),
        grant("sso", id="flag", customer_plan_id=pro.held.id, reset=None),
    ]
    flag = grant("sso", id="theirs", customer_plan_id="held-tried", reset=None)
    only = grant("seats", 5, 1, id="only", customer_plan_id="held-tried", reset=None)

    assert own == list(resumed(turn(tried(), at_=OVER, grants=[*own, flag], paused=(pro,)))[1])
    assert own[1:] == list(resumed(turn(tried(), at_=OVER, grants=[own[1], only], paused=(pro,)))[1])


def test_the_trial_is_cancelled_at_once() -> None:
    """The paused plan goes on from now, whatever free plan there is; a plan that waited does not start."""
    state = trying(scheduled(FREE, OVER), auto_enabled=(FREE,))
    decision = decide_cancel(state, CancelRequest("acme", CancelAction.CANCEL_IMMEDIATELY, plan_id="tried"),
                             now=at("2026-01-13"))  # fmt: skip

    assert [DropScheduled, EndPlan, ResumePlan, HoldLines] == kinds(decision)
    assert at("2026-02-03") == resumed(decision)[0].period_end
    unpaid = decide_end_unpaid(state, {"held-tried"}, now=at("2026-01-13"))
    assert [DropScheduled, EndPlan, ResumePlan, HoldLines] == kinds(unpaid)


def test_nothing_moves_within_an_instant() -> None:
    """Tried and left at once: the same periods, and no line."""
    at_once = CancelRequest("acme", CancelAction.CANCEL_IMMEDIATELY, plan_id="tried")
    decision = decide_cancel(trying(), at_once, now=SINCE)

    assert [EndPlan, ResumePlan] == kinds(decision)
    assert (JANUARY, FEBRUARY) == (resumed(decision)[0].anchor_at, resumed(decision)[0].period_end)


def test_what_was_never_charged_has_nothing_to_move() -> None:
    """A plan paid for after use: it goes on without a line."""
    used_only = plan("metered", None, item("messages", 100, price=usage_based("0.10")))

    assert [EndPlan, ResumePlan] == kinds(turn(tried(), at_=OVER, paused=(pausing(held(used_only)),)))


def test_the_trial_is_cancelled_with_its_end_and_kept() -> None:
    """No free plan is to follow, for the paused one does; kept, it still ends with its trial."""
    state = trying(auto_enabled=(FREE,))
    later = decide_cancel(state, CancelRequest("acme", CancelAction.CANCEL_END_OF_CYCLE, plan_id="tried"), now=SINCE)

    assert [CancelPlan] == kinds(later)
    canceled = snapshot(canceling(tried(), OVER), paused=state.paused, trials_used=frozenset({"tried"}))
    keep = CancelRequest("acme", CancelAction.UNCANCEL, plan_id="tried")
    for decision in (decide_cancel(canceled, keep, now=SINCE), attach(canceled, TRIED, SINCE)):
        (kept,) = decision.actions
        assert isinstance(kept, KeepPlan)
        assert (None, OVER) == (kept.held.canceled_at, kept.held.ends_at)
