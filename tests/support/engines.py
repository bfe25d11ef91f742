"""Every engine of a test process shares what the others compiled: each statement is compiled once, not in every test.

The product makes one engine for as long as it runs; the tests make one for each test, and SQLAlchemy keeps what it
compiled by engine and by dialect. Connections, and what listens to them, stay each engine's own.
"""

from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite


class Sharing:
    """A dialect that equals the others of its class, so that what one of them compiled is found by all.

    They compile alike: `storage/database.py` makes every engine of a kind with the same options.
    """

    _compiled: ClassVar[dict[Any, Any]]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    @classmethod
    def engine_created(cls, engine: sa.Engine) -> None:
        """Has a new engine look for compiled statements where the others keep theirs."""
        engine.update_execution_options(compiled_cache=cls._compiled)


class SharingPostgres(Sharing, PGDialect_asyncpg):
    """PostgreSQL's."""

    supports_statement_cache = True
    _compiled: ClassVar[dict[Any, Any]] = {}


class SharingSqlite(Sharing, SQLiteDialect_aiosqlite):
    """SQLite's."""

    supports_statement_cache = True
    _compiled: ClassVar[dict[Any, Any]] = {}


def share_compiled_statements() -> None:
    """Has every engine that this process makes from now on use these dialects."""
    registry.register("postgresql.asyncpg", __name__, SharingPostgres.__name__)
    registry.register("sqlite.aiosqlite", __name__, SharingSqlite.__name__)
