"""Rows of usage roll-ups: how many events there were in each quarter of an hour, and what they counted together.

They are written in the transaction of their events, so that a roll-up is the sum of its events always.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from sumac.core.time import MILLISECOND, Period, to_ms
from sumac.events.model import Amount, GroupKind, UsageEvent, UsageFilter
from sumac.events.rules.parts import Part
from sumac.events.rules.rollup import roll_up
from sumac.storage.columns import exact_total
from sumac.storage.prepared import Row, adding_up
from sumac.storage.schema import events, usage_rollups
from sumac.storage.work import Work

ADDED = adding_up(usage_rollups, ("events", "total"))


@dataclass(frozen=True, slots=True)
class Sum:
    """What was counted of a feature, by one group ("" for all), from an instant on."""

    feature_id: str
    group: str
    at: datetime
    amount: Amount


def rows(added: Iterable[UsageEvent]) -> list[Row]:
    """What the events add to the roll-ups of one tenant, always in the same order."""
    return [
        {
            "customer_key": key.customer_key,
            "feature_id": key.feature_id,
            "entity_key": key.entity_key,
            "starts_at": key.starts_at,
            "events": amount.events,
            "total": amount.total,
        }
        for key, amount in sorted(roll_up(added).items())
    ]


async def sums(
    work: Work,
    part: Part,
    chosen: UsageFilter,
    *,
    kind: GroupKind | None = None,
    groups: Collection[str] | None = None,
) -> list[Sum]:
    """What was counted in each step of the part, by feature and (customer or entity) group, in no order.

    Read from the roll-ups or from the events, as the part says; with `groups` of these only.
    """
    source = ROLLUPS if part.rolled_up else EVENTS
    start, length = part.steps.start, part.steps.length
    group = sa.literal("") if kind is None else source.group(kind)
    since = sa.type_coerce(source.at, sa.BigInteger) - to_ms(start)
    columns = (
        source.table.c.feature_id,
        group.label("in_group"),
        (since // (length // MILLISECOND)).label("step"),
        source.events.label("counted"),
        source.total.label("summed"),
    )
    statement = work.select_columns(source.table, *columns).where(*source.conditions(part.period, chosen))
    if groups is not None:
        statement = statement.where(group.in_(groups))
    rows = await work.all(statement.group_by("feature_id", "in_group", "step"))
    return [
        Sum(row.feature_id, row.in_group, start + int(row.step) * length, Amount(int(row.counted), row.summed))
        for row in rows
    ]


async def count(work: Work, chosen: UsageFilter, period: Period) -> int:
    """How many events there are in a period of whole quarters."""
    counted = work.select_columns(usage_rollups, sa.func.sum(usage_rollups.c.events))
    return int(await work.scalar(counted.where(*ROLLUPS.conditions(period, chosen))) or 0)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where sums are read from: the table, when its rows happened, and what they add up to."""

    table: sa.Table
    at: sa.ColumnElement[datetime]
    events: sa.ColumnElement[int]
    total: sa.ColumnElement[Decimal]

    def group(self, kind: GroupKind) -> sa.ColumnElement[str]:
        return (
            self.table.c.customer_key if kind is GroupKind.CUSTOMER else sa.func.coalesce(self.table.c.entity_key, "")
        )

    def conditions(self, period: Period, chosen: UsageFilter) -> Iterator[sa.ColumnElement[bool]]:
        yield self.at >= period.start
        yield self.at < period.end
        if chosen.feature_ids:
            yield self.table.c.feature_id.in_(chosen.feature_ids)
        if chosen.customer_key is not None:
            yield self.table.c.customer_key == chosen.customer_key
        if chosen.entity_keys is not None:
            yield self.table.c.entity_key.in_(chosen.entity_keys)


ROLLUPS = _Source(
    usage_rollups, usage_rollups.c.starts_at, sa.func.sum(usage_rollups.c.events), exact_total(usage_rollups.c.total)
)
EVENTS = _Source(events, events.c.occurred_at, sa.func.count(), exact_total(events.c.value))
