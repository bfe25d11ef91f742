"""balances.batch_track (api.md §2.4, billing.md §5.1, §5.2)."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.batch import BatchTrackBody
from sumac.api.schemas.wire import Success
from sumac.balances.model import BalanceSnapshot
from sumac.balances.requests import TrackRequest
from sumac.balances.rules.usage import find_entity, tracked_features
from sumac.balances.usage import SeatsBilledError
from sumac.core.errors import BadRequest, Conflict, NotFound, PaymentRequired

REFUSED = (BadRequest, Conflict, NotFound, PaymentRequired)
"""What a piece of usage is told that is not counted; anything else is a reason to send the batch again."""
router = OperationRouter("balances")


@router.operation("balances.batch_track", scope="balances:write", status=202)
async def batch_track(body: BatchTrackBody, context: Context) -> Success:
    """Counts up to 1,000 pieces of usage. When this answers, they are on disk.

    Each is looked at first: one that is wrong, or names somebody or something unknown, refuses all of them, and the
    message begins with its number, from 0. After that each is counted for itself, in the order given. There
    is no answer for each: one whose idempotency_key was received before is not counted again, and one that
    overage_behavior reject or a usage limit refuses is not counted, nor are seats that cannot be paid for.
    """
    requests = _requests(body)
    await _check(context, requests)
    outcomes = await asyncio.gather(*(_count(context, request) for request in requests), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return Success(success=True)


def _requests(body: BatchTrackBody) -> list[TrackRequest]:
    requests: list[TrackRequest] = []
    for number, item in enumerate(body.root):
        with _naming(number):
            requests.append(item.request())
    return requests


async def _check(context: Context, requests: Sequence[TrackRequest]) -> None:
    """Raises for the first that cannot be counted whatever the balances are; settles what is due for the others."""
    snapshots: dict[str, BalanceSnapshot] = {}
    for number, request in enumerate(requests):
        with _naming(number):
            if request.customer_id not in snapshots:
                view = await context.services.usage.view(context.tenant, request.customer_id)
                snapshots[request.customer_id] = view.snapshot
            snapshot = snapshots[request.customer_id]
            tracked_features(request, snapshot.features)
            find_entity(snapshot, request.entity_id)
            now = snapshot.customer.now(context.services.database.clock.now())
            if request.occurred_at is not None and request.occurred_at > now:
                message = "timestamp: must not be in the future"
                raise BadRequest(message, code="invalid_inputs")


async def _count(context: Context, request: TrackRequest) -> None:
    with suppress(*REFUSED):
        try:
            await context.services.usage.track(context.tenant, request)
        except SeatsBilledError:
            await context.services.billing.count(context.tenant, request, actor=context.actor)


@contextmanager
def _naming(number: int) -> Iterator[None]:
    """Says which item an error is about."""
    try:
        yield
    except (BadRequest, NotFound) as error:
        message = f"{number}: {error.message}"
        raise type(error)(message, code=error.code) from error
