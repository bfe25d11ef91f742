"""balances.batch_track (api.md §2.4, billing.md §5.1, §5.2)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.batch import BatchTrackBody
from sumac.api.schemas.wire import Success
from sumac.balances import usage
from sumac.balances.requests import TrackRequest
from sumac.balances.rules.usage import tracked_features
from sumac.balances.usage import SeatsBilledError
from sumac.catalog import service as catalog
from sumac.core.errors import BadRequest, Conflict, NotFound, PaymentRequired
from sumac.customers import entities
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.storage.work import Work

REFUSED = (BadRequest, Conflict, NotFound, PaymentRequired)
"""What a piece of usage is told that is not counted; anything else is a reason to send the batch again."""
router = OperationRouter("balances")


@router.operation("balances.batch_track", scope="balances:write", status=202)
async def batch_track(body: BatchTrackBody, context: Context) -> Success:
    """Counts up to 1,000 pieces of usage. When this answers, they are on disk.

    Each is looked at first: one that is wrong, or names somebody or something unknown, refuses all of them, and the
    message begins with its number, from 0. After that each is counted for itself, by customer in the order given. There
    is no answer for each: one whose idempotency_key was received before is not counted again, and one that
    overage_behavior reject or a usage limit refuses is not counted, nor are seats that cannot be paid for.
    """
    requests = _requests(body)
    async with context.reading() as work:
        await _check(work, requests)
    of_customers: dict[str, list[TrackRequest]] = {}
    for request in requests:
        of_customers.setdefault(request.customer_id, []).append(request)
    for each in of_customers.values():
        await _count(context, each)
    return Success(success=True)


def _requests(body: BatchTrackBody) -> list[TrackRequest]:
    requests: list[TrackRequest] = []
    for number, item in enumerate(body.root):
        with _naming(number):
            requests.append(item.request())
    return requests


async def _check(work: Work, requests: Sequence[TrackRequest]) -> None:
    """Raises for the first that cannot be counted whatever the balances are."""
    features = await catalog.list_features(work)
    found: dict[str, Customer] = {}
    named: set[tuple[str, str]] = set()
    for number, request in enumerate(requests):
        with _naming(number):
            tracked_features(request, features)
            if request.customer_id not in found:
                found[request.customer_id] = await customers.get(work, request.customer_id)
            customer = found[request.customer_id]
            if request.occurred_at is not None and request.occurred_at > customer.now(work.now):
                message = "timestamp: must not be in the future"
                raise BadRequest(message, code="invalid_inputs")
            if request.entity_id is not None and (customer.key, request.entity_id) not in named:
                await entities.get(work, request.entity_id, customer.key)
                named.add((customer.key, request.entity_id))


async def _count(context: Context, requests: Sequence[TrackRequest]) -> None:
    """Counts usage of one customer in one transaction, but for seats, which are paid for one after the other."""

    async def step(work: Work) -> list[TrackRequest]:
        billed = []
        for request in requests:
            try:
                await usage.track(work, request)
            except Conflict:
                continue  # it was received before, and its key stays taken
            except SeatsBilledError:
                billed.append(request)
                await usage.forget_usage(work, request)
            except REFUSED:
                await usage.forget_usage(work, request)
        return billed

    for request in await context.settled(step, writes=True):
        try:
            await context.services.billing.count(context.tenant, request, actor=context.actor)
        except REFUSED:
            continue


@contextmanager
def _naming(number: int) -> Iterator[None]:
    """Says which item an error is about."""
    try:
        yield
    except (BadRequest, NotFound) as error:
        message = f"{number}: {error.message}"
        raise type(error)(message, code=error.code) from error
