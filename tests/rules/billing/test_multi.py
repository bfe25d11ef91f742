"""Several plans at once: attached or cancelled together, on one invoice (billing.md §13.1)."""

# ruff: noqa: ANN401  # `request` are fields of the request being made, of any type

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
    Payment,
    SchedulePlan,
    Snapshot,
    StartPlan,
)
from sumac.billing.requests import (
    CancelAction,
    CancelRequest,
    InvoiceMode,
    MultiAttachRequest,
    MultiCancelRequest,
    PlanWish,
    RedirectMode,
)
from sumac.billing.rules.multi import decide_end_unpaid, decide_multi_attach, decide_multi_cancel
from sumac.catalog.model import Customization, Plan
from sumac.core.errors import BadRequest, Conflict
from sumac.core.time import Period
from sumac.invoices.model import InvoiceKind
from tests.rules.decisions import FEBRUARY, HALF, amounts, cents, kinds
from tests.rules.offers import (
    ADD_ON,
    FREE,
    JANUARY,
    ONE_OFF,
    PREMIUM,
    PRO,
    PRO_ANNUAL,
    PRO_TRIAL,
    TRIAL,
    YEARLY,
    at,
    canceling,
    held,
    item,
    plan,
    prepaid,
    scheduled,
    snapshot,
)

IDS = ("first", "second", "third")
ADD_ON_2 = replace(ADD_ON, id="add-on-2")
OTHER = replace(PRO, id="other", group="other")
PACKS = plan("packs", None, item("words", 100, price=prepaid("10", units=100)), add_on=True)
NO_TRIAL = Customization(sets_trial=True)
NOW, LATER, KEEP = CancelAction.CANCEL_IMMEDIATELY, CancelAction.CANCEL_END_OF_CYCLE, CancelAction.UNCANCEL


def attach(
    state: Snapshot, *plans: Plan, now: datetime = JANUARY, chosen: tuple[dict[str, int], ...] = (), **request: Any
) -> Decision:
    """Attaches the plans together."""
    quantities = [{key: Decimal(value) for key, value in each.items()} for each in chosen] or [{} for _ in plans]
    wishes = tuple(PlanWish(each.id, quantities=some) for each, some in zip(plans, quantities, strict=True))
    return decide_multi_attach(
        replace(state, plan_ids=IDS), plans, MultiAttachRequest("acme", wishes, **request), now=now
    )


def cancel(state: Snapshot, *changes: tuple[str, CancelAction], now: datetime = JANUARY) -> Decision:
    """Cancels or keeps plans together."""
    requests = tuple(CancelRequest("acme", action, plan_id) for plan_id, action in changes)
    return decide_multi_cancel(replace(state, plan_ids=IDS), MultiCancelRequest("acme", requests), now=now)


def starts(decision: Decision) -> list[StartPlan]:
    return [action for action in decision.actions if isinstance(action, StartPlan)]


def test_two_plans_from_free() -> None:
    """Pro and an add-on cost 20 + 20 = $40 on one invoice; Free is over."""
    decision = attach(snapshot(held(FREE)), PRO, ADD_ON)

    assert [IssueInvoice, EndPlan, StartPlan, StartPlan] == kinds(decision)
    assert ([2000, 2000], Payment.CHARGE) == (amounts(decision), decision.payment)
    assert decision.invoice is not None
    assert ("pro", "add-on") == decision.invoice.plan_ids
    assert ["first", "second"] == [each.held.id for each in starts(decision)]


def test_upgrade_with_an_add_on() -> None:
    """Pro to Premium with an add-on at the start of the cycle: (50 - 20) + 20 = $50."""
    assert 5000 == cents(attach(snapshot(held(PRO)), PREMIUM, ADD_ON))


def test_everything_is_immediate() -> None:
    """A plan that costs less takes over now, too: 20/2 - 50/2 + 20/2 = -$5.00 in the middle of the cycle."""
    decision = attach(snapshot(held(PREMIUM)), PRO, ADD_ON, now=HALF)

    assert (-500, Payment.NONE) == (cents(decision), decision.payment)
    assert [IssueInvoice, EndPlan, StartPlan, StartPlan] == kinds(decision)


