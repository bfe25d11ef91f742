"""Rows of reservations."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from sumac.balances.model import Held, Reservation
from sumac.balances.requests import OverageBehavior
from sumac.storage.schema import reservations
from sumac.storage.work import Work

RECEIPT = TypeAdapter(tuple[Held, ...])


async def find(work: Work, lock_id: str) -> Reservation | None:
    """The reservation of that lock id, finished or not; None when there is none."""
    row = await work.find(work.select(reservations).where(reservations.c.lock_id == lock_id))
    return None if row is None else _reservation(row)


async def open_of(work: Work, customer_key: str) -> Sequence[Reservation]:
    """The customer's reservations that are not finished, the oldest first."""
    mine = work.select(reservations).where(reservations.c.customer_key == customer_key)
    still_open = mine.where(reservations.c.finished_at.is_(None))
    ordered = still_open.order_by(reservations.c.created_at, reservations.c.id)
    return [_reservation(row) for row in await work.all(ordered)]


async def open_at(work: Work, customer_key: str, at: datetime) -> Sequence[Reservation]:
    """The customer's reservations that held something at the instant, as far as they are still remembered."""
    mine = work.select(reservations).where(reservations.c.customer_key == customer_key, reservations.c.created_at <= at)
    held = mine.where(sa.or_(reservations.c.finished_at.is_(None), reservations.c.finished_at > at))
    return [_reservation(row) for row in await work.all(held.order_by(reservations.c.created_at, reservations.c.id))]


async def add(work: Work, reservation: Reservation) -> bool:
    """Adds a reservation; False when its lock id is taken."""
    return await work.insert_unless_taken(
        reservations,
        customer_key=reservation.customer_key,
        id=reservation.id,
        lock_id=reservation.lock_id,
        feature_id=reservation.feature_id,
        entity_key=reservation.entity_key,
        value=reservation.value,
        properties=dict(reservation.properties),
        receipt=RECEIPT.dump_python(reservation.receipt, mode="json"),
        overage_behavior=reservation.overage_behavior,
        expires_at=reservation.expires_at,
        finished_at=reservation.finished_at,
        created_at=reservation.created_at,
    )


async def finish(work: Work, reservation: Reservation, *, at: datetime) -> None:
    """Writes that nothing is held any more."""
    mine = reservations.c.customer_key == reservation.customer_key
    await work.update(reservations, mine, reservations.c.id == reservation.id, values={"finished_at": at})


async def remove(work: Work, reservation: Reservation) -> None:
    """Forgets a reservation."""
    mine = reservations.c.customer_key == reservation.customer_key
    await work.delete(reservations, mine, reservations.c.id == reservation.id)


def _reservation(row: sa.Row[Any]) -> Reservation:
    return Reservation(
        id=row.id,
        lock_id=row.lock_id,
        customer_key=row.customer_key,
        feature_id=row.feature_id,
        entity_key=row.entity_key,
        value=row.value,
        properties=row.properties,
        receipt=RECEIPT.validate_python(row.receipt),
        created_at=row.created_at,
        expires_at=row.expires_at,
        overage_behavior=OverageBehavior(row.overage_behavior),
        finished_at=row.finished_at,
    )
