"""PostgreSQL: the engine for more than one machine."""

from typing import Any

CONNECTIONS_MAX = 16
SNAPSHOT = "REPEATABLE READ"
ENGINE_OPTIONS: dict[str, Any] = {"pool_size": CONNECTIONS_MAX, "max_overflow": 0, "pool_pre_ping": True}
