"""A schedule: what starts, goes on and ends now, and what each later phase changes (billing.md §13.2)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sumac.billing.model import (
    Action,
    CancelPlan,
    Decision,
    DropScheduled,
    Holding,
    KeepPlan,
    PlaceSchedule,
    PlanStatus,
    SchedulePlan,
    Snapshot,
)
from sumac.billing.phases import Schedule, SchedulePhase
from sumac.billing.requests import ScheduleRequest
from sumac.billing.rules.cancel import default_later, start_default
from sumac.billing.rules.change import Arrival, Terms, end_and_start
from sumac.billing.rules.payment import with_payment
from sumac.billing.rules.phases import Wanted, check_schedule, find_start, is_same, phase_starts, snapped
from sumac.billing.rules.quantities import inherited_quantities, with_units_at
from sumac.billing.rules.start import Start, schedule_plan, start_plan
from sumac.billing.rules.transition import find_paid, is_trialing, slot_of
from sumac.catalog.model import Plan
from sumac.catalog.rules.shape import is_free, is_main_recurring, is_one_off


def decide_schedule(snapshot: Snapshot, plans: Sequence[Plan], request: ScheduleRequest, *, now: datetime) -> Decision:
    """The actions of the first phase now and of preparing the later ones, and what has to happen with the payer first.

    `plans` are those of the phases in order, then the unscheduled ones. Raises BadRequest for phases that cannot follow
    each other and plans that do not go together, Conflict `duplicate_subscription_id`.
    """
    begins_at = find_start(request.phases, now)
    phases, unscheduled = _wanted(snapshot, plans, request)
    check_schedule(snapshot, phases, unscheduled, request, begins_at=begins_at)
    opening = _open(snapshot, phases, unscheduled, request, begins_at=begins_at, now=now)
    starts = snapped(phase_starts(request.phases, begins_at or now, now), opening.cycle_ends_at)
    course = _follow(snapshot, opening, list(zip(starts, phases, strict=True)), now)
    arrivals = [replace(each, holding=course.after(each.holding)) for each in opening.arrivals]
    terms = Terms(bill=request.bill, prorate=request.prorate, invoice_mode=request.invoice_mode)
    return with_payment(
        Decision((*_now(snapshot, opening, course, arrivals, terms, now), *_later(snapshot, course, now))),
        snapshot,
        [each.holding for each in arrivals],
        redirect_mode=request.redirect_mode,
        invoice_mode=request.invoice_mode,
        bill=request.bill,
        now=now,
    )


@dataclass(frozen=True, slots=True)
class _Opening:
    """What the first phase does with what is held: `going_on` is named by it and stays, `beside` is not and stays.

    `members` are the customer plans of the phase; `dropped` was waiting for a phase of the replaced schedule, or for a
    place that is taken now.
    """

    leaving: Sequence[Holding]
    arrivals: Sequence[Arrival]
    going_on: Sequence[Holding]
    beside: Sequence[Holding]
    dropped: Sequence[Holding]
    members: tuple[str, ...]

    @property
    def running(self) -> list[Holding]:
        return [*(each.holding for each in self.arrivals), *self.going_on, *self.beside]

    @property
    def cycle_ends_at(self) -> datetime | None:
        """When the first billing cycle that runs after the first phase has begun is over."""
        ends = [each.held.period_end for each in find_paid(self.running)]
        return min((each for each in ends if each is not None), default=None)


@dataclass(frozen=True, slots=True)
class _Course:
    """The phases as they follow each other: every plan with the end it was given, by the id of its customer plan."""

    plans: dict[str, Holding]
    added: Sequence[str]
    ended: Sequence[str]
    dropped: Sequence[Holding]
    phases: tuple[SchedulePhase, ...]
    spare_ids: Sequence[str]

    def after(self, holding: Holding) -> Holding:
        return self.plans[holding.held.id]


def _wanted(
    snapshot: Snapshot, plans: Sequence[Plan], request: ScheduleRequest
) -> tuple[list[list[Wanted]], list[Wanted]]:
    rest = iter(plans)
    phases = [
        [Wanted(next(rest), wish, snapshot.schedule_id, phase.anchor_here) for wish in phase.plans]
        for phase in request.phases
    ]
    return phases, [Wanted(next(rest), wish, None) for wish in request.unscheduled]


def _open(
    snapshot: Snapshot,
    phases: Sequence[Sequence[Wanted]],
    unscheduled: Sequence[Wanted],
    request: ScheduleRequest,
    *,
    begins_at: datetime | None,
    now: datetime,
) -> _Opening:
    arrivals: list[Arrival] = []
    going_on: dict[str, Holding] = {}
    members: list[str] = []
    for number, wanted in enumerate((*phases[0], *unscheduled)):
        same = next((each for each in _occupants(snapshot, wanted) if _stays(each, wanted, request, now)), None)
        if same is None:
            arrivals.append(_arrival(snapshot, wanted, number, request, begins_at=begins_at, now=now))
        else:
            freed = replace(same.held, schedule_id=wanted.schedule_id, canceled_at=None, ends_at=None)
            going_on[same.held.id] = Holding(freed, same.plan)
        if wanted.schedule_id is not None:
            members.append(arrivals[-1].holding.held.id if same is None else same.held.id)
    claimed = {slot_of(each.plan) for each in (*phases[0], *unscheduled)}
    dropped = [
        each
        for each in snapshot.holdings
        if each.held.status is PlanStatus.SCHEDULED
        and (each.held.schedule_id is not None or slot_of(each.plan) in claimed)
    ]
    usable = [each for each in snapshot.holdings if each.held.is_usable and each.held.id not in going_on]
    leaving = [each for each in usable if slot_of(each.plan) in claimed or _is_left_over(snapshot, each, phases)]
    leaving = [each for each in leaving if each.held.recurring]
    beside = [_without_end(each, dropped) for each in usable if each not in leaving]
    return _Opening(leaving, arrivals, list(going_on.values()), beside, dropped, tuple(members))


def _occupants(snapshot: Snapshot, wanted: Wanted) -> list[Holding]:
    """What runs in the place of a plan."""
    place = slot_of(wanted.plan)
    return [each for each in snapshot.holdings if each.held.is_usable and slot_of(each.plan) == place]


def _stays(holding: Holding, wanted: Wanted, request: ScheduleRequest, now: datetime) -> bool:
    """Whether a running plan goes on untouched as the one that is wanted.

    What was bought once is bought again, unless the schedule before has bought it.
    """
    if wanted.anchor_here or not is_same(holding, wanted):
        return False
    if request.trial is not None and (request.trial.free_trial is not None or is_trialing(holding, now)):
        return False
    return holding.held.recurring or holding.held.schedule_id is not None


def _is_left_over(snapshot: Snapshot, holding: Holding, phases: Sequence[Sequence[Wanted]]) -> bool:
    """Whether the replaced schedule placed the plan and no phase takes its place; what starts by itself remains."""
    by_itself = any(each.id == holding.plan.id for each in snapshot.auto_enabled)
    claimed = any(slot_of(each.plan) == slot_of(holding.plan) for phase in phases for each in phase)
    return holding.held.schedule_id is not None and not claimed and not by_itself


def _without_end(holding: Holding, dropped: Sequence[Holding]) -> Holding:
    """The plan without the end that the replaced schedule gave it."""
    held = holding.held
    successors = [each for each in dropped if each.held.schedule_id and slot_of(each.plan) == slot_of(holding.plan)]
    placed = held.schedule_id is not None and held.canceled_at is None
    if placed or any(each.held.starts_at == held.ends_at for each in successors):
        return Holding(replace(held, canceled_at=None, ends_at=None), holding.plan)
    return holding


def _arrival(
    snapshot: Snapshot,
    wanted: Wanted,
    number: int,
    request: ScheduleRequest,
    *,
    begins_at: datetime | None,
    now: datetime,
) -> Arrival:
    plan, wish, trial = wanted.plan, wanted.wish, request.trial
    plan = plan if trial is None else replace(plan, free_trial=trial.free_trial)
    current = None if is_one_off(plan) else next(iter(_occupants(snapshot, wanted)), None)
    how = Start(
        id=snapshot.plan_ids[number],
        quantities=inherited_quantities(current, plan) | dict(wish.quantities),
        subscription_id=wish.subscription_id,
        schedule_id=wanted.schedule_id,
        customized=wish.customize is not None,
        sets_trial=trial is not None,
        anchor="now" if wanted.anchor_here else request.anchor,
        begins_at=begins_at,
        net_terms_days=request.invoice_mode.net_terms_days if request.invoice_mode else None,
    )
    return Arrival(start_plan(snapshot, plan, how, current=current, now=now), current)


def _follow(
    snapshot: Snapshot, opening: _Opening, phases: Sequence[tuple[datetime, Sequence[Wanted]]], now: datetime
) -> _Course:
    """Each later phase in turn: what it names goes on or is added, what it takes the place of or leaves out ends."""
    spare_ids = list(snapshot.plan_ids[len(opening.arrivals) + len(opening.going_on) :])
    plans = {each.held.id: each for each in opening.running}
    dropped = {each.held.id: each for each in opening.dropped}
    added: list[str] = []
    ended: list[str] = []
    timeline = [_phase(snapshot, 1, phases[0][0], opening.members)]
    for number, (starts_at, wanted) in enumerate(phases[1:], start=2):
        before = [each for each in plans.values() if each.held.ends_at is None or each.held.ends_at > starts_at]
        members: list[str] = []
        for each in wanted:
            same = next((one for one in before if _goes_through(one, each)), None)
            if same is None:
                scheduled = _scheduled(snapshot, each, before, spare_ids.pop(0), starts_at=starts_at, now=now)
                plans[scheduled.held.id] = scheduled
                added.append(scheduled.held.id)
            members.append(added[-1] if same is None else same.held.id)
        claimed = {slot_of(each.plan) for each in wanted}
        for over in before:
            placed = over.held.schedule_id == snapshot.schedule_id
            if over.held.id in members or not over.held.recurring or not (placed or slot_of(over.plan) in claimed):
                continue
            canceled_at = over.held.canceled_at if placed else over.held.canceled_at or now
            plans[over.held.id] = Holding(replace(over.held, ends_at=starts_at, canceled_at=canceled_at), over.plan)
            ended.append(over.held.id)
        dropped |= {each.held.id: each for each in _waiting(snapshot, starts_at) if slot_of(each.plan) in claimed}
        timeline.append(_phase(snapshot, number, starts_at, members))
    return _Course(plans, added, ended, list(dropped.values()), tuple(timeline), spare_ids)


def _phase(snapshot: Snapshot, number: int, starts_at: datetime, members: Sequence[str]) -> SchedulePhase:
    return SchedulePhase(f"{snapshot.schedule_id}_{number}", starts_at, tuple(members))


def _waiting(snapshot: Snapshot, since: datetime) -> list[Holding]:
    """What was to start by itself from then on."""
    scheduled = [each for each in snapshot.holdings if each.held.status is PlanStatus.SCHEDULED]
    return [each for each in scheduled if each.held.starts_at >= since]


def _goes_through(holding: Holding, wanted: Wanted) -> bool:
    """Whether a plan goes on into the next phase; one that is being cancelled does not."""
    runs_on = holding.held.recurring and holding.held.canceled_at is None
    return runs_on and not wanted.anchor_here and is_same(holding, wanted)


def _scheduled(
    snapshot: Snapshot,
    wanted: Wanted,
    before: Sequence[Holding],
    customer_plan_id: str,
    *,
    starts_at: datetime,
    now: datetime,
) -> Holding:
    plan, wish = wanted.plan, wanted.wish
    replaced = next((each for each in before if slot_of(each.plan) == slot_of(plan)), None)
    bought = None if replaced is None else with_units_at(replaced, starts_at, now)
    how = Start(
        id=customer_plan_id,
        quantities=inherited_quantities(bought, plan) | dict(wish.quantities),
        subscription_id=wish.subscription_id,
        schedule_id=wanted.schedule_id,
        customized=wish.customize is not None,
        net_terms_days=None if replaced is None else replaced.held.net_terms_days,
    )
    anchor = starts_at if wanted.anchor_here or is_free(plan) else _anchor(before, replaced, starts_at)
    return Holding(schedule_plan(snapshot, plan, how, starts_at=starts_at, anchor=anchor, now=now), plan)


def _anchor(before: Sequence[Holding], replaced: Holding | None, starts_at: datetime) -> datetime:
    """Where a later plan counts its periods from: along with what is billed then, unless that is still on trial."""
    paid = [each for each in before if each.held.recurring and not is_free(each.plan)]
    oldest = min(paid, key=lambda each: (each.held.starts_at, each.held.id), default=None)
    leader = replaced if replaced in paid else oldest
    if leader is None or is_trialing(leader, starts_at):
        return starts_at
    moves_at = leader.held.next_anchor_at
    return moves_at if moves_at is not None and moves_at <= starts_at else leader.held.anchor_at


def _now(
    snapshot: Snapshot,
    opening: _Opening,
    course: _Course,
    arrivals: Sequence[Arrival],
    terms: Terms,
    now: datetime,
) -> Iterator[Action]:
    yield from (DropScheduled(each.held) for each in course.dropped)
    for each in opening.going_on:
        yield KeepPlan(course.after(each).held)
    for each in (each for each in snapshot.holdings if each.held.id in {one.held.id for one in opening.beside}):
        after = course.after(each).held
        if after != each.held:
            yield KeepPlan(after) if after.ends_at is None else CancelPlan(after)
    held = tuple(course.plans.get(each.held.id, each) for each in snapshot.holdings)
    if opening.leaving or arrivals:
        yield from end_and_start(replace(snapshot, holdings=held), opening.leaving, arrivals, terms, now=now)
    running = replace(snapshot, holdings=tuple(opening.running))
    for each, plan_id in zip(opening.leaving, reversed(course.spare_ids), strict=False):
        yield from start_default(running, each, plan_id=plan_id, now=now)


def _later(snapshot: Snapshot, course: _Course, now: datetime) -> Iterator[Action]:
    for plan_id in course.added:
        yield SchedulePlan(course.plans[plan_id].held)
    for ended, spare_id in zip(course.ended, course.spare_ids, strict=False):
        over = course.plans[ended]
        if is_main_recurring(over.plan):
            left = replace(snapshot, holdings=tuple(_running_at(course, over.held.ends_at)))
            for action in default_later(left, over, plan_id=spare_id, now=now):
                yield SchedulePlan(replace(action.held, schedule_id=snapshot.schedule_id))
    yield PlaceSchedule(Schedule(snapshot.schedule_id, course.phases))


def _running_at(course: _Course, instant: datetime | None) -> Iterator[Holding]:
    """What runs then, as if it ran already."""
    for each in course.plans.values():
        held = each.held
        if instant is not None and held.starts_at <= instant and (held.ends_at is None or held.ends_at > instant):
            yield Holding(replace(held, status=PlanStatus.ACTIVE), each.plan)
