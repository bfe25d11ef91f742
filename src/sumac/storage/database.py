"""Opens works on SQLite or PostgreSQL; both engines behave the same to everything above.

A writing work on SQLite takes the database's one write lock at its start, so what it reads cannot change under it. On
PostgreSQL works run side by side; a service that must not race locks the customer's row first.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from sumac.core.clock import Clock
from sumac.core.ids import new_token
from sumac.core.tenant import Tenant
from sumac.storage import postgres, sqlite
from sumac.storage.changes import Changes, Listener
from sumac.storage.journal import Journal, JournalBook
from sumac.storage.json_text import write_json
from sumac.storage.postgres_journal import PostgresJournalBook, PostgresWatch
from sumac.storage.sqlite_journal import SqliteJournalBook, SqliteWatch
from sumac.storage.watch import Watch
from sumac.storage.work import SystemWork, Work

Answer = TypeVar("Answer")


def database_url(data_dir: Path, url: str | None) -> str:
    """The SQLAlchemy address: the given PostgreSQL one, or the SQLite file in the data directory."""
    if url is None:
        return f"sqlite+aiosqlite:///{data_dir / 'sumac.db'}"
    given = sa.make_url(url)
    if given.drivername not in {"postgresql", "postgres"}:
        return url
    return postgres.address(given).render_as_string(hide_password=False)


class UnreachableError(Exception):
    """The database cannot be opened; the message is its reason in one line."""


class Database:
    """The one database; give it a clock and it gives works."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.clock = clock
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        options = sqlite.ENGINE_OPTIONS if self.is_sqlite else postgres.ENGINE_OPTIONS
        # An error of the engine is logged as it is; what somebody's row says does not belong there.
        self._engine: AsyncEngine = create_async_engine(
            url, hide_parameters=True, json_serializer=write_json, **options
        )
        if self.is_sqlite:
            sqlite.prepare(self._engine)
        self._writer: AbstractAsyncContextManager[object] = asyncio.Lock() if self.is_sqlite else nullcontext()
        self._sender = new_token()
        self._listeners: list[Listener] = []
        self._book: JournalBook
        self.watch: Watch
        if self.is_sqlite:
            path = str(self._engine.url.database)
            self._book, self.watch = SqliteJournalBook(path, self._writer, self.reading), SqliteWatch(path)
        else:
            self._book = PostgresJournalBook(self._engine, self._sender)
            self.watch = PostgresWatch(self._engine, self._sender, self._announce)

    def on_change(self, listener: Listener) -> None:
        """Calls the listener with what each work changed after its commit: here at once, elsewhere as soon as heard."""
        self._listeners.append(listener)

    @asynccontextmanager
    async def work(self, tenant: Tenant) -> AsyncIterator[Work]:
        """A writing transaction of the tenant; commits when the block ends well, rolls back when it raises."""
        async with self._writer, self._engine.connect() as connection:
            work = Work(connection, tenant, clock=self._now, sender=self._sender)
            yield work
            await work.commit()
        self._announce(work.changes)

    @asynccontextmanager
    async def rehearsal(self, tenant: Tenant) -> AsyncIterator[Work]:
        """A writing transaction of the tenant of which nothing is kept: to see what would come of it."""
        async with self._writer, self._engine.connect() as connection:
            yield Work(connection, tenant, clock=self._now, sender=self._sender)

    @asynccontextmanager
    async def reading(self, tenant: Tenant) -> AsyncIterator[Work]:
        """A consistent view of the tenant; nothing is committed."""
        async with self._engine.connect() as connection:
            yield Work(await self._read_only(connection), tenant, clock=self._now)

    @asynccontextmanager
    async def system(self) -> AsyncIterator[SystemWork]:
        """A writing transaction outside every tenant."""
        async with self._writer, self._engine.connect() as connection:
            work = SystemWork(connection, clock=self._now, sender=self._sender)
            yield work
            await work.commit()
        self._announce(work.changes)

    @asynccontextmanager
    async def journal(self) -> AsyncIterator[Journal]:
        """A writing transaction that many requests share; rolled back unless it was committed."""
        async with self._book.open(self._now) as journal:
            yield journal

    @asynccontextmanager
    async def system_reading(self) -> AsyncIterator[SystemWork]:
        """A consistent view outside every tenant; nothing is committed."""
        async with self._engine.connect() as connection:
            yield SystemWork(await self._read_only(connection), clock=self._now)

    async def check_reachable(self) -> None:
        """Raises UnreachableError when the database cannot be opened."""
        try:
            async with self._engine.connect():
                pass
        except (OSError, asyncpg.PostgresError, sa.exc.DBAPIError) as error:
            reason = str(getattr(error, "orig", error)).partition("\n")[0]
            raise UnreachableError(reason) from error

    async def change_schema(self, change: Callable[[sa.Connection], None]) -> None:
        """Runs a change of the tables in one transaction; other processes that change them wait until it is over."""
        async with self._writer, self._engine.begin() as connection:
            if not self.is_sqlite:
                await connection.execute(postgres.LOCK_SCHEMA)
            await connection.run_sync(change)

    async def read_schema(self, read: Callable[[sa.Connection], Answer]) -> Answer:
        """What a reader of the tables' definitions finds."""
        async with self._engine.connect() as connection:
            return await (await self._read_only(connection)).run_sync(read)

    async def close(self) -> None:
        """Closes every connection."""
        await self.watch.close()
        await self._book.close()
        await self._engine.dispose()

    def _announce(self, changes: Changes) -> None:
        if changes:
            for listener in self._listeners:
                listener(changes)

    def _now(self) -> datetime:
        return self.clock.now()

    async def _read_only(self, connection: AsyncConnection) -> AsyncConnection:
        if self.is_sqlite:
            return await connection.execution_options(**{sqlite.READ_ONLY: True})
        return await connection.execution_options(isolation_level=postgres.SNAPSHOT)
