"""What counted usage comes to: which grants pay, what is recorded, what is answered (billing.md §5.1, §5.8)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sumac.balances.model import BalanceSnapshot, Grant, SeatChange, TrackAnswer, UsageDecision, UsageWindow
from sumac.balances.requests import OverageBehavior, TrackRequest
from sumac.balances.rules.deduct import Taken, compute_deduction, compute_sources, visible
from sumac.balances.rules.follow import followed
from sumac.balances.rules.limits import Limiting, deduct_within, is_held_by_window, limiting_of
from sumac.balances.rules.sum import compute_balance
from sumac.balances.rules.windows import WindowKey, key_of
from sumac.catalog.model import Feature, FeatureKind
from sumac.core.errors import BadRequest, NotFound
from sumac.core.quantity import LARGEST, ONE, rounded
from sumac.customers.model import Entity
from sumac.events.model import Deduction, UsageEvent

ZERO = Decimal(0)


def decide_usage(
    snapshot: BalanceSnapshot,
    request: TrackRequest,
    *,
    now: datetime,
    event_ids: Sequence[str],
    paid_seats: Mapping[str, Decimal] | None = None,
    tracked: Sequence[Feature] | None = None,
) -> UsageDecision:
    """Takes the usage from the grants, one tracked feature after the other, and records each as an event.

    There is an id for each of `tracked_features`, which are `tracked` where that is known already. `paid_seats` are the
    seats that stay paid for per prorated grant, once that is settled. Usage that prorated seats may pay for is counted
    as a whole or not at all: nobody is billed for a part of it. Raises NotFound `entity_not_found`; BadRequest
    `invalid_inputs` for a time in the future, `insufficient_balance` and `usage_limit_exceeded` with reject and for
    seats.
    """
    entity = find_entity(snapshot, request.entity_id)
    tracked = tracked or tracked_features(request, snapshot.features)
    limiting = limiting_of(snapshot, entity_key=entity.key if entity else None, properties=request.properties, now=now)
    before = {grant.id: grant for grant in snapshot.grants}
    after = dict(before)
    events: list[UsageEvent] = []
    windows: dict[WindowKey, UsageWindow] = {}
    for feature, event_id in zip(tracked, event_ids, strict=True):
        taken, counted = _taken(snapshot, feature, request, list(after.values()), entity, limiting)
        if limiting is not None and counted:
            windows |= {key_of(window): window for window in counted}
            limiting = limiting.after(counted)
        settled = {each.grant.id: _with_seats(each.grant, paid_seats) for each in taken}
        deductions = tuple(_deduction(each, settled[each.grant.id]) for each in taken)
        after.update(settled)
        events.append(_event(snapshot, feature, request, deductions, entity, event_id=event_id, now=now))
    changed = tuple(grant for grant in after.values() if grant is not before[grant.id])
    seats = [SeatChange(before[each.id], each) for each in changed if each.proration is not None]
    moved = tuple(change for change in seats if change.before.balance != change.after.balance)
    decision = UsageDecision(grants=changed, events=tuple(events), windows=tuple(windows.values()), seats=moved)
    return followed(snapshot, decision, tracked, entity, request.properties, now=now)


def compute_answer(
    snapshot: BalanceSnapshot,
    request: TrackRequest,
    events: Iterable[UsageEvent],
    tracked: Sequence[Feature] | None = None,
) -> TrackAnswer:
    """The answer to usage that was recorded as these events, from the snapshot afterwards."""
    tracked = tracked or tracked_features(request, snapshot.features)
    entity = find_entity(snapshot, request.entity_id)
    grants = visible(snapshot.grants, entity.key if entity else None)
    involved = list(dict.fromkeys(feature.id for feature in tracked))
    for feature in tracked:
        linked = (each.id for each in snapshot.features if each.credit_cost_of(feature.id) is not None)
        involved += [system for system in linked if system not in involved]
    deductions = tuple(deduction for event in events for deduction in event.deductions)
    touched = {deduction.feature_id for deduction in deductions} or {tracked[0].id}
    balances = {feature_id: compute_balance(feature_id, grants) for feature_id in involved}
    several = len(tracked) > 1 or len(touched) > 1
    return TrackAnswer(
        customer_id=snapshot.customer.public_id,
        request=request,
        balance=None if several else balances[next(iter(touched))],
        balances=balances if len(involved) > 1 else None,
        deductions=_collapsed(deductions),
    )


def find_entity(snapshot: BalanceSnapshot, entity_id: str | None) -> Entity | None:
    """The entity of the customer, None for none. Raises NotFound `entity_not_found`."""
    if entity_id is None:
        return None
    for entity in snapshot.entities:
        if entity.public_id == entity_id:
            return entity
    message = f"Entity {entity_id} not found"
    raise NotFound(message, code="entity_not_found")


def is_counted(snapshot: BalanceSnapshot, feature_id: str) -> bool:
    """Whether the customer holds anything that the units taken by entities of this feature are counted in."""
    of_customer = [grant for grant in snapshot.grants if grant.entity_key is None]
    counted = [feature for feature in snapshot.features if feature.id == feature_id]
    return any(compute_sources(feature, of_customer, snapshot.features) for feature in counted)


def tracked_features(request: TrackRequest, features: Sequence[Feature]) -> Sequence[Feature]:
    """The feature that is named, or those that listen to the event name.

    Raises NotFound `feature_not_found`, BadRequest when nothing can be counted as asked.
    """
    check_value("value", request.value)
    if (request.feature_id is None) == (request.event_name is None):
        message = "feature_id: give exactly one of feature_id and event_name"
        raise BadRequest(message, code="invalid_inputs")
    if request.feature_id is not None:
        found = [feature for feature in features if feature.id == request.feature_id]
        missing = f"Feature {request.feature_id} not found"
    else:
        if request.overage_behavior is OverageBehavior.REJECT:
            message = "overage_behavior: reject cannot be combined with event_name"
            raise BadRequest(message)
        found = [feature for feature in features if request.event_name in feature.event_names]
        missing = f"No feature listens to the event name {request.event_name}"
    if not found:
        raise NotFound(missing, code="feature_not_found")
    if any(feature.kind is FeatureKind.BOOLEAN for feature in found):
        message = f"{found[0].id} is a boolean feature; there is nothing to count"
        raise BadRequest(message)
    return found


def check_value(name: str, value: Decimal) -> None:
    """Raises BadRequest `invalid_inputs` unless the units asked about or counted can be kept exactly."""
    if not value.is_finite() or abs(value) > LARGEST:
        message = f"{name}: must be a number between -{LARGEST:f} and {LARGEST:f}"
        raise BadRequest(message, code="invalid_inputs")


def deduction_of(grant: Grant, amount: Decimal, cost: Decimal = ONE) -> Deduction:
    """The record of what usage took from a grant, of which a tracked unit costs so much."""
    return Deduction(
        grant.id,
        grant.feature_id,
        grant.plan_id,
        grant.reset,
        grant.resets_at,
        amount,
        balance_id=grant.balance_id or grant.shared_id,
        entity_key=grant.entity_key,
        credit_cost=None if cost == ONE else cost,
    )


def _taken(
    snapshot: BalanceSnapshot,
    feature: Feature,
    request: TrackRequest,
    grants: Sequence[Grant],
    entity: Entity | None,
    limiting: Limiting | None,
) -> tuple[tuple[Taken, ...], tuple[UsageWindow, ...]]:
    sources = compute_sources(
        feature,
        [grant for grant in grants if grant.entity_key is None] if request.of_entities else grants,
        snapshot.features,
        entity_key=entity.key if entity else None,
        entity_ids={each.key: each.public_id for each in snapshot.entities},
    )
    seats = any(source.grant.proration is not None for source in sources)
    behavior = OverageBehavior.REJECT if seats else request.overage_behavior
    value = rounded(request.value)
    windows: tuple[UsageWindow, ...] = ()
    if limiting is None:
        deducted = compute_deduction(sources, value, behavior)
    else:
        deducted, windows = deduct_within(limiting, feature, sources, value, behavior)
    if deducted.shortfall > 0 and request.opens is not None:
        message = f"No unit of {feature.id} is left for another entity"
        raise BadRequest(message, code="feature_limit_reached")
    if deducted.shortfall > 0 and behavior is OverageBehavior.REJECT:
        if limiting is not None and is_held_by_window(limiting, sources, value):
            message = f"A usage limit of {feature.id} does not let {request.value:f} pass; nothing was deducted"
            raise BadRequest(message, code="usage_limit_exceeded")
        message = f"The balance of {feature.id} does not cover {request.value:f}; nothing was deducted"
        raise BadRequest(message, code="insufficient_balance")
    return deducted.taken, windows


def _event(
    snapshot: BalanceSnapshot,
    feature: Feature,
    request: TrackRequest,
    deductions: tuple[Deduction, ...],
    entity: Entity | None,
    *,
    event_id: str,
    now: datetime,
) -> UsageEvent:
    occurred_at = request.occurred_at or now
    if occurred_at > now:
        message = "timestamp: must not be in the future"
        raise BadRequest(message, code="invalid_inputs")
    return UsageEvent(
        id=event_id,
        customer_key=snapshot.customer.key,
        feature_id=feature.id,
        event_name=request.event_name,
        value=rounded(request.value),
        properties=request.properties,
        occurred_at=occurred_at,
        counted_at=now,
        deductions=deductions,
        entity_key=entity.key if entity else None,
    )


def _deduction(taken: Taken, settled: Grant) -> Deduction:
    """The record of what was taken, and of the free seats once it is settled how many stay paid for."""
    deduction = deduction_of(taken.grant, taken.amount, taken.cost)
    change = settled.replaceables - taken.grant.replaceables
    return replace(deduction, replaceables_change=change) if change else deduction


def _with_seats(grant: Grant, paid_seats: Mapping[str, Decimal] | None) -> Grant:
    """The grant with the seats that stay paid for though nobody holds them."""
    if paid_seats is None or grant.id not in paid_seats:
        return grant
    return replace(grant, replaceables=max(ZERO, paid_seats[grant.id] - grant.overage))


def _collapsed(deductions: Sequence[Deduction]) -> tuple[Deduction, ...]:
    """What was taken from the slots of one item, as one."""
    if len(deductions) == 1:
        return (deductions[0],)
    summed: dict[str, Deduction] = {}
    for each in deductions:
        before = summed.get(each.public_id)
        summed[each.public_id] = each if before is None else replace(before, value=rounded(before.value + each.value))
    return tuple(summed.values())
