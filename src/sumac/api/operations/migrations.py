"""migrations.*: customers of a plan are moved to another version (billing.md §16.2, dashboard.md §6.5, §7.3)."""

from collections.abc import Sequence

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.migrations import (
    MigrationBody,
    MigrationChoice,
    MigrationCreate,
    MigrationList,
    MigrationListRequest,
    MigrationPreviewRequest,
    MigrationReportRequest,
    MigrationRetry,
    MoveList,
)
from sumac.billing.migration_model import MigrationDraft, PlanMove
from sumac.billing.migrations import Begun
from sumac.catalog import service as catalog
from sumac.core.page import Page
from sumac.customers import entities
from sumac.customers import service as customers
from sumac.storage.work import Work

router = OperationRouter("migrations")


@router.operation("migrations.create", scope="migrations:write")
async def create_migration(body: MigrationCreate, context: Context) -> MigrationBody:
    """A draft of moving customers to a version of their plan. Nobody is moved before `migrations.run`.

    All usage goes along, balances are those of the new version at once, the new price counts from the next renewal, and
    what was used beyond the old units is on that invoice at the old price.
    """
    async with context.work() as work:
        plan = await catalog.get_plan(work, body.plan_id, body.to_version)
        named = [(await customers.get(work, each)).key for each in dict.fromkeys(body.customer_ids or ())]
        asked = MigrationDraft(
            plan_id=plan.id,
            to_version=plan.version,
            from_versions=None if body.from_versions is None else tuple(dict.fromkeys(body.from_versions)),
            customer_keys=tuple(named) if body.customer_ids is not None else None,
            include_custom=body.include_custom,
            dry_run=body.dry_run,
        )
        made = await context.services.migrations.create(work, asked, actor=context.actor)
        return await _body(work, context, made.id)


@router.operation("migrations.preview", scope="migrations:read")
async def preview_migration(body: MigrationPreviewRequest, context: Context) -> MoveList:
    """What would become of each customer as things stand, page by page: who pays what, which balances change."""
    page = await context.services.migrations.preview(
        context.tenant, body.migration_id, cursor=body.cursor(), limit=body.limit
    )
    async with context.reading() as work:
        return await _moves(work, page)


@router.operation("migrations.run", scope="migrations:write")
async def run_migration(body: MigrationChoice, context: Context) -> MigrationBody:
    """Begins to move the customers, in the background. One migration of a plan runs at a time."""
    return await _run(body, context)


@router.operation("migrations.resume", scope="migrations:write")
async def resume_migration(body: MigrationChoice, context: Context) -> MigrationBody:
    """Goes on with a migration that was paused, where it was."""
    return await _run(body, context)


@router.operation("migrations.pause", scope="migrations:write")
async def pause_migration(body: MigrationChoice, context: Context) -> MigrationBody:
    """Stops moving customers: once this is answered nobody is moved before it is resumed."""
    async with context.work() as work:
        await context.services.migrations.pause(work, body.migration_id)
        return await _body(work, context, body.migration_id)


@router.operation("migrations.retry", scope="migrations:write")
async def retry_migration(body: MigrationRetry, context: Context) -> MigrationBody:
    """Has those looked at again who failed, or were skipped; a completed migration runs again for them."""
    async with context.work() as work:
        await context.services.migrations.retry(work, body.migration_id, body.chosen())
        return await _body(work, context, body.migration_id)


@router.operation("migrations.get", scope="migrations:read")
async def get_migration(body: MigrationChoice, context: Context) -> MigrationBody:
    """One migration, and how far it has come."""
    async with context.reading() as work:
        return await _body(work, context, body.migration_id)


@router.operation("migrations.list", scope="migrations:read")
async def list_migrations(body: MigrationListRequest, context: Context) -> MigrationList:
    """Migrations and how far they have come, newest first."""
    async with context.reading() as work:
        page = await context.services.migrations.list_page(
            work, body.plan_id, body.chosen(), cursor=body.cursor(), limit=body.limit
        )
        return MigrationList(list=await _bodies(work, page.items), next_cursor=page.next_cursor)


@router.operation("migrations.report", scope="migrations:read")
async def report_migration(body: MigrationReportRequest, context: Context) -> MoveList:
    """What became of each customer, page by page: moved, skipped or failed, why, and what it came to."""
    async with context.reading() as work:
        page = await context.services.migrations.report(
            work, body.migration_id, body.chosen(), cursor=body.cursor(), limit=body.limit
        )
        return await _moves(work, page)


async def _run(body: MigrationChoice, context: Context) -> MigrationBody:
    async with context.work() as work:
        await context.services.migrations.run(work, body.migration_id)
        return await _body(work, context, body.migration_id)


async def _body(work: Work, context: Context, migration_id: str) -> MigrationBody:
    (body,) = await _bodies(work, [await context.services.migrations.get(work, migration_id)])
    return body


async def _bodies(work: Work, begun: Sequence[Begun]) -> list[MigrationBody]:
    keys = {key for each in begun for key in each.migration.asked.customer_keys or ()}
    named = await customers.get_by_keys(work, keys)
    return [MigrationBody.of(each, named) for each in begun]


async def _moves(work: Work, page: Page[PlanMove]) -> MoveList:
    owners = await customers.get_by_keys(work, {each.customer_key for each in page.items})
    effects = [each.effect for each in page.items if each.effect is not None]
    keys = {units.entity_key for effect in effects for units in effect.units if units.entity_key is not None}
    return MoveList.of(page, owners, await entities.get_by_keys(work, keys))
