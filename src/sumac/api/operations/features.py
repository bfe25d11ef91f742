"""features.* (api.md §2.3)."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.features import FeatureBody, FeatureChoice, FeatureCreate, FeatureList, FeatureUpdate
from sumac.api.schemas.wire import Success
from sumac.billing.holders import features_of_own_terms
from sumac.catalog import service as catalog

router = OperationRouter("features")


@router.operation("features.create", scope="features:write")
async def create_feature(body: FeatureCreate, context: Context) -> FeatureBody:
    """Adds a feature: a flag, something metered, or credits that pay for metered features."""
    async with context.work() as work:
        return FeatureBody.of(await catalog.create_feature(work, body.draft(work.now)))


@router.operation("features.get", scope="features:read")
async def get_feature(body: FeatureChoice, context: Context) -> FeatureBody:
    """One feature."""
    async with context.reading() as work:
        return FeatureBody.of(await catalog.get_feature(work, body.feature_id))


@router.operation("features.list", scope="features:read")
async def list_features(context: Context) -> FeatureList:
    """Every feature, oldest first."""
    async with context.reading() as work:
        return FeatureList(list=[FeatureBody.of(feature) for feature in await catalog.list_features(work)])


@router.operation("features.update", scope="features:write", twins=("POST /features/{feature_id}",))
async def update_feature(body: FeatureUpdate, context: Context) -> FeatureBody:
    """Changes a feature. While plans or credit systems use it, its id, type and consumable stay."""
    async with context.work() as work:
        before = await catalog.get_feature(work, body.feature_id)
        named = await features_of_own_terms(work)
        return FeatureBody.of(await catalog.update_feature(work, before.id, body.changed(before), named=named))


@router.operation("features.delete", scope="features:write", twins=("DELETE /features/{feature_id}",))
async def delete_feature(body: FeatureChoice, context: Context) -> Success:
    """Removes a feature that no plan and no credit system uses."""
    async with context.work() as work:
        await catalog.delete_feature(work, body.feature_id, named=await features_of_own_terms(work))
    return Success(success=True)
