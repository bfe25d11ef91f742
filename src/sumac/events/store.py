"""Rows of usage events."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from sumac.core.page import Cursor
from sumac.events.model import Deduction, UsageEvent
from sumac.storage.prepared import Row, inserting, replacing
from sumac.storage.schema import events, idempotency_keys
from sumac.storage.work import Work

WALKED_AT_ONCE = 1_000
DEDUCTIONS = TypeAdapter(tuple[Deduction, ...])
ADDED = inserting(events)
TAKEN = replacing(idempotency_keys, ("created_at",))


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to list; the time range is inclusive at its start and exclusive at its end.

    With `entity_keys` only usage of these entities.
    """

    customer_key: str | None = None
    entity_keys: Sequence[str] | None = None
    feature_ids: Sequence[str] = ()
    occurred_from: datetime | None = None
    occurred_before: datetime | None = None


def rows(added: Iterable[UsageEvent], now: datetime) -> list[Row]:
    """Events as rows."""
    return [_values(event, now) for event in added]


async def claim_key(work: Work, digest: str, *, remembered_since: datetime) -> bool:
    """Remembers an idempotency key; False when it was already there and not yet forgotten."""
    forgotten = (idempotency_keys.c.digest == digest, idempotency_keys.c.created_at < remembered_since)
    await work.delete(idempotency_keys, *forgotten)
    return await work.insert_unless_taken(idempotency_keys, digest=digest, created_at=work.now)


async def taken_keys(work: Work, digests: Sequence[str], *, since: datetime) -> set[str]:
    """Those of the idempotency keys that are remembered."""
    remembered = (idempotency_keys.c.digest.in_(digests), idempotency_keys.c.created_at >= since)
    return {row.digest for row in await work.all(work.select(idempotency_keys).where(*remembered))}


async def release_key(work: Work, digest: str) -> None:
    """Forgets an idempotency key."""
    await work.delete(idempotency_keys, idempotency_keys.c.digest == digest)


async def find_all(work: Work, customer_key: str, event_ids: Sequence[str]) -> list[UsageEvent]:
    """The customer's events of these ids, in no order."""
    statement = work.select(events).where(events.c.customer_key == customer_key, events.c.id.in_(event_ids))
    return [_event(row) for row in await work.all(statement)]


async def page(work: Work, chosen: EventFilter, cursor: Cursor | None, limit: int) -> list[UsageEvent]:
    """Up to `limit` + 1 events, newest first, after the cursor."""
    statement = work.select(events).where(*_conditions(chosen))
    if cursor is not None:
        position = sa.tuple_(events.c.occurred_at, events.c.id)
        at = sa.literal(cursor.created_at, events.c.occurred_at.type)
        statement = statement.where(position < sa.tuple_(at, sa.literal(cursor.id)))
    statement = statement.order_by(events.c.occurred_at.desc(), events.c.id.desc()).limit(limit + 1)
    return [_event(row) for row in await work.all(statement)]


async def walk(work: Work, chosen: EventFilter, *, deductions: bool) -> AsyncIterator[list[UsageEvent]]:
    """Every event in the order in which they occurred, some at a time; without their deductions when not asked for."""
    statement = work.select(events).where(*_conditions(chosen))
    position = sa.tuple_(events.c.occurred_at, events.c.id)
    statement = statement.order_by(events.c.occurred_at, events.c.id).limit(WALKED_AT_ONCE)
    rows = await work.all(statement)
    while rows:
        yield [_event(row, deductions=deductions) for row in rows]
        at = sa.literal(rows[-1].occurred_at, events.c.occurred_at.type)
        rows = await work.all(statement.where(position > sa.tuple_(at, sa.literal(rows[-1].id))))


def _conditions(chosen: EventFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if chosen.customer_key is not None:
        conditions.append(events.c.customer_key == chosen.customer_key)
    if chosen.entity_keys is not None:
        conditions.append(events.c.entity_key.in_(chosen.entity_keys))
    if chosen.feature_ids:
        conditions.append(events.c.feature_id.in_(chosen.feature_ids))
    if chosen.occurred_from is not None:
        conditions.append(events.c.occurred_at >= chosen.occurred_from)
    if chosen.occurred_before is not None:
        conditions.append(events.c.occurred_at < chosen.occurred_before)
    return conditions


def _values(event: UsageEvent, now: datetime) -> dict[str, Any]:
    return {
        "customer_key": event.customer_key,
        "id": event.id,
        "feature_id": event.feature_id,
        "event_name": event.event_name,
        "value": event.value,
        "properties": dict(event.properties),
        "entity_key": event.entity_key,
        "occurred_at": event.occurred_at,
        "counted_at": event.counted_at,
        "deductions": event.deductions,
        "created_at": now,
    }


def _event(row: sa.Row[Any], *, deductions: bool = True) -> UsageEvent:
    return UsageEvent(
        id=row.id,
        customer_key=row.customer_key,
        feature_id=row.feature_id,
        event_name=row.event_name,
        value=row.value,
        properties=row.properties,
        occurred_at=row.occurred_at,
        counted_at=row.counted_at or row.created_at,
        entity_key=row.entity_key,
        deductions=DEDUCTIONS.validate_python(row.deductions) if deductions else (),
    )