def test_a_monthly_and_an_annual_plan() -> None:
    """$20 a month and $200 a year begin together for $220, each with its own period."""
    yearly = replace(PRO_ANNUAL, group="other")
    decision = attach(snapshot(), PRO, yearly)

    assert 22000 == cents(decision)
    assert decision.invoice is not None
    assert [Period(JANUARY, FEBRUARY), Period(JANUARY, at("2027-01-01"))] == [
        line.period for line in decision.invoice.lines
    ]
    assert YEARLY == yearly.price.cadence if yearly.price else None


def test_the_same_add_on_twice() -> None:
    """200 and 500 units, of which 100 are included each, at $10 per 100: 10 + 40 = $50 and two attachments."""
    decision = attach(snapshot(), PACKS, PACKS, chosen=({"words": 200}, {"words": 500}))

    assert [1000, 4000] == amounts(decision)
    assert [200, 500] == [each.provisions[0].balance for each in starts(decision)]


def test_a_trial_for_all_but_what_is_bought_once() -> None:
    """A seven-day trial of Pro with a purchase of $10 costs $10 now; without the trial $30."""
    once = plan("once", 10, cadence=ONE_OFF.price.cadence if ONE_OFF.price else YEARLY)
    week = Customization(free_trial=replace(TRIAL, length=7), sets_trial=True)

    assert 1000 == cents(attach(snapshot(), PRO, once, trial=week))
    assert [at("2026-01-08"), None] == [
        each.held.trial_ends_at for each in starts(attach(snapshot(), PRO, once, trial=week))
    ]
    assert 3000 == cents(attach(snapshot(), PRO_TRIAL, once, trial=NO_TRIAL))
    assert 1000 == cents(attach(snapshot(), PRO_TRIAL, once))


def test_the_trial_of_a_main_plan_is_the_add_ons_too() -> None:
    """Without a trial that is asked for, what is billed along has that of the main plan, a purchase has none."""
    decision = attach(snapshot(held(FREE)), ADD_ON, PRO_TRIAL, ONE_OFF)

    assert 1000 == cents(decision)
    assert [at("2026-01-15"), at("2026-01-15"), None] == [each.held.trial_ends_at for each in starts(decision)]


def test_a_free_plan_has_no_trial_of_another() -> None:
    """It is free anyway; and a plan with a trial of its own keeps that one."""
    week = replace(PRO_TRIAL, id="other", group="other", free_trial=replace(TRIAL, length=7))
    decision = attach(snapshot(), PRO_TRIAL, week, replace(FREE, group="third"))

    assert [at("2026-01-15"), at("2026-01-08"), None] == [each.held.trial_ends_at for each in starts(decision)]


def test_a_trial_had_before_is_not_lent() -> None:
    """Pro's second time is charged at once, and so is the add-on."""
    assert 4000 == cents(attach(snapshot(trials_used=frozenset({"pro-trial"})), PRO_TRIAL, ADD_ON))


def test_a_scheduled_plan_gives_way() -> None:
    """What was to start in the place of one of the plans does not."""
    state = snapshot(canceling(held(PREMIUM), FEBRUARY), scheduled(FREE, FEBRUARY))
    decision = attach(state, PRO, ADD_ON)

    assert [DropScheduled, IssueInvoice, EndPlan, StartPlan, StartPlan] == kinds(decision)


def test_payment() -> None:
    """Without a card the customer completes one page for all; an invoice that is sent waits to be paid."""
    assert Payment.CHECKOUT is attach(snapshot(card=False), PRO, ADD_ON).payment
    assert Payment.SEND is attach(snapshot(), PRO, ADD_ON, invoice_mode=InvoiceMode()).payment
    assert Payment.NONE is attach(snapshot(), PRO, invoice_mode=InvoiceMode(enable_immediately=True)).payment
    assert Payment.CHECKOUT is attach(snapshot(), PRO, ADD_ON, redirect_mode=RedirectMode.ALWAYS).payment


