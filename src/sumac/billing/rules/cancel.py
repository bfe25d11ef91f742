"""Cancelling a plan, now or at its end, and changing one's mind (billing.md §12.5, §12.6)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sumac.billing.model import (
    Action,
    CancelPlan,
    CustomerPlan,
    Decision,
    DropScheduled,
    EndPlan,
    Holding,
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
from sumac.billing.rules.carry import carried_of, count_carried, grants_of
from sumac.billing.rules.change import Terms, invoice_of, keep_units, release_lines, settling_lines
from sumac.billing.rules.provision import provisions_of
from sumac.billing.rules.refund import compute_refund
from sumac.billing.rules.revert import find_paused, resume
from sumac.billing.rules.rolled import carry_rolled
from sumac.billing.rules.target import find_target
from sumac.billing.rules.transition import find_scheduled, slot_of
from sumac.catalog.model import Plan
from sumac.catalog.rules.shape import is_free, is_main_recurring, longest_cadence, shortest_cadence
from sumac.core.errors import BadRequest
from sumac.core.time import cycle, cycle_end
from sumac.invoices.model import InvoiceKind


def decide_cancel(snapshot: Snapshot, request: CancelRequest, *, now: datetime) -> Decision:
    """The actions of cancelling, or of keeping, one plan of the customer.

    Raises NotFound `customer_product_not_found` and BadRequest where the plan cannot be cancelled that way.
    """
    target = find_target(snapshot.holdings, request)
    if target.held.status is PlanStatus.SCHEDULED:
        if request.action is CancelAction.UNCANCEL:
            message = f"Plan {target.plan.id} has not started; there is no cancellation to undo"
            raise BadRequest(message)
        return Decision(tuple(_drop_scheduled(snapshot, target)))
    if request.action is CancelAction.UNCANCEL:
        return Decision(tuple(_keep(snapshot, target)))
    if request.action is CancelAction.CANCEL_END_OF_CYCLE:
        return Decision(tuple(_end_later(snapshot, target, now)))
    refund = [] if request.refund is None else [compute_refund(snapshot, target, request.refund, now=now)]
    bill = request.bill and request.refund is None
    return Decision((*end_now(snapshot, target, now, bill=bill), *refund))


def canceling(holding: Holding, now: datetime, *, ends_at: datetime | None = None) -> CancelPlan:
    """The plan set to end then, or else with its running cycle, or with its trial."""
    held = holding.held
    cadence = longest_cadence(holding.plan)
    if ends_at is not None:
        return CancelPlan(replace(held, canceled_at=held.canceled_at or now, ends_at=ends_at))
    if held.trial_ends_at is not None and now < held.trial_ends_at:
        ends_at = held.trial_ends_at
    elif cadence is None:
        ends_at = now
    else:
        ends_at = cycle_end(held.anchor_at, cadence, now)
    return CancelPlan(replace(held, canceled_at=held.canceled_at or now, ends_at=held.ends_at or ends_at))


def end_now(snapshot: Snapshot, target: Holding, now: datetime, *, bill: bool) -> Iterator[Action]:
    """The plan is over; what waits for its place begins: a paused plan goes on, or else the free one starts.

    With `bill`, what was paid in advance is given back.
    """
    yield from (DropScheduled(each.held) for each in (*_successors(snapshot, target), *_add_ons(snapshot, target)))
    # What was not paid is not given back (billing.md §14.3): the period of a plan that is past due is still owed.
    credited = bill and target.held.status is not PlanStatus.PAST_DUE
    lines = list(settling_lines(snapshot, target, now=now)) if credited else []
    yield from invoice_of(
        snapshot,
        lines,
        Terms(),
        kind=InvoiceKind.FINAL,
        plan_ids=[target.plan.id],
        customer_plan_id=target.held.id,
        now=now,
    )
    yield from release_lines(snapshot, {target.held.id})
    canceled_at = target.held.canceled_at or now
    yield EndPlan(replace(target.held, status=PlanStatus.EXPIRED, canceled_at=canceled_at, ends_at=now))
    yield from keep_units(snapshot, target, Terms())
    for paused in find_paused(snapshot, target.plan):
        yield from resume(snapshot, paused, target, now=now)
    yield from start_default(snapshot, target, plan_id=snapshot.plan_ids[0], now=now)


def kept(snapshot: Snapshot, holding: Holding) -> Holding:
    """The plan without a cancellation: it runs on, or to the end of its trial where that reverts."""
    ends_at = holding.held.trial_ends_at if find_paused(snapshot, holding.plan) else None
    return Holding(replace(holding.held, canceled_at=None, ends_at=ends_at), holding.plan)


def start_default(snapshot: Snapshot, ended: Holding, *, plan_id: str, now: datetime) -> Iterator[StartPlan]:
    """Starts the auto-enabled plan that fills the place of one that ends now, if there is one."""
    default = _default_after(snapshot, ended)
    if default is None:
        return
    held = _default_held(snapshot, default, plan_id=plan_id, at=now, now=now)
    left = grants_of(snapshot.grants, ended.held.id)
    carried = carried_of(left, snapshot.features)
    usage = count_carried(left, carried)
    provisions = provisions_of(Holding(held, default), snapshot, now=now, usage=usage)
    provisions = carry_rolled(provisions, left, carried, now=now)
    yield StartPlan(held, default.add_on, provisions, carried)


def default_later(snapshot: Snapshot, ending: Holding, *, plan_id: str, now: datetime) -> Iterator[SchedulePlan]:
    """Schedules the auto-enabled plan that fills the place of one once that ends, if there is one."""
    default = _default_after(snapshot, ending)
    if default is not None and ending.held.ends_at is not None:
        yield SchedulePlan(_default_held(snapshot, default, plan_id=plan_id, at=ending.held.ends_at, now=now))


def _drop_scheduled(snapshot: Snapshot, target: Holding) -> Iterator[Action]:
    yield DropScheduled(target.held)
    for each in snapshot.holdings:
        if each.held.ends_at == target.held.starts_at and (
            (each.held.is_canceling and is_main_recurring(target.plan) and slot_of(each.plan) == slot_of(target.plan))
            or _is_of_its_schedule(each, target)
        ):
            yield KeepPlan(kept(snapshot, each).held)
        if each in _followers(snapshot, target):
            yield DropScheduled(each.held)


def _followers(snapshot: Snapshot, target: Holding) -> Sequence[Holding]:
    """What was to start once a plan sold until a day is over, for which it will not start itself."""
    waiting = find_scheduled(snapshot.holdings, target.plan)
    return [each for each in waiting if target.held.schedule_id is None and each.held.starts_at == target.held.ends_at]


def _is_of_its_schedule(holding: Holding, target: Holding) -> bool:
    """Whether one schedule placed both, in the same place."""
    together = holding.held.schedule_id is not None and holding.held.schedule_id == target.held.schedule_id
    return together and slot_of(holding.plan) == slot_of(target.plan)


def _end_later(snapshot: Snapshot, target: Holding, now: datetime) -> Iterator[Action]:
    if is_free(target.plan) or not target.held.recurring:
        message = f"Plan {target.plan.id} has no cycle to end with; use cancel_immediately"
        raise BadRequest(message)
    if target.held.is_canceling:
        return
    phases = [each for each in _successors(snapshot, target) if _is_of_its_schedule(each, target)]
    yield from (DropScheduled(each.held) for each in phases)
    by_schedule = target.held.schedule_id is not None
    canceled = canceling(Holding(replace(target.held, ends_at=None), target.plan) if by_schedule else target, now)
    yield canceled
    if len(phases) == len(_successors(snapshot, target)):
        ending = Holding(canceled.held, target.plan)
        yield from default_later(snapshot, ending, plan_id=snapshot.plan_ids[0], now=now)


def _keep(snapshot: Snapshot, target: Holding) -> Iterator[Action]:
    if not target.held.is_canceling:
        return
    yield from (DropScheduled(each.held) for each in _successors(snapshot, target))
    yield KeepPlan(kept(snapshot, target).held)


def _successors(snapshot: Snapshot, target: Holding) -> Sequence[Holding]:
    """What waits for the place of the plan: any main plan for that of its group, else a later phase of its schedule."""
    if is_main_recurring(target.plan):
        return find_scheduled(snapshot.holdings, target.plan)
    waiting = [each for each in snapshot.holdings if each.held.status is PlanStatus.SCHEDULED]
    return [each for each in waiting if _is_of_its_schedule(each, target)]


def _add_ons(snapshot: Snapshot, target: Holding) -> Sequence[Holding]:
    """The add-ons that were to start beside the main plan; what goes on with one that runs already stays (§12.5)."""
    if not _is_the_last(snapshot, target):
        return []
    waiting = [each for each in snapshot.holdings if each.plan.add_on and each.held.status is PlanStatus.SCHEDULED]
    running = {slot_of(each.plan) for each in snapshot.holdings if each.held.is_usable}
    return [each for each in waiting if each.held.schedule_id is None or slot_of(each.plan) not in running]


def _is_the_last(snapshot: Snapshot, target: Holding) -> bool:
    """Whether it is a main plan, and no other paid one runs or takes its place again."""
    if not is_main_recurring(target.plan) or find_paused(snapshot, target.plan):
        return False
    others = [each for each in snapshot.holdings if each.held.is_usable and each.held.id != target.held.id]
    return not any(is_main_recurring(each.plan) and not is_free(each.plan) for each in others)


def _default_after(snapshot: Snapshot, target: Holding) -> Plan | None:
    """The free plan that fills the group once the main plan is gone; none while another paid one runs or rests."""
    if not _is_the_last(snapshot, target):
        return None
    others = [each for each in snapshot.holdings if each.held.is_usable and each.held.id != target.held.id]
    if any(is_main_recurring(each.plan) and each.plan.group == target.plan.group for each in others):
        return None
    candidates = (plan for plan in snapshot.auto_enabled if plan.group == target.plan.group and is_free(plan))
    return next((plan for plan in candidates if plan.id != target.plan.id), None)


def _default_held(snapshot: Snapshot, plan: Plan, *, plan_id: str, at: datetime, now: datetime) -> CustomerPlan:
    """A customer plan for an auto-enabled plan that starts by itself at `at`."""
    cadence = shortest_cadence(plan)
    period = cycle(at, cadence, at) if cadence else None
    return CustomerPlan(
        id=plan_id,
        customer_key=snapshot.customer.key,
        plan_id=plan.id,
        version=plan.version,
        status=PlanStatus.ACTIVE if at <= now else PlanStatus.SCHEDULED,
        recurring=True,
        anchor_at=at,
        starts_at=at,
        created_at=now,
        period_start=period.start if period else None,
        period_end=period.end if period else None,
    )
