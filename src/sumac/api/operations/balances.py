"""balances.check and balances.track, also under their older addresses (api.md §2.4)."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.balances import CheckAnswerBody, CheckBody, TrackAnswerBody, TrackBody
from sumac.api.schemas.expand import check_expand
from sumac.balances import usage
from sumac.balances.usage import CheckAnswer, SeatsBilledError
from sumac.catalog import service as catalog
from sumac.storage.work import Work

router = OperationRouter("balances")


@router.operation("balances.check", scope="balances:read", paths=("/check", "/entitled"))
async def check(body: CheckBody, context: Context) -> CheckAnswerBody:
    """May this customer use this much of the feature? With `send_event` it is counted at once if so.

    Seats that are billed when they are taken are paid for first; otherwise 402 `pay_invoice_failed`.
    """
    expand = check_expand(body.expand, ("balance.feature", "flag.feature"))
    request = body.request()

    async def shown(work: Work, answer: CheckAnswer) -> CheckAnswerBody:
        features = await catalog.features_by_id(work) if expand else {}
        return CheckAnswerBody.of(
            answer,
            balance_features=features if "balance.feature" in expand else None,
            flag_features=features if "flag.feature" in expand else None,
        )

    async def step(work: Work) -> CheckAnswerBody:
        return await shown(work, await usage.check(work, request))

    try:
        return await context.settled(step, writes=request.send_event)
    except SeatsBilledError as billed:
        counted = await context.services.billing.count(context.tenant, billed.request, actor=context.actor)

        async def counted_step(work: Work) -> CheckAnswerBody:
            return await shown(work, await usage.checked(work, request, counted))

        return await context.settled(counted_step, writes=False)


@router.operation("balances.track", scope="balances:write", paths=("/track", "/events"))
async def track(body: TrackBody, context: Context) -> TrackAnswerBody:
    """Counts usage. When this answers, the usage is on disk.

    Seats that are billed when they are taken are paid for first; otherwise 402 `pay_invoice_failed`.
    """
    expand = check_expand(body.expand, ("balance.feature",))
    request = body.request()

    async def step(work: Work) -> TrackAnswerBody:
        answer = await usage.track(work, request)
        return TrackAnswerBody.of(answer, await catalog.features_by_id(work) if expand else None)

    try:
        return await context.settled(step, writes=True)
    except SeatsBilledError as billed:
        counted = await context.services.billing.count(context.tenant, billed.request, actor=context.actor)
        async with context.reading() as work:
            return TrackAnswerBody.of(counted, await catalog.features_by_id(work) if expand else None)
