"""Rows of migrations, and of the customer plans that each of them moves."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from sumac.billing.holders import IS_CUSTOM
from sumac.billing.migration_model import (
    Effect,
    Migration,
    MigrationDraft,
    MigrationStatus,
    MoveStatus,
    PlanMove,
    Progress,
)
from sumac.billing.store import LIVE
from sumac.core.page import Cursor
from sumac.core.tenant import Tenant
from sumac.storage.schema import customer_plans, plan_migrations, plan_moves
from sumac.storage.work import SystemWork, Work

EFFECT = TypeAdapter(Effect)
UNFINISHED = (MigrationStatus.RUNNING, MigrationStatus.PAUSED)
MIGRATIONS, MOVES, HELD = plan_migrations.c, plan_moves.c, customer_plans.c


async def add(work: Work, migration: Migration) -> None:
    """Adds a migration."""
    asked = migration.asked
    await work.insert(
        plan_migrations,
        id=migration.id,
        plan_id=asked.plan_id,
        to_version=asked.to_version,
        from_versions=None if asked.from_versions is None else list(asked.from_versions),
        customer_keys=None if asked.customer_keys is None else list(asked.customer_keys),
        include_custom=asked.include_custom,
        dry_run=asked.dry_run,
        created_at=migration.created_at,
        **_state(migration),
    )


async def save(work: Work, migration: Migration) -> None:
    """Writes how far it has come; one that runs is due at once."""
    await work.update(plan_migrations, MIGRATIONS.id == migration.id, values=_state(migration))


async def find(work: Work, migration_id: str, *, lock: bool = False, share: bool = False) -> Migration | None:
    """The migration, or None; locked until the work ends against everybody, or (`share`) against changes of it."""
    statement = work.select(plan_migrations).where(MIGRATIONS.id == migration_id)
    if lock or share:
        statement = statement.with_for_update(read=share)
    row = await work.find(statement)
    return None if row is None else _migration(row)


async def page(
    work: Work, plan_id: str | None, statuses: Collection[MigrationStatus], cursor: Cursor | None, limit: int
) -> list[Migration]:
    """Up to `limit` + 1 migrations, newest first, after the cursor."""
    statement = work.select(plan_migrations)
    if plan_id is not None:
        statement = statement.where(MIGRATIONS.plan_id == plan_id)
    if statuses:
        statement = statement.where(MIGRATIONS.status.in_(statuses))
    if cursor is not None:
        mark = sa.tuple_(sa.literal(cursor.created_at, MIGRATIONS.created_at.type), sa.literal(cursor.id))
        statement = statement.where(sa.tuple_(MIGRATIONS.created_at, MIGRATIONS.id) < mark)
    order = (MIGRATIONS.created_at.desc(), MIGRATIONS.id.desc())
    return [_migration(row) for row in await work.all(statement.order_by(*order).limit(limit + 1))]


async def unfinished(work: Work, plan_id: str) -> list[Migration]:
    """The plan's migrations that have begun and are not over, the oldest first."""
    statement = work.select(plan_migrations).where(MIGRATIONS.plan_id == plan_id, MIGRATIONS.status.in_(UNFINISHED))
    return [_migration(row) for row in await work.all(statement.order_by(MIGRATIONS.created_at, MIGRATIONS.id))]


async def running(system: SystemWork, now: datetime, limit: int) -> Sequence[tuple[Tenant, str]]:
    """Migrations of any tenant that run, the one that waits the longest first."""
    statement = sa.select(plan_migrations.c.tenant, MIGRATIONS.id).where(MIGRATIONS.next_at <= now)
    rows = await system.all(statement.order_by(MIGRATIONS.next_at, MIGRATIONS.id).limit(limit))
    return [(Tenant.from_key(row.tenant), row.id) for row in rows]


async def stand_back(work: Work, migration_id: str) -> None:
    """Lets the others that run go first."""
    where = (MIGRATIONS.id == migration_id, MIGRATIONS.next_at.is_not(None))
    await work.update(plan_migrations, *where, values={"next_at": work.now})


async def candidates(work: Work, asked: MigrationDraft, after: str | None, limit: int) -> list[tuple[str, str]]:
    """Customer plans that are asked for, as customer key and id, in the order of their ids, after one of them.

    Without versions they are all those that are not at the wanted one; with `include_custom`, as it is sold.
    """
    elsewhere = HELD.version != asked.to_version
    wanted = sa.or_(elsewhere, IS_CUSTOM) if asked.include_custom else elsewhere
    if asked.from_versions is not None:
        wanted = HELD.version.in_(asked.from_versions)
    statement = work.select_columns(customer_plans, HELD.customer_key, HELD.id)
    statement = statement.where(HELD.plan_id == asked.plan_id, HELD.status.in_(LIVE), wanted)
    if asked.customer_keys is not None:
        statement = statement.where(HELD.customer_key.in_(asked.customer_keys))
    if after is not None:
        statement = statement.where(HELD.id > after)
    return [(row.customer_key, row.id) for row in await work.all(statement.order_by(HELD.id).limit(limit))]


