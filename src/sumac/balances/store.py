"""Rows of grants and of the entries that record their changes."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from sumac.balances.model import EntryKind, Grant, GrantDates, GrantEntry, GrantTerms, PoolMode
from sumac.catalog.model import ItemPrice, Proration, Rollover
from sumac.core.page import Cursor
from sumac.core.time import Cadence, Interval
from sumac.storage.schema import TENANT, billing_settings, customer_plans, grant_entries, grants
from sumac.storage.work import Work

PRICE = TypeAdapter(ItemPrice)
PRORATION = TypeAdapter(Proration)
ROLLOVER = TypeAdapter(Rollover)
DATES = TypeAdapter(GrantDates)
TERMS = TypeAdapter(GrantTerms)
ZERO = Decimal(0)
PAST_DUE, PAUSED = "past_due", "paused"


async def live(work: Work, customer_keys: Collection[str]) -> list[Grant]:
    """The grants of the customers that have not ended, oldest first."""
    statement = work.select(grants).where(grants.c.customer_key.in_(customer_keys), grants.c.ended_at.is_(None))
    return [_grant(row) for row in await work.all(statement.order_by(grants.c.created_at, grants.c.id))]


async def usable(work: Work, customer_keys: Collection[str]) -> list[Grant]:
    """The live grants that give access.

    Not those of a paused plan (billing.md §11), nor of a past due one where the tenant withholds them (§15.1).
    """
    withholds = sa.select(billing_settings.c[TENANT]).where(
        billing_settings.c[TENANT] == customer_plans.c[TENANT],
        sa.not_(billing_settings.c.settings["past_due_access"].as_boolean()),
    )
    withheld = sa.select(customer_plans.c.id).where(
        customer_plans.c[TENANT] == grants.c[TENANT],
        customer_plans.c.customer_key == grants.c.customer_key,
        customer_plans.c.id == grants.c.customer_plan_id,
        sa.or_(
            customer_plans.c.status == PAUSED,
            sa.and_(customer_plans.c.status == PAST_DUE, withholds.exists()),
        ),
    )
    statement = work.select(grants).where(grants.c.customer_key.in_(customer_keys), grants.c.ended_at.is_(None))
    statement = statement.where(~withheld.exists())
    return [_grant(row) for row in await work.all(statement.order_by(grants.c.created_at, grants.c.id))]


async def find(work: Work, customer_key: str, grant_ids: Collection[str]) -> list[Grant]:
    """Grants by their ids, ended ones too."""
    statement = work.select(grants).where(grants.c.customer_key == customer_key, grants.c.id.in_(grant_ids))
    return [_grant(row) for row in await work.all(statement)]


async def find_where(
    work: Work,
    customer_key: str,
    where: Sequence[sa.ColumnElement[bool]],
    *,
    order: Sequence[sa.ColumnElement[Any]] = (grants.c.created_at, grants.c.id),
    limit: int | None = None,
) -> list[Grant]:
    """The customer's grants that match, ended ones too, oldest first unless ordered otherwise."""
    statement = work.select(grants).where(grants.c.customer_key == customer_key, *where).order_by(*order)
    return [_grant(row) for row in await work.all(statement.limit(limit))]


async def page(work: Work, where: Sequence[sa.ColumnElement[bool]], cursor: Cursor | None, limit: int) -> list[Grant]:
    """Up to `limit` + 1 grants that match, ended ones too, newest first, after the cursor.

    What is used up for good is left out (`Grant.is_drained`), and so are units that rolled over and contributions.
    """
    gave = sa.or_(*(column != ZERO for column in (grants.c.included, grants.c.prepaid, grants.c.adjustment)))
    beside_plans = sa.and_(grants.c.customer_plan_id.is_(None), grants.c.pool_mode.is_(None))
    contributed = sa.and_(grants.c.customer_plan_id.is_not(None), grants.c.pool_mode.is_not(None))
    lasting = sa.and_(beside_plans, grants.c.resets_at.is_(None), grants.c.edited_at.is_(None))
    drained = sa.and_(lasting, gave, sa.not_(grants.c.unlimited), grants.c.balance == ZERO)
    statement = work.select(grants).where(
        grants.c.rollover_of.is_(None), sa.not_(drained), sa.not_(contributed), *where
    )
    if cursor is not None:
        mark = sa.tuple_(sa.literal(cursor.created_at, grants.c.created_at.type), sa.literal(cursor.id))
        statement = statement.where(sa.tuple_(grants.c.created_at, grants.c.id) < mark)
    rows = await work.all(statement.order_by(grants.c.created_at.desc(), grants.c.id.desc()).limit(limit + 1))
    return [_grant(row) for row in rows]


