"""PostgreSQL: the engine for more than one machine."""

from typing import Any

import sqlalchemy as sa

CONNECTIONS_MAX = 16
WRITING = "READ COMMITTED"
SNAPSHOT = "REPEATABLE READ"
ENGINE_OPTIONS: dict[str, Any] = {
    "pool_size": CONNECTIONS_MAX,
    "max_overflow": 0,
    "pool_pre_ping": True,
    "isolation_level": WRITING,
}
SCHEMA_LOCK = 7_862_439
LOCK_SCHEMA = sa.select(sa.func.pg_advisory_xact_lock(SCHEMA_LOCK))


def address(url: sa.URL) -> sa.URL:
    """A libpq address as the driver understands it: the driver's name, and `sslmode` under the driver's word for it."""
    query = {("ssl" if name == "sslmode" else name): value for name, value in url.query.items()}
    return url.set(drivername="postgresql+asyncpg", query=query)
