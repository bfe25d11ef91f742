"""billing.* for several plans at once, and for a card ahead of a charge (api.md §2.5)."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.billing import BillingAnswer
from sumac.api.schemas.expand import check_expand
from sumac.api.schemas.multi import MultiAttachBody, MultiUpdateBody, MultiUpdatePreviewBody
from sumac.api.schemas.previews import EXPAND, AttachPreviewBody
from sumac.api.schemas.setup import SetupAnswer, SetupBody
from sumac.customers import entities
from sumac.customers import service as customers

router = OperationRouter("billing")


@router.operation("billing.multi_attach", scope="billing:write")
async def multi_attach(body: MultiAttachBody, context: Context) -> BillingAnswer:
    """Gives several plans to a customer at once, on one invoice. Everything takes effect now, also what costs less."""
    receipt = await context.services.billing.perform(context.tenant, body.request(), actor=context.actor)
    return BillingAnswer.of(receipt, context.services.public_url, entity_id=body.entity_id)


@router.operation("billing.preview_multi_attach", scope="billing:read")
async def preview_multi_attach(body: MultiAttachBody, context: Context) -> AttachPreviewBody:
    """What `billing.multi_attach` would do and charge, without doing it."""
    expand = check_expand(body.expand, EXPAND)
    preview = await context.services.billing.preview(context.tenant, body.request())
    return AttachPreviewBody.of(preview, context.tenant.env, expand)


@router.operation("billing.multi_update", scope="billing:write")
async def multi_update(body: MultiUpdateBody, context: Context) -> BillingAnswer:
    """Cancels several plans of a customer at once, or keeps them, on one invoice."""
    receipt = await context.services.billing.perform(context.tenant, body.request(), actor=context.actor)
    return BillingAnswer.of(receipt, context.services.public_url, entity_id=body.entity_id)


@router.operation("billing.preview_multi_update", scope="billing:read")
async def preview_multi_update(body: MultiUpdateBody, context: Context) -> MultiUpdatePreviewBody:
    """What `billing.multi_update` would do and give back, without doing it."""
    expand = check_expand(body.expand, EXPAND)
    preview = await context.services.billing.preview(context.tenant, body.request())
    return MultiUpdatePreviewBody.of(preview, context.tenant.env, expand)


@router.operation("billing.setup_payment", scope="billing:write")
async def setup_payment(body: SetupBody, context: Context) -> SetupAnswer:
    """A link to a page on which the customer stores a card, which is charged from then on.

    With a plan it is attached as soon as the card is there. What would keep it from being attached is an error now.
    """
    if body.entity_id is not None:
        async with context.reading() as work:
            await entities.get(work, body.entity_id, (await customers.get(work, body.customer_id)).key)
    url = await context.services.billing.open_setup(context.tenant, body.request(), actor=context.actor)
    named = {} if body.entity_id is None else {"entity_id": body.entity_id}
    return SetupAnswer(customer_id=body.customer_id, url=url, **named)
