"""Units that are held until it is known what they come to (billing.md §7).

What a reservation took is kept in the order in which it was taken, so that what is not used after all is given back in
the opposite one: a reservation that comes to so much leaves the balances as if so much had been counted at once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext

from sumac.balances.model import BalanceSnapshot, Grant, Held, Reservation, UsageDecision
from sumac.balances.requests import FinalizeRequest, LockRequest, OverageBehavior, TrackRequest
from sumac.balances.rules.usage import decide_usage, deduction_of, tracked_features
from sumac.catalog.model import FeatureKind
from sumac.core.errors import BadRequest
from sumac.core.quantity import ONE, QUANTITY_PRECISION, rounded
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


def decide_reserve(
    snapshot: BalanceSnapshot, request: LockRequest, *, lock_id: str, now: datetime, event_id: str, reservation_id: str
) -> UsageDecision:
    """Takes the units like usage, and remembers what was taken from where.

    The snapshot has the customer's open reservations. Raises BadRequest for a feature whose units are held anyway, and
    `insufficient_balance` when not everything fits and nothing less is wanted; NotFound as `decide_usage` does.
    """
    usage = reserved_usage(request)
    (feature,) = tracked_features(usage, snapshot.features)
    if feature.kind is FeatureKind.METERED and not feature.consumable:
        message = f"lock: units of {feature.id} are held, not used up; they cannot be reserved"
        raise BadRequest(message)
    decision = decide_usage(snapshot, usage, now=now, event_ids=[event_id])
    (event,) = decision.events
    reservation = Reservation(
        id=reservation_id,
        lock_id=lock_id,
        customer_key=snapshot.customer.key,
        feature_id=feature.id,
        entity_key=event.entity_key,
        value=event.value,
        properties=event.properties,
        receipt=tuple(_receipt(snapshot, decision, event)),
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
    withheld: Sequence[Grant] = (),
) -> UsageDecision:
    """Settles a reservation for what it came to.

    For less, what was taken last is given back first; for more, the rest is counted like usage; for the opposite of
    what was held, everything is undone and counted anew. What cannot be undone where it was done, because the grant is
    gone or its units are used, is made good on the grants that are there. `withheld` are grants of the receipt that
    the customer may not use by now. The event says by how much it is not what was held, if it is not.
    """
    final = rounded(request.final_value(reservation.value))
    finished = replace(reservation, finished_at=now)
    if final == reservation.value or reservation.feature_id not in {each.id for each in snapshot.features}:
        return UsageDecision(reservation=finished)
    same_sign = final * reservation.value >= 0
    kept = min(abs(final), abs(reservation.value)) if same_sign else ZERO
    more = final - kept.copy_sign(final)
    before = {grant.id: grant for grant in (*snapshot.grants, *withheld)}
    undone = _undo(reservation.receipt, before, kept)
    state = snapshot.after(UsageDecision(grants=undone.grants))
    counted = _count(state, reservation, (undone.missing, more), now=now, event_id=event_id)
    after = {grant.id: grant for grant in (*undone.grants, *counted.grants)}
    changes = [(before[grant.id], grant) for grant in after.values() if grant.balance != before[grant.id].balance]
    costs = {each.grant_id: each.cost for each in reservation.receipt}
    costs |= {each.grant_id: each.credit_cost or ONE for event in counted.events for each in event.deductions}
    deductions = tuple(deduction_of(old, old.balance - new.balance, costs[old.id]) for old, new in changes)
    event = _difference(reservation, final, deductions, now=now, event_id=event_id)
    if request.properties is not None:
        event = replace(event, properties=request.properties)
    return replace(counted, grants=tuple(new for _, new in changes), events=(event,), reservation=finished)


def _difference(
    reservation: Reservation, final: Decimal, deductions: tuple[Deduction, ...], *, now: datetime, event_id: str
) -> UsageEvent:
    """The event that makes of what was held what it came to."""
    return UsageEvent(
        id=event_id,
        customer_key=reservation.customer_key,
        feature_id=reservation.feature_id,
        event_name=None,
        value=rounded(final - reservation.value),
        properties=reservation.properties,
        occurred_at=now,
        counted_at=now,
        deductions=deductions,
        entity_key=reservation.entity_key,
    )


def _receipt(snapshot: BalanceSnapshot, decision: UsageDecision, event: UsageEvent) -> Iterator[Held]:
    """What was taken from each grant, in the order in which it was: down to zero first, and overage afterwards.

    Of units given back it is the other way round: overage is made good first.
    """
    before = {grant.id: grant for grant in snapshot.grants}
    after = {grant.id: grant for grant in decision.grants}
    for overage in (False, True) if event.value >= 0 else (True, False):
        for each in event.deductions:
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


@dataclass(frozen=True, slots=True)
class _Undone:
    """The grants that got something back, or gave it, and the tracked units that are still to be counted for it."""

    grants: tuple[Grant, ...]
    missing: Decimal


def _undo(receipt: Sequence[Held], grants: Mapping[str, Grant], kept: Decimal) -> _Undone:
    """Undoes a receipt but for its first `kept` tracked units, the last row first."""
    changed: dict[str, Grant] = {}
    missing = ZERO
    with localcontext() as context:
        context.prec = QUANTITY_PRECISION
        for held, amount in reversed(list(_to_undo(receipt, kept))):
            grant = changed.get(held.grant_id) or grants.get(held.grant_id)
            if grant is None:
                missing -= amount / held.cost
                continue
            balance = _undone_balance(grant, held, amount)
            if amount < 0:
                missing += (balance - grant.balance - amount) / held.cost
            changed[grant.id] = replace(grant, balance=rounded(balance))
    return _Undone(tuple(changed.values()), rounded(missing))


def _to_undo(receipt: Sequence[Held], kept: Decimal) -> Iterator[tuple[Held, Decimal]]:
    """What is to be undone of each row, in units of its grant, when so many tracked units of the receipt are kept."""
    left = kept
    for held in receipt:
        wanted = rounded(left * held.cost)
        if wanted < abs(held.amount):
            yield held, held.amount - wanted.copy_sign(held.amount)
            left = ZERO
        else:
            left = rounded(left - abs(held.amount) / held.cost)


def _undone_balance(grant: Grant, held: Held, amount: Decimal) -> Decimal:
    """The balance once the amount is undone: never above what was granted, nor below zero, unless it was so before."""
    beyond = held.beyond if held.resets_at == grant.resets_at else ZERO
    if amount > 0:
        return max(grant.balance, min(grant.balance + amount, grant.granted + beyond))
    return min(grant.balance, max(grant.balance + amount, -beyond))


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
            decision, grants=(*counted.grants, *decision.grants), events=(*counted.events, *decision.events)
        )
    return counted
