"""Several plans at once: attached together on one invoice, or cancelled together (billing.md §13.1)."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sumac.billing.model import Action, Decision, DropScheduled, Holding, IssueInvoice, Snapshot
from sumac.billing.requests import MultiAttachRequest, MultiCancelRequest, PlanWish, RedirectMode
from sumac.billing.rules.allowed import check_backdated, check_quantities, check_subscription_ids, is_later
from sumac.billing.rules.cancel import decide_cancel
from sumac.billing.rules.change import Arrival, Terms, end_and_start
from sumac.billing.rules.payment import with_payment
from sumac.billing.rules.quantities import inherited_quantities
from sumac.billing.rules.start import Start, start_plan
from sumac.billing.rules.target import find_target
from sumac.billing.rules.transition import find_current, find_paid, find_scheduled
from sumac.catalog.model import Plan
from sumac.catalog.rules.shape import is_free, is_main_recurring, is_one_off
from sumac.core.errors import BadRequest, Conflict
from sumac.invoices.model import InvoiceDraft


def decide_multi_attach(
    snapshot: Snapshot, plans: Sequence[Plan], request: MultiAttachRequest, *, now: datetime
) -> Decision:
    """The actions of giving all the plans at once, downgrades too, on one invoice.

    Raises Conflict for a plan the customer has already, BadRequest for plans that do not go together.
    """
    wanted = [_with_trial(plan, request) for plan in plans]
    _check(snapshot, wanted, request, now)
    leaving: list[Holding] = []
    dropped: list[Action] = []
    arrivals: list[Arrival] = []
    for number, (plan, wish) in enumerate(zip(wanted, request.plans, strict=True)):
        current = find_current(snapshot.holdings, plan)
        dropped += [DropScheduled(each.held) for each in find_scheduled(snapshot.holdings, plan)]
        how = _start(snapshot, wish, request, number, current, plan)
        arrivals.append(Arrival(start_plan(snapshot, plan, how, current=current, now=now), current, how.apart))
        if current is not None:
            leaving.append(current)
    _check_one_subscription(leaving)
    terms = Terms(prorate=request.prorate, invoice_mode=request.invoice_mode)
    return with_payment(
        Decision((*dropped, *end_and_start(snapshot, leaving, arrivals, terms, now=now))),
        snapshot,
        [each.holding for each in arrivals],
        redirect_mode=request.redirect_mode,
        invoice_mode=request.invoice_mode,
    )


def decide_multi_cancel(snapshot: Snapshot, request: MultiCancelRequest, *, now: datetime) -> Decision:
    """The actions of all the changes, each decided after the ones before it were made, on one invoice.

    Raises as cancelling one of them does, and BadRequest for a plan that stands twice.
    """
    actions: list[Action] = []
    drafts: list[InvoiceDraft] = []
    named: set[str] = set()
    gone: set[str] = set()
    for number, change in enumerate(request.changes):
        target = find_target(snapshot.holdings, change)
        if target.held.id in named:
            message = f"updates: plan {target.plan.id} stands twice"
            raise BadRequest(message)
        named.add(target.held.id)
        if target.held.id in gone:
            continue
        decided = decide_cancel(_from(snapshot, number, gone), change, now=now)
        drafts += [action.draft for action in decided.actions if isinstance(action, IssueInvoice)]
        actions += [action for action in decided.actions if not isinstance(action, IssueInvoice)]
        gone |= {target.held.id, *(each.held.id for each in decided.actions if isinstance(each, DropScheduled))}
    return Decision((*_together(drafts), *actions))


def _together(drafts: Sequence[InvoiceDraft]) -> Iterator[IssueInvoice]:
    """One invoice with the lines of all."""
    if drafts:
        lines = tuple(line for draft in drafts for line in draft.lines)
        plan_ids = tuple(dict.fromkeys(plan_id for draft in drafts for plan_id in draft.plan_ids))
        yield IssueInvoice(replace(drafts[0], lines=lines, plan_ids=plan_ids))


def _with_trial(plan: Plan, request: MultiAttachRequest) -> Plan:
    return plan if request.trial is None else replace(plan, free_trial=request.trial.free_trial)


def _check_one_subscription(leaving: Sequence[Holding]) -> None:
    paid = [each for each in leaving if not is_free(each.plan)]
    if len({each.held.anchor_at for each in paid}) > 1:
        names = " and ".join(each.plan.id for each in paid)
        message = f"plans: {names} are billed at different times and cannot be replaced together"
        raise BadRequest(message)


def _check(snapshot: Snapshot, plans: Sequence[Plan], request: MultiAttachRequest, now: datetime) -> None:
    taken: set[str] = set()
    for plan, wish in zip(plans, request.plans, strict=True):
        check_quantities(plan, wish.quantities)
        if not is_main_recurring(plan):
            continue
        if any(each.held.is_usable and each.plan.id == plan.id for each in snapshot.holdings):
            message = f"Plan {plan.id} is already attached; use billing.update to change it"
            raise Conflict(message, code="plan_already_attached")
        if plan.group in taken:
            message = f"plans: {plan.id} and another plan of the same group cannot be held together"
            raise BadRequest(message)
        taken.add(plan.group)
    check_subscription_ids(snapshot.holdings, [wish.subscription_id for wish in request.plans])
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
    joins = find_paid(snapshot.holdings) and not request.new_subscription
    if request.redirect_mode is RedirectMode.ALWAYS and joins:
        message = "redirect_mode: always is not possible where the plans join a subscription that runs already"
        raise BadRequest(message, code="invalid_redirect_mode")


def _start(
    snapshot: Snapshot,
    wish: PlanWish,
    request: MultiAttachRequest,
    number: int,
    current: Holding | None,
    plan: Plan,
) -> Start:
    return Start(
        id=snapshot.plan_ids[number],
        quantities=inherited_quantities(current, plan) | dict(wish.quantities),
        subscription_id=wish.subscription_id,
        customized=wish.customize is not None,
        sets_trial=request.trial is not None,
        anchor=request.anchor,
        begins_at=request.starts_at,
        apart=request.new_subscription,
        net_terms_days=request.invoice_mode.net_terms_days if request.invoice_mode else None,
    )


def _from(snapshot: Snapshot, number: int, gone: Collection[str]) -> Snapshot:
    """The snapshot without the plans changed before, with ids of its own for what this change makes."""
    rest = tuple(each for each in snapshot.holdings if each.held.id not in gone)
    return replace(snapshot, holdings=rest, plan_ids=snapshot.plan_ids[number:])
