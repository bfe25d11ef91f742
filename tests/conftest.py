"""Fixtures of every test: a clock that stands still, and a fresh database on each engine."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sumac.core.clock import ManualClock
from sumac.core.tenant import Env, Tenant
from sumac.storage.database import Database, database_url
from sumac.storage.migrate import migrate
from sumac.storage.schema import metadata
from tests.support.crowd import processes
from tests.support.engines import share_compiled_statements
from tests.support.postgres import PostgresServer, running_postgres
from tests.support.services import Services

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
ENGINES = ("sqlite", "postgresql")
ENGINE_SHOWS = {
    "crowd",
    "storage",
    "test_desk.py",
    "test_explaining.py",
    "test_track.py",
    "test_usage_races.py",
    "test_events_series.py",
    "test_fast_door.py",
}

share_compiled_statements()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On PostgreSQL only the bodies of tests that show something of the engine are measured for coverage.

    The others run the same lines on SQLite, and measuring them again takes nearly as long as the tests.
    """
    for item in items:
        if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
            continue
        if "postgresql" in item.callspec.params.values() and not ENGINE_SHOWS & {*item.path.parts, *item.fixturenames}:
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture
def start() -> datetime:
    """When the test begins; a test may say otherwise by parametrising it."""
    return NEW_YEAR


@pytest.fixture
def clock(start: datetime) -> ManualClock:
    """The wall clock: it stands at the start, the first of January 2026, until it is moved."""
    return ManualClock(start)


@pytest.fixture
def tenant() -> Tenant:
    """Whose rows the test writes."""
    return Tenant("org_one", Env.SANDBOX)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The PostgreSQL server of this test process."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table and no row, to copy."""
    directory = tmp_path_factory.mktemp("template")
    asyncio.run(_migrate(database_url(directory, None)))
    return directory / "sumac.db"


@pytest.fixture(scope="session")
def migrated_database(postgres: PostgresServer) -> str:
    """The name of a PostgreSQL database with every table, for one test after the other."""
    name = postgres.create_database()
    asyncio.run(_migrate(database_url(Path(), postgres.url(name))))
    return name


@pytest.fixture(params=ENGINES)
def empty_address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table, on each engine in turn."""
    if request.param == "sqlite":
        yield database_url(tmp_path, None)
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create_database()
    yield database_url(tmp_path, server.url(name))
    server.drop_database(name)


@pytest.fixture(params=ENGINES)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with every table and no row, on each engine in turn.

    PostgreSQL's is emptied and used again: to copy one for each test would take longer than the tests themselves.
    """
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "sumac.db")
        yield database_url(tmp_path, None)
        return
    name: str = request.getfixturevalue("migrated_database")
    server: PostgresServer = request.getfixturevalue("postgres")
    yield database_url(tmp_path, server.url(name))
    server.empty(name, [table.name for table in reversed(metadata.sorted_tables)])


@pytest.fixture
async def database(address: str, clock: ManualClock) -> AsyncIterator[Database]:
    """A fresh database on each engine in turn, at the clock's time."""
    opened = Database(address, clock)
    yield opened
    await opened.close()


@pytest.fixture
def services(database: Database, clock: ManualClock, tenant: Tenant) -> Services:
    """Every service over the database, paid through the sandbox bank."""
    return Services.over(database, clock, tenant)


@pytest.fixture
async def crowd(address: str, clock: ManualClock, tenant: Tenant) -> AsyncIterator[Sequence[Services]]:
    """Several processes over the database, each with connections of its own."""
    async with processes(address, clock, tenant) as opened:
        yield opened


async def _migrate(url: str) -> None:
    database = Database(url, ManualClock(NEW_YEAR))
    await migrate(database)
    await database.close()
