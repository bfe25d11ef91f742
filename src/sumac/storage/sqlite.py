"""SQLite: one file, write-ahead log, every commit on disk before it is answered."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from sumac.storage.exact import ExactConnection

READ_ONLY = "sumac_read_only"
BUSY_TIMEOUT_SECONDS = 30
READERS_MAX = 8
ENGINE_OPTIONS: dict[str, Any] = {
    "pool_size": READERS_MAX,
    "connect_args": {"timeout": BUSY_TIMEOUT_SECONDS, "factory": ExactConnection},
}
WRITE_AHEAD = "journal_mode=WAL"
PRAGMAS = (WRITE_AHEAD, "synchronous=FULL", "foreign_keys=ON")
OWNER_ONLY_DIRECTORY = 0o700
OWNER_ONLY_FILE = 0o600


def prepare(engine: AsyncEngine) -> None:
    """Makes the file if need be, sets the pragmas of each connection, takes over transaction control from the driver.

    A writing work begins IMMEDIATE: it holds the write lock from its first read, so it never has to start again
    because another process (a key created from the command line) wrote in between.
    """

    @sa.event.listens_for(engine.sync_engine, "do_connect")
    def _connecting(*_: object) -> None:
        if engine.url.database is not None:
            _create_file(Path(engine.url.database))

    @sa.event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: Any, _record: object) -> None:  # noqa: ANN401  # the driver's connection
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine.sync_engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        read_only = connection.get_execution_options().get(READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def connect(path: str) -> sqlite3.Connection:
    """A connection of one's own, which takes and ends its transactions itself."""
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False, factory=ExactConnection
    )
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _create_file(path: Path) -> None:
    """A new file and directory are for their owner only, and the log files beside it follow; others stay as they are.

    The file appears with its write-ahead log switched on: to switch it needs the file for oneself, which processes that
    start together would not wait for.
    """
    if path.exists():
        return
    path.parent.mkdir(mode=OWNER_ONLY_DIRECTORY, parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=".new-") as directory:
        new = Path(directory) / path.name
        new.touch(mode=OWNER_ONLY_FILE)
        with closing(sqlite3.connect(new)) as connection:
            connection.execute(f"PRAGMA {WRITE_AHEAD}")
        with suppress(FileExistsError):
            os.link(new, path)
