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
from sumac.billing.confirm import Confirmation, without_page
from sumac.billing.quote import amount_of
from sumac.core.errors import BadRequest, NotFound

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
    """Completes a hosted page as the customer would: enters a card and pays.

    On a page that only asks for a confirmation, it confirms what is shown; the card on file is charged. A link is
    followed to the page it leads to.
    """
    context.require_sandbox()
    token = _token_of(body.url)
    link = await context.services.billing.links.find(token)
    if link is not None and link.tenant == context.tenant:
        token = _token_of(await context.services.billing.follow(link))
    question = await context.services.billing.confirmations.find(token)
    if question is not None and question.tenant == context.tenant:
        return await _confirm(question, context)
    page = await context.services.bank.find_checkout_by_token(token)
    if page is None or page.tenant != context.tenant:
        message = "This checkout does not exist"
        raise NotFound(message, code="checkout_unavailable")
    await context.services.bank.complete_checkout(context.tenant, page.id, body.number)
    settled = await context.services.billing.settle_checkout(context.tenant, page.id)
    return CompleteCheckoutAnswer.of(settled, context.services.public_url)


def _token_of(url: str) -> str:
    return urlsplit(url).path.rstrip("/").rpartition("/")[2]


async def _confirm(question: Confirmation, context: Context) -> CompleteCheckoutAnswer:
    billing = context.services.billing
    proposal = await billing.preview(context.tenant, without_page(question.request))
    receipt = await billing.confirm(question, shown=amount_of(proposal))
    if receipt.payment_url is not None:
        message = f"The card on file was not charged; pay on {receipt.payment_url}"
        raise BadRequest(message, code="card_declined")
    return CompleteCheckoutAnswer.confirmed(question, receipt, context.services.public_url)
