"""Appending and listing usage events (api.md §2.7). Functions take the work they run in."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sumac.core.errors import Conflict
from sumac.core.ids import digest
from sumac.core.page import Cursor, Page, page_of
from sumac.core.tenant import Tenant
from sumac.events import rollups, store
from sumac.events.model import UsageEvent
from sumac.events.store import EventFilter
from sumac.storage.journal import Write
from sumac.storage.prepared import Row
from sumac.storage.schema import TENANT
from sumac.storage.work import Work

__all__ = ["EventFilter"]

REMEMBERED = timedelta(hours=24)


async def append(work: Work, added: Sequence[UsageEvent]) -> None:
    """Appends events in the caller's transaction, and counts them into the roll-ups."""
    for prepared, rows in writes({work.tenant: added}, work.now):
        await work.write(prepared, rows)


def writes(added: Mapping[Tenant, Sequence[UsageEvent]], now: datetime) -> list[Write]:
    """What appending events of several tenants writes: their rows, and what they add to the roll-ups."""
    appended: list[Row] = []
    counted: list[Row] = []
    for tenant, events in added.items():
        appended += [{TENANT: tenant.key, **row} for row in store.rows(events, now)]
        counted += [{TENANT: tenant.key, **row} for row in rollups.rows(events)]
    return [(store.ADDED, appended), (rollups.ADDED, counted)]


async def list_page(work: Work, chosen: EventFilter, *, cursor: Cursor | None, limit: int) -> Page[UsageEvent]:
    """Events of the tenant by when they occurred, newest first."""
    rows = await store.page(work, chosen, cursor, limit)
    return page_of(rows, limit, lambda event: Cursor(event.id, event.occurred_at))


async def find(work: Work, customer_key: str, event_ids: Sequence[str]) -> Sequence[UsageEvent]:
    """Those of the events that were recorded, in the order they are named."""
    found = await store.find_all(work, customer_key, event_ids)
    return sorted(found, key=lambda event: event_ids.index(event.id))


async def release_key(work: Work, key: str) -> None:
    """Frees a usage idempotency key that was taken for usage which is not recorded after all."""
    await store.release_key(work, _digest(key))


async def claimed_keys(work: Work, keys: Sequence[str]) -> set[str]:
    """Those of the usage idempotency keys that were taken within 24 hours."""
    taken = await store.taken_keys(work, [_digest(key) for key in keys], since=work.now - REMEMBERED)
    return {key for key in keys if _digest(key) in taken}


def key_writes(keys: Sequence[tuple[Tenant, str]], now: datetime) -> list[Write]:
    """What taking usage idempotency keys that are free writes."""
    rows = [{TENANT: tenant.key, "digest": _digest(key), "created_at": now} for tenant, key in keys]
    return [(store.TAKEN, rows)] if rows else []


def already_received() -> Conflict:
    """The error of usage whose idempotency key was taken."""
    return Conflict("Usage with this idempotency_key was already received", code="duplicate_idempotency_key")


async def claim_key(work: Work, key: str) -> None:
    """Takes a usage idempotency key in the caller's transaction, so that it is free again if that rolls back.

    Raises Conflict `duplicate_idempotency_key` when usage with the key was recorded within 24 hours (api.md §1.9).
    """
    if not await store.claim_key(work, _digest(key), remembered_since=work.now - REMEMBERED):
        raise already_received()


def _digest(key: str) -> str:
    return digest(f"track:{key}")
