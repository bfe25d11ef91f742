"""plans.* (api.md §2.2)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.expand import check_expand
from sumac.api.schemas.plans import (
    EXPAND,
    PlanBody,
    PlanChoice,
    PlanCreate,
    PlanDelete,
    PlanList,
    PlanListRequest,
    PlanUpdate,
)
from sumac.api.schemas.wire import Success
from sumac.billing.holders import Holders, count_holders
from sumac.billing.load import held_currencies
from sumac.billing.migration_model import MigrationDraft
from sumac.billing.offers import eligibility, offers_to
from sumac.catalog import service as catalog
from sumac.catalog import variants
from sumac.catalog.model import Plan
from sumac.customers import entities
from sumac.customers import service as customers
from sumac.organizations import service as organizations
from sumac.rewards import programs
from sumac.storage.work import Work

router = OperationRouter("plans")


@router.operation("plans.create", scope="plans:write")
async def create_plan(body: PlanCreate, context: Context) -> PlanBody:
    """Adds a plan: a price of its own, and items that say how much of each feature is included and what more costs."""
    async with context.work() as work:
        return await _body(work, context, await catalog.create_plan(work, body.draft(work.now)))


@router.operation("plans.get", scope="plans:read")
async def get_plan(body: PlanChoice, context: Context) -> PlanBody:
    """One plan, at its active version unless another one is named; `expand: ["customers"]` counts who holds it."""
    expand = check_expand(body.expand, EXPAND)
    async with context.reading() as work:
        return await _body(work, context, await catalog.get_plan(work, body.plan_id, body.version), expand)


@router.operation("plans.list", scope="plans:read")
async def list_plans(body: PlanListRequest, context: Context) -> PlanList:
    """The plans, oldest first, at their active version or at all of them.

    With a customer each says what attaching it would mean for them; `expand: ["customers"]` counts who holds it.
    """
    expand = check_expand(body.expand, EXPAND)
    async with context.reading() as work:
        plans = await catalog.list_plans(
            work,
            include_archived=bool(body.include_archived),
            all_versions=bool(body.all_versions),
        )
        features = await catalog.features_by_id(work)
        customer = await customers.get(work, body.customer_id) if body.customer_id else None
        offers = await offers_to(work, customer, plans)
        entity_key = None
        if body.entity_id is not None and customer is not None:
            entity_key = (await entities.get(work, body.entity_id, customer.key)).key
        known = await eligibility(work, customer, offers, entity_key=entity_key) if customer else {}
        counted = await _holders(work, [offer.plan for offer in offers], expand)
        return PlanList(
            list=[
                PlanBody.of(
                    offer.plan,
                    features,
                    context.tenant.env,
                    currency=offer.currency,
                    expand="items.feature" in expand,
                    eligibility=known.get((offer.plan.id, offer.plan.version)),
                    holders=counted.get((offer.plan.id, offer.plan.version)),
                )
                for offer in offers
            ],
        )


@router.operation("plans.update", scope="plans:write", twins=("POST /products/{plan_id}",))
async def update_plan(body: PlanUpdate, context: Context) -> PlanBody:
    """Changes a plan. A changed price, item or trial of a version that customers hold makes the next version.

    Whoever holds an older version keeps it. `force_version` always makes the next version, `disable_version` changes
    the one that is held in place, `all_versions` makes the same change to every version in place. The next version is
    the active one, which new customers get; `active: true` with `version` makes it another one. With `migration` the
    customers of the older versions are moved to the new one. `update_variant_ids` makes the same change to variants of
    the plan, `base_plan_id` makes it a variant of another one, or of none.
    """
    async with context.work() as work:
        before = await catalog.get_plan(work, body.plan_id, body.version)
        wanted, how = await wanted_plan(work, body, before), body.versioning()
        if wanted.id != before.id:
            await programs.check_unlisted(work, before.id)
        held = await held_of(work, context, before.id)
        edit = await catalog.propose_edit(work, before, wanted, held_versions=held[before.id], how=how)
        after = await catalog.update_plan(
            work,
            before,
            wanted,
            held_versions=held[before.id],
            held_currencies=await held_currencies(work, before.id),
            how=how,
        )
        if body.update_variant_ids:
            sold = {each: await held_currencies(work, each) for each in held if each in body.update_variant_ids}
            await variants.update_variants(
                work,
                replace(edit, after=after),
                body.update_variant_ids,
                held_versions=held,
                held_currencies=sold,
                how=how,
            )
        if body.migration is not None and after.version != before.version:
            asked = MigrationDraft(after.id, after.version, include_custom=body.migration.include_custom)
            made = await context.services.migrations.create(work, asked, actor=context.actor)
            if not body.migration.draft:
                await context.services.migrations.run(work, made.id)
        return await _body(work, context, after)


@router.operation("plans.delete", scope="plans:write", twins=("DELETE /products/{plan_id}",))
async def delete_plan(body: PlanDelete, context: Context) -> Success:
    """Removes the newest version of a plan, or all of them, unless customers hold or have held it."""
    async with context.work() as work:
        held = await context.services.billing.held_versions(work, body.plan_id)
        await catalog.delete_plan(work, body.plan_id, all_versions=body.all_versions, held_versions=held)
    return Success(success=True)


async def wanted_plan(work: Work, body: PlanUpdate, before: Plan) -> Plan:
    """The plan as it is to be, linked to its base where that is said. Raises what linking it raises."""
    linked = before
    if "base_plan_id" in body.model_fields_set:
        linked = await variants.link(work, before, body.base_plan_id)
    return body.changed(linked)


async def held_of(work: Work, context: Context, plan_id: str) -> Mapping[str, Collection[int]]:
    """The versions that customers hold or have held, of the plan and of each of its variants."""
    named = [plan_id, *(each.id for each in await variants.list_variants(work, plan_id))]
    return {each: await context.services.billing.held_versions(work, each) for each in named}


async def _body(work: Work, context: Context, plan: Plan, expand: Collection[str] = ()) -> PlanBody:
    features = await catalog.features_by_id(work)
    return PlanBody.of(
        plan,
        features,
        context.tenant.env,
        currency=await organizations.default_currency(work),
        expand="items.feature" in expand,
        holders=(await _holders(work, [plan], expand)).get((plan.id, plan.version)),
    )


async def _holders(work: Work, plans: Sequence[Plan], expand: Collection[str]) -> Mapping[tuple[str, int], Holders]:
    """Who holds each of the plans, where that is to be shown."""
    if "customers" not in expand:
        return {}
    found = await count_holders(work, {plan.id for plan in plans})
    return {(plan.id, plan.version): found.get((plan.id, plan.version), Holders()) for plan in plans}