async def rolled_over_from(work: Work, grant_ids: Collection[str]) -> list[Grant]:
    """Live units that rolled over from any of these grants, oldest first."""
    statement = work.select(grants).where(grants.c.rollover_of.in_(grant_ids), grants.c.ended_at.is_(None))
    return [_grant(row) for row in await work.all(statement.order_by(grants.c.created_at, grants.c.id))]


async def pools_left(work: Work, customer_key: str, at: datetime) -> set[str]:
    """The ids of the pools of the customer that contributions left at this instant, their plan being over."""
    statement = work.select_columns(grants, grants.c.pool_id).where(
        grants.c.customer_key == customer_key,
        grants.c.pool_id.is_not(None),
        grants.c.ended_at == at,
    )
    return {row.pool_id for row in await work.all(statement.distinct())}


async def add_all(work: Work, added: Sequence[Grant]) -> None:
    """Adds grants."""
    await work.insert_all(grants, [_values(grant) for grant in added])


async def change_price(work: Work, grant: Grant) -> None:
    """Writes what units of a grant cost."""
    await work.update(
        grants,
        grants.c.customer_key == grant.customer_key,
        grants.c.id == grant.id,
        values={"price": PRICE.dump_python(grant.price, mode="json") if grant.price else None},
    )


async def change(work: Work, grant: Grant) -> None:
    """Writes what a grant gives, and to which pool, its balance, its resets and its end; nothing else of it changes."""
    await work.update(
        grants,
        grants.c.customer_key == grant.customer_key,
        grants.c.id == grant.id,
        values={
            "included": grant.included,
            "prepaid": grant.prepaid,
            "adjustment": grant.adjustment,
            "balance": grant.balance,
            "replaceables": grant.replaceables,
            "anchor_at": grant.anchor_at,
            "resets_at": grant.resets_at,
            "edited_at": grant.edited_at,
            "expires_at": grant.expires_at,
            "ended_at": grant.ended_at,
            "rollover_of": grant.rollover_of,
            "pool_id": grant.pool_id,
        },
    )


async def add_entries(work: Work, entries: Sequence[GrantEntry]) -> None:
    """Appends entries, each numbered after the last one of its grant; the rows of their customers are locked."""
    numbers = _counting_on(await _last_numbers(work, entries), entries)
    await work.insert_all(
        grant_entries,
        [
            {
                "id": entry.id,
                "customer_key": entry.customer_key,
                "grant_id": entry.grant_id,
                "feature_id": entry.feature_id,
                "kind": entry.kind,
                "granted_change": entry.granted_change,
                "balance_change": entry.balance_change,
                "cause": entry.cause,
                "actor": entry.actor,
                "at": entry.at,
                "granted_after": entry.granted_after,
                "balance_after": entry.balance_after,
                "reason": entry.reason,
                "dates_before": DATES.dump_python(entry.dates_before, mode="json") if entry.dates_before else None,
                "number": number,
                "terms_after": TERMS.dump_python(entry.terms_after, mode="json") if entry.terms_after else None,
            }
            for entry, number in zip(entries, numbers, strict=True)
        ],
    )


def _counting_on(last: Mapping[str, int], entries: Sequence[GrantEntry]) -> list[int]:
    """The number of each of the entries: one change may be several of one grant."""
    counted = dict(last)
    numbers = []
    for entry in entries:
        counted[entry.grant_id] = counted.get(entry.grant_id, 0) + 1
        numbers.append(counted[entry.grant_id])
    return numbers


async def _last_numbers(work: Work, entries: Sequence[GrantEntry]) -> dict[str, int]:
    """How many entries the grants of these have already, by the id of the grant."""
    if not entries:
        return {}
    chosen = (
        grant_entries.c.customer_key.in_({entry.customer_key for entry in entries}),
        grant_entries.c.grant_id.in_({entry.grant_id for entry in entries}),
    )
    counted = work.select_columns(grant_entries, grant_entries.c.grant_id, sa.func.count().label("entries"))
    rows = await work.all(counted.where(*chosen).group_by(grant_entries.c.grant_id))
    return {row.grant_id: int(row.entries) for row in rows}


async def find_entry(work: Work, customer_key: str, entry_id: str) -> GrantEntry | None:
    """The customer's entry of that id."""
    statement = work.select(grant_entries).where(
        grant_entries.c.customer_key == customer_key, grant_entries.c.id == entry_id
    )
    row = await work.find(statement)
    return None if row is None else _entry(row)


