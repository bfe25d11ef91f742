"""balances.check and balances.track, also under their older addresses (api.md §2.4)."""

from dataclasses import replace

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.balances import (
    AcceptedTrackBody,
    CheckAnswerBody,
    CheckBody,
    Features,
    TrackAnswerBody,
    TrackBody,
)
from sumac.api.schemas.expand import check_expand
from sumac.balances import reservations
from sumac.balances.requests import LockRequest
from sumac.balances.usage import CheckAnswer, SeatsBilledError, checked
from sumac.catalog import service as catalog

router = OperationRouter("balances")


@router.operation("balances.check", scope="balances:read", paths=("/check", "/entitled"))
async def check(body: CheckBody, context: Context) -> CheckAnswerBody:
    """May this customer use this much of the feature? With `send_event` it is counted at once if so.

    With `lock` the units are held, with or without `send_event`, until `balances.finalize` says what they came to, or
    until the lock expires; nothing is held when the answer is no. Seats that are billed when they are taken are paid
    for first; otherwise 402 `pay_invoice_failed`.
    """
    expand = check_expand(body.expand, ("balance.feature", "flag.feature"))
    request, lock, usage = body.request(), body.lock_request(), context.services.usage
    try:
        answer = await (usage.check(context.tenant, request) if lock is None else _held(context, lock))
    except SeatsBilledError as billed:
        counted = await context.services.billing.count(context.tenant, billed.request, actor=context.actor)
        left = await usage.check(context.tenant, replace(request, send_event=False))
        answer = checked(left, counted)
    features = await _features(context) if expand else None
    return CheckAnswerBody.of(
        answer,
        balance_features=features if "balance.feature" in expand else None,
        flag_features=features if "flag.feature" in expand else None,
    )


@router.operation("balances.track", scope="balances:write", paths=("/track", "/events"), accepts=True)
async def track(body: TrackBody, context: Context) -> TrackAnswerBody:
    """Counts usage. When this answers, the usage is on disk; with `async` it does so with 202, and without a balance.

    Seats that are billed when they are taken are paid for first; otherwise 402 `pay_invoice_failed`.
    """
    expand = check_expand(body.expand, ("balance.feature",))
    request = body.request()
    try:
        answer = await context.services.usage.track(context.tenant, request)
    except SeatsBilledError as billed:
        answer = await context.services.billing.count(context.tenant, billed.request, actor=context.actor)
    if body.async_:
        return AcceptedTrackBody.of(answer)
    return TrackAnswerBody.of(answer, await _features(context) if expand else None)


async def _held(context: Context, lock: LockRequest) -> CheckAnswer:
    return await context.settled(lambda work: reservations.reserve(work, lock), writes=True)


async def _features(context: Context) -> Features:
    async with context.reading() as work:
        return await catalog.features_by_id(work)