async def add_moves(work: Work, migration_id: str, found: Sequence[tuple[str, str]]) -> None:
    """Lists customer plans that are to be moved."""
    rows = [
        {
            "customer_key": customer_key,
            "migration_id": migration_id,
            "customer_plan_id": customer_plan_id,
            "status": MoveStatus.PENDING,
            "tries": 0,
        }
        for customer_key, customer_plan_id in found
    ]
    await work.insert_all(plan_moves, rows)


async def pending(work: Work, migration_id: str, limit: int) -> list[PlanMove]:
    """A batch of customer plans that are still to be moved, those that were tried the least first."""
    statement = work.select(plan_moves).where(MOVES.migration_id == migration_id, MOVES.status == MoveStatus.PENDING)
    return [_move(row) for row in await work.all(statement.order_by(MOVES.tries, MOVES.customer_plan_id).limit(limit))]


async def claim(work: Work, move: PlanMove) -> bool:
    """Whether it is still to be moved, and by this work: it is locked until the work ends."""
    statement = work.select(plan_moves).where(*_same(move), MOVES.status == MoveStatus.PENDING)
    return await work.find(statement.with_for_update(skip_locked=True)) is not None


async def finish(work: Work, move: PlanMove) -> None:
    """Writes what became of it, unless that is written already."""
    values = {
        "status": move.status,
        "reason": move.reason,
        "tries": move.tries,
        "effect": None if move.effect is None else EFFECT.dump_python(move.effect, mode="json"),
        "finished_at": move.finished_at,
    }
    await work.update(plan_moves, *_same(move), MOVES.status == MoveStatus.PENDING, values=values)


async def retry(work: Work, migration_id: str, statuses: Collection[MoveStatus]) -> int:
    """Those that were skipped or failed are to be moved again; answers how many."""
    again = {"status": MoveStatus.PENDING, "reason": None, "tries": 0, "effect": None, "finished_at": None}
    where = (MOVES.migration_id == migration_id, MOVES.status.in_(statuses))
    return await work.update(plan_moves, *where, values=again)


async def progress(work: Work, migration_id: str) -> Progress:
    """How many have come how far."""
    statement = work.select_columns(plan_moves, MOVES.status, sa.func.count().label("customer_plans"))
    rows = await work.all(statement.where(MOVES.migration_id == migration_id).group_by(MOVES.status))
    return Progress(**{row.status: row.customer_plans for row in rows})


async def report(
    work: Work, migration_id: str, statuses: Collection[MoveStatus], after: str | None, limit: int
) -> list[PlanMove]:
    """Up to `limit` + 1 of them, in the order in which they are moved, after one of them."""
    statement = work.select(plan_moves).where(MOVES.migration_id == migration_id)
    if statuses:
        statement = statement.where(MOVES.status.in_(statuses))
    if after is not None:
        statement = statement.where(MOVES.customer_plan_id > after)
    return [_move(row) for row in await work.all(statement.order_by(MOVES.customer_plan_id).limit(limit + 1))]


def _same(move: PlanMove) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        MOVES.customer_key == move.customer_key,
        MOVES.migration_id == move.migration_id,
        MOVES.customer_plan_id == move.customer_plan_id,
    )


def _state(migration: Migration) -> dict[str, Any]:
    return {
        "status": migration.status,
        "actor": migration.actor,
        "listed_after": migration.listed_after,
        "listed_at": migration.listed_at,
        "next_at": migration.started_at if migration.status is MigrationStatus.RUNNING else None,
        "started_at": migration.started_at,
        "finished_at": migration.finished_at,
    }


def _migration(row: sa.Row[Any]) -> Migration:
    return Migration(
        id=row.id,
        asked=MigrationDraft(
            plan_id=row.plan_id,
            to_version=row.to_version,
            from_versions=None if row.from_versions is None else tuple(row.from_versions),
            customer_keys=None if row.customer_keys is None else tuple(row.customer_keys),
            include_custom=row.include_custom,
            dry_run=row.dry_run,
        ),
        status=MigrationStatus(row.status),
        actor=row.actor,
        created_at=row.created_at,
        listed_after=row.listed_after,
        listed_at=row.listed_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _move(row: sa.Row[Any]) -> PlanMove:
    return PlanMove(
        migration_id=row.migration_id,
        customer_key=row.customer_key,
        customer_plan_id=row.customer_plan_id,
        status=MoveStatus(row.status),
        reason=row.reason,
        tries=row.tries,
        effect=None if row.effect is None else EFFECT.validate_python(row.effect),
        finished_at=row.finished_at,
    )
