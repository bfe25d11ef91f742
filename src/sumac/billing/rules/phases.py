"""Phases of a schedule: when each begins, which place its plans take, what cannot follow (billing.md §13.2)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NoReturn

from sumac.billing.model import Holding, Snapshot
from sumac.billing.requests import BillingRequest, Phase, PlanWish, RedirectMode, ScheduleRequest
from sumac.billing.rules.allowed import check_quantities, check_subscription_ids
from sumac.billing.rules.revert import check_left, check_none_reverts
from sumac.billing.rules.transition import Slot, find_paid, slot_of
from sumac.catalog.model import Plan
from sumac.catalog.rules.shape import is_free, is_one_off
from sumac.core.errors import BadRequest
from sumac.core.time import Cadence, boundary

PLANS_MAX = 20
BESIDE_NOW = timedelta(minutes=15)
NEAR_A_BOUNDARY = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A plan that a phase names, and how; `schedule_id` is None for one that is billed along and never ended."""

    plan: Plan
    wish: PlanWish
    schedule_id: str | None
    anchor_here: bool = False


def is_same(holding: Holding, wanted: Wanted) -> bool:
    """Whether a plan is held already as it is wanted: at that version, on those terms, with as many units."""
    held, plan, wish = holding.held, wanted.plan, wanted.wish
    if held.plan_id != plan.id or (wish.version is not None and wish.version != held.version):
        return False
    by_default = held.terms is None and wish.customize is None
    same_terms = by_default or (plan.price, plan.items) == (holding.plan.price, holding.plan.items)
    return same_terms and all(held.quantities.get(key) == quantity for key, quantity in wish.quantities.items())


def begin_now(request: BillingRequest, now: datetime) -> BillingRequest:
    """The request without the instant of a schedule's first phase, where that is about now.

    It begins when it is carried out: a page may be completed an hour after it was asked for.
    """
    if not isinstance(request, ScheduleRequest) or not _is_now(request.phases[0].starts_at, now):
        return request
    first = replace(request.phases[0], starts_at=None)
    return replace(request, phases=(first, *request.phases[1:]))


def _is_now(starts_at: datetime | Cadence | None, now: datetime) -> bool:
    return isinstance(starts_at, datetime) and abs(starts_at - now) <= BESIDE_NOW


def find_start(phases: Sequence[Phase], now: datetime) -> datetime | None:
    """When the first phase began, if in the past; None when it begins now, a quarter of an hour more or less.

    Raises BadRequest for a first phase that begins later or has no instant of its own.
    """
    starts_at = phases[0].starts_at
    if isinstance(starts_at, Cadence):
        _refuse("phases[0]: the first phase begins now or in the past; starting_after counts from it")
    if starts_at is None or _is_now(starts_at, now):
        return None
    if starts_at > now:
        _refuse("phases[0]: the first phase begins now or in the past; use billing.attach with starts_at for later")
    return starts_at


def phase_starts(phases: Sequence[Phase], first: datetime, now: datetime) -> list[datetime]:
    """When each phase begins; offsets count from the first one. Raises BadRequest unless each is later than the last.

    All but the first are in the future.
    """
    starts = [first]
    for number, phase in enumerate(phases[1:], start=1):
        if phase.starts_at is None:
            _refuse(f"phases[{number}]: only the first phase begins now")
        offset = phase.starts_at if isinstance(phase.starts_at, Cadence) else None
        starts_at = boundary(first, offset, 1) if offset else phase.starts_at
        if not isinstance(starts_at, datetime) or starts_at <= max(starts[-1], now):
            _refuse(f"phases[{number}]: must begin in the future, and after the phase before it")
        starts.append(starts_at)
    return starts


def snapped(starts: Sequence[datetime], cycle_ends_at: datetime | None) -> list[datetime]:
    """The same with the later phase nearest to the end of the running cycle moved to it, if half a day away at most."""
    if cycle_ends_at is None or len(starts) == 1:
        return list(starts)
    nearest = min(starts[1:], key=lambda each: abs(each - cycle_ends_at))
    if abs(nearest - cycle_ends_at) > NEAR_A_BOUNDARY:
        return list(starts)
    return [cycle_ends_at if each == nearest else each for each in starts]


def check_schedule(
    snapshot: Snapshot,
    phases: Sequence[Sequence[Wanted]],
    unscheduled: Sequence[Wanted],
    request: ScheduleRequest,
    *,
    begins_at: datetime | None,
) -> None:
    """Raises BadRequest for plans that do not go together, Conflict `duplicate_subscription_id`."""
    if sum(len(phase) for phase in phases) + len(unscheduled) > PLANS_MAX:
        _refuse(f"phases: at most {PLANS_MAX} plans can be scheduled at once")
    wishes = [*(each for phase in phases for each in phase), *unscheduled]
    check_none_reverts(snapshot, [each.plan for each in wishes], request.trial, "phases")
    check_left(snapshot, snapshot.paused, "phases")
    for number, phase in enumerate(phases):
        _check_together(f"phases[{number}]", (*phase, *unscheduled))
        named = [each.wish.subscription_id for each in (*phase, *unscheduled)]
        check_subscription_ids(_others(snapshot, (*phases[0], *phase, *unscheduled)), named)
    for wanted in wishes:
        check_quantities(wanted.plan, wanted.wish.quantities)
    if begins_at is not None:
        _check_past(snapshot, [each.plan for each in (*phases[0], *unscheduled)], request)


def _check_together(where: str, wanted: Iterable[Wanted]) -> None:
    taken: dict[Slot, str] = {}
    for each in wanted:
        slot, plan_id = slot_of(each.plan), each.plan.id
        if taken.get(slot) == plan_id:
            _refuse(f"{where}: plan {plan_id} stands twice")
        if slot in taken:
            _refuse(f"{where}: {taken[slot]} and {plan_id} are of one group and cannot be held together")
        taken[slot] = plan_id


def _others(snapshot: Snapshot, wanted: Iterable[Wanted]) -> list[Holding]:
    """What the customer and its entities hold in no place that is taken, and of no schedule of the same scope."""
    taken = {slot_of(each.plan) for each in wanted}
    own = [each for each in snapshot.holdings if slot_of(each.plan) not in taken and each.held.schedule_id is None]
    return [*own, *snapshot.others]


def _check_past(snapshot: Snapshot, plans: Iterable[Plan], request: ScheduleRequest) -> None:
    for plan in plans:
        if is_free(plan) or is_one_off(plan):
            _refuse(f"phases[0]: only paid, recurring plans can begin in the past; {plan.id} is none")
    if request.trial is not None and request.trial.free_trial is not None:
        _refuse("phases[0]: a phase that begins in the past cannot be combined with a free trial")
    if find_paid(snapshot.everywhere):
        _refuse("phases[0]: a phase can begin in the past only where nothing else is billed yet")
    needs_card = request.bill and request.invoice_mode is None
    if needs_card and (not snapshot.has_payment_method or request.redirect_mode is RedirectMode.ALWAYS):
        _refuse("phases[0]: a phase can begin in the past only for a customer who is charged without a hosted page")


def _refuse(sentence: str) -> NoReturn:
    raise BadRequest(sentence)
