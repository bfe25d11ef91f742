"""What usage took from grants: exact sums, and the events one by one, by when they were counted.

Most events occurred when they were counted and are found by that instant. Those that were counted later than they
occurred have an index of their own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.sql.elements import Grouping

from sumac.core.page import Cursor
from sumac.core.quantity import exact_sum
from sumac.events.model import TakenSince, TakenSum
from sumac.storage.columns import Quantity, exact_total, json_rows, json_text
from sumac.storage.schema import events
from sumac.storage.work import Work

INSTANT = TypeAdapter(datetime)
FLAT_MAX = 50
"""Alternatives in one row: a database refuses expressions that are nested too deeply."""
ZERO = Decimal(0)

Key = tuple[str, str, Decimal | None]


@dataclass(frozen=True, slots=True)
class TakenFilter:
    """What usage of a customer took from these grants, of any feature when none is named, counted by `until`."""

    customer_key: str
    since: Sequence[TakenSince]
    until: datetime
    feature_ids: Sequence[str] = ()


async def sums(work: Work, chosen: TakenFilter) -> list[TakenSum]:
    """What was taken, by grant, feature that was used, and what a unit of it cost."""
    found: dict[Key, TakenSum] = {}
    for arm in _arms(chosen):
        deduction = _deductions()
        grant_id, cost = _text(deduction, "grant_id"), _text(deduction, "credit_cost")
        freed = _text(deduction, "replaceables_change")
        columns = (
            grant_id.label("grant_id"),
            events.c.feature_id,
            cost.label("cost"),
            sa.func.count().label("counted"),
            exact_total(sa.cast(_text(deduction, "value"), Quantity())).label("summed"),
            exact_total(sa.cast(freed, Quantity())).filter(freed.is_not(None)).label("freed"),
        )
        statement = work.select_columns(events, *columns).where(*arm.conditions, _is_meant(chosen, arm, deduction))
        for row in await work.all(statement.group_by("grant_id", events.c.feature_id, "cost")):
            key = (row.grant_id, row.feature_id, None if row.cost is None else Decimal(row.cost))
            found[key] = _plus(found.get(key), TakenSum(*key, int(row.counted), row.summed, row.freed or ZERO))
    return list(found.values())


async def page(work: Work, chosen: TakenFilter, cursor: Cursor | None, limit: int) -> list[str]:
    """The ids of up to `limit` + 1 events that took anything, the last counted first, after the cursor."""
    if not chosen.since:
        return []
    selects = []
    for arm in _arms(chosen):
        deduction = _deductions()
        meant = sa.select(sa.literal(1)).select_from(deduction).where(_is_meant(chosen, arm, deduction))
        columns = (arm.at.label("at"), events.c.id.label("id"))
        statement = work.select_columns(events, *columns).where(*arm.conditions, meant.correlate(events).exists())
        if cursor is not None:
            after = sa.tuple_(sa.literal(cursor.created_at, events.c.occurred_at.type), sa.literal(cursor.id))
            statement = statement.where(sa.tuple_(arm.at, events.c.id) < after)
        statement = statement.order_by(arm.at.desc(), events.c.id.desc()).limit(limit + 1)
        selects.append(sa.select(statement.subquery()))
    both = sa.union_all(*selects).subquery()
    rows = await work.all(sa.select(both).order_by(both.c.at.desc(), both.c.id.desc()).limit(limit + 1))
    return [row.id for row in rows]


@dataclass(frozen=True, slots=True)
class _Arm:
    """Events that are found in one way: when they were counted, and which they are."""

    at: sa.ColumnElement[datetime]
    conditions: tuple[sa.ColumnElement[bool], ...]


def _arms(chosen: TakenFilter) -> Iterator[_Arm]:
    if not chosen.since:
        return
    first = min(each.since for each in chosen.since)
    whose = [events.c.customer_key == chosen.customer_key]
    if chosen.feature_ids:
        whose.append(events.c.feature_id.in_(chosen.feature_ids))
    at_once = sa.or_(events.c.counted_at.is_(None), events.c.counted_at == events.c.occurred_at)
    later = events.c.occurred_at < events.c.counted_at
    for at, how in ((events.c.occurred_at, at_once), (events.c.counted_at, later)):
        yield _Arm(at, (*whose, how, at >= first, at <= chosen.until))


def _deductions() -> sa.TableValuedAlias:
    return json_rows(events.c.deductions).table_valued("value", name="deduction", joins_implicitly=True)


def _text(deduction: sa.TableValuedAlias, name: str) -> sa.ColumnElement[str]:
    return json_text(deduction.c.value, sa.literal_column(f"'{name}'"))


def _is_meant(chosen: TakenFilter, arm: _Arm, deduction: sa.TableValuedAlias) -> sa.ColumnElement[bool]:
    """Whether a deduction is from one of the grants, since the instant that is asked for."""
    together: dict[tuple[datetime, datetime | None], list[str]] = {}
    for each in chosen.since:
        together.setdefault((each.since, each.turned_at), []).append(each.grant_id)
    return _any([_since(arm, deduction, ids, *moment) for moment, ids in together.items()])


def _since(
    arm: _Arm, deduction: sa.TableValuedAlias, grant_ids: Iterable[str], since: datetime, turned_at: datetime | None
) -> sa.ColumnElement[bool]:
    meant = sa.and_(_text(deduction, "grant_id").in_(grant_ids), arm.at >= since)
    if turned_at is None:
        return meant
    to_reset_at = sa.func.coalesce(_text(deduction, "resets_at"), "")
    return sa.and_(meant, sa.or_(arm.at > since, to_reset_at != INSTANT.dump_python(turned_at, mode="json")))


def _any(alternatives: Sequence[sa.ColumnElement[bool]]) -> sa.ColumnElement[bool]:
    if len(alternatives) <= FLAT_MAX:
        return sa.or_(*alternatives)
    middle = len(alternatives) // 2
    halves: tuple[Any, Any] = Grouping(_any(alternatives[:middle])), Grouping(_any(alternatives[middle:]))
    return sa.or_(*halves)


def _plus(before: TakenSum | None, added: TakenSum) -> TakenSum:
    if before is None:
        return added
    return TakenSum(
        *(added.grant_id, added.feature_id, added.credit_cost),
        before.events + added.events,
        exact_sum(before.total, added.total),
        exact_sum(before.replaceables_change, added.replaceables_change),
    )
