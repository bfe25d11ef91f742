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
from sumac.billing.rules.lines import advance_lines, credit_lines, one_off_lines, overage_lines, prepaid_of
from sumac.billing.rules.provision import provisions_of
from sumac.billing.rules.transition import find_current, find_paid, find_scheduled, is_trialing, is_upgrade
from sumac.catalog.model import Plan, PlanItem
from sumac.catalog.rules.shape import is_free, is_one_off, shortest_cadence
from sumac.core.errors import BadRequest, Conflict
from sumac.core.money import round_sum
from sumac.core.time import cycle
from sumac.invoices.model import InvoiceDraft, InvoiceKind, LineDraft

ZERO = Decimal(0)


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
    quantities = _inherited_quantities(current, plan) | dict(request.quantities)
    if current is not None and _timing(current.plan, plan, request) is PlanTiming.END_OF_CYCLE:
        _check_later(plan, request)
        return Decision(
            (*dropped, *_switch_later(snapshot, current, plan, replace(request, quantities=quantities), now))
        )
    start = _plan_start(snapshot, current, plan, replace(request, quantities=quantities), now)
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
        if not any(item.is_prepaid for item in plan.items if item.feature_id == feature_id):
            message = f"feature_quantities: {feature_id} is not a prepaid feature of plan {plan.id}"
            raise BadRequest(message, code="invalid_options")
        if quantity < 0:
            message = f"feature_quantities: the quantity of {feature_id} must not be below 0"
            raise BadRequest(message, code="invalid_options")


def _check_later(plan: Plan, request: AttachRequest) -> None:
    for item in plan.items:
        once = item.is_prepaid and item.price is not None and not item.price.cadence.recurs
        if once and request.quantities.get(item.feature_id, ZERO) > 0:
            message = f"feature_quantities: {item.feature_id} is bought once and cannot be chosen for a later switch"
            raise BadRequest(message, code="invalid_options")


def _inherited_quantities(current: Holding | None, plan: Plan) -> dict[str, Decimal]:
    """Units of recurring prices the replaced plan has bought, in whole packs of the new plan (billing.md §10.9)."""
    if current is None:
        return {}
    bought = {
        item.feature_id: prepaid_of(item, current.held.quantities) for item in current.plan.items if _bought_again(item)
    }
    return {
        item.feature_id: item.included + prepaid_of(item, {item.feature_id: item.included + bought[item.feature_id]})
        for item in plan.items
        if _bought_again(item) and bought.get(item.feature_id)
    }


def _bought_again(item: PlanItem) -> bool:
    return item.is_prepaid and item.price is not None and item.price.cadence.recurs


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
    trial_ends_at = _trial_end(snapshot, current, plan, now)
    anchor = trial_ends_at or _shared_anchor(snapshot, plan, now)
    cadence = shortest_cadence(plan)
    period = cycle(anchor, cadence, now) if cadence is not None else None
    held = CustomerPlan(
        id=snapshot.plan_ids[0],
        customer_key=snapshot.customer.key,
        plan_id=plan.id,
        version=plan.version,
        status=PlanStatus.ACTIVE,
        recurring=not is_one_off(plan),
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
    lines += _arriving_lines(snapshot, held, plan, now)
    return _Start(plan, held, tuple(lines), request.bill)


def _trial_end(snapshot: Snapshot, current: Holding | None, plan: Plan, now: datetime) -> datetime | None:
    """When the plan's first charge comes, if not at once (billing.md §11).

    A paid plan that joins one already billed, or takes its place without being an upgrade, shares its running trial or
    has none; any other has its own trial, once per customer.
    """
    if not is_free(plan) and not is_one_off(plan):
        joined = current if current is not None else next(iter(find_paid(snapshot.holdings)), None)
        if joined is not None and (current is None or not is_upgrade(current.plan, plan)):
            return joined.held.trial_ends_at if is_trialing(joined, now) else None
    fresh = plan.free_trial if plan.id not in snapshot.trials_used else None
    return None if fresh is None or is_one_off(plan) else fresh.end_after(now)


def _shared_anchor(snapshot: Snapshot, plan: Plan, now: datetime) -> datetime:
    """Where periods are counted from: along with what is billed already, else from now (billing.md §10.10)."""
    billed = () if is_free(plan) else find_paid(snapshot.holdings)
    return next((each.held.anchor_at for each in billed if not is_trialing(each, now)), now)


def _leaving_lines(snapshot: Snapshot, current: Holding, now: datetime) -> Iterator[LineDraft]:
    if not is_trialing(current, now):
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


def _arriving_lines(snapshot: Snapshot, held: CustomerPlan, plan: Plan, now: datetime) -> Iterator[LineDraft]:
    if held.trial_ends_at is None:
        yield from advance_lines(
            plan,
            held.quantities,
            snapshot.features,
            currency=snapshot.currency,
            anchor=held.anchor_at,
            now=now,
        )
    yield from one_off_lines(plan, held.quantities, snapshot.features, currency=snapshot.currency)


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
    total = round_sum([line.exact_minor for line in start.lines])
    subscribes = start.held.recurring and not find_paid(snapshot.holdings)
    lacks_card = not snapshot.has_payment_method and (total > 0 or (subscribes and _needs_card(start)))
    if lacks_card and request.redirect_mode is RedirectMode.NEVER:
        message = f"Customer {snapshot.customer.public_id} has no payment method, and redirect_mode is never"
        raise BadRequest(message, code="customer_has_no_payment_method")
    forced = request.redirect_mode is RedirectMode.ALWAYS and (total > 0 or subscribes)
    if forced or (lacks_card and (subscribes or not start.held.recurring)):
        return replace(decision, payment=Payment.CHECKOUT if total > 0 else Payment.SETUP)
    return replace(decision, payment=Payment.CHARGE if total > 0 else Payment.NONE)


def _needs_card(start: _Start) -> bool:
    trial = start.plan.free_trial if start.held.trial_ends_at is not None else None
    return trial is None or trial.card_required
