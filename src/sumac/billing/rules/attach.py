"""What happens when a customer gets a plan (billing.md §10)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sumac.billing.model import Action, Decision, DropScheduled, Holding, KeepPlan, Payment, SchedulePlan, Snapshot
from sumac.billing.requests import AttachRequest, InvoiceMode, PlanTiming, RedirectMode
from sumac.billing.rules.allowed import (
    check_again,
    check_attach,
    check_later,
    check_quantities,
    check_started,
    check_switch_later,
    find_removed,
    is_about_now,
    is_later,
)
from sumac.billing.rules.cancel import canceling, default_later, end_now, kept
from sumac.billing.rules.carry import EVERYTHING, NOTHING, carried_usage, grants_of
from sumac.billing.rules.change import Arrival, Terms, end_and_start
from sumac.billing.rules.payment import with_payment
from sumac.billing.rules.quantities import inherited_quantities, with_units_at
from sumac.billing.rules.revert import begins_reverting, check_left, check_tried_out, find_paused, pause
from sumac.billing.rules.start import Start, schedule_plan, start_plan
from sumac.billing.rules.terms import TermsChange, replace_terms
from sumac.billing.rules.transition import find_current, find_scheduled, is_upgrade
from sumac.catalog.model import Plan
from sumac.catalog.rules.shape import is_free
from sumac.core.errors import BadRequest, Conflict

# How a plan that starts later is billed to a customer without a card: nobody waits for the payment (billing.md §10.10).
_SENT = InvoiceMode(enable_immediately=True)


def decide_attach(snapshot: Snapshot, plan: Plan, request: AttachRequest, *, now: datetime) -> Decision:
    """The actions of giving the plan to the customer, and what has to happen with the payer first.

    Raises Conflict `plan_already_attached`, NotFound for a plan to remove, BadRequest for a request that the plan does
    not allow or that needs a payment method while the redirect mode is never.
    """
    check_quantities(plan, request.quantities)
    current = find_current(snapshot.holdings, plan)
    check_attach(snapshot, plan, current, request, now=now)
    if begins_reverting(snapshot, plan, sets_trial=_sets_trial(request)):
        return _try_out(snapshot, check_tried_out(snapshot, plan, request, now=now), plan, request, now)
    dropped = [DropScheduled(each.held) for each in find_scheduled(snapshot.holdings, plan)]
    if current is not None and plan.id in {each.plan.id for each in find_paused(snapshot, plan)}:
        return _go_back(snapshot, current, request, now)
    if current is not None and current.plan.id == plan.id and not _is_to_stay(snapshot, plan, request):
        return _attach_again(snapshot, current, plan, request, dropped, now)
    wanted = _settled(snapshot, current, plan, request, now)
    if wanted.starts_at is not None and is_later(wanted.starts_at, now) and not wanted.enable_immediately:
        check_later(request)
        return _begin_later(snapshot, current, plan, wanted, dropped, now)
    if current is not None and _timing(current.plan, plan, request) is PlanTiming.END_OF_CYCLE:
        check_switch_later(plan, request)
        return _switch_later(snapshot, current, plan, wanted, dropped, now)
    return _switch_now(snapshot, current, plan, wanted, dropped, now)


def switch_at_end(
    snapshot: Snapshot, current: Holding, plan: Plan, how: Start, *, now: datetime
) -> tuple[Action, Action]:
    """The running plan ends with its cycle, and the other one starts then."""
    canceled = canceling(current, now)
    starts_at = canceled.held.ends_at or now
    anchor = starts_at if is_free(plan) else current.held.anchor_at
    return canceled, SchedulePlan(schedule_plan(snapshot, plan, how, starts_at=starts_at, anchor=anchor, now=now))


def _settled(
    snapshot: Snapshot, current: Holding | None, plan: Plan, request: AttachRequest, now: datetime
) -> AttachRequest:
    """The request with what goes without saying.

    Bought units go along, as many as there are when the plan starts; a start about now is none; a switch stays on its
    subscription; and who has no card on file when a later start is to be charged gets invoices to pay (§10.10).
    """
    starts_at = request.starts_at
    later = starts_at is not None and is_later(starts_at, now)
    switches = current is not None and not is_free(current.plan)
    return replace(
        request,
        quantities=_quantities(current, plan, request, now),
        starts_at=None if starts_at is not None and is_about_now(starts_at, now) else starts_at,
        new_subscription=request.new_subscription and not switches,
        invoice_mode=_SENT if later and not snapshot.has_payment_method else request.invoice_mode,
    )


def _quantities(current: Holding | None, plan: Plan, request: AttachRequest, now: datetime) -> dict[str, Decimal]:
    """The units that are asked for, and those that the plan before brings along to the instant of the start."""
    if current is None:
        return dict(request.quantities)
    begins_at = now
    if request.starts_at is not None and is_later(request.starts_at, now) and not request.enable_immediately:
        begins_at = request.starts_at
    elif _timing(current.plan, plan, request) is PlanTiming.END_OF_CYCLE:
        begins_at = canceling(current, now).held.ends_at or now
    return inherited_quantities(with_units_at(current, begins_at, now), plan) | dict(request.quantities)


def _attach_again(
    snapshot: Snapshot,
    current: Holding,
    plan: Plan,
    request: AttachRequest,
    dropped: Sequence[DropScheduled],
    now: datetime,
) -> Decision:
    """The plan that is held already: kept if it was canceling, changed if it is to be on other terms."""
    going_on = kept(snapshot, current)
    if request.customize is None or (plan.terms == current.plan.terms and not _begins_trial(plan, request)):
        if not current.held.is_canceling:
            message = f"Plan {current.plan.id} is already attached; use billing.update to change it"
            raise Conflict(message, code="plan_already_attached")
        check_again(request)
        return Decision((*dropped, KeepPlan(going_on.held)))
    check_again(request)
    if _timing(current.plan, plan, request) is PlanTiming.END_OF_CYCLE:
        check_switch_later(plan, request)
        wanted = replace(request, quantities=_quantities(going_on, plan, request, now))
        return _switch_later(snapshot, going_on, plan, wanted, dropped, now)
    change = TermsChange(plan, request.quantities, customized=True, sets_trial=request.customize.sets_trial)
    terms = replace(_terms(request), carry_usages=request.carry_usages or EVERYTHING)
    replaced = replace_terms(snapshot, going_on, change, terms, now=now)
    return _paid_for(Decision((*dropped, *replaced.actions)), snapshot, replaced.holding, request, now)


def _begins_trial(plan: Plan, request: AttachRequest) -> bool:
    """Whether a trial is asked for: it counts from now, even where it is the one that runs already (billing.md §11)."""
    return _sets_trial(request) and plan.free_trial is not None


def _sets_trial(request: AttachRequest) -> bool:
    return request.customize is not None and request.customize.sets_trial


def _is_to_stay(snapshot: Snapshot, plan: Plan, request: AttachRequest) -> bool:
    """Whether the plan that is on a trial that reverts is bought: it starts as another plan would in its place."""
    return bool(find_paused(snapshot, plan)) and _sets_trial(request)


def _try_out(snapshot: Snapshot, current: Holding, plan: Plan, request: AttachRequest, now: datetime) -> Decision:
    """The plan is there until the end of its trial, billed with nothing else; the one in its place rests meanwhile."""
    how = replace(_start(snapshot, request), apart=True)
    begun = start_plan(snapshot, plan, how, current=current, now=now)
    tried = Holding(replace(begun.held, ends_at=begun.held.trial_ends_at), plan)
    arrival = Arrival(tried, current, apart=True)
    started = end_and_start(snapshot, [], [arrival], _terms(request), now=now)
    return _paid_for(Decision((pause(current, now), *started)), snapshot, tried, request, now)


def _go_back(snapshot: Snapshot, current: Holding, request: AttachRequest, now: datetime) -> Decision:
    """The plan that is paused for a trial is asked for: the trial is over."""
    check_again(request)
    if request.customize is not None or request.quantities or request.version is not None:
        message = f"Plan {request.plan_id} is paused and goes on as it was; attach it without changes, then update it"
        raise BadRequest(message, code="plan_paused")
    return Decision(tuple(end_now(snapshot, current, now, bill=True)))


def _timing(current: Plan, plan: Plan, request: AttachRequest) -> PlanTiming:
    if request.timing is not None and not is_free(current):
        return request.timing
    return PlanTiming.IMMEDIATE if is_upgrade(current, plan) else PlanTiming.END_OF_CYCLE


def _start(snapshot: Snapshot, request: AttachRequest) -> Start:
    return Start(
        id=snapshot.plan_ids[0],
        quantities=request.quantities,
        subscription_id=request.subscription_id,
        customized=request.customize is not None,
        sets_trial=_sets_trial(request),
        anchor=request.anchor,
        begins_at=request.starts_at,
        ends_at=request.ends_at,
        apart=bool(request.new_subscription),
        net_terms_days=request.invoice_mode.net_terms_days if request.invoice_mode else None,
    )


def _terms(request: AttachRequest) -> Terms:
    return Terms(
        bill=request.bill,
        prorate=request.prorate,
        custom_lines=request.custom_lines,
        invoice_mode=request.invoice_mode,
        carry_usages=request.carry_usages or NOTHING,
        carry_balances=request.carry_balances or NOTHING,
    )


def _switch_later(
    snapshot: Snapshot,
    current: Holding,
    plan: Plan,
    request: AttachRequest,
    dropped: Sequence[DropScheduled],
    now: datetime,
) -> Decision:
    switch = switch_at_end(snapshot, current, plan, _start(snapshot, request), now=now)
    confirmed = request.redirect_mode is RedirectMode.ALWAYS and request.bill
    return Decision((*dropped, *switch), Payment.CONFIRM if confirmed else Payment.NONE)


def _begin_later(
    snapshot: Snapshot,
    current: Holding | None,
    plan: Plan,
    request: AttachRequest,
    dropped: Sequence[DropScheduled],
    now: datetime,
) -> Decision:
    """The plan starts at an instant of its own; the one whose place it takes ends then."""
    starts_at = request.starts_at or now
    how = _start(snapshot, request)
    actions: list[Action] = list(dropped)
    if current is not None:
        actions.append(canceling(current, now, ends_at=starts_at))
    later = schedule_plan(snapshot, plan, how, starts_at=starts_at, anchor=starts_at, now=now)
    actions.append(SchedulePlan(later))
    if later.ends_at is not None:
        staying = tuple(each for each in snapshot.holdings if each is not current)
        after = replace(snapshot, holdings=staying)
        actions += default_later(after, Holding(later, plan), plan_id=snapshot.plan_ids[1], now=now)
    return Decision(tuple(actions))


def _switch_now(
    snapshot: Snapshot,
    current: Holding | None,
    plan: Plan,
    request: AttachRequest,
    dropped: Sequence[DropScheduled],
    now: datetime,
) -> Decision:
    how = _start(snapshot, request)
    starting = start_plan(snapshot, plan, how, current=current, now=now)
    check_started(snapshot, starting, current, request, now=now)
    removed = find_removed(snapshot.holdings, request.remove_plan_ids, current)
    check_left(snapshot, removed, "remove_plan_ids")
    paused = find_paused(snapshot, plan)
    leaving = [*([] if current is None else [current]), *paused, *removed]
    source = current if current is not None else _source(snapshot, removed, _terms(request))
    arrival = Arrival(starting, source, apart=how.apart, removed=() if current is not None else tuple(removed))
    actions: tuple[Action, ...] = (*dropped, *end_and_start(snapshot, leaving, [arrival], _terms(request), now=now))
    if request.ends_at is not None:
        staying = tuple(each for each in snapshot.holdings if each not in leaving)
        resting = tuple(each for each in snapshot.paused if each not in paused)
        after = replace(snapshot, holdings=staying, paused=resting)
        actions = (*actions, *default_later(after, starting, plan_id=snapshot.plan_ids[1], now=now))
    if request.starts_at is not None and request.invoice_mode is _SENT:
        return Decision(actions)
    return _paid_for(Decision(actions), snapshot, starting, request, now)


def _source(snapshot: Snapshot, removed: Sequence[Holding], terms: Terms) -> Holding | None:
    """The removed plan whose place the new one takes, as the only one with usage that goes along.

    Raises BadRequest where several have.
    """
    used = [
        each
        for each in removed
        if any(
            carried_usage(
                grants_of(snapshot.grants, each.held.id),
                snapshot.features,
                usages=terms.carry_usages,
                balances=terms.carry_balances,
            ).values()
        )
    ]
    if len(used) > 1:
        names = " and ".join(each.plan.id for each in used)
        message = f"remove_plan_ids: {names} both hold usage that could go along"
        raise BadRequest(message)
    return next(iter(used), None)


def _paid_for(
    decision: Decision, snapshot: Snapshot, started: Holding, request: AttachRequest, now: datetime
) -> Decision:
    return with_payment(
        decision,
        snapshot,
        [started],
        redirect_mode=request.redirect_mode,
        invoice_mode=request.invoice_mode,
        bill=request.bill,
        now=now,
    )