def test_begun_anew() -> None:
    """Periods that begin now: the rest of Pro is given back, a whole period of each new plan is charged."""
    decision = attach(snapshot(held(PRO)), PREMIUM, ADD_ON, now=HALF, anchor="now")

    assert 5000 + 2000 - 1000 == cents(decision)
    assert [HALF, HALF] == [each.held.anchor_at for each in starts(decision)]


def test_apart() -> None:
    """A subscription of its own counts its own periods, and nothing else begins anew because of it."""
    decision = attach(snapshot(held(PRO)), ADD_ON, ADD_ON_2, now=HALF, new_subscription=True)

    assert 4000 == cents(decision)
    assert [HALF, HALF] == [each.held.anchor_at for each in starts(decision)]


def test_backdated() -> None:
    """Forty days back, two periods of each plan are due: 2 x (20 + 20) = $80."""
    decision = attach(snapshot(), PRO, ADD_ON, now=at("2026-02-10"), starts_at=JANUARY)

    assert 8000 == cents(decision)
    assert [(JANUARY, at("2026-03-01"))] * 2 == [
        (each.held.starts_at, each.held.period_end) for each in starts(decision)
    ]


@pytest.mark.parametrize(
    ("state", "plans", "request_", "error"),
    [
        pytest.param(snapshot(held(PRO)), (PRO, ADD_ON), {}, Conflict, id="held-already"),
        pytest.param(snapshot(), (PRO, PREMIUM), {}, BadRequest, id="one-place-for-two"),
        pytest.param(
            snapshot(held(PRO)), (ADD_ON, ADD_ON_2), {"redirect_mode": RedirectMode.ALWAYS}, BadRequest, id="redirect"
        ),
        pytest.param(snapshot(), (ONE_OFF,), {"anchor": "now"}, BadRequest, id="anchor-of-nothing"),
        pytest.param(
            snapshot(),
            (PRO,),
            {"anchor": "now", "trial": Customization(free_trial=TRIAL, sets_trial=True)},
            BadRequest,
            id="anchor-and-trial",
        ),
        pytest.param(
            snapshot(held(PRO), held(OTHER, HALF)),
            (PREMIUM, replace(PREMIUM, id="other-premium", group="other")),
            {},
            BadRequest,
            id="two-subscriptions",
        ),
        pytest.param(snapshot(), (PRO,), {"starts_at": FEBRUARY}, BadRequest, id="later-start"),
        pytest.param(snapshot(held(PRO)), (ADD_ON,), {"starts_at": at("2025-11-01")}, BadRequest, id="backdated"),
    ],
)
def test_what_cannot_be_together(
    state: Snapshot, plans: tuple[Plan, ...], request_: dict[str, Any], error: type[Exception]
) -> None:
    """Each is refused, and nothing is decided."""
    with pytest.raises(error):
        attach(state, *plans, **request_)


def test_the_callers_ids_are_single() -> None:
    """A subscription id cannot name two plans of a customer."""
    wishes = (PlanWish("pro", subscription_id="mine"), PlanWish("add-on", subscription_id="mine"))
    with pytest.raises(Conflict) as raised:
        decide_multi_attach(
            replace(snapshot(), plan_ids=IDS), (PRO, ADD_ON), MultiAttachRequest("acme", wishes), now=JANUARY
        )

    assert "duplicate_subscription_id" == raised.value.code


def test_cancelling_several() -> None:
    """Pro and an add-on end now, with one credit for both: -20 - 20 = -$40 at the start of the cycle."""
    decision = cancel(snapshot(held(PRO), held(ADD_ON)), ("pro", NOW), ("add-on", NOW))

    assert [IssueInvoice, EndPlan, EndPlan] == kinds(decision)
    assert -4000 == cents(decision)
    assert decision.invoice is not None
    assert (InvoiceKind.FINAL, ("pro", "add-on")) == (decision.invoice.kind, decision.invoice.plan_ids)


