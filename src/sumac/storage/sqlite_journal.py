"""The shared transaction on SQLite, over a connection of its own.

What only touches memory is done at once, where it is asked for: a change of threads costs more than writing a row. A
thread waits for what may take long: another process that holds the write lock, and the disk.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import TypeVar

from sqlalchemy.dialects.sqlite import dialect as make_dialect

from sumac.core.tenant import Tenant
from sumac.storage import sqlite
from sumac.storage.changes import TENANT_VERSION, Owner
from sumac.storage.journal import Opened, Versions, Write
from sumac.storage.json_text import write_json
from sumac.storage.work import Work

DIALECT = make_dialect(json_serializer=write_json)
BEGIN = "BEGIN IMMEDIATE"
AT_ONCE = "PRAGMA busy_timeout = 0"
PATIENTLY = f"PRAGMA busy_timeout = {sqlite.BUSY_TIMEOUT_SECONDS * 1000}"
DATA_VERSION = "PRAGMA data_version"
CUSTOMERS = "SELECT key, version FROM customers WHERE tenant = ? AND key IN (SELECT value FROM json_each(?))"
TENANTS = "SELECT value FROM counters WHERE tenant = ? AND name = ?"
Answer = TypeVar("Answer")
Reading = Callable[[Tenant], AbstractAsyncContextManager[Work]]


class _OwnConnection:
    """A connection that is opened at its first use, and again after it was closed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._opened: sqlite3.Connection | None = None

    def get(self) -> sqlite3.Connection:
        """The connection, open."""
        if self._opened is None:
            self._opened = sqlite.connect(self._path)
        return self._opened

    def close(self) -> None:
        """Closes it, if it is open."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def data_version(self) -> int:
        """Changes with every commit of somebody else."""
        (version,) = self.get().execute(DATA_VERSION).fetchone()
        return int(version)


class SqliteJournalBook:
    """The journal's thread and connection."""

    def __init__(self, path: str, writer: AbstractAsyncContextManager[object], reading: Reading) -> None:
        self._connection = _OwnConnection(path)
        self._writer = writer
        self._reading = reading
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._data_version: int | None = None

    @asynccontextmanager
    async def open(self, clock: Callable[[], datetime]) -> Opened:
        """A transaction; it is rolled back unless it was committed."""
        async with self._writer:
            journal = _SqliteJournal(self, clock)
            try:
                yield journal
            finally:
                if journal.under_way:
                    await asyncio.shield(self.run(self._roll_back))

    def reading(self, tenant: Tenant) -> AbstractAsyncContextManager[Work]:
        """A work to read with; what nobody has written since the transaction began is what it sees."""
        return self._reading(tenant)

    async def run(self, step: Callable[..., Answer], *arguments: object) -> Answer:
        """Runs a step in the journal's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, step, *arguments)

    async def begin(self, owners: Collection[Owner]) -> Versions | None:
        """Takes the write lock, and looks whether anybody else has written."""
        connection = self._connection.get()
        try:
            connection.execute(AT_ONCE)
            connection.execute(BEGIN)
        except sqlite3.OperationalError:
            await self.run(self._wait)
        data_version = self._connection.data_version()
        if data_version == self._data_version:
            return None
        self._data_version = data_version
        return self.versions(owners)

    def versions(self, owners: Collection[Owner]) -> Versions:
        """The versions as they are now."""
        return _versions(self._connection.get(), owners)

    async def commit(self, writes: Sequence[Write]) -> None:
        """Writes and commits."""
        connection = self._connection.get()
        for prepared, rows in writes:
            compiled = prepared.compiled(DIALECT)
            connection.executemany(compiled.text, map(compiled.parameters, rows))
        await self.run(connection.execute, "COMMIT")

    async def close(self) -> None:
        """Closes the connection and ends the thread."""
        await self.run(self._connection.close)
        self._thread.shutdown()

    def _wait(self) -> None:
        connection = self._connection.get()
        connection.execute(PATIENTLY)
        connection.execute(BEGIN)

    def _roll_back(self) -> None:
        self._data_version = None
        connection = self._connection.get()
        if connection.in_transaction:
            connection.execute("ROLLBACK")


class SqliteWatch:
    """Asks the file, which knows of every commit of every process."""

    def __init__(self, path: str) -> None:
        self._connection = _OwnConnection(path)

    def mark(self) -> int | None:
        """The file's version as this connection sees it."""
        return self._connection.data_version()

    async def versions(self, owners: Collection[Owner]) -> Versions:
        """The versions as they are now; a few look-ups of pages in memory, quicker than a change of thread."""
        return _versions(self._connection.get(), owners)

    async def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


def _versions(connection: sqlite3.Connection, owners: Collection[Owner]) -> Versions:
    versions: dict[Owner, int] = {}
    for tenant in {tenant for tenant, _ in owners}:
        keys = json.dumps([key for owner, key in owners if owner == tenant])
        versions.update({(tenant, key): version for key, version in connection.execute(CUSTOMERS, (tenant, keys))})
        found = connection.execute(TENANTS, (tenant, TENANT_VERSION)).fetchone()
        versions[tenant, None] = found[0] if found else 0
    return versions


class _SqliteJournal:
    def __init__(self, book: SqliteJournalBook, clock: Callable[[], datetime]) -> None:
        self._book = book
        self._clock = clock
        self.now = clock()
        self.under_way = False

    async def begin(self, owners: Collection[Owner]) -> Versions | None:
        self.under_way = True
        versions = await self._book.begin(owners)
        self.now = self._clock()
        return versions

    async def versions(self, owners: Collection[Owner]) -> Versions:
        return self._book.versions(owners)

    def reading(self, tenant: Tenant) -> AbstractAsyncContextManager[Work]:
        return self._book.reading(tenant)

    async def post(self, writes: Sequence[Write]) -> None:
        await self._book.commit(writes)
        self.under_way = False
