"""balances.explain: why a balance is what it is, or was."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.explain import ExplainBody, ExplanationBody
from sumac.balances.explaining import explain_balance

router = OperationRouter("balances")


@router.operation("balances.explain", scope="balances:read")
async def explain(body: ExplainBody, context: Context) -> ExplanationBody:
    """The recorded changes that a balance is the sum of, now or at any instant before.

    Each source begins with what it brought when it was given or last reset, goes on with every change since, by whom
    and why, and ends with what usage took of it, by the feature that was used. The newest 100 entries of a source are
    listed, those before are summed; the events are listed page by page, the last counted first.
    """
    request = body.request()
    return ExplanationBody.of(await context.settled(lambda work: explain_balance(work, request), writes=False))
