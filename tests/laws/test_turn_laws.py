"""Turning moves strictly forward, and twice is once (billing.md §9; design.md §2 decision 12)."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sumac.balances.model import Grant
from sumac.billing.model import (
    CancelPlan,
    Decision,
    DropScheduled,
    EndPlan,
    Holding,
    IssueInvoice,
    KeepPlan,
    RenewPlan,
    ResetGrants,
    SchedulePlan,
    Snapshot,
    StartPlan,
)
from sumac.billing.requests import (
    AttachRequest,
    CancelAction,
    CancelRequest,
)
from sumac.billing.rules.attach import decide_attach
from sumac.billing.rules.cancel import decide_cancel
from sumac.billing.rules.turn import compute_due_at, decide_turn
from sumac.billing.units import Provision
from sumac.catalog.model import FreeTrial, Plan, TrialUnit
from sumac.core.money import round_sum
from tests.laws.strategies import LAW, instants, paid_plans
from tests.rules.offers import FREE, PRO, grant, snapshot

TURNS = 12


def due_at(state: Snapshot) -> datetime | None:
    return compute_due_at([each.held for each in state.holdings], state.grants)


def opened(start: StartPlan, provision: Provision, number: int) -> Grant:
    """The grant a provision becomes."""
    fields = {
        name: getattr(provision, name)
        for name in ("included", "prepaid", "balance", "unlimited", "overage_allowed", "max_purchase", "reset", "price")
    }
    return replace(
        grant(provision.feature_id, reset=None),
        id=f"{start.held.id}-{number}",
        customer_plan_id=start.held.id,
        plan_id=start.held.plan_id,
        anchor_at=start.held.anchor_at,
        resets_at=provision.resets_at,
        **fields,
    )


def applied(state: Snapshot, decision: Decision, plans: dict[str, Plan]) -> Snapshot:
    """What the customer holds once the decision is carried out, by the plainest method."""
    holdings = {each.held.id: each for each in state.holdings}
    grants = {each.id: each for each in state.grants}
    for action in decision.actions:
        match action:
            case StartPlan(held, _, provisions):
                holdings[held.id] = Holding(held, plans[held.plan_id])
                grants |= {each.id: each for each in (opened(action, p, n) for n, p in enumerate(provisions))}
            case SchedulePlan(held) | CancelPlan(held) | KeepPlan(held) | RenewPlan(held):
                holdings[held.id] = Holding(held, plans[held.plan_id])
            case DropScheduled(held) | EndPlan(held):
                del holdings[held.id]
                grants = {key: each for key, each in grants.items() if each.customer_plan_id != held.id}
            case ResetGrants(full):
                grants |= {each.id: each for each in full}
            case IssueInvoice():
                pass
    fresh = f"new-plan-{len(state.plan_ids[0])}" + "x"
    return replace(state, holdings=tuple(holdings.values()), grants=tuple(grants.values()), plan_ids=(fresh,))


@st.composite
def customers(draw: st.DrawFn) -> tuple[Snapshot, dict[str, Plan], datetime]:
    """A customer with a plan attached at some instant, perhaps on trial, perhaps canceled or about to change."""
    now = draw(instants)
    plan = draw(st.just(FREE) | st.just(PRO) | paid_plans("paid"))
    if draw(st.booleans()):
        trial = FreeTrial(draw(st.integers(1, 3)), draw(st.sampled_from(TrialUnit)), card_required=False)
        plan = replace(plan, free_trial=trial)
    small = replace(PRO, id="small", price=replace(PRO.price, amount=Decimal("0.01")) if PRO.price else None)
    default = replace(FREE, id="default")
    plans = {plan.id: plan, small.id: small, default.id: default}
    state = snapshot(auto_enabled=(default,))
    chosen = {each.feature_id: Decimal(200) for each in plan.items if each.is_prepaid}
    request = AttachRequest("acme", plan.id, quantities=chosen)
    state = applied(state, decide_attach(state, plan, request, now=now), plans)
    match draw(st.sampled_from(["run", "cancel", "downgrade"])):
        case "cancel" if plan.id != "free":
            cancel = CancelRequest("acme", CancelAction.CANCEL_END_OF_CYCLE, plan.id)
            state = applied(state, decide_cancel(state, cancel, now=now), plans)
        case "downgrade":
            downgrade = decide_attach(state, small, AttachRequest("acme", "small"), now=now)
            state = applied(state, downgrade, plans)
        case _:
            pass
    used = draw(st.integers(0, 3000).map(Decimal))
    grants = tuple(replace(each, balance=each.balance - used) for each in state.grants)
    return replace(state, grants=grants), plans, now


@LAW
@given(customers())
def test_every_turn_moves_forward(case: tuple[Snapshot, dict[str, Plan], datetime]) -> None:
    """After a turn the next due instant is later, so that turning comes to an end."""
    state, plans, now = case
    for _ in range(TURNS):
        at = due_at(state)
        if at is None:
            return
        assert at > now
        state, now = applied(state, decide_turn(state, at=at), plans), at


@LAW
@given(customers())
def test_turning_twice_is_turning_once(case: tuple[Snapshot, dict[str, Plan], datetime]) -> None:
    """Decided again from the state after it, the same instant holds nothing more."""
    state, plans, _ = case
    for _ in range(TURNS):
        at = due_at(state)
        if at is None:
            return
        state = applied(state, decide_turn(state, at=at), plans)

        assert () == decide_turn(state, at=at).actions


@LAW
@given(customers())
def test_one_instant_has_one_invoice_of_its_plans(case: tuple[Snapshot, dict[str, Plan], datetime]) -> None:
    """At most one invoice a turn, on a plan the customer had or has, and never for less than nothing."""
    state, plans, _ = case
    for _ in range(TURNS):
        at = due_at(state)
        if at is None:
            return
        decision = decide_turn(state, at=at)
        invoices = [action.draft for action in decision.actions if isinstance(action, IssueInvoice)]
        before = {each.held.id for each in state.holdings}

        assert len(invoices) <= 1
        for draft in invoices:
            assert draft.customer_plan_id in before
            assert at == draft.period_start
            assert round_sum([line.exact_minor for line in draft.lines]) >= 0
            assert {line.plan_id for line in draft.lines} == set(draft.plan_ids)
        state = applied(state, decision, plans)


@LAW
@given(customers())
def test_units_are_full_after_their_reset(case: tuple[Snapshot, dict[str, Plan], datetime]) -> None:
    """A reset leaves exactly what was granted, until an instant still to come."""
    state, plans, _ = case
    for _ in range(TURNS):
        at = due_at(state)
        if at is None:
            return
        decision = decide_turn(state, at=at)
        for action in decision.actions:
            full = action.grants if isinstance(action, ResetGrants) else ()
            assert all(each.balance == each.granted and each.resets_at and each.resets_at > at for each in full)
        state = applied(state, decision, plans)
