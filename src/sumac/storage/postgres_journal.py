"""The shared transaction on PostgreSQL: the customers' rows locked in order, the rows of a statement sent at once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

import asyncpg
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from sumac.core.tenant import Tenant
from sumac.storage.changes import CHANNEL, TENANT_VERSION, Changes, Listener, Owner
from sumac.storage.journal import Opened, Versions, Write
from sumac.storage.schema import TENANT, counters, customers
from sumac.storage.work import Work

log = structlog.get_logger("sumac.storage")

RETRY_SECONDS = 1.0


class PostgresJournalBook:
    """Opens journals over the engine's connections."""

    def __init__(self, engine: AsyncEngine, sender: str) -> None:
        self._engine = engine
        self._sender = sender

    @asynccontextmanager
    async def open(self, clock: Callable[[], datetime]) -> Opened:
        """A transaction; it is rolled back unless it was committed."""
        async with self._engine.connect() as connection:
            yield _PostgresJournal(connection, clock, sender=self._sender)

    async def close(self) -> None:
        """Nothing is held open between journals."""


class PostgresWatch:
    """Listens to what the other processes announce with their commits."""

    def __init__(self, engine: AsyncEngine, sender: str, heard: Listener) -> None:
        self._engine = engine
        self._sender = sender
        self._heard = heard
        self._listening: asyncio.Task[None] | None = None
        self._connected = 0
        self._hears = False
        self._disturbed = asyncio.Event()
        self._closing = False

    def mark(self) -> int | None:
        """How often it has begun to listen; None while it does not. It begins when it is first asked."""
        if self._listening is None and not self._closing:
            self._listening = asyncio.create_task(self._listen())
        return self._connected if self._hears else None

    async def versions(self, owners: Collection[Owner]) -> Versions:
        """The versions as they are now."""
        async with self._engine.connect() as connection:
            return await _versions(connection, owners, lock=False)

    async def close(self) -> None:
        """Stops listening."""
        self._closing = True
        self._disturbed.set()
        if self._listening is not None:
            await self._listening

    async def _listen(self) -> None:
        while not self._closing:
            self._disturbed.clear()
            try:
                await self._listen_once()
            except (OSError, asyncpg.PostgresError, sa.exc.DBAPIError) as error:
                log.warning("database_not_heard", error=type(error).__name__)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._disturbed.wait(), RETRY_SECONDS)

    async def _listen_once(self) -> None:
        async with self._engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.add_listener(CHANNEL, self._hear)
            driver.add_termination_listener(self._lose)
            self._connected += 1
            self._hears = True
            try:
                if not self._closing:
                    await self._disturbed.wait()
            finally:
                self._hears = False
                if not driver.is_closed():
                    driver.remove_termination_listener(self._lose)
                    await driver.remove_listener(CHANNEL, self._hear)

    def _lose(self, _connection: object) -> None:
        self._hears = False
        self._disturbed.set()

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        sender, _, text = str(payload).partition(" ")
        if sender != self._sender:
            self._heard(Changes.heard(text))


async def _versions(connection: AsyncConnection, owners: Collection[Owner], *, lock: bool) -> Versions:
    versions: dict[Owner, int] = {}
    for tenant in sorted({tenant for tenant, _ in owners}):
        keys = sa.bindparam("keys", [key for owner, key in owners if owner == tenant], sa.ARRAY(sa.Text))
        mine = sa.select(customers.c.key, customers.c.version).where(
            customers.c[TENANT] == tenant, customers.c.key == sa.any_(keys)
        )
        mine = mine.order_by(customers.c.key)
        rows = await connection.execute(mine.with_for_update() if lock else mine)
        versions.update({(tenant, row.key): row.version for row in rows})
        shared = sa.select(counters.c.value).where(counters.c[TENANT] == tenant, counters.c.name == TENANT_VERSION)
        versions[tenant, None] = (await connection.execute(shared)).scalar() or 0
    return versions


class _PostgresJournal:
    def __init__(self, connection: AsyncConnection, clock: Callable[[], datetime], *, sender: str) -> None:
        self._connection = connection
        self._sender = sender
        self._changes = Changes()
        self._clock = clock
        self.now = clock()

    async def begin(self, owners: Collection[Owner]) -> Versions | None:
        self._changes.owners.update(owners)
        versions = await _versions(self._connection, owners, lock=True)
        self.now = self._clock()
        return versions

    async def versions(self, owners: Collection[Owner]) -> Versions:
        """The versions of customers that nobody else changes now."""
        return await _versions(self._connection, owners, lock=True)

    @asynccontextmanager
    async def reading(self, tenant: Tenant) -> AsyncIterator[Work]:
        yield Work(self._connection, tenant, clock=lambda: self.now)

    async def post(self, writes: Sequence[Write]) -> None:
        driver: Any = (await self._connection.get_raw_connection()).driver_connection
        for prepared, rows in writes:
            compiled = prepared.compiled(self._connection.dialect)
            await driver.executemany(compiled.text, [compiled.parameters(row) for row in rows])
        await self._changes.announce(self._connection, sender=self._sender)
        await self._connection.commit()
