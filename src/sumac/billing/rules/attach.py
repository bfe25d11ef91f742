"""What happens when a customer gets a plan (billing.md §10)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sumac.billing.model import (
    Action,
    AttachRequest,
    CustomerPlan,
    Decision,
    DropScheduled,
    EndPlan,
    Holding,
    IssueInvoice,
    KeepPlan,
    Payment,
    PlanStatus,
    PlanTiming,
    RedirectMode,
    SchedulePlan,
    Snapshot,
    StartPlan,
)
from sumac.billing.rules.cancel import canceling
from sumac.billing.rules.lines import advance_lines, credit_lines, overage_lines
from sumac.billing.rules.provision import provisions_of
from sumac.billing.rules.transition import find_current, find_scheduled, is_upgrade, shared_anchor
from sumac.catalog.model import Plan
from sumac.catalog.rules.shape import is_free, is_one_off, shortest_cadence
from sumac.core.errors import BadRequest, Conflict
from sumac.core.money import round_half_up
from sumac.core.time import cycle
from sumac.invoices.model import InvoiceDraft, InvoiceKind, LineDraft


def decide_attach(snapshot: Snapshot, plan: Plan, request: AttachRequest, *, now: datetime) -> Decision:
    """The actions of giving the plan to the customer, and what has to happen with the payer first.

    Raises Conflict `plan_already_attached`, BadRequest for a request that the plan does not allow or that needs a
    payment method while the redirect mode is never.
    """
    _check_quantities(plan, request)
    current = find_current(snapshot.holdings, plan)
    dropped = [DropScheduled(each.held) for each in find_scheduled(snapshot.holdings, plan)]
    if current is not None and current.plan.id == plan.id:
        return _keep(current, dropped)
    if current is not None and _timing(current.plan, plan, request) is PlanTiming.END_OF_CYCLE:
        return Decision((*dropped, *_switch_later(snapshot, current, plan, request, now)))
    start = _plan_start(snapshot, current, plan, request, now)
    actions: tuple[Action, ...] = (*dropped, *_switch_now(snapshot, current, start, now))
    return _with_payment(Decision(actions), snapshot, start, request)


@dataclass(frozen=True, slots=True)
class _Start:
    plan: Plan
    held: CustomerPlan
    lines: tuple[LineDraft, ...]
    bill: bool


def _check_quantities(plan: Plan, request: AttachRequest) -> None:
    for feature_id, quantity in request.quantities.items():
        item = plan.item_of(feature_id)
        if item is None or not item.is_prepaid:
            message = f"feature_quantities: {feature_id} is not a prepaid feature of plan {plan.id}"
            raise BadRequest(message, code="invalid_options")
        if quantity < 0:
            message = f"feature_quantities: the quantity of {feature_id} must not be below 0"
            raise BadRequest(message, code="invalid_options")


def _keep(current: Holding, dropped: list[DropScheduled]) -> Decision:
    if not current.held.is_canceling:
        message = f"Plan {current.plan.id} is already attached; use billing.update to change it"
        raise Conflict(message, code="plan_already_attached")
    kept = replace(current.held, canceled_at=None, ends_at=None)
    return Decision((*dropped, KeepPlan(kept)))


def _timing(current: Plan, plan: Plan, request: AttachRequest) -> PlanTiming:
    if request.timing is not None and not is_free(current):
        return request.timing
    return PlanTiming.IMMEDIATE if is_upgrade(current, plan) else PlanTiming.END_OF_CYCLE


def _switch_later(
    snapshot: Snapshot,
    current: Holding,
    plan: Plan,
    request: AttachRequest,
    now: datetime,
) -> Iterator[Action]:
    canceled = canceling(current, now)
    yield canceled
    starts_at = canceled.held.ends_at or now
    yield SchedulePlan(
        CustomerPlan(
            id=snapshot.plan_ids[0],
            customer_key=snapshot.customer.key,
            plan_id=plan.id,
            version=plan.version,
            status=PlanStatus.SCHEDULED,
            recurring=True,
            anchor_at=starts_at if is_free(plan) else current.held.anchor_at,
            starts_at=starts_at,
            created_at=now,
            quantities=request.quantities,
            subscription_id=request.subscription_id,
        ),
    )


def _plan_start(
    snapshot: Snapshot,
    current: Holding | None,
    plan: Plan,
    request: AttachRequest,
    now: datetime,
) -> _Start:
    recurring = not is_one_off(plan)
    trial = plan.free_trial if recurring and plan.id not in snapshot.trials_used else None
    trial_ends_at = trial.end_after(now) if trial else None
    anchor = trial_ends_at or (None if is_free(plan) else shared_anchor(snapshot.holdings)) or now
    cadence = shortest_cadence(plan)
    period = cycle(anchor, cadence, now) if cadence is not None else None
    held = CustomerPlan(
        id=snapshot.plan_ids[0],
        customer_key=snapshot.customer.key,
        plan_id=plan.id,
        version=plan.version,
        status=PlanStatus.ACTIVE,
        recurring=recurring,
        anchor_at=anchor,
        starts_at=now,
        created_at=now,
        quantities=request.quantities,
        subscription_id=request.subscription_id,
        period_start=now if period else None,
        period_end=trial_ends_at or (period.end if period else None),
        trial_ends_at=trial_ends_at,
    )
    lines = [] if current is None else list(_leaving_lines(snapshot, current, now))
    if trial is None:
        lines += _arriving_lines(snapshot, plan, request, anchor, now)
    return _Start(plan, held, tuple(lines), request.bill)


def _leaving_lines(snapshot: Snapshot, current: Holding, now: datetime) -> Iterator[LineDraft]:
    trialing = current.held.trial_ends_at is not None and now < current.held.trial_ends_at
    if not trialing:
        used = overage_lines(
            current,
            snapshot.grants,
            snapshot.features,
            currency=snapshot.currency,
            at=now,
            closing=True,
        )
        consumable = {each.id for each in snapshot.features.values() if each.consumable}
        yield from (line for line in used if line.feature_id in consumable)
    yield from credit_lines(current, snapshot.features, currency=snapshot.currency, now=now)


def _arriving_lines(
    snapshot: Snapshot,
    plan: Plan,
    request: AttachRequest,
    anchor: datetime,
    now: datetime,
) -> Iterator[LineDraft]:
    return advance_lines(
        plan,
        request.quantities,
        snapshot.features,
        currency=snapshot.currency,
        anchor=anchor,
        now=now,
    )


def _switch_now(snapshot: Snapshot, current: Holding | None, start: _Start, now: datetime) -> Iterator[Action]:
    if start.bill and start.lines:
        yield IssueInvoice(
            InvoiceDraft(
                kind=InvoiceKind.START if current is None else InvoiceKind.CHANGE,
                currency=snapshot.currency,
                lines=start.lines,
                plan_ids=(start.plan.id,),
                customer_plan_id=start.held.id,
                period_start=now,
            ),
        )
    replaced: list[str] = []
    if current is not None:
        replaced.append(current.held.id)
        ended = replace(current.held, status=PlanStatus.EXPIRED, ends_at=now)
        yield EndPlan(replace(ended, canceled_at=current.held.canceled_at or now))
    provisions = provisions_of(
        start.plan,
        start.held.quantities,
        snapshot.features,
        anchor=start.held.anchor_at,
        now=now,
        replaced=[grant for grant in snapshot.grants if grant.customer_plan_id in replaced],
        floor=start.held.trial_ends_at,
    )
    yield StartPlan(start.held, start.plan.add_on, provisions)


def _with_payment(decision: Decision, snapshot: Snapshot, start: _Start, request: AttachRequest) -> Decision:
    if not start.bill or is_free(start.plan):
        return decision
    total = round_half_up(sum((line.exact_minor for line in start.lines), Decimal(0)))
    trial = start.plan.free_trial if start.held.trial_ends_at is not None else None
    needs_card = total > 0 or _bills_later(start.plan, trial_needs_card=trial is None or trial.card_required)
    forced = request.redirect_mode is RedirectMode.ALWAYS and total > 0
    if forced or (needs_card and not snapshot.has_payment_method):
        if request.redirect_mode is RedirectMode.NEVER:
            message = f"Customer {snapshot.customer.public_id} has no payment method, and redirect_mode is never"
            raise BadRequest(message, code="customer_has_no_payment_method")
        return replace(decision, payment=Payment.CHECKOUT if total > 0 else Payment.SETUP)
    return replace(decision, payment=Payment.CHARGE if total > 0 else Payment.NONE)


def _bills_later(plan: Plan, *, trial_needs_card: bool) -> bool:
    return shortest_cadence(plan) is not None and trial_needs_card
