"""A trial that reverts: the plan whose place it takes is paused, and goes on when it is over (billing.md §11).

The paid time that was left is not lost: everything of the paused plan that has a date moves by as long as it rested.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from sumac.balances.model import Grant
from sumac.billing.model import Action, Holding, HoldLines, PausePlan, PlanStatus, ResumePlan, Snapshot
from sumac.billing.requests import (
    AttachRequest,
    BillingRequest,
    CancelRequest,
    MultiCancelRequest,
    PlanTiming,
    UpdateRequest,
)
from sumac.billing.rules.carry import grants_of
from sumac.billing.rules.change import unused_lines
from sumac.billing.rules.target import find_target, is_meant
from sumac.billing.rules.transition import find_current, find_scheduled, is_trialing, slot_of
from sumac.catalog.model import Customization, Feature, FeatureKind, Plan
from sumac.catalog.rules.shape import is_free, longest_cadence, shortest_cadence
from sumac.core.errors import BadRequest
from sumac.core.time import Cadence, Period, cycle, cycle_end
from sumac.invoices.model import LineDraft

ZERO = Decimal(0)
UNUSED = "Unused time: "


def find_paused(snapshot: Snapshot, plan: Plan) -> list[Holding]:
    """The plan that waits for the place of this one, if any: at most one."""
    return [each for each in snapshot.paused if slot_of(each.plan) == slot_of(plan)]


def begins_reverting(snapshot: Snapshot, plan: Plan, *, sets_trial: bool) -> bool:
    """Whether the plan, when it starts now, starts with a trial at whose end it is over."""
    trial = plan.free_trial
    return trial is not None and trial.reverts and (sets_trial or plan.id not in snapshot.trials_used)


def check_tried_out(snapshot: Snapshot, plan: Plan, request: AttachRequest, *, now: datetime) -> Holding:
    """The paid plan that the trial takes the place of.

    Raises BadRequest `trial_needs_subscription` where there is none that could go on afterwards, and for what is about
    other times than now or other plans than these two.
    """
    for name in ("anchor", "starts_at", "ends_at", "remove_plan_ids", "new_subscription", "carry_balances"):
        if getattr(request, name):
            wire = {"anchor": "billing_cycle_anchor", "new_subscription": "new_billing_subscription",
                    "carry_balances": "carry_over_balances"}.get(name, name)  # fmt: skip
            message = f"{wire}: cannot be combined with a trial that reverts"
            raise BadRequest(message)
    if request.timing is PlanTiming.END_OF_CYCLE:
        message = "plan_schedule: a trial that reverts begins at once"
        raise BadRequest(message)
    current = find_current(snapshot.holdings, plan)
    if current is None or not _can_rest(current, now) or find_scheduled(snapshot.holdings, plan):
        message = (
            f"free_trial: on_end revert needs an active, paid subscription in the plan group of {plan.id}, "
            "not on trial, and with no change or end of it planned"
        )
        raise BadRequest(message, code="trial_needs_subscription")
    if current.plan.id == plan.id:
        message = f"free_trial: on_end revert is for trying another plan; the customer has {plan.id} already"
        raise BadRequest(message, code="trial_needs_subscription")
    return current


def check_request(snapshot: Snapshot, request: BillingRequest) -> None:
    """Raises BadRequest `plan_paused` for a change of a paused plan, `trial_reverts` for one of the trial before it.

    The trial can be cancelled, its quantities and items can change; a plan that is to stay is attached.
    """
    changes: Sequence[BillingRequest] = request.changes if isinstance(request, MultiCancelRequest) else (request,)
    for change in changes:
        if isinstance(change, CancelRequest | UpdateRequest):
            _check_not_paused(snapshot, change)
        if isinstance(change, UpdateRequest):
            _check_trial_stays(snapshot, find_target(snapshot.holdings, change), change)


def check_left(snapshot: Snapshot, leaving: Iterable[Holding], field: str) -> None:
    """Raises BadRequest `trial_reverts` where a plan that is to go along with others is on a trial that reverts."""
    for paused in (paused for each in leaving for paused in find_paused(snapshot, each.plan)):
        message = f"{field}: plan {paused.plan.id} is paused for a trial, and goes on after it; cancel the trial first"
        raise BadRequest(message, code="trial_reverts")


def check_none_reverts(snapshot: Snapshot, plans: Iterable[Plan], trial: Customization | None, field: str) -> None:
    """Raises BadRequest where one of several plans would start with a trial that reverts: its own, or the one set."""
    for plan in plans:
        begun = plan if trial is None else replace(plan, free_trial=trial.free_trial)
        if begins_reverting(snapshot, begun, sets_trial=trial is not None):
            message = f"{field}: the trial of plan {plan.id} reverts, which is for a plan that is attached by itself"
            raise BadRequest(message)


def pause(current: Holding, now: datetime) -> PausePlan:
    """The plan rests from now on."""
    return PausePlan(replace(current.held, status=PlanStatus.PAUSED, ends_at=now))


def resume(snapshot: Snapshot, paused: Holding, tried: Holding, *, now: datetime) -> Iterator[Action]:
    """The plan goes on where it stopped, as much later as it rested; `tried` is the plan that was tried meanwhile.

    What was charged for the time that was left counts for that time as it is now: the two lines that say so come to
    nothing, and wait for the plan's next invoice.
    """
    since = paused.held.paused_at or now
    later = now - since
    held, longest, shortest = paused.held, longest_cadence(paused.plan), shortest_cadence(paused.plan)
    anchor = _moved(held.anchor_at, longest, cycle_end(held.anchor_at, longest, since), later, now) if longest else now
    period = cycle(anchor, shortest, now) if shortest else None
    resumed = replace(
        held,
        status=PlanStatus.ACTIVE,
        ends_at=None,
        anchor_at=anchor,
        next_anchor_at=held.next_anchor_at + later if held.next_anchor_at else None,
        period_start=period.start if period else None,
        period_end=period.end if period else None,
    )
    moved = [_moved_grant(each, later, now) for each in grants_of(snapshot.grants, held.id)]
    theirs = grants_of(snapshot.grants, tried.held.id)
    yield ResumePlan(resumed, tuple(_with_units_held(snapshot, moved, theirs)))
    lines = tuple(_moved_lines(snapshot, paused, later, now)) if later else ()
    if lines:
        yield HoldLines(lines)


def moved_pairs(waiting: Sequence[LineDraft]) -> Iterator[tuple[LineDraft, LineDraft]]:
    """The lines with which a plan went on after a pause, in order: the time that was left, and where it is by now."""
    for given_back in waiting:
        for moved in waiting:
            if _is_moved(given_back, moved):
                yield given_back, moved


def _is_moved(given_back: LineDraft, moved: LineDraft) -> bool:
    """Whether the same is charged for a later time: no other change of a plan comes to nothing that way."""
    if given_back.period is None or moved.period is None or given_back.exact_minor >= 0:
        return False
    same = (given_back.feature_id, given_back.exact_minor.copy_negate()) == (moved.feature_id, moved.exact_minor)
    return same and given_back.period.start < moved.period.start


def _can_rest(current: Holding, now: datetime) -> bool:
    """Whether the plan is paid for and runs on by itself."""
    held = current.held
    paid = held.status is PlanStatus.ACTIVE and not is_free(current.plan) and not is_trialing(current, now)
    return paid and held.canceled_at is None and held.ends_at is None


def _check_not_paused(snapshot: Snapshot, change: CancelRequest | UpdateRequest) -> None:
    if any(is_meant(each, change) for each in snapshot.holdings):
        return
    for each in snapshot.paused:
        if is_meant(each, change):
            message = f"Plan {each.plan.id} is paused while another one is on trial; cancel that one first"
            raise BadRequest(message, code="plan_paused")


def _check_trial_stays(snapshot: Snapshot, target: Holding, change: UpdateRequest) -> None:
    sets_trial = change.customize is not None and change.customize.sets_trial
    touched = sets_trial or change.version is not None or change.anchor is not None or change.uncancel
    if touched and target.held.is_usable and find_paused(snapshot, target.plan):
        message = (
            f"Plan {target.plan.id} is on a trial that reverts, which cannot be changed; "
            "attach the plan with customize.free_trial null to keep it"
        )
        raise BadRequest(message, code="trial_reverts")


def _moved(anchor: datetime, cadence: Cadence, end: datetime, later: timedelta, now: datetime) -> datetime:
    """From where periods are counted when the running one ends so much later: from as much later, where that fits.

    Months differ in length: where counting from there would miss the end, periods are counted from the end.
    """
    return anchor + later if cycle_end(anchor + later, cadence, now) == end + later else end + later


def _moved_grant(grant: Grant, later: timedelta, now: datetime) -> Grant:
    """The units as they were left, full again as much later."""
    expires_at = grant.expires_at + later if grant.expires_at else None
    if grant.reset is None or grant.resets_at is None:
        return replace(grant, expires_at=expires_at)
    anchor = _moved(grant.anchor_at, grant.reset, grant.resets_at, later, now)
    return replace(grant, anchor_at=anchor, resets_at=grant.resets_at + later, expires_at=expires_at)


def _with_units_held(snapshot: Snapshot, grants: Sequence[Grant], theirs: Sequence[Grant]) -> Iterator[Grant]:
    """The grants with the units that are held now, where the plan on trial gave such units too.

    Seats stay paid for as they were: those that are held no more are free until the next period. What is used of a
    pool stays with the pool.
    """
    theirs = [each for each in theirs if not each.is_contribution]
    held = {each.id for each in snapshot.features.values() if _is_held(each)} & {each.feature_id for each in theirs}
    yield from (each for each in grants if each.feature_id not in held or each.is_contribution)
    for feature_id in sorted(held):
        left = sum((each.usage for each in theirs if each.feature_id == feature_id), ZERO)
        own = [each for each in grants if each.feature_id == feature_id and not each.is_contribution]
        own.sort(key=lambda each: (each.unlimited, each.overage_allowed))
        for each in own:
            taken = left if each is own[-1] else min(left, each.granted)
            counted = replace(each, balance=each.granted - taken)
            free = max(ZERO, each.paid_seats - counted.overage) if each.proration is not None else ZERO
            yield replace(counted, replaceables=free)
            left -= taken


def _is_held(feature: Feature) -> bool:
    return feature.kind is not FeatureKind.BOOLEAN and not feature.consumable


def _moved_lines(snapshot: Snapshot, paused: Holding, later: timedelta, now: datetime) -> Iterator[LineDraft]:
    """What was charged for the time that was left, given back, and charged for that time as it is now."""
    unused = list(unused_lines(snapshot, paused, now=now))
    yield from unused
    for line in unused:
        period = Period(line.period.start + later, line.period.end + later) if line.period else None
        description = f"After the pause: {line.description.removeprefix(UNUSED)}"
        charged = line.exact_minor.copy_negate()
        yield replace(line, description=description, exact_minor=charged, period=period, discountable=False)
