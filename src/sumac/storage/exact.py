"""Exact decimals in SQLite's SQL: it has none of its own, so it calls these functions (storage/columns.py)."""

import sqlite3
from decimal import Decimal
from typing import Any

from sumac.core.quantity import exact_sum


def sum_of_texts(one: str, other: str) -> str:
    """The sum of two decimals, text in and out."""
    return format(exact_sum(Decimal(one), Decimal(other)), "f")


class ExactTotal:
    """The sum of a column of decimals, text in and out; None when there is nothing to add."""

    def __init__(self) -> None:
        self._total: Decimal | None = None

    def step(self, value: str) -> None:
        """Adds one."""
        added = Decimal(value)
        self._total = added if self._total is None else exact_sum(self._total, added)

    def finalize(self) -> str | None:
        """The sum."""
        return None if self._total is None else format(self._total, "f")


class ExactConnection(sqlite3.Connection):
    """A connection that adds decimals exactly, which SQLite cannot do by itself (storage/columns.py)."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401  # the driver's own
        super().__init__(*arguments, **options)
        self.create_function("exact_sum", 2, sum_of_texts, deterministic=True)
        total: Any = ExactTotal  # typed as taking and giving whole numbers only
        self.create_aggregate("exact_total", 1, total)
