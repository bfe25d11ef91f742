"""Undoing what a reservation took: where it was taken, and in the opposite order (billing.md §6.4, §7)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext

from sumac.balances.model import BalanceSnapshot, Grant, Held, Reservation, UsageWindow
from sumac.balances.rules.limits import limiting_of, uncounted
from sumac.catalog.model import Feature
from sumac.core.quantity import QUANTITY_PRECISION, rounded

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Undone:
    """The grants that got something back, or gave it; the windows of usage limits that do not count it any more.

    `missing` are tracked units that are still to be counted for it, or given back when negative.
    """

    grants: tuple[Grant, ...]
    windows: tuple[UsageWindow, ...]
    missing: Decimal


def undo(
    snapshot: BalanceSnapshot,
    reservation: Reservation,
    feature: Feature,
    grants: Mapping[str, Grant],
    *,
    kept: Decimal,
    now: datetime,
) -> Undone:
    """Undoes a receipt but for its first `kept` tracked units, the last row first, on those of the grants that live.

    What an entity held of its own goes with the entity.
    """
    entities = {entity.key for entity in snapshot.entities}
    changed: dict[str, Grant] = {}
    missing = ZERO
    to_undo = list(_to_undo(reservation.receipt, kept))
    with localcontext() as context:
        context.prec = QUANTITY_PRECISION
        for held, amount in reversed(to_undo):
            grant = changed.get(held.grant_id) or grants.get(held.grant_id)
            if grant is not None and grant.entity_key is not None and grant.entity_key not in entities:
                continue
            if grant is None or grant.ended_at is not None:
                missing -= amount / held.cost
                continue
            balance = _undone_balance(grant, held, amount)
            if amount < 0:
                missing += (balance - grant.balance - amount) / held.cost
            changed[grant.id] = replace(grant, balance=rounded(balance))
    windows = _uncounted(snapshot, reservation, feature, to_undo, grants, now=now)
    return Undone(tuple(changed.values()), windows, rounded(missing))


def _to_undo(receipt: Sequence[Held], kept: Decimal) -> Iterator[tuple[Held, Decimal]]:
    """What is to be undone of a row, in units of its grant, when the first so many tracked units are kept."""
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


def _uncounted(
    snapshot: BalanceSnapshot,
    reservation: Reservation,
    feature: Feature,
    to_undo: Iterable[tuple[Held, Decimal]],
    grants: Mapping[str, Grant],
    *,
    now: datetime,
) -> tuple[UsageWindow, ...]:
    """The windows of usage limits once the units that are undone count no more (billing.md §6.4).

    They never counted what was given back, nor what an unlimited grant took.
    """
    limiting = limiting_of(snapshot, entity_key=reservation.entity_key, properties=reservation.properties, now=now)
    if limiting is None:
        return ()
    units, credits_ = ZERO, dict[str, Decimal]()
    for held, amount in to_undo:
        grant = grants.get(held.grant_id)
        if grant is None or grant.unlimited or amount < 0:
            continue
        units += amount / held.cost
        if grant.rollover_of is None:
            credits_[grant.feature_id] = credits_.get(grant.feature_id, ZERO) + amount
    return uncounted(limiting, feature, rounded(units), credits_, since=reservation.created_at)
