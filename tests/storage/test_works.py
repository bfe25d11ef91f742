"""Works: one transaction, one instant, one tenant; the same on both engines (design.md decisions 1 and 4)."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from sumac.core.clock import ManualClock
from sumac.core.money import Money
from sumac.core.tenant import Env, Tenant
from sumac.storage.database import Database, UnreachableError, database_url
from sumac.storage.schema import TENANT, counters, events, idempotency_keys, metadata, organizations
from sumac.storage.work import Work

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


async def keys(database: Database, tenant: Tenant) -> set[str]:
    async with database.reading(tenant) as work:
        return {row.digest for row in await work.all(work.select(idempotency_keys))}


async def add(work: Work, digest: str) -> None:
    await work.insert(idempotency_keys, digest=digest, created_at=work.now)


def key(work: Work, digest: str) -> dict[str, object]:
    return {"digest": digest, "created_at": work.now}


async def test_a_work_that_ends_well_is_kept(database: Database, tenant: Tenant) -> None:
    """Everything of it is there afterwards, for everyone."""
    async with database.work(tenant) as work:
        await add(work, "a")
        await add(work, "b")

    assert {"a", "b"} == await keys(database, tenant)


@pytest.mark.parametrize("error", [LookupError, asyncio.CancelledError])
async def test_a_work_that_fails_leaves_nothing(database: Database, tenant: Tenant, error: type[BaseException]) -> None:
    """Not a row of it is there, whether it raised or was cancelled, and the next work is free to begin."""

    async def fail() -> None:
        async with database.work(tenant) as work:
            await add(work, "a")
            raise error

    with pytest.raises(error):
        await fail()
    async with database.work(tenant) as work:
        await add(work, "b")
    assert {"b"} == await keys(database, tenant)


async def test_a_cancelled_task_leaves_nothing(database: Database, tenant: Tenant) -> None:
    """A request whose caller went away in the middle is rolled back."""
    written, never = asyncio.Event(), asyncio.Event()

    async def request() -> None:
        async with database.work(tenant) as work:
            await add(work, "a")
            written.set()
            await never.wait()

    task = asyncio.create_task(request())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert set() == await keys(database, tenant)
    async with database.work(tenant) as work:
        await add(work, "b")
    assert {"b"} == await keys(database, tenant)


async def test_a_reading_keeps_nothing(database: Database, tenant: Tenant) -> None:
    """A view of the tenant is for looking at: what is written in it is gone at its end."""
    async with database.reading(tenant) as work:
        await add(work, "a")

    assert set() == await keys(database, tenant)


async def test_a_reading_is_one_view(database: Database, tenant: Tenant) -> None:
    """What is committed while it reads is not seen by its later statements."""
    async with database.work(tenant) as work:
        await add(work, "a")

    async with database.reading(tenant) as view:
        before = {row.digest for row in await view.all(view.select(idempotency_keys))}
        async with database.work(tenant) as work:
            await add(work, "b")
        after = {row.digest for row in await view.all(view.select(idempotency_keys))}

    assert ({"a"}, {"a"}, {"a", "b"}) == (before, after, await keys(database, tenant))


async def test_a_work_has_one_instant(database: Database, tenant: Tenant, clock: ManualClock) -> None:
    """The clock may move on, the work's now does not."""
    async with database.work(tenant) as work:
        clock.advance(timedelta(seconds=1))
        assert NEW_YEAR == work.now
    async with database.reading(tenant) as view, database.system_reading() as system:
        assert NEW_YEAR + timedelta(seconds=1) == view.now == system.now


async def test_works_of_one_process_do_not_disturb_each_other(database: Database, tenant: Tenant) -> None:
    """Twenty writers and twenty readers at once all come through."""

    async def write(number: int) -> None:
        async with database.work(tenant) as work:
            await add(work, f"k{number}")

    await asyncio.gather(*(write(number) for number in range(20)), *(keys(database, tenant) for _ in range(20)))

    assert {f"k{number}" for number in range(20)} == await keys(database, tenant)


