"""A PostgreSQL server of the tests' own: in a temporary directory, on a free port of this machine, gone afterwards."""

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import asyncpg

from tools.machine import find_postgres

UNPRIVILEGED_USERS = ("postgres", "nobody")
START_SECONDS = 60
STOP_SECONDS = 30
OWNER = "sumac"
CREATED = ("-E", "UTF8", "--locale=C", "--no-sync")
NOT_FOR_KEEPS = ("fsync=off", "full_page_writes=off", "max_connections=200", "shared_buffers=32MB")


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server; every database in it is owned by the one user, who needs no password."""

    port: int
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, name: str) -> str:
        """The address of a database as an operator would write it."""
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/{name}"

    def create_database(self) -> str:
        """The name of a fresh database without any table."""
        name = f"test_{next(self._numbers)}"
        asyncio.run(self._execute(f"CREATE DATABASE {name}"))
        return name

    def empty(self, name: str, tables: Sequence[str]) -> None:
        """Deletes every row of the tables, in the order given."""
        statements = [f'DELETE FROM "{table}"' for table in tables]  # noqa: S608  # the names of our own tables
        asyncio.run(self._execute("; ".join(statements), name))

    def drop_database(self, name: str) -> None:
        """Removes a database, also while somebody is connected."""
        asyncio.run(self._execute(f"DROP DATABASE {name} WITH (FORCE)"))

    async def _execute(self, statement: str, name: str = "postgres") -> None:
        connection = await asyncpg.connect(self.url(name))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A server for as long as the block runs. Raises FileNotFoundError with advice where its programs are missing."""
    programs = _programs()
    user = _unprivileged_user()
    home = Path(tempfile.mkdtemp(prefix="sumac-postgres-"))
    if user is not None:
        shutil.chown(home, user)
    try:
        data = home / "data"
        initdb = [str(programs / "initdb"), "-D", str(data), "-U", OWNER, "-A", "trust", *CREATED]
        subprocess.run(initdb, check=True, cwd=home, user=user, stdout=subprocess.DEVNULL)
        port = _free_port()
        settings = [part for setting in NOT_FOR_KEEPS for part in ("-c", setting)]
        address = ["-h", "127.0.0.1", "-p", str(port), "-k", ""]
        command = [str(programs / "postgres"), "-D", str(data), *address, *settings]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=home, user=user, stdout=log, stderr=log)
        try:
            server = PostgresServer(port)
            if not asyncio.run(_answers(server, process)):
                message = f"PostgreSQL did not start:\n{(home / 'log').read_text()}"
                raise RuntimeError(message)
            yield server
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)
    finally:
        shutil.rmtree(home)


def _programs() -> Path:
    folder = find_postgres()
    if folder is None:
        message = "PostgreSQL's server programs are missing; .venv/bin/python -m tools.machine says how to get them"
        raise FileNotFoundError(message)
    return folder


def _unprivileged_user() -> str | None:
    """Whom to run the server as: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in UNPRIVILEGED_USERS if name in known)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _answers(server: PostgresServer, process: subprocess.Popen[bytes]) -> bool:
    """Whether the server came up: it did when it takes a connection before its process ends or the time is up."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            connection = await asyncpg.connect(server.url("postgres"))
        except (OSError, asyncpg.PostgresError):
            await asyncio.sleep(0.05)
            continue
        await connection.close()
        return True
    return False
