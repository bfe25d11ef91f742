"""sandbox.*: being the customer and the bank, in the sandbox only (design.md §6)."""

from urllib.parse import urlsplit

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.sandbox import (
    AddCardAnswer,
    AddCardBody,
    CardBody,
    CompleteCheckoutAnswer,
    CompleteCheckoutBody,
    NextChargeBody,
)
from sumac.api.schemas.wire import Success
from sumac.core.errors import NotFound

router = OperationRouter("sandbox")


@router.operation("sandbox.add_card", scope="billing:write")
async def add_card(body: AddCardBody, context: Context) -> AddCardAnswer:
    """Stores a test card as the customer's default payment method."""
    context.require_sandbox()
    payer = await context.services.billing.provider_customer(context.tenant, body.customer_id)
    card = await context.services.bank.add_card(context.tenant, payer, body.number)
    return AddCardAnswer(customer_id=body.customer_id, payment_method=CardBody.of(card))


@router.operation("sandbox.set_next_charge", scope="billing:write")
async def set_next_charge(body: NextChargeBody, context: Context) -> Success:
    """Decides how the next charge on the customer's card ends, once."""
    context.require_sandbox()
    payer = await context.services.billing.provider_customer(context.tenant, body.customer_id)
    await context.services.bank.set_next_charge(context.tenant, payer, body.outcome)
    return Success(success=True)


@router.operation("sandbox.complete_checkout", scope="billing:write")
async def complete_checkout(body: CompleteCheckoutBody, context: Context) -> CompleteCheckoutAnswer:
    """Completes a hosted page as the customer would: enters a card and pays."""
    context.require_sandbox()
    token = urlsplit(body.url).path.rstrip("/").rpartition("/")[2]
    page = await context.services.bank.find_checkout_by_token(token)
    if page is None or page.tenant != context.tenant:
        message = "This checkout does not exist"
        raise NotFound(message, code="checkout_unavailable")
    await context.services.bank.complete_checkout(context.tenant, page.id, body.number)
    settled = await context.services.billing.settle_checkout(context.tenant, page.id)
    return CompleteCheckoutAnswer.of(settled, context.services.public_url)
