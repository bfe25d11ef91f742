"""balances.check and balances.track, also under their older addresses (api.md §2.4)."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.balances import CheckAnswerBody, CheckBody, TrackAnswerBody, TrackBody
from sumac.api.schemas.expand import check_expand
from sumac.balances import service as balances
from sumac.catalog import service as catalog
from sumac.storage.work import Work

router = OperationRouter("balances")


@router.operation("balances.check", scope="balances:read", paths=("/check", "/entitled"))
async def check(body: CheckBody, context: Context) -> CheckAnswerBody:
    """May this customer use this much of the feature? With `send_event` it is counted at once if so."""
    expand = check_expand(body.expand, ("balance.feature", "flag.feature"))
    request = body.request()

    async def step(work: Work) -> CheckAnswerBody:
        answer = await balances.check(work, request)
        features = await catalog.features_by_id(work) if expand else {}
        return CheckAnswerBody.of(
            answer,
            balance_features=features if "balance.feature" in expand else None,
            flag_features=features if "flag.feature" in expand else None,
        )

    return await context.settled(step, writes=request.send_event)


@router.operation("balances.track", scope="balances:write", paths=("/track", "/events"))
async def track(body: TrackBody, context: Context) -> TrackAnswerBody:
    """Counts usage. When this answers, the usage is on disk."""
    expand = check_expand(body.expand, ("balance.feature",))
    request = body.request()

    async def step(work: Work) -> TrackAnswerBody:
        answer = await balances.track(work, request)
        return TrackAnswerBody.of(answer, await catalog.features_by_id(work) if expand else None)

    return await context.settled(step, writes=True)