def test_a_successor_that_is_gone_already() -> None:
    """Keeping a plan drops its successor; cancelling that one, too, changes nothing more."""
    state = snapshot(canceling(held(PREMIUM), FEBRUARY), scheduled(PRO, FEBRUARY))
    decision = cancel(state, ("premium", KEEP), ("pro", NOW))

    assert [DropScheduled, KeepPlan] == kinds(decision)


def test_the_default_comes_once() -> None:
    """The plan that fills the group starts when its main plan is gone, with an id of its own."""
    state = snapshot(held(PRO), held(ADD_ON), auto_enabled=(FREE,))
    decision = cancel(state, ("add-on", NOW), ("pro", NOW))

    assert ["free"] == [each.held.plan_id for each in starts(decision)]


OTHER_FREE = replace(FREE, id="other-free", group="other")


@pytest.mark.parametrize("state", [(held(PRO), held(OTHER)), (held(OTHER), held(PRO))], ids=["pro-first", "pro-last"])
def test_the_defaults_of_two_groups(state: tuple[Holding, ...]) -> None:
    """Main plans of two groups that end together, cancelled or not paid for, are followed by the free plan of each."""
    both = snapshot(*state, auto_enabled=(FREE, OTHER_FREE), plan_ids=IDS)
    unpaid = decide_end_unpaid(both, {each.held.id for each in state}, now=HALF)

    assert [EndPlan, StartPlan, EndPlan, StartPlan] == kinds(unpaid)
    for decision in (unpaid, cancel(both, ("pro", NOW), ("other", NOW))):
        assert ["first", "second"] == [each.held.id for each in starts(decision)]
        assert {"free", "other-free"} == {each.held.plan_id for each in starts(decision)}
    assert [] == starts(decide_end_unpaid(both, {"held-pro"}, now=HALF))


def test_what_was_to_follow_an_unpaid_plan() -> None:
    """It goes once, named or not; named by itself it is dropped, and the plan before it runs on."""
    ending, waiting = canceling(held(PRO), FEBRUARY), scheduled(FREE, FEBRUARY)
    state = snapshot(ending, waiting)

    assert [DropScheduled, EndPlan] == kinds(decide_end_unpaid(state, {"held-pro", "held-free"}, now=HALF))
    assert [DropScheduled, EndPlan] == kinds(decide_end_unpaid(state, {"held-pro"}, now=HALF))
    assert [DropScheduled, KeepPlan] == kinds(decide_end_unpaid(state, {"held-free"}, now=HALF))


@pytest.mark.parametrize(
    ("first", "state"), [(KEEP, canceling(held(OTHER), FEBRUARY)), (LATER, held(OTHER))], ids=["kept", "canceled"]
)
def test_each_change_sees_the_ones_before(first: CancelAction, state: Holding) -> None:
    """While another paid main plan runs, to its end too, the default does not start in the place of what ends."""
    decision = cancel(snapshot(held(PRO), state, auto_enabled=(FREE,)), ("other", first), ("pro", NOW))

    assert [] == starts(decision)


def test_the_default_waits_once() -> None:
    """Pro ends with its cycle and Free waits for it; the add-on ends now, and with it nothing else begins."""
    state = snapshot(held(PRO), held(ADD_ON), auto_enabled=(FREE,))
    decision = cancel(state, ("pro", LATER), ("add-on", NOW))

    assert [IssueInvoice, CancelPlan, SchedulePlan, EndPlan] == kinds(decision)


def test_the_default_that_has_started_is_seen() -> None:
    """Two main plans end: the default of the first one's group is started with the first id, none with the second."""
    decision = cancel(snapshot(held(PRO), held(OTHER), auto_enabled=(FREE,)), ("other", NOW), ("pro", NOW))

    assert [("free", "second")] == [(each.held.plan_id, each.held.id) for each in starts(decision)]


def test_a_plan_that_stands_twice() -> None:
    """It is not clear what is to become of it."""
    with pytest.raises(BadRequest):
        cancel(snapshot(held(PRO)), ("pro", NOW), ("pro", LATER))
