"""Versions of plans: who holds which, what differs, what an edit would do (billing.md §16.1, dashboard.md §6.5)."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.plan_versions import (
    ChangedPlanBody,
    ConflictBody,
    DiffBody,
    DiffRequest,
    EditPreviewBody,
    HasCustomersBody,
    VersionsDiffBody,
)
from sumac.api.schemas.plans import HoldersBody, PlanBody, PlanChoice, PlanUpdate
from sumac.billing.holders import Holders, count_holders
from sumac.catalog import service as catalog
from sumac.catalog.rules.diff import compute_diff
from sumac.catalog.rules.versioning import EditKind
from sumac.organizations import service as organizations

router = OperationRouter("plans")


@router.operation("plans.has_customers", scope="plans:read")
async def has_customers(body: PlanChoice, context: Context) -> HasCustomersBody:
    """How many customers hold a plan, version by version; with `version` only that one."""
    async with context.reading() as work:
        versions = await catalog.list_versions(work, body.plan_id)
        if body.version is not None:
            versions = [await catalog.get_plan(work, body.plan_id, body.version)]
        return HasCustomersBody.of(versions, await count_holders(work, [body.plan_id]))


@router.operation("plans.diff", scope="plans:read")
async def diff_versions(body: DiffRequest, context: Context) -> VersionsDiffBody:
    """What differs between two versions of a plan: price, items and trial."""
    async with context.reading() as work:
        before = await catalog.get_plan(work, body.plan_id, body.from_version)
        after = await catalog.get_plan(work, body.plan_id, body.to_version)
        features = await catalog.features_by_id(work)
        currency = await organizations.default_currency(work)
    return VersionsDiffBody(
        plan_id=before.id,
        from_version=before.version,
        to_version=after.version,
        diff=DiffBody.of(compute_diff(before.terms, after.terms), features, currency),
    )


@router.operation("plans.preview_update", scope="plans:read")
async def preview_update(body: PlanUpdate, context: Context) -> EditPreviewBody:
    """What `plans.update` would do with the same body, without doing it: which version changes, and what of it."""
    async with context.reading() as work:
        before = await catalog.get_plan(work, body.plan_id, body.version)
        held = await context.services.billing.held_versions(work, before.id)
        edit = await catalog.propose_edit(work, before, body.changed(before), held_versions=held, how=body.versioning())
        features = await catalog.features_by_id(work)
        currency = await organizations.default_currency(work)
        holders = await count_holders(work, [before.id])
    env = context.tenant.env
    return EditPreviewBody(
        plan=PlanBody.of(edit.after, features, env, currency=currency),
        diff=DiffBody.of(edit.diff, features, currency),
        has_customers=before.version in held,
        will_version=edit.kind is EditKind.NEXT_VERSION,
        customers=HoldersBody.of(holders.get((before.id, before.version), Holders())),
        other_versions=[
            ChangedPlanBody(
                plan=PlanBody.of(each.after, features, env, currency=currency),
                diff=DiffBody.of(compute_diff(each.before.terms, each.after.terms), features, currency),
                conflicts=[ConflictBody.of(conflict) for conflict in each.conflicts],
                customers=HoldersBody.of(holders.get((before.id, each.before.version), Holders())),
            )
            for each in edit.others
        ],
    )
