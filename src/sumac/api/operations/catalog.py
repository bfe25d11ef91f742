"""catalog.*: the whole catalogue at once, as the command lines push it (clients.md §5)."""

from collections.abc import Mapping, Sequence

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.catalog import (
    CatalogBody,
    CatalogPreview,
    CatalogUpdate,
    FeatureChangeBody,
    PlanChangeBody,
    RewardChangeBody,
)
from sumac.api.schemas.features import FeatureBody
from sumac.api.schemas.plans import PlanBody
from sumac.billing.publishing import Catalog, Changes, publish, read_catalog
from sumac.catalog.model import Feature, Plan
from sumac.organizations import service as organizations
from sumac.rewards.publishing import RewardChange, read_rewards
from sumac.rewards.publishing import publish as publish_rewards
from sumac.storage.work import Work

router = OperationRouter("catalog")


@router.operation("catalog.preview_update", scope="plans:write")
async def preview_catalog(body: CatalogUpdate, context: Context) -> CatalogPreview:
    """What catalog.update would do with the same body: which versions it makes, who stays on the one before, what goes.

    It is carried out and taken back, so that it is refused wherever the update would be.
    """
    _require_scopes(body, context)
    async with context.rehearsal() as work:
        stored = await read_catalog(work)
        changes = await publish(work, stored, body.publication(stored, work.now))
        rewards = await _publish_rewards(work, body)
        features = {**stored.features, **(await read_catalog(work)).features}
        return await _preview(work, context, changes, rewards, features)


@router.operation("catalog.update", scope="plans:write")
async def update_catalog(body: CatalogUpdate, context: Context) -> CatalogBody:
    """Makes the catalogue as the body says, all of it or nothing.

    A changed price, item or trial of a version that customers hold makes the next version. What the body does not name
    is removed; plans that customers hold or have held, and features that are still used, are archived instead. Rewards
    are touched only where the body has a list of them.
    """
    _require_scopes(body, context)
    async with context.work() as work:
        stored = await read_catalog(work)
        await publish(work, stored, body.publication(stored, work.now))
        await _publish_rewards(work, body)
        return await _catalog(work, context, await read_catalog(work))


def _require_scopes(body: CatalogUpdate, context: Context) -> None:
    """Raises Forbidden for a caller who may change plans only, unless no feature and no reward is touched."""
    if body.features or not body.skip_deletions:
        context.require("features:write")
    if body.rewards is not None:
        context.require("rewards:write")


async def _publish_rewards(work: Work, body: CatalogUpdate) -> Sequence[RewardChange]:
    if body.rewards is None:
        return ()
    stored = await read_rewards(work)
    wanted = body.wanted_rewards(stored, await organizations.default_currency(work), work.now)
    return await publish_rewards(work, stored, wanted, removes_others=not body.skip_deletions)


async def _preview(
    work: Work,
    context: Context,
    changes: Changes,
    rewards: Sequence[RewardChange],
    features: Mapping[str, Feature],
) -> CatalogPreview:
    currency = await organizations.default_currency(work)

    def shown(plan: Plan | None) -> PlanBody | None:
        return None if plan is None else PlanBody.of(plan, features, context.tenant.env, currency=currency)

    return CatalogPreview(
        feature_changes=[FeatureChangeBody.of(change) for change in changes.features],
        plan_changes=[PlanChangeBody.of(change, shown(change.after)) for change in changes.plans],
        reward_changes=[RewardChangeBody.of(change) for change in rewards],
        referral_program_changes=[],
    )


async def _catalog(work: Work, context: Context, catalog: Catalog) -> CatalogBody:
    currency = await organizations.default_currency(work)
    return CatalogBody(
        features=[FeatureBody.of(feature) for feature in catalog.features.values()],
        plans=[
            PlanBody.of(plan, catalog.features, context.tenant.env, currency=currency)
            for plan in catalog.plans.values()
        ],
    )
