"""balances.track_tokens (api.md §2.4)."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.balances import AcceptedTrackBody, TrackAnswerBody
from sumac.api.schemas.tokens import TrackTokensBody
from sumac.balances.tokens import decide_tokens

router = OperationRouter("balances")


@router.operation("balances.track_tokens", scope="balances:write", paths=("/track_tokens",), accepts=True)
async def track_tokens(body: TrackTokensBody, context: Context) -> TrackAnswerBody:
    """Counts tokens of an AI model as the credits they cost: US dollars of its public price, and the markup on top.

    `model_id` is "provider/model". The price is that of the instant the tokens were used; the AI credit system's own
    costs of a model take its place, and are needed for a model that nobody lists (400 `invalid_model`). The markup is
    that of the model, else of its provider, else the default one. `feature_id` is needed where there are several AI
    credit systems. The event records the tokens, the prices and the markup. Otherwise as `balances.track`.
    """
    request = body.request()
    decide = decide_tokens(request, context.services.prices)
    answer = await context.services.usage.submit(context.tenant, body.customer_id, decide)
    return AcceptedTrackBody.of(answer) if body.async_ else TrackAnswerBody.of(answer, None)
