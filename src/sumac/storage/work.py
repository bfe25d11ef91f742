"""One work, one transaction, one `now`: the only place that commits.

`Work` is bound to a tenant and adds the tenant to every statement it makes, so a query that forgets it cannot be
written. `SystemWork` reaches the few tables that no tenant owns. A work notes whose rows it changed; with the commit
the versions of those customers go up, and whoever keeps something of theirs in memory is told (storage/changes.py).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from sumac.core.tenant import Tenant
from sumac.storage.changes import TENANT_VERSION, Changes, customers_named
from sumac.storage.prepared import Prepared
from sumac.storage.schema import OF_CUSTOMERS, OF_TENANTS, TENANT, counters, customers

Values = Mapping[str, Any]


class _Transaction:
    def __init__(self, connection: AsyncConnection, *, clock: Callable[[], datetime], sender: str = "") -> None:
        self._connection = connection
        self._clock = clock
        self._sender = sender
        self.now = clock()
        self.changes = Changes()

    async def all(self, statement: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        """Every row of the statement."""
        rows: Sequence[sa.Row[Any]] = (await self._connection.execute(statement)).all()
        return rows

    async def find(self, statement: sa.Select[Any]) -> sa.Row[Any] | None:
        """The first row, or None."""
        row: sa.Row[Any] | None = (await self._connection.execute(statement.limit(1))).first()
        return row

    async def scalar(self, statement: sa.Select[Any]) -> Any:  # noqa: ANN401  # the column's own type
        """The first column of the first row, or None."""
        return (await self._connection.execute(statement.limit(1))).scalar()

    async def _execute(self, statement: sa.Executable, parameters: Sequence[Values] | None = None) -> int:
        result = await self._connection.execute(statement, parameters)
        return result.rowcount

    async def _version_of(self, tenant: Tenant) -> int:
        own = (counters.c[TENANT] == tenant.key, counters.c.name == TENANT_VERSION)
        return int(await self.scalar(sa.select(counters.c.value).where(*own)) or 0)

    async def commit(self) -> None:
        """Makes everything done so far durable; called once, by Database, when the work's block ends well."""
        await self.changes.write(self._connection, sender=self._sender)
        await self._connection.commit()


class Work(_Transaction):
    """One transaction of one tenant at one instant (`now`)."""

    def __init__(
        self, connection: AsyncConnection, tenant: Tenant, *, clock: Callable[[], datetime], sender: str = ""
    ) -> None:
        super().__init__(connection, clock=clock, sender=sender)
        self.tenant = tenant

    def catch_up(self) -> None:
        """Its instant is the present again: whoever held the row it has waited for may have settled a later one."""
        self.now = self._clock()

    async def tenant_version(self) -> int:
        """The version of what the tenant's customers share."""
        return await self._version_of(self.tenant)

    def select(self, table: sa.Table, *others: sa.Table) -> sa.Select[Any]:
        """A select of the table's columns within the tenant; `others` are joined by conditions the caller adds."""
        statement = sa.select(table)
        for each in (table, *others):
            statement = statement.where(self._own(each))
        return statement

    def select_columns(self, table: sa.Table, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
        """A select of expressions over one table within the tenant."""
        return sa.select(*columns).select_from(table).where(self._own(table))

    async def insert(self, table: sa.Table, **values: Any) -> None:  # noqa: ANN401  # the table's column types
        """Adds one row. Raises sqlalchemy.exc.IntegrityError when a key is taken."""
        self._note_rows(table, [values])
        await self._execute(sa.insert(table).values(**{TENANT: self.tenant.key}, **values))

    async def insert_unless_taken(self, table: sa.Table, **values: Any) -> bool:  # noqa: ANN401  # column types
        """Adds one row unless a unique key of it is taken; answers whether it was added."""
        self._note_rows(table, [values])
        build = sqlite.insert if self._connection.dialect.name == "sqlite" else postgresql.insert
        statement = build(table).values(**{TENANT: self.tenant.key}, **values).on_conflict_do_nothing()
        return await self._execute(statement) == 1

    async def insert_all(self, table: sa.Table, rows: Sequence[Values]) -> None:
        """Adds rows of equal keys in one statement."""
        if rows:
            self._note_rows(table, rows)
            await self._execute(sa.insert(table), [{TENANT: self.tenant.key, **row} for row in rows])

    async def write(self, prepared: Prepared, rows: Sequence[Values]) -> None:
        """Runs a prepared statement with each of the tenant's rows."""
        if rows:
            statement = prepared.statement(self._connection.dialect.name)
            await self._execute(statement, [prepared.row({**row, TENANT: self.tenant.key}) for row in rows])

    async def lock(self, name: str) -> None:
        """Waits until no other work of the tenant holds this name, and holds it until the work ends.

        For what has no row to lock yet. A work on SQLite has the whole database to itself already.
        """
        if self._connection.dialect.name != "sqlite":
            number = sa.func.hashtextextended(f"{self.tenant.key}:{name}", 0)
            await self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))

    async def next_number(self, name: str) -> int:
        """The next number of a gapless series of the tenant, beginning with 1; given back if the work rolls back."""
        build = sqlite.insert if self._connection.dialect.name == "sqlite" else postgresql.insert
        statement = build(counters).values(**{TENANT: self.tenant.key}, name=name, value=1)
        bumped = statement.on_conflict_do_update(
            index_elements=[TENANT, "name"],
            set_={"value": counters.c.value + 1},
        ).returning(counters.c.value)
        return int((await self._connection.execute(bumped)).scalar_one())

    async def update(self, table: sa.Table, *where: sa.ColumnElement[bool], values: Values) -> int:
        """Changes the tenant's rows that match; answers how many."""
        self._note_where(table, where)
        return await self._execute(sa.update(table).where(self._own(table), *where).values(**values))

    async def delete(self, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
        """Deletes the tenant's rows that match; answers how many."""
        self._note_where(table, where)
        return await self._execute(sa.delete(table).where(self._own(table), *where))

    def _note_rows(self, table: sa.Table, rows: Iterable[Values]) -> None:
        if table in OF_CUSTOMERS:
            self.changes.note(self.tenant, [str(row["customer_key"]) for row in rows])
        elif table in OF_TENANTS:
            self.changes.note(self.tenant, None)

    def _note_where(self, table: sa.Table, where: Sequence[sa.ColumnElement[bool]]) -> None:
        if table is customers:
            self.changes.note(self.tenant, customers_named(where, customers.c.key))
        elif table in OF_CUSTOMERS:
            self.changes.note(self.tenant, customers_named(where, table.c.customer_key))
        elif table in OF_TENANTS:
            self.changes.note(self.tenant, None)

    def _own(self, table: sa.Table) -> sa.ColumnElement[bool]:
        own: sa.ColumnElement[bool] = table.c[TENANT] == self.tenant.key
        return own


class SystemWork(_Transaction):
    """One transaction outside every tenant: organizations, members, keys, sessions, and what is due anywhere."""

    async def tenant_version(self, tenant: Tenant) -> int:
        """The version of what the tenant's customers and keys share."""
        return await self._version_of(tenant)

    async def insert(self, table: sa.Table, **values: Any) -> None:  # noqa: ANN401  # the table's column types
        """Adds one row."""
        await self._execute(sa.insert(table).values(**values))

    async def update(self, table: sa.Table, *where: sa.ColumnElement[bool], values: Values) -> int:
        """Changes the rows that match; answers how many."""
        return await self._execute(sa.update(table).where(*where).values(**values))

    async def delete(self, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
        """Deletes the rows that match; answers how many."""
        return await self._execute(sa.delete(table).where(*where))
