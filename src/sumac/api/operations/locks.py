"""balances.finalize: the other half of a check with a lock (api.md §2.4)."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.locks import FinalizeBody
from sumac.api.schemas.wire import Success
from sumac.balances import reservations
from sumac.storage.work import Work

router = OperationRouter("balances")


@router.operation("balances.finalize", scope="balances:write")
async def finalize(body: FinalizeBody, context: Context) -> Success:
    """Says what the units of a lock came to: `confirm` for those held, or for `override_value`; `release` for nothing.

    What was not used is given back, what was used beyond is counted. A lock that is unknown, expired or finalized
    already is left as it is, and that is a success, too.
    """
    request = body.request()

    async def step(work: Work) -> Success:
        await reservations.finalize(work, request)
        return Success(success=True)

    return await context.settled(step, writes=True)
