"""Statements that are prepared once and then run with many rows, below SQLAlchemy's execution (design §5).

The same Core statements that works execute, compiled for one engine: its text, the order of its parameters, and how
each value is written in that engine.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sumac.storage.columns import Quantity, exact_sum

Row = Mapping[str, Any]
NO_OTHER_NAMES: Row = MappingProxyType({})
Processor = Callable[[Any], Any]


class Prepared:
    """A statement that is run with rows, each with its tenant. Built for each engine when it is needed.

    `columns` are the columns that its parameters are given by, where those are named otherwise.
    """

    def __init__(self, build: Callable[[str], sa.Executable], columns: Row = NO_OTHER_NAMES) -> None:
        self._build = build
        self._columns = columns
        self._statements: dict[str, sa.Executable] = {}
        self._compiled: dict[str, Compiled] = {}

    def statement(self, engine: str) -> sa.Executable:
        """As SQLAlchemy runs it on the engine of that name."""
        if engine not in self._statements:
            self._statements[engine] = self._build(engine)
        return self._statements[engine]

    def compiled(self, dialect: sa.Dialect) -> "Compiled":
        """As the engine's driver runs it."""
        if dialect.name not in self._compiled:
            self._compiled[dialect.name] = Compiled(self.statement(dialect.name), dialect, self._columns)
        return self._compiled[dialect.name]

    def row(self, row: Row) -> Row:
        """A row's values by the names of the parameters."""
        return {name: row[column] for name, column in self._columns.items()} if self._columns else row


def inserting(table: sa.Table) -> Prepared:
    """Adds rows with a value for every column."""
    return Prepared(lambda _: sa.insert(table))


def inserting_unless_taken(table: sa.Table) -> Prepared:
    """Adds rows with a value for every column, but for those of which a unique key is taken."""

    def build(engine: str) -> sa.Executable:
        return (sqlite.insert if engine == "sqlite" else postgresql.insert)(table).on_conflict_do_nothing()

    return Prepared(build)


def adding_up(table: sa.Table, amounts: Sequence[str]) -> Prepared:
    """Adds rows; where a row of the primary key is there already, adds their amounts to it.

    The rows must differ in their keys, and be in the same order whoever adds them, or two works may block each other.
    """

    def build(engine: str) -> sa.Executable:
        statement = (sqlite.insert if engine == "sqlite" else postgresql.insert)(table)
        sums = {name: _sum(table.c[name], statement.excluded[name]) for name in amounts}
        return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=sums)

    return Prepared(build)


def replacing(table: sa.Table, changed: Sequence[str]) -> Prepared:
    """Adds rows; where a row of the primary key is there already, writes the changed columns over."""

    def build(engine: str) -> sa.Executable:
        statement = (sqlite.insert if engine == "sqlite" else postgresql.insert)(table)
        values = {name: statement.excluded[name] for name in changed}
        return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)

    return Prepared(build)


def updating(table: sa.Table, changed: Sequence[str], key: Sequence[str]) -> Prepared:
    """Writes the changed columns of the rows with the keys of the rows given."""

    def build(_: str) -> sa.Executable:
        where = [table.c[name] == sa.bindparam(f"its_{name}", type_=table.c[name].type) for name in key]
        return sa.update(table).where(*where).values({name: sa.bindparam(f"new_{name}") for name in changed})

    return Prepared(build, {f"its_{name}": name for name in key} | {f"new_{name}": name for name in changed})


def _sum(column: sa.ColumnElement[Any], other: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return exact_sum(column, other) if isinstance(column.type, Quantity) else column + other


class Compiled:
    """A statement's text in one engine, and its parameters in their order."""

    def __init__(self, statement: sa.Executable, dialect: sa.Dialect, columns: Row) -> None:
        compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]  # every statement of Core has it
        self.text = str(compiled)
        names: Sequence[str] = compiled.positiontup or ()
        self._columns = tuple((columns.get(name, name), _processor(compiled.binds[name], dialect)) for name in names)
        self._fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}

    def parameters(self, row: Row) -> tuple[Any, ...]:
        """The row's values as the driver takes them."""
        values = {**self._fixed, **row} if self._fixed else row
        return tuple([values[name] if write is None else write(values[name]) for name, write in self._columns])


def _processor(bind: sa.BindParameter[Any], dialect: sa.Dialect) -> Processor | None:
    return bind.type.dialect_impl(dialect).bind_processor(dialect)
