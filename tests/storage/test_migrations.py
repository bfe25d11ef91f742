"""The migrated tables are the ones `schema.py` describes, on both engines."""

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from sumac.core.clock import ManualClock
from sumac.storage.database import Database, database_url
from sumac.storage.migrate import current_revision, migrate, newest_revision
from sumac.storage.schema import metadata


@pytest.fixture
async def empty(empty_address: str, clock: ManualClock) -> AsyncIterator[Database]:
    database = Database(empty_address, clock)
    yield database
    await database.close()


def differences(connection: sa.Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, metadata))


def description(connection: sa.Connection) -> dict[str, object]:
    inspector = sa.inspect(connection)
    return {
        name: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in inspector.get_columns(name)],
            sorted((index["name"] or "", index["column_names"]) for index in inspector.get_indexes(name)),
            inspector.get_unique_constraints(name),
        )
        for name in inspector.get_table_names()
    }


def primary_keys(connection: sa.Connection) -> dict[str, list[str]]:
    inspector = sa.inspect(connection)
    return {name: inspector.get_pk_constraint(name)["constrained_columns"] for name in metadata.tables}


async def test_migrated_tables_are_the_described_ones(empty: Database) -> None:
    """After migrating, nothing is left for Alembic to change, and every primary key has its columns in their order."""
    await migrate(empty)

    assert [] == await empty.read_schema(differences)
    expected = {name: [column.name for column in table.primary_key] for name, table in metadata.tables.items()}
    assert expected == await empty.read_schema(primary_keys)


async def test_migrating_twice_changes_nothing(empty: Database) -> None:
    """The second time finds the newest revision and leaves every table as it is."""
    assert None is await current_revision(empty)
    await migrate(empty)
    before = await empty.read_schema(description)

    await migrate(empty)

    assert newest_revision() == await current_revision(empty)
    assert before == await empty.read_schema(description)


async def test_processes_that_start_together_migrate_once(empty_address: str, clock: ManualClock) -> None:
    """Several databases over one address, as of several processes, bring it to the newest revision without an error."""
    together = [Database(empty_address, clock) for _ in range(4)]

    await asyncio.gather(*(migrate(database) for database in together))

    assert [newest_revision()] * 4 == [await current_revision(database) for database in together]
    assert [] == await together[0].read_schema(differences)
    for database in together:
        await database.close()


async def test_a_new_sqlite_file_is_for_its_owner_only(tmp_path: Path, clock: ManualClock) -> None:
    """Customers' data on disk is not readable by other users of the machine, nor are the log files beside it."""
    database = Database(database_url(tmp_path / "data", None), clock)
    await migrate(database)
    async with database.system_reading() as system:
        await system.all(sa.select(metadata.tables["organizations"]))
        files = sorted(path.name for path in (tmp_path / "data").iterdir())
        modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}

    assert ["sumac.db", "sumac.db-shm", "sumac.db-wal"] == files
    assert {0o600} == modes
    assert 0o700 == stat.S_IMODE((tmp_path / "data").stat().st_mode)
    await database.close()