async def test_several_processes_write(address: str, database: Database, tenant: Tenant, tmp_path: Path) -> None:
    """Other programs on the same database wait for each other instead of failing (a key made while the server runs)."""
    program = tmp_path / "writer.py"
    program.write_text(
        "import asyncio, sys\n"
        "from sumac.core.clock import SystemClock\n"
        "from sumac.core.tenant import Tenant\n"
        "from sumac.storage.database import Database\n"
        "async def main(url, tenant):\n"
        "    database = Database(url, SystemClock())\n"
        "    for _ in range(25):\n"
        "        async with database.work(Tenant.from_key(tenant)) as work:\n"
        "            await work.next_number('shared')\n"
        "    await database.close()\n"
        "asyncio.run(main(*sys.argv[1:]))\n",
    )
    others = [await asyncio.create_subprocess_exec(sys.executable, program, address, tenant.key) for _ in range(3)]
    for _ in range(25):
        async with database.work(tenant) as work:
            await work.next_number("shared")

    assert [0, 0, 0] == [await other.wait() for other in others]
    async with database.work(tenant) as work:
        assert 101 == await work.next_number("shared")


async def test_a_series_has_no_gap(database: Database, tenant: Tenant) -> None:
    """A number of a work that failed is given again; every name and tenant counts for itself."""

    async def fail() -> None:
        async with database.work(tenant) as work:
            assert 1 == await work.next_number("invoice")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    async with database.work(tenant) as work:
        assert [1, 2, 1] == [await work.next_number(name) for name in ("invoice", "invoice", "other")]
    async with database.work(Tenant("org_two", Env.SANDBOX)) as work:
        assert 1 == await work.next_number("invoice")


async def test_a_key_that_is_taken(database: Database, tenant: Tenant) -> None:
    """Adding it says so, adding it unless it is taken answers so; another tenant's is not in the way."""
    async with database.work(tenant) as work:
        assert await work.insert_unless_taken(idempotency_keys, digest="a", created_at=work.now)
    async with database.work(tenant) as work:
        assert not await work.insert_unless_taken(idempotency_keys, digest="a", created_at=work.now)
    with pytest.raises(IntegrityError):
        async with database.work(tenant) as work:
            await add(work, "a")
    async with database.work(Tenant("org_two", Env.SANDBOX)) as work:
        await add(work, "a")


async def test_a_name_is_held_by_one_work(database: Database, tenant: Tenant) -> None:
    """Works that lock one name take turns, from the lock to their end."""
    inside = 0
    most = 0

    async def hold() -> None:
        nonlocal inside, most
        async with database.work(tenant) as work:
            await work.lock("name")
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(hold() for _ in range(5)))

    assert 1 == most


@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
async def test_names_of_tenants_are_different_names(database: Database, tenant: Tenant) -> None:
    """Another tenant's lock of the same name is not waited for, nor is another name."""
    async with database.work(tenant) as first, database.work(Tenant("org_two", Env.SANDBOX)) as second:
        await first.lock("name")
        await second.lock("name")
        await second.lock("other")


@pytest.fixture
async def small(database: Database, tenant: Tenant) -> AsyncIterator[Work]:
    async with database.work(tenant) as work:
        yield work


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    quantity=st.decimals(min_value=Decimal(-(10**13)), max_value=Decimal(10**13), places=10),
    milliseconds=st.integers(min_value=-(10**12), max_value=10**14),
    text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40),
)
def test_values_come_back_as_they_were(quantity: Decimal, milliseconds: int, text: str) -> None:
    """Quantities to their tenth decimal, instants to the millisecond, texts in every script, within JSON too."""
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine, [events])
    row = {
        TENANT: "t",
        "customer_key": "c",
        "id": text or "id",
        "feature_id": "f",
        "value": quantity,
        "properties": {"text": text, "n": milliseconds},
        "occurred_at": instant,
        "deductions": [],
        "created_at": instant,
    }
    with engine.begin() as connection:
        connection.execute(sa.insert(events), [row])
        kept = connection.execute(sa.select(events)).one()
    engine.dispose()

    assert (quantity, instant, row["properties"]) == (kept.value, kept.occurred_at, kept.properties)


@pytest.mark.parametrize(
    "quantity", ["0", "0.1", "-0.0000000001", "9999999999999.9999999999", "-10000000000000", "1E+3", "123.4500"]
)
async def test_quantities_are_exact(small: Work, quantity: str) -> None:
    """Neither engine turns a decimal into a binary fraction."""
    exact = Decimal(quantity)
    await small.insert(
        events,
        customer_key="c",
        id="e",
        feature_id="f",
        value=exact,
        properties={},
        occurred_at=small.now,
        deductions=[],
        created_at=small.now,
    )

    row = await small.find(small.select(events))
    assert row is not None
    assert exact == row.value
    assert isinstance(row.value, Decimal)


