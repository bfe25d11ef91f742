"""Units that are held until it is known what they come to (billing.md §7).

What a reservation took is kept in the order in which it was taken, so that what is not used after all is given back in
the opposite one: a reservation that comes to so much leaves the balances as if so much had been counted at once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sumac.balances.model import BalanceSnapshot, Grant, Held, Reservation, UsageDecision
from sumac.balances.requests import FinalizeRequest, LockRequest, OverageBehavior, TrackRequest
from sumac.balances.rules.follow import followed
from sumac.balances.rules.undo import undo
from sumac.balances.rules.usage import check_value, decide_usage, deduction_of, tracked_features
from sumac.balances.rules.windows import key_of
from sumac.catalog.model import Feature, FeatureKind
from sumac.core.errors import BadRequest
from sumac.core.quantity import ONE, rounded
from sumac.events.model import Deduction, UsageEvent

ZERO = Decimal(0)


def reserved_usage(request: LockRequest) -> TrackRequest:
    """The usage that the reservation counts on the spot."""
    return TrackRequest(
        request.customer_id,
        request.feature_id,
        entity_id=request.entity_id,
        value=request.required,
        properties=request.properties,
        overage_behavior=request.overage_behavior,
    )


def check_reservable(snapshot: BalanceSnapshot, request: LockRequest) -> Feature:
    """The feature whose units are to be held.

    Raises NotFound `feature_not_found`, BadRequest for a flag, and for units that are held anyway.
    """
    (feature,) = tracked_features(reserved_usage(request), snapshot.features)
    if feature.kind is FeatureKind.METERED and not feature.consumable:
        message = f"lock: units of {feature.id} are held, not used up; they cannot be reserved"
        raise BadRequest(message)
    return feature


def decide_reserve(
    snapshot: BalanceSnapshot, request: LockRequest, *, lock_id: str, now: datetime, event_id: str, reservation_id: str
) -> UsageDecision:
    """Takes the units like usage, and remembers what was taken from where.

    The snapshot has the customer's open reservations. Raises as `check_reservable` and `decide_usage` do: with reject
    BadRequest `insufficient_balance` and `usage_limit_exceeded` when not everything fits.
    """
    feature = check_reservable(snapshot, request)
    decision = decide_usage(snapshot, reserved_usage(request), now=now, event_ids=[event_id])
    (event,) = decision.events
    reservation = Reservation(
        id=reservation_id,
        lock_id=lock_id,
        customer_key=snapshot.customer.key,
        feature_id=feature.id,
        entity_key=event.entity_key,
        value=event.value,
        properties=event.properties,
        receipt=tuple(_receipt(snapshot, decision, event, request.overage_behavior)),
        created_at=now,
        expires_at=request.expires_at,
        overage_behavior=request.overage_behavior,
    )
    return replace(decision, reservation=reservation)


def decide_finalize(
    snapshot: BalanceSnapshot,
    reservation: Reservation,
    request: FinalizeRequest,
    *,
    now: datetime,
    event_id: str,
    absent: Sequence[Grant] = (),
) -> UsageDecision:
    """Settles a reservation for what it came to.

    For less, what was taken last is given back first; for more, the rest is counted like usage; for the opposite of
    what was held, everything is undone and counted anew. What cannot be undone where it was done, because the grant is
    gone or its units are used, is made good on the grants that are there; usage limits do not count it any more.
    `absent` are grants of the receipt that the customer may not use by now, ended ones too. The event says by how much
    it is not what was held, if it is not. Raises BadRequest for a value that cannot be kept exactly.
    """
    check_value("override_value", request.final_value(reservation.value))
    final = rounded(request.final_value(reservation.value))
    feature = next((each for each in snapshot.features if each.id == reservation.feature_id), None)
    if final == reservation.value or feature is None:
        return UsageDecision(reservation=replace(reservation, finished_at=now))
    same_sign = final * reservation.value >= 0
    kept = min(abs(final), abs(reservation.value)) if same_sign else ZERO
    more = final - kept.copy_sign(final)
    before = {grant.id: grant for grant in (*snapshot.grants, *absent)}
    undone = undo(snapshot, reservation, feature, before, kept=kept, now=now)
    state = snapshot.after(UsageDecision(grants=undone.grants, windows=undone.windows))
    counted = _count(state, reservation, (undone.missing, more), now=now, event_id=event_id)
    together = replace(
        counted,
        grants=(*undone.grants, *counted.grants),
        windows=tuple({key_of(each): each for each in (*undone.windows, *counted.windows)}.values()),
        reservation=replace(reservation, finished_at=now),
    )
    difference = rounded(final - reservation.value)
    settled = _recorded(together, reservation, request, before, difference=difference, now=now, event_id=event_id)
    owner = next((each for each in snapshot.entities if each.key == reservation.entity_key), None)
    return followed(snapshot, settled, [feature], owner, reservation.properties, now=now)


def _recorded(
    decision: UsageDecision,
    reservation: Reservation,
    request: FinalizeRequest,
    before: Mapping[str, Grant],
    *,
    difference: Decimal,
    now: datetime,
    event_id: str,
) -> UsageDecision:
    """The decision with one event in the place of those it consists of, and only grants that change in the end."""
    after = {grant.id: grant for grant in decision.grants}
    changes = [(before[grant.id], grant) for grant in after.values() if grant.balance != before[grant.id].balance]
    event = UsageEvent(
        id=event_id,
        customer_key=reservation.customer_key,
        feature_id=reservation.feature_id,
        event_name=None,
        value=difference,
        properties=reservation.properties if request.properties is None else request.properties,
        occurred_at=now,
        counted_at=now,
        deductions=tuple(_deductions(reservation, decision, changes)),
        entity_key=reservation.entity_key,
    )
    return replace(decision, grants=tuple(new for _, new in changes), events=(event,))


def _deductions(
    reservation: Reservation, counted: UsageDecision, changes: Iterable[tuple[Grant, Grant]]
) -> Iterator[Deduction]:
    costs = {each.grant_id: each.cost for each in reservation.receipt}
    costs |= {each.grant_id: each.credit_cost or ONE for event in counted.events for each in event.deductions}
    for before, after in changes:
        yield deduction_of(before, rounded(before.balance - after.balance), costs[before.id])


def _receipt(
    snapshot: BalanceSnapshot, decision: UsageDecision, event: UsageEvent, behavior: OverageBehavior
) -> Iterator[Held]:
    """What was taken from each grant, in the order in which it was: down to zero first, and overage afterwards.

    Of units given back it is the other way round: overage is made good first. With overflow it is taken last from
    grants that have none by themselves.
    """
    before = {grant.id: grant for grant in snapshot.grants}
    after = {grant.id: grant for grant in decision.grants}
    for overage in (False, True) if event.value >= 0 else (True, False):
        deductions: Sequence[Deduction] = event.deductions
        if overage and behavior is OverageBehavior.OVERFLOW:
            deductions = sorted(deductions, key=lambda each: not before[each.grant_id].overage_allowed)
        for each in deductions:
            grant = before[each.grant_id]
            amount = _part(grant, after[grant.id], overage=overage)
            if amount:
                beyond = _beyond(grant, amount, snapshot.reservations)
                yield Held(grant.id, amount, each.credit_cost or ONE, beyond, grant.resets_at)


def _part(before: Grant, after: Grant, *, overage: bool) -> Decimal:
    """What was taken above zero, or below."""
    bound = min if overage else max
    return bound(before.balance, ZERO) - bound(after.balance, ZERO)


def _beyond(grant: Grant, amount: Decimal, reservations: Iterable[Reservation]) -> Decimal:
    earlier = (
        held.beyond
        for reservation in reservations
        for held in reservation.receipt
        if held.grant_id == grant.id and held.resets_at == grant.resets_at and (held.amount < 0) == (amount < 0)
    )
    return max(ZERO, -grant.balance if amount < 0 else grant.balance - grant.granted, *earlier)


def _count(
    snapshot: BalanceSnapshot, reservation: Reservation, values: Iterable[Decimal], *, now: datetime, event_id: str
) -> UsageDecision:
    """Counts so many units, one after the other, for the owner of the reservation."""
    entity_id = next((each.id for each in snapshot.entities if each.key == reservation.entity_key), None)
    overflow = reservation.overage_behavior is OverageBehavior.OVERFLOW
    counted = UsageDecision()
    for value in values:
        if not value:
            continue
        request = TrackRequest(
            snapshot.customer.public_id,
            reservation.feature_id,
            entity_id=entity_id,
            value=value,
            properties=reservation.properties,
            overage_behavior=OverageBehavior.OVERFLOW if overflow else OverageBehavior.CAP,
        )
        decision = decide_usage(snapshot, request, now=now, event_ids=[event_id])
        snapshot = snapshot.after(decision)
        counted = replace(
            decision,
            grants=(*counted.grants, *decision.grants),
            windows=(*counted.windows, *decision.windows),
            events=(*counted.events, *decision.events),
        )
    return counted
