"""Several plans at once: attached together on one invoice, or cancelled together (billing.md §13.1)."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sumac.billing.model import (
    Action,
    CancelPlan,
    Decision,
    DropScheduled,
    EndPlan,
    Holding,
    IssueInvoice,
    KeepPlan,
    ResumePlan,
    SchedulePlan,
    Snapshot,
    StartPlan,
)
from sumac.billing.requests import CancelAction, CancelRequest, MultiAttachRequest, MultiCancelRequest, RedirectMode
from sumac.billing.rules.allowed import check_backdated, check_quantities, check_subscription_ids, is_later
from sumac.billing.rules.cancel import decide_cancel
from sumac.billing.rules.change import Arrival, Terms, end_and_start
from sumac.billing.rules.payment import with_payment
from sumac.billing.rules.quantities import inherited_quantities
from sumac.billing.rules.refund import compute_refunds
from sumac.billing.rules.revert import check_left, check_none_reverts
from sumac.billing.rules.start import Start, start_plan
from sumac.billing.rules.target import find_target, scopes_of
from sumac.billing.rules.transition import are_billed_together, find_current, find_paid, find_scheduled
from sumac.catalog.model import Customization, Plan
from sumac.catalog.rules.shape import is_free, is_main_recurring, is_one_off
from sumac.core.errors import BadRequest, Conflict
from sumac.invoices.model import InvoiceDraft


def decide_multi_attach(
    snapshot: Snapshot, plans: Sequence[Plan], request: MultiAttachRequest, *, now: datetime
) -> Decision:
    """The actions of giving all the plans at once, downgrades too, on one invoice.

    Each is the customer's or an entity's. Raises Conflict for one that the same has already, NotFound for an unknown
    entity, BadRequest for plans that do not go together.
    """
    scopes = scopes_of(snapshot, request)
    _check(snapshot, scopes, plans, request, now)
    arrivals = _start_together(scopes, plans, request, now)
    for scope, each in zip(scopes, arrivals, strict=True):
        check_left(scope, [] if each.replaced is None else [each.replaced], "plans")
    leaving = [each.replaced for each in arrivals if each.replaced is not None]
    waiting = [find_scheduled(scope.holdings, plan) for scope, plan in zip(scopes, plans, strict=True)]
    dropped = [DropScheduled(each.held) for some in waiting for each in some]
    _check_one_subscription(leaving)
    terms = Terms(prorate=request.prorate, invoice_mode=request.invoice_mode)
    return with_payment(
        Decision((*dropped, *end_and_start(snapshot, leaving, arrivals, terms, now=now))),
        snapshot,
        [each.holding for each in arrivals],
        redirect_mode=request.redirect_mode,
        invoice_mode=request.invoice_mode,
        now=now,
    )


def decide_multi_cancel(snapshot: Snapshot, request: MultiCancelRequest, *, now: datetime) -> Decision:
    """The actions of all the changes on one invoice.

    The plans may be of several scopes. Payments are given back once per invoice, however many of them it paid for.
    Raises as cancelling one of the plans does, and BadRequest for a plan that stands twice.
    """
    targets: dict[str, tuple[Holding, CancelRequest]] = {}
    for change in request.changes:
        target = find_target(snapshot.holdings, change)
        if target.held.id in targets:
            message = f"updates: plan {target.plan.id} stands twice"
            raise BadRequest(message)
        targets[target.held.id] = (target, change)
    actions = _cancel_in_scopes(snapshot, list(targets.values()), now)
    drafts = [action.draft for action in actions if isinstance(action, IssueInvoice)]
    rest = [action for action in actions if not isinstance(action, IssueInvoice)]
    refunded = [
        (target, change.refund)
        for target, change in targets.values()
        if change.refund is not None and target.held.is_usable
    ]
    return Decision((*_together(drafts), *rest, *compute_refunds(snapshot, refunded, now=now)))


def decide_end_unpaid(snapshot: Snapshot, customer_plan_ids: Collection[str], *, now: datetime) -> Decision:
    """The actions of ending plans that were not paid for, each in its own scope: nothing is billed or given back."""
    at_once = CancelRequest(snapshot.customer.public_id, CancelAction.CANCEL_IMMEDIATELY, bill=False)
    unpaid = [(each, at_once) for each in snapshot.holdings if each.held.id in customer_plan_ids]
    return Decision(tuple(_cancel_in_scopes(snapshot, unpaid, now)))


def _cancel_in_scopes(
    snapshot: Snapshot, changes: Sequence[tuple[Holding, CancelRequest]], now: datetime
) -> list[Action]:
    """What the changes come to, scope by scope: no plan of one follows a plan of another (billing.md §12.5)."""
    by_scope: dict[str | None, list[tuple[Holding, CancelRequest]]] = {}
    for target, change in changes:
        by_scope.setdefault(target.held.entity_key, []).append((target, change))
    # What one scope sees already has the rest in `others`.
    seen = {key: snapshot if snapshot.others else snapshot.scoped(key) for key in by_scope}
    return [action for key, own in by_scope.items() for action in _cancel_each(seen[key], own, now)]


def _cancel_each(snapshot: Snapshot, changes: Sequence[tuple[Holding, CancelRequest]], now: datetime) -> list[Action]:
    """What the changes come to, each decided after the ones before it.

    Plans that end now end together: no free plan waits for another one of them, whichever stands first.
    """
    at_once = [each for each, change in changes if change.action is CancelAction.CANCEL_IMMEDIATELY]
    ending = {each.held.id for each in at_once if each.held.is_usable}
    actions: list[Action] = []
    for number, (target, change) in enumerate(changes):
        state = _after(snapshot, actions, number)
        others = ending - {target.held.id}
        left = tuple(each for each in state.holdings if each.held.id not in others)
        if any(each.held.id == target.held.id for each in left):
            own = replace(change, plan_id=None, subscription_id=target.held.id, refund=None)
            own = replace(own, bill=own.bill and change.refund is None)
            actions += decide_cancel(replace(state, holdings=left), own, now=now).actions
    return actions


def _together(drafts: Sequence[InvoiceDraft]) -> Iterator[IssueInvoice]:
    """One invoice with the lines of all."""
    if drafts:
        lines = tuple(line for draft in drafts for line in draft.lines)
        plan_ids = tuple(dict.fromkeys(plan_id for draft in drafts for plan_id in draft.plan_ids))
        yield IssueInvoice(replace(drafts[0], lines=lines, plan_ids=plan_ids))


def _start_together(
    scopes: Sequence[Snapshot], plans: Sequence[Plan], request: MultiAttachRequest, now: datetime
) -> list[Arrival]:
    """The plans as they start. The trial of a main plan is that of all that is billed along, unless one is set."""
    started = [_start(scopes[number], plan, request, number, request.trial, now) for number, plan in enumerate(plans)]
    trials = [
        each.holding.plan.free_trial
        for each in started
        if each.holding.held.trial_ends_at is not None and is_main_recurring(each.holding.plan)
    ]
    lent = Customization(free_trial=trials[0] if trials else None, sets_trial=True)
    if request.trial is not None or lent.free_trial is None:
        return started
    return [
        each
        if is_free(plan) or each.holding.held.trial_ends_at is not None
        else _start(scopes[number], plan, request, number, lent, now)
        for number, (plan, each) in enumerate(zip(plans, started, strict=True))
    ]


def _check_one_subscription(leaving: Sequence[Holding]) -> None:
    if not are_billed_together(leaving):
        names = " and ".join(each.plan.id for each in leaving if not is_free(each.plan))
        message = f"plans: {names} are billed at different times and cannot be replaced together"
        raise BadRequest(message)


def _check(
    snapshot: Snapshot, scopes: Sequence[Snapshot], plans: Sequence[Plan], request: MultiAttachRequest, now: datetime
) -> None:
    taken: set[tuple[str | None, str]] = set()
    for scope, plan, wish in zip(scopes, plans, request.plans, strict=True):
        check_quantities(plan, wish.quantities)
        check_none_reverts(scope, [plan], request.trial, "plans")
        if not is_main_recurring(plan):
            continue
        if any(each.held.is_usable and each.plan.id == plan.id for each in scope.holdings):
            message = f"Plan {plan.id} is already attached; use billing.update to change it"
            raise Conflict(message, code="plan_already_attached")
        place = scope.entity_key, plan.group
        if place in taken:
            message = f"plans: {plan.id} and another plan of the same group cannot be held together"
            raise BadRequest(message)
        taken.add(place)
    check_subscription_ids(snapshot.everywhere, [wish.subscription_id for wish in request.plans])
    if request.anchor is not None and all(is_one_off(plan) for plan in plans):
        message = "billing_cycle_anchor: none of the plans has a billing cycle"
        raise BadRequest(message)
    if request.anchor is not None and request.trial is not None and request.trial.free_trial is not None:
        message = "billing_cycle_anchor: cannot be combined with a free trial, whose end is the anchor"
        raise BadRequest(message)
    if request.starts_at is not None:
        if is_later(request.starts_at, now):
            message = "starts_at: several plans begin now or in the past; use billing.create_schedule for later"
            raise BadRequest(message)
        check_backdated(snapshot, request.starts_at, charged=request.invoice_mode is None, now=now)
    joins = find_paid(snapshot.everywhere) and not request.new_subscription
    if request.redirect_mode is RedirectMode.ALWAYS and joins:
        message = "redirect_mode: always is not possible where the plans join a subscription that runs already"
        raise BadRequest(message, code="invalid_redirect_mode")


def _start(
    snapshot: Snapshot,
    plan: Plan,
    request: MultiAttachRequest,
    number: int,
    trial: Customization | None,
    now: datetime,
) -> Arrival:
    wish, current = request.plans[number], find_current(snapshot.holdings, plan)
    how = Start(
        id=snapshot.plan_ids[number],
        quantities=inherited_quantities(current, plan) | dict(wish.quantities),
        subscription_id=wish.subscription_id,
        customized=wish.customize is not None,
        sets_trial=trial is not None,
        anchor=request.anchor,
        begins_at=request.starts_at,
        apart=request.new_subscription,
        net_terms_days=request.invoice_mode.net_terms_days if request.invoice_mode else None,
    )
    started = start_plan(
        snapshot,
        plan if trial is None else replace(plan, free_trial=trial.free_trial),
        how,
        current=current,
        now=now,
    )
    return Arrival(started, current, how.apart)


def _after(snapshot: Snapshot, actions: Sequence[Action], number: int) -> Snapshot:
    """The snapshot as the changes before leave it, with ids of its own for what this one makes."""
    holdings = {each.held.id: each for each in snapshot.holdings}
    for action in actions:
        match action:
            case EndPlan(held) | DropScheduled(held):
                del holdings[held.id]
            case CancelPlan(held) | KeepPlan(held):
                holdings[held.id] = replace(holdings[held.id], held=held)
            case ResumePlan(held):
                holdings[held.id] = next(each for each in snapshot.paused if each.held.id == held.id)
                holdings[held.id] = replace(holdings[held.id], held=held)
            case StartPlan(held) | SchedulePlan(held):
                plan = next(each for each in snapshot.auto_enabled if each.id == held.plan_id)
                holdings[held.id] = Holding(held, plan)
            case _:
                pass
    resting = tuple(each for each in snapshot.paused if each.held.id not in holdings)
    return replace(snapshot, holdings=tuple(holdings.values()), paused=resting, plan_ids=snapshot.plan_ids[number:])
