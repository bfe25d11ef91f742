"""billing.* (api.md §2.5)."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.billing import AttachBody, BillingAnswer, PortalAnswer, PortalBody, UpdateBody
from sumac.api.schemas.expand import check_expand
from sumac.api.schemas.previews import EXPAND, AttachPreviewBody, UpdatePreviewBody

router = OperationRouter("billing")


@router.operation("billing.attach", scope="billing:write")
async def attach(body: AttachBody, context: Context) -> BillingAnswer:
    """Gives a plan to a customer: at once when it is free, after a charge with a card on file, else behind a link.

    A plan of the same group is replaced: at once and prorated when the new one costs at least as much, otherwise at the
    end of the cycle. With a `payment_url` in the answer nothing is given before the customer has paid there.
    """
    receipt = await context.services.billing.perform(context.tenant, body.request(), actor=context.actor)
    return BillingAnswer.of(receipt, context.services.public_url, entity_id=body.entity_id)


@router.operation("billing.preview_attach", scope="billing:read")
async def preview_attach(body: AttachBody, context: Context) -> AttachPreviewBody:
    """What `billing.attach` would do and charge, without doing it."""
    expand = check_expand(body.expand, EXPAND)
    preview = await context.services.billing.preview(context.tenant, body.request())
    return AttachPreviewBody.of(preview, context.tenant.env, expand)


@router.operation("billing.update", scope="billing:write")
async def update(body: UpdateBody, context: Context) -> BillingAnswer:
    """Changes a plan the customer holds: bought quantities, its version or its terms; cancels it, or undoes that.

    More units are charged at once or with the next invoice, fewer are given back, as the plan's item says. The quantity
    of a feature that is bought once is added to what is there. Terms made to measure with `customize` stay the
    customer's whatever becomes of the plan; `version` alone puts them on that version as everybody has it.
    """
    receipt = await context.services.billing.perform(context.tenant, body.request(), actor=context.actor)
    return BillingAnswer.of(receipt, context.services.public_url, entity_id=body.entity_id)


@router.operation("billing.preview_update", scope="billing:read")
async def preview_update(body: UpdateBody, context: Context) -> UpdatePreviewBody:
    """What `billing.update` would do and charge, without doing it."""
    expand = check_expand(body.expand, EXPAND)
    request = body.request()
    preview = await context.services.billing.preview(context.tenant, request)
    return UpdatePreviewBody.for_request(preview, request, context.tenant.env, expand)


@router.operation("billing.open_customer_portal", scope="billing:write")
async def open_customer_portal(body: PortalBody, context: Context) -> PortalAnswer:
    """A link to the customer's own page: plans, balances, cards and invoices. It works for a day."""
    url = await context.services.billing.open_portal(context.tenant, body.customer_id, body.return_url)
    return PortalAnswer(customer_id=body.customer_id, url=url)
