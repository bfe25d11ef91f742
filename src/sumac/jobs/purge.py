"""Throws away what is past and that nobody asks for any more: links, codes, sessions, keys and so on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from sumac.storage.database import Database
from sumac.storage.schema import idempotency_keys, notices, portal_sessions, reservations, sessions, sign_ins

BATCH = 500
KEPT = timedelta(days=2)
"""Longer than any of them is good for after the instant in its column."""

PAST: Mapping[sa.Table, sa.Column[object]] = {
    portal_sessions: portal_sessions.c.expires_at,
    sessions: sessions.c.expires_at,
    sign_ins: sign_ins.c.created_at,
    idempotency_keys: idempotency_keys.c.created_at,
    reservations: reservations.c.finished_at,
    notices: notices.c.created_at,
}
KEPT_LONGER: Mapping[sa.Table, timedelta] = {notices: timedelta(days=30)}


@dataclass(frozen=True, slots=True)
class Purge:
    """Deletes rows that are past, a batch of each table at a time."""

    database: Database

    async def run(self) -> int:
        """Deletes a batch of each table; answers how many rows."""
        return sum([await self._delete(table, instant) for table, instant in PAST.items()])

    async def _delete(self, table: sa.Table, instant: sa.Column[object]) -> int:
        key = table.primary_key.columns
        async with self.database.system() as system:
            past = sa.select(*key).where(instant < system.now - KEPT_LONGER.get(table, KEPT)).order_by(instant)
            # Found first and deleted by their keys: PostgreSQL may run a limited subquery of a DELETE more than once.
            found = await system.all(past.limit(BATCH).with_for_update(skip_locked=True))
            return await system.delete(table, sa.tuple_(*key).in_([tuple(row) for row in found])) if found else 0
