"""The demo made once for each engine; it is read by every test of this folder and changed by none."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sumac.app import Parts, build
from sumac.cli.demo.cast import CAST
from sumac.config import Settings
from sumac.core.clock import ManualClock
from sumac.storage.migrate import migrate
from tests.demo.books import Books, fill, read
from tests.support.postgres import PostgresServer

END_OF_MARCH = datetime(2026, 3, 31, 10, 30, tzinfo=UTC)


@pytest.fixture(scope="session", params=("sqlite", "postgresql"))
def books(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """The demo's books at the end of a long month that follows a short one, on each engine in turn."""
    directory = tmp_path_factory.mktemp("demo")
    if request.param == "sqlite":
        yield asyncio.run(_made(Settings(data_dir=directory)))
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create_database()
    yield asyncio.run(_made(Settings(database_url=server.url(name))))
    server.drop_database(name)


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    """A process's parts over an empty database of its own, at the same present."""
    made = build(Settings(data_dir=tmp_path), ManualClock(END_OF_MARCH))
    await migrate(made.services.database)
    yield made
    await made.close()


async def _made(settings: Settings) -> Books:
    parts = build(settings, ManualClock(END_OF_MARCH))
    try:
        await migrate(parts.services.database)
        return await read(parts, await fill(parts, CAST))
    finally:
        await parts.close()