async def test_large_amounts_fit(small: Work) -> None:
    """Counters and amounts reach beyond four bytes."""
    await small.insert(counters, name="large", value=2**62)

    assert 2**62 == await small.scalar(small.select_columns(counters, counters.c.value))
    assert 2**62 + 1 == await small.next_number("large")
    assert Money(2**62, "jpy").major == 2**62


async def test_an_error_shows_no_parameters(database: Database, tenant: Tenant) -> None:
    """What a statement was given is not part of an error's message, since errors are logged."""
    async with database.work(tenant) as work:
        await add(work, "taken")
    with pytest.raises(IntegrityError) as refused:
        async with database.work(tenant) as work:
            await work.insert_all(idempotency_keys, [key(work, "a-secret"), key(work, "taken")])

    assert "parameters hidden" in str(refused.value)
    assert "a-secret" not in str(refused.value)


async def test_a_commit_is_on_disk(database: Database) -> None:
    """SQLite writes ahead and syncs every commit; PostgreSQL does so by default, and it is not switched off."""
    wanted = {"sqlite": ("PRAGMA synchronous", 2), "postgresql": ("SHOW synchronous_commit", "on")}

    def setting(connection: sa.Connection) -> object:
        question, _ = wanted[connection.dialect.name]
        return connection.exec_driver_sql(question).scalar()

    assert wanted["sqlite" if database.is_sqlite else "postgresql"][1] == await database.read_schema(setting)


async def test_what_system_works_reach(database: Database, clock: ManualClock) -> None:
    """Rows of no tenant are written, changed and deleted by them, in one transaction."""
    async with database.system() as system:
        await system.insert(
            organizations, id="o", slug="acme", name="Acme", default_currency="usd", created_at=clock.now()
        )
        assert 1 == await system.update(organizations, organizations.c.id == "o", values={"name": "Acme Ltd"})

    async with database.system_reading() as view:
        row = await view.find(sa.select(organizations))
        assert row is not None
        assert ("Acme Ltd", NEW_YEAR) == (row.name, row.created_at)
    async with database.system() as system:
        assert 1 == await system.delete(organizations, organizations.c.id == "o")


@pytest.mark.parametrize(
    "url",
    ["sqlite+aiosqlite:////dev/null/sumac.db", "postgresql+asyncpg://nobody@127.0.0.1:1/sumac"],
    ids=["no-such-folder", "nobody-listens"],
)
async def test_a_database_that_is_not_there(url: str, clock: ManualClock) -> None:
    """Whoever starts us is told why in one line."""
    database = Database(url, clock)

    with pytest.raises(UnreachableError) as reason:
        await database.check_reachable()
    assert str(reason.value)
    assert "\n" not in str(reason.value)
    await database.close()


@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
async def test_a_database_that_was_never_created(address: str, clock: ManualClock) -> None:
    """The server answers, but has no such database."""
    database = Database(f"{address}_not_there", clock)

    with pytest.raises(UnreachableError, match="does not exist"):
        await database.check_reachable()
    await database.close()


async def test_a_database_that_is_there(database: Database) -> None:
    """Nothing is said."""
    await database.check_reachable()


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        (None, "sqlite+aiosqlite:////var/lib/sumac/sumac.db"),
        ("postgresql://u:p%40ss@db.test:5433/sumac", "postgresql+asyncpg://u:p%40ss@db.test:5433/sumac"),
        ("postgres://u@db.test/sumac", "postgresql+asyncpg://u@db.test/sumac"),
        ("postgresql://u@db.test/sumac?sslmode=require", "postgresql+asyncpg://u@db.test/sumac?ssl=require"),
        ("postgresql+asyncpg://u@db.test/sumac", "postgresql+asyncpg://u@db.test/sumac"),
        ("sqlite+aiosqlite:///other.db", "sqlite+aiosqlite:///other.db"),
    ],
)
def test_addresses(given_url: str | None, expected: str) -> None:
    """PostgreSQL's is written as other tools take it; without one it is the file in the data directory."""
    assert expected == database_url(Path("/var/lib/sumac"), given_url)
