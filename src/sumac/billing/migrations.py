"""Moves the customers of a plan from one version to another, one after the other, however often it is cut short.

What is to be done is in rows: a migration first lists the customer plans it is about, batch by batch, then moves each
in a transaction of its own, in which the plan goes on and its row is finished. Whoever dies in between leaves a row
that is still pending; whoever works beside somebody else leaves alone what that one has locked. A customer who cannot
be moved holds up no other (billing.md §16.2, decision 0022).
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import structlog

from sumac.billing import migration_store, store
from sumac.billing.collect import require_ready, work_off
from sumac.billing.execute import apply
from sumac.billing.load import load_snapshot, plan_in
from sumac.billing.migration_model import (
    Migration,
    MigrationDraft,
    MigrationStatus,
    MoveStatus,
    PlanMove,
    Progress,
    SkipReason,
)
from sumac.billing.rules.migrate import Move, compute_effect, decide_move, find_obstacle
from sumac.billing.service import BillingService
from sumac.catalog import service as catalog
from sumac.core.errors import BadRequest, Conflict, Locked, NotFound, SumacError
from sumac.core.ids import new_id
from sumac.core.page import Cursor, Page, page_of
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.storage.database import Database
from sumac.storage.work import Work

log = structlog.get_logger("sumac.billing")

MIGRATIONS_AT_ONCE = 10
LISTED_AT_ONCE = 1_000
MOVED_AT_ONCE = 100
# A customer with whom something else is going on is tried again about every second.
TRIES_MAX = 100


@dataclass(frozen=True, slots=True)
class Begun:
    """A migration, and how far it has come."""

    migration: Migration
    progress: Progress


class MigrationDesk:
    """The migrations of every tenant."""

    def __init__(self, database: Database, billing: BillingService) -> None:
        self._database = database
        self._billing = billing

    async def create(self, work: Work, asked: MigrationDraft, *, actor: str) -> Migration:
        """A draft, which nobody notices yet. Raises NotFound for an unknown version, BadRequest for moving nobody."""
        for version in (asked.to_version, *(asked.from_versions or ())):
            await catalog.get_plan(work, asked.plan_id, version)
        if asked.to_version in (asked.from_versions or ()) and not asked.include_custom:
            message = f"from_versions: who is on version {asked.to_version} is there already"
            raise BadRequest(message)
        made = Migration(new_id("mig", now=work.now), asked, MigrationStatus.DRAFT, actor, work.now)
        await migration_store.add(work, made)
        return made

    async def run(self, work: Work, migration_id: str) -> Migration:
        """A draft begins to run, a paused one goes on, as jobs get to it; one that runs already does so.

        Raises NotFound, Conflict when it is over, `migration_already_in_progress` while another one of the plan runs.
        """
        found = await self._locked(work, migration_id)
        if found.status is MigrationStatus.RUNNING:
            return found
        if found.status is MigrationStatus.COMPLETED:
            message = f"Migration {migration_id} is completed; retry what failed, or create another one"
            raise Conflict(message)
        await work.lock(f"migrations:{found.asked.plan_id}")
        for other in await migration_store.unfinished(work, found.asked.plan_id):
            if other.id != found.id and other.status is MigrationStatus.RUNNING:
                message = f"Migration {other.id} of plan {found.asked.plan_id} is running; wait for it, or pause it"
                raise Conflict(message, code="migration_already_in_progress")
        started_at = found.started_at or work.now
        return await self._saved(work, replace(found, status=MigrationStatus.RUNNING, started_at=started_at))

    async def pause(self, work: Work, migration_id: str) -> Migration:
        """It stops: once this is answered nobody is moved any more. Raises NotFound, Conflict where it does not run."""
        found = await self._locked(work, migration_id)
        if found.status not in {MigrationStatus.RUNNING, MigrationStatus.PAUSED}:
            message = f"Migration {migration_id} is {found.status}; there is nothing to pause"
            raise Conflict(message)
        return await self._saved(work, replace(found, status=MigrationStatus.PAUSED))

    async def retry(self, work: Work, migration_id: str, statuses: Collection[MoveStatus]) -> Migration:
        """Whoever failed or was skipped is tried again. Raises NotFound, Conflict `migration_already_in_progress`."""
        found = await self._locked(work, migration_id)
        if await migration_store.retry(work, migration_id, statuses) and found.status is MigrationStatus.COMPLETED:
            await self._saved(work, replace(found, status=MigrationStatus.PAUSED, finished_at=None))
            return await self.run(work, migration_id)
        return found

    async def get(self, work: Work, migration_id: str) -> Begun:
        """The migration and how far it has come. Raises NotFound `migration_not_found`."""
        found = _found(await migration_store.find(work, migration_id), migration_id)
        return Begun(found, await migration_store.progress(work, migration_id))

    async def list_page(
        self,
        work: Work,
        plan_id: str | None,
        statuses: Collection[MigrationStatus],
        *,
        cursor: Cursor | None,
        limit: int,
    ) -> Page[Begun]:
        """Migrations, newest first."""
        rows = await migration_store.page(work, plan_id, statuses, cursor, limit)
        page = page_of(rows, limit, lambda row: Cursor(row.id, row.created_at))
        begun = [Begun(each, await migration_store.progress(work, each.id)) for each in page.items]
        return Page(begun, page.next_cursor)

    async def report(
        self,
        work: Work,
        migration_id: str,
        statuses: Collection[MoveStatus],
        *,
        cursor: Cursor | None,
        limit: int,
    ) -> Page[PlanMove]:
        """What became of each customer plan, in the order in which they are moved. Raises NotFound."""
        found = _found(await migration_store.find(work, migration_id), migration_id)
        rows = await migration_store.report(work, migration_id, statuses, cursor.id if cursor else None, limit)
        return page_of(rows, limit, lambda row: Cursor(row.customer_plan_id, found.created_at))

    async def preview(self, tenant: Tenant, migration_id: str, *, cursor: Cursor | None, limit: int) -> Page[PlanMove]:
        """What would become, as things stand, of each customer plan that it is about: the same decision, not done."""
        async with self._database.reading(tenant) as work:
            migration = _found(await migration_store.find(work, migration_id), migration_id)
            after = cursor.id if cursor else None
            rows = await migration_store.candidates(work, migration.asked, after, limit + 1)
        page = page_of(rows, limit, lambda row: Cursor(row[1], migration.created_at))
        foreseen = [await self._foresee(tenant, migration, PlanMove(migration_id, *row)) for row in page.items]
        return Page(foreseen, page.next_cursor)

    async def carry_on(self) -> int:
        """Lists or moves a batch of every migration that runs; answers how many customer plans, or batches."""
        async with self._database.system_reading() as system:
            due = await migration_store.running(system, system.now, MIGRATIONS_AT_ONCE)
        return await work_off("migration_failed", due, self._step)

    async def _step(self, tenant: Tenant, migration_id: str) -> bool:
        async with self._database.reading(tenant) as work:
            migration = _found(await migration_store.find(work, migration_id), migration_id)
            waiting = await migration_store.pending(work, migration_id, MOVED_AT_ONCE) if migration.listed_at else []
        if migration.listed_at is None:
            return await self._list(tenant, migration_id)
        if not waiting:
            return await self._complete(tenant, migration_id)
        moved = any([await self._move(tenant, migration, each) for each in waiting])
        async with self._database.work(tenant) as work:
            await migration_store.stand_back(work, migration_id)
        return moved

    async def _list(self, tenant: Tenant, migration_id: str) -> bool:
        async with self._database.work(tenant) as work:
            migration = await self._locked(work, migration_id)
            if migration.status is not MigrationStatus.RUNNING or migration.listed_at is not None:
                return False
            found = await migration_store.candidates(work, migration.asked, migration.listed_after, LISTED_AT_ONCE)
            await migration_store.add_moves(work, migration_id, found)
            listed_after = found[-1][1] if found else migration.listed_after
            listed_at = work.now if len(found) < LISTED_AT_ONCE else None
            await self._saved(work, replace(migration, listed_after=listed_after, listed_at=listed_at))
        return True

    async def _complete(self, tenant: Tenant, migration_id: str) -> bool:
        async with self._database.work(tenant) as work:
            migration = await self._locked(work, migration_id)
            if migration.status is not MigrationStatus.RUNNING or await migration_store.pending(work, migration_id, 1):
                return False
            await self._saved(work, replace(migration, status=MigrationStatus.COMPLETED, finished_at=work.now))
        return True

    async def _move(self, tenant: Tenant, migration: Migration, move: PlanMove) -> bool:
        """Moves one customer plan; False where it is left for later, or to somebody else."""
        try:
            return await self._billing.due.settled(tenant, lambda: self._move_now(tenant, migration, move))
        except Locked as busy:
            return await self._put_off(tenant, move, busy.message)
        except SumacError as refused:
            await self._finish(tenant, replace(move, status=MoveStatus.FAILED, reason=refused.message))
            return True
        except Exception:
            log.exception("migration_move_failed", tenant=tenant.key, item=move.customer_plan_id)
            return await self._put_off(tenant, move, "Something went wrong on our side; try again")

    async def _move_now(self, tenant: Tenant, migration: Migration, move: PlanMove) -> bool:
        async with self._database.work(tenant) as work:
            customer = await customers.find_free(work, move.customer_key)
            standing = await migration_store.find(work, migration.id, share=True)
            if customer is None or standing is None or standing.status is not MigrationStatus.RUNNING:
                return False
            if not await migration_store.claim(work, move):
                return False
            await require_ready(work, customer)
            done, moved = await _decide(work, customer, migration, move)
            if moved is not None and not migration.asked.dry_run:
                now = customer.now(work.now)
                await apply(work, customer, moved.decision, at=now, actor=migration.actor)
            await migration_store.finish(work, replace(done, finished_at=work.now))
        return True

    async def _put_off(self, tenant: Tenant, move: PlanMove, reason: str) -> bool:
        tried = replace(move, tries=move.tries + 1)
        over = tried.tries >= TRIES_MAX
        await self._finish(tenant, replace(tried, status=MoveStatus.FAILED, reason=reason) if over else tried)
        return over

    async def _finish(self, tenant: Tenant, move: PlanMove) -> None:
        async with self._database.work(tenant) as work:
            over = move.status is not MoveStatus.PENDING
            await migration_store.finish(work, replace(move, finished_at=work.now if over else None))

    async def _foresee(self, tenant: Tenant, migration: Migration, move: PlanMove) -> PlanMove:
        await self._billing.due.settle(tenant, move.customer_key)
        async with self._database.reading(tenant) as work:
            customer = await customers.get_by_key(work, move.customer_key)
            try:
                return (await _decide(work, customer, migration, move))[0]
            except SumacError as refused:
                return replace(move, status=MoveStatus.FAILED, reason=refused.message)

    async def _locked(self, work: Work, migration_id: str) -> Migration:
        return _found(await migration_store.find(work, migration_id, lock=True), migration_id)

    async def _saved(self, work: Work, migration: Migration) -> Migration:
        await migration_store.save(work, migration)
        return migration


async def _decide(work: Work, customer: Customer, migration: Migration, move: PlanMove) -> tuple[PlanMove, Move | None]:
    """What becomes of one customer plan, and the move where it is one. Raises BadRequest where it is not possible."""
    asked = migration.asked
    if await store.waiting_attempts(work, customer.key):
        return replace(move, status=MoveStatus.SKIPPED, reason=SkipReason.CHANGE_PENDING), None
    snapshot = await load_snapshot(work, customer)
    target = next((each for each in snapshot.everywhere if each.held.id == move.customer_plan_id), None)
    target = target or next((each for each in snapshot.paused if each.held.id == move.customer_plan_id), None)
    obstacle = find_obstacle(target, asked.to_version, include_custom=asked.include_custom)
    if target is None or obstacle is not None:
        return replace(move, status=MoveStatus.SKIPPED, reason=obstacle), None
    plan = await catalog.get_plan(work, asked.plan_id, asked.to_version)
    sold = await plan_in(work, snapshot.currency, plan)
    moved = decide_move(snapshot.scoped(target.held.entity_key), target, sold, now=customer.now(work.now))
    return replace(move, status=MoveStatus.MOVED, effect=compute_effect(snapshot, moved)), moved


def _found(migration: Migration | None, migration_id: str) -> Migration:
    if migration is None:
        message = f"Migration {migration_id} not found"
        raise NotFound(message, code="migration_not_found")
    return migration
