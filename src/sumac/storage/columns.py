"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement, GenericFunction
from sqlalchemy.types import TypeDecorator, TypeEngine

from sumac.core.time import from_ms, to_ms


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant, stored as whole milliseconds since the epoch."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To milliseconds."""
        return None if value is None else to_ms(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """From milliseconds."""
        return None if value is None else from_ms(value)


class Quantity(TypeDecorator[Decimal]):
    """An exact decimal: NUMERIC on PostgreSQL, text on SQLite, which has no exact decimal of its own."""

    impl = sa.Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The engine's own representation."""
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        """To the engine's representation."""
        if value is None:
            return None
        return format(value, "f") if dialect.name == "sqlite" else value

    def process_result_value(self, value: Decimal | str | None, dialect: Dialect) -> Decimal | None:
        """From the engine's representation."""
        return None if value is None else Decimal(value)


class exact_sum(FunctionElement[Decimal]):  # noqa: N801  # named as the SQL function it stands for
    """The exact sum of two quantities, in SQL."""

    type = Quantity()
    inherit_cache = True
    name = "exact_sum"


class exact_total(FunctionElement[Decimal]):  # noqa: N801  # named as the SQL function it stands for
    """The exact sum of a quantity over the rows of a group, in SQL; None without rows."""

    type = Quantity()
    inherit_cache = True
    name = "exact_total"


class json_rows(GenericFunction[Any]):  # noqa: N801  # named as the SQL function it stands for
    """The elements of a JSON list as rows of one column `value`, in SQL."""

    inherit_cache = True
    name = "json_rows"


class json_text(FunctionElement[str]):  # noqa: N801  # named as the SQL function it stands for
    """A member of a JSON object, by its name, as text, in SQL; None where it is null or missing."""

    type = sa.Text()
    inherit_cache = True
    name = "json_text"


@compiles(exact_sum)
def _added(element: exact_sum, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401  # the compiler's own
    one, other = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({one} + {other})"


@compiles(exact_total)
def _summed(element: exact_total, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401  # the compiler's own
    return f"sum{compiler.process(element.clause_expr, **options)}"


@compiles(exact_sum, "sqlite")
@compiles(exact_total, "sqlite")
def _called(element: FunctionElement[Decimal], compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401  # its own
    """SQLite calls a function of ours: see storage/exact.py."""
    return f"{element.name}{compiler.process(element.clause_expr, **options)}"


@compiles(json_rows, "postgresql")
def _array(element: json_rows, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401  # the compiler's own
    return f"json_array_elements{compiler.process(element.clause_expr, **options)}"


@compiles(json_rows, "sqlite")
def _each(element: json_rows, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401  # the compiler's own
    return f"json_each{compiler.process(element.clause_expr, **options)}"


@compiles(json_text, "postgresql")
def _member(element: json_text, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401  # the compiler's own
    document, name = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({document} ->> {name})"


@compiles(json_text, "sqlite")
def _extracted(element: json_text, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401  # the compiler's own
    document, name = (compiler.process(clause, **options) for clause in element.clauses)
    return f"json_extract({document}, '$.' || {name})"