async def entries_of(work: Work, customer_key: str, grant_ids: Collection[str]) -> list[GrantEntry]:
    """The entries of grants, oldest first, and those of one grant as they were written."""
    return await entries_where(work, customer_key, (grant_entries.c.grant_id.in_(grant_ids),))


async def entries_where(work: Work, customer_key: str, where: Sequence[sa.ColumnElement[bool]]) -> list[GrantEntry]:
    """The customer's entries that match, oldest first, and those of one grant as they were written."""
    statement = work.select(grant_entries).where(grant_entries.c.customer_key == customer_key, *where)
    order = (grant_entries.c.at, sa.func.coalesce(grant_entries.c.number, 0), grant_entries.c.id)
    return [_entry(row) for row in await work.all(statement.order_by(*order))]


async def entries_caused_by(work: Work, customer_key: str, cause: str) -> list[GrantEntry]:
    """The customer's entries of one cause, oldest first."""
    statement = work.select(grant_entries).where(
        grant_entries.c.customer_key == customer_key, grant_entries.c.cause == cause
    )
    return [_entry(row) for row in await work.all(statement.order_by(grant_entries.c.at, grant_entries.c.id))]


def _values(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "customer_key": grant.customer_key,
        "feature_id": grant.feature_id,
        "customer_plan_id": grant.customer_plan_id,
        "plan_id": grant.plan_id,
        "add_on": grant.add_on,
        "included": grant.included,
        "prepaid": grant.prepaid,
        "balance": grant.balance,
        "unlimited": grant.unlimited,
        "overage_allowed": grant.overage_allowed,
        "max_purchase": grant.max_purchase,
        "reset_interval": grant.reset.interval if grant.reset else None,
        "reset_count": grant.reset.count if grant.reset else None,
        "anchor_at": grant.anchor_at,
        "resets_at": grant.resets_at,
        "price": PRICE.dump_python(grant.price, mode="json") if grant.price else None,
        "proration": PRORATION.dump_python(grant.proration, mode="json") if grant.proration else None,
        "replaceables": grant.replaceables,
        "expires_at": grant.expires_at,
        "ended_at": grant.ended_at,
        "adjustment": grant.adjustment,
        "edited_at": grant.edited_at,
        "entity_key": grant.entity_key,
        "balance_id": grant.balance_id,
        "shared_id": grant.shared_id,
        "rollover": ROLLOVER.dump_python(grant.rollover, mode="json") if grant.rollover else None,
        "rollover_of": grant.rollover_of,
        "pool_id": grant.pool_id,
        "pool_mode": grant.pool_mode,
        "created_at": grant.created_at,
    }


def _grant(row: sa.Row[Any]) -> Grant:
    return Grant(
        id=row.id,
        customer_key=row.customer_key,
        feature_id=row.feature_id,
        customer_plan_id=row.customer_plan_id,
        plan_id=row.plan_id,
        anchor_at=row.anchor_at,
        created_at=row.created_at,
        add_on=row.add_on,
        included=row.included,
        prepaid=row.prepaid,
        balance=row.balance,
        unlimited=row.unlimited,
        overage_allowed=row.overage_allowed,
        max_purchase=row.max_purchase,
        reset=Cadence(Interval(row.reset_interval), row.reset_count) if row.reset_interval else None,
        resets_at=row.resets_at,
        price=PRICE.validate_python(row.price) if row.price else None,
        proration=PRORATION.validate_python(row.proration) if row.proration else None,
        replaceables=row.replaceables or Decimal(0),
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        adjustment=row.adjustment or Decimal(0),
        edited_at=row.edited_at,
        entity_key=row.entity_key,
        balance_id=row.balance_id,
        shared_id=row.shared_id,
        rollover=ROLLOVER.validate_python(row.rollover) if row.rollover else None,
        rollover_of=row.rollover_of,
        pool_id=row.pool_id,
        pool_mode=PoolMode(row.pool_mode) if row.pool_mode else None,
    )


def _entry(row: sa.Row[Any]) -> GrantEntry:
    return GrantEntry(
        id=row.id,
        customer_key=row.customer_key,
        grant_id=row.grant_id,
        feature_id=row.feature_id,
        kind=EntryKind(row.kind),
        granted_change=row.granted_change,
        balance_change=row.balance_change,
        cause=row.cause,
        actor=row.actor,
        at=row.at,
        granted_after=row.granted_after,
        balance_after=row.balance_after,
        reason=row.reason,
        dates_before=DATES.validate_python(row.dates_before) if row.dates_before else None,
        number=row.number or 0,
        terms_after=TERMS.validate_python(row.terms_after) if row.terms_after else None,
    )
