"""Appending and listing usage events (api.md §2.7). Functions take the work they run in."""

from collections.abc import Sequence
from datetime import timedelta

from sumac.core.errors import Conflict
from sumac.core.ids import digest
from sumac.core.page import Cursor, Page, page_of
from sumac.events import rollups, store
from sumac.events.model import UsageEvent
from sumac.events.store import EventFilter
from sumac.storage.work import Work

__all__ = ["EventFilter"]

REMEMBERED = timedelta(hours=24)


async def append(work: Work, added: Sequence[UsageEvent]) -> None:
    """Appends events in the caller's transaction, and counts them into the roll-ups."""
    await store.add_all(work, added)
    await rollups.add(work, added)


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
    await store.release_key(work, digest(f"track:{key}"))


async def claim_key(work: Work, key: str) -> None:
    """Takes a usage idempotency key in the caller's transaction, so that it is free again if that rolls back.

    Raises Conflict `duplicate_idempotency_key` when usage with the key was recorded within 24 hours (api.md §1.9).
    """
    if not await store.claim_key(work, digest(f"track:{key}"), remembered_since=work.now - REMEMBERED):
        message = "Usage with this idempotency_key was already received"
        raise Conflict(message, code="duplicate_idempotency_key")
