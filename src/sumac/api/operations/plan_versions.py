"""Versions and variants of plans: who holds which, what differs, what an edit would do (billing.md §16)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.operations.plans import held_of, wanted_plan
from sumac.api.schemas.plan_versions import (
    ChangedPlanBody,
    ConflictBody,
    DiffBody,
    DiffRequest,
    EditPreviewBody,
    HasCustomersBody,
    VariantCreate,
    VariantPreviewBody,
    VersionsDiffBody,
)
from sumac.api.schemas.plans import HoldersBody, PlanBody, PlanChoice, PlanUpdate
from sumac.billing.holders import Holders, count_holders
from sumac.catalog import service as catalog
from sumac.catalog import variants
from sumac.catalog.model import Feature, Plan
from sumac.catalog.rules.diff import Conflict, compute_diff
from sumac.catalog.rules.variants import choose_variants
from sumac.catalog.rules.versioning import EditKind
from sumac.core.tenant import Env
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


@router.operation("plans.create_variant", scope="plans:write")
async def create_variant(body: VariantCreate, context: Context) -> PlanBody:
    """Adds a variant of a plan: a plan of its own with the same price, items and trial, under another name.

    Later changes of the base reach it where `plans.update` names it in `update_variant_ids`.
    """
    async with context.work() as work:
        made = await variants.create_variant(work, body.base_plan_id, body.variant_plan_id, body.name)
        features = await catalog.features_by_id(work)
        currency = await organizations.default_currency(work)
    return PlanBody.of(made, features, context.tenant.env, currency=currency)


@router.operation("plans.preview_update", scope="plans:read")
async def preview_update(body: PlanUpdate, context: Context) -> EditPreviewBody:
    """What `plans.update` would do with the same body, without doing it: which versions and variants change, and how.

    Every variant is shown as the change would leave it, with what does not fit; only those that are named change.
    """
    async with context.reading() as work:
        before = await catalog.get_plan(work, body.plan_id, body.version)
        wanted, how = await wanted_plan(work, body, before), body.versioning()
        held = await held_of(work, context, before.id)
        edit = await catalog.propose_edit(work, before, wanted, held_versions=held[before.id], how=how)
        choose_variants(before, await variants.list_variants(work, before.id), body.update_variant_ids or ())
        along = await variants.propose_variants(work, edit, held_versions=held, how=how)
        shown = _Shown(
            context.tenant.env,
            await catalog.features_by_id(work),
            await organizations.default_currency(work),
            await count_holders(work, list(held)),
        )
    return EditPreviewBody(
        plan=shown.plan(edit.after),
        diff=DiffBody.of(edit.diff, shown.features, shown.currency),
        has_customers=before.version in held[before.id],
        will_version=edit.kind is EditKind.NEXT_VERSION,
        customers=shown.customers(before),
        other_versions=[
            ChangedPlanBody(**shown.changed(each.before, each.after, each.conflicts)) for each in edit.others
        ],
        variants=[
            VariantPreviewBody(
                **shown.changed(each.edit.before, each.edit.after, each.conflicts),
                selected=each.edit.before.id in (body.update_variant_ids or ()),
                will_version=each.edit.kind is EditKind.NEXT_VERSION,
            )
            for each in along
        ],
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    """How plans are shown: in which environment and currency, with which features, and who holds them."""

    env: Env
    features: Mapping[str, Feature]
    currency: str
    holders: Mapping[tuple[str, int], Holders]

    def plan(self, plan: Plan) -> PlanBody:
        return PlanBody.of(plan, self.features, self.env, currency=self.currency)

    def customers(self, plan: Plan) -> HoldersBody:
        return HoldersBody.of(self.holders.get((plan.id, plan.version), Holders()))

    def changed(self, before: Plan, after: Plan, conflicts: Sequence[Conflict]) -> dict[str, Any]:
        return {
            "plan": self.plan(after),
            "diff": DiffBody.of(compute_diff(before.terms, after.terms), self.features, self.currency),
            "conflicts": [ConflictBody.of(each) for each in conflicts],
            "customers": self.customers(before),
        }
