"""What is left at a reset lives on as units of its own, up to a cap (billing.md §9.3, §9.5)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal, localcontext

from sumac.balances.model import Grant, RolledUnits
from sumac.catalog.model import Rollover
from sumac.core.quantity import QUANTITY_PRECISION
from sumac.core.time import add_months

ZERO, HUNDRED = Decimal(0), Decimal(100)
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RolledOver:
    """What rolls over when one grant is full again.

    `opened` are the units that were left of it. Of what rolled over before, `trimmed` goes on with fewer units, and
    `emptied`, as it was, is over: it is used up, or all of it is above the cap.
    """

    opened: RolledUnits | None = None
    trimmed: tuple[Grant, ...] = ()
    emptied: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """What becomes of units that arrive beside what rolled over before: those `opened` fit, older ones make room."""

    opened: tuple[RolledUnits, ...] = ()
    trimmed: tuple[Grant, ...] = ()
    emptied: tuple[Grant, ...] = ()


def compute_rollover(before: Grant, after: Grant, older: Sequence[Grant], *, at: datetime) -> RolledOver:
    """What rolls over at a reset of the grant `before` at `at`: `after` is the grant as it is full again.

    `older` are the grants that rolled over from it before and are not over. The cap is on the sum of all of them.
    """
    if before.rollover is None:
        return RolledOver()
    left = _fitted(before.rollover, after.included + after.prepaid, older, compute_left(before, at=at))
    return RolledOver(next(iter(left.opened), None), left.trimmed, left.emptied)


def compute_arrival(pool: Grant, older: Sequence[Grant], arriving: Sequence[RolledUnits]) -> Arrival:
    """What of the units that come along with a contribution goes on beside the pool, under its cap (billing.md §17.3).

    `older` are the grants that rolled over from the pool before and are not over; they may have to make room.
    """
    if pool.rollover is None:
        return Arrival()
    return _fitted(pool.rollover, pool.included + pool.prepaid, older, arriving)


def _fitted(rollover: Rollover, starting: Decimal, older: Sequence[Grant], arriving: Sequence[RolledUnits]) -> Arrival:
    lasting = [each for each in older if each.balance > ZERO]
    parcels = [RolledUnits(each.balance, each.expires_at) for each in lasting]
    kept = trim([*parcels, *arriving], compute_cap(rollover, starting))
    pairs = [(grant, parcel.units) for grant, parcel in zip(lasting, kept, strict=False)]
    return Arrival(
        tuple(each for each in kept[len(lasting) :] if each.units),
        tuple(_with_units(grant, units) for grant, units in pairs if ZERO < units < grant.balance),
        tuple(each for each in older if each not in lasting) + tuple(grant for grant, units in pairs if not units),
    )


def compute_left(grant: Grant, *, at: datetime) -> tuple[RolledUnits, ...]:
    """What a reset of the grant that is due at `at` leaves to roll over: nothing, or one parcel of units."""
    if grant.rollover is None or grant.resets_at is None or grant.balance <= ZERO:
        return ()
    expires_at = compute_expiry(grant.rollover, grant.resets_at)
    return () if expires_at is not None and expires_at <= at else (RolledUnits(grant.balance, expires_at),)


def compute_expiry(rollover: Rollover, resets_at: datetime) -> datetime | None:
    """When units left at the reset of `resets_at` expire; None when they never do. Without a length in a month."""
    if rollover.expiry_duration_type == "forever":
        return None
    return add_months(resets_at, 1 if rollover.expiry_duration_length is None else rollover.expiry_duration_length)


def compute_cap(rollover: Rollover, starting: Decimal) -> Decimal | None:
    """How many units may roll over in sum beside a grant of `starting` units; None when any number may.

    A percentage comes to whole units, rounded down.
    """
    if rollover.max_percentage is None:
        return rollover.max
    with localcontext() as context:
        context.prec = QUANTITY_PRECISION
        return (starting * rollover.max_percentage / HUNDRED).to_integral_value(ROUND_FLOOR)


def trim(parcels: Sequence[RolledUnits], cap: Decimal | None) -> tuple[RolledUnits, ...]:
    """The parcels, in their order, with no more units in sum than the cap: the soonest to expire lose theirs first."""
    if cap is None:
        return tuple(parcels)
    excess = sum((each.units for each in parcels), ZERO) - cap
    kept = list(parcels)
    for index in sorted(range(len(kept)), key=lambda index: kept[index].expires_at or NEVER):
        lost = max(ZERO, min(excess, kept[index].units))
        kept[index] = replace(kept[index], units=kept[index].units - lost)
        excess -= lost
    return tuple(kept)


def rolled_grant(source: Grant, parcel: RolledUnits, *, grant_id: str, at: datetime) -> Grant:
    """The grant, opened at `at`, of units that rolled over from `source`."""
    return Grant(
        id=grant_id,
        customer_key=source.customer_key,
        feature_id=source.feature_id,
        customer_plan_id=source.customer_plan_id,
        plan_id=source.plan_id,
        anchor_at=source.anchor_at,
        created_at=at,
        add_on=source.add_on,
        included=parcel.units,
        balance=parcel.units,
        expires_at=parcel.expires_at,
        entity_key=source.entity_key,
        rollover_of=source.id,
    )


def _with_units(grant: Grant, units: Decimal) -> Grant:
    """What rolled over with fewer units left; those that were used stay used."""
    return replace(grant, included=grant.included - (grant.balance - units), balance=units)
