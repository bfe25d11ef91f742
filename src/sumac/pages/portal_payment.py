"""The portal: paying an open invoice with the card on file, or with another one on the payment page."""

from fastapi import APIRouter
from starlette.responses import Response

from sumac.billing.provider import Collection, Outcome
from sumac.core.errors import NotFound
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice, InvoiceStatus
from sumac.pages.render import render
from sumac.pages.seller import Site, find_seller, takes_payments
from sumac.pages.visit import Said, Visit, open_visit

PAYMENT_REQUIRED = 402
DECLINED_TEXT = "Your card was declined, so nothing was paid. Pay with another card."
ASKED_TEXT = "Your bank wants you to confirm this payment. Enter the card once more to be asked."


def add_portal_payment(router: APIRouter, site: Site) -> None:
    """The routes that ask about a payment, and make it."""

    @router.get("/portal/{token}/pay/{invoice_token}")
    async def confirm_payment(token: str, invoice_token: str) -> Response:
        visit = await open_visit(site, token)
        invoice = await _find_invoice(site, visit, invoice_token)
        if invoice.status is not InvoiceStatus.OPEN or not takes_payments(site, visit.tenant):
            return visit.back()
        return await _ask(site, visit, invoice)

    @router.post("/portal/{token}/pay/{invoice_token}")
    async def make_payment(token: str, invoice_token: str) -> Response:
        visit = await open_visit(site, token)
        invoice = await _find_invoice(site, visit, invoice_token)
        collected = await site.billing.collect(visit.tenant, invoice.id)
        if collected.invoice.is_settled:
            return visit.back(Said.PAID)
        if collected.collection is None:
            return visit.back()
        if collected.collection.outcome is Outcome.PROCESSING:
            return visit.back(Said.UNDER_WAY)
        return await _ask(site, visit, collected.invoice, refused=collected.collection)


async def _ask(site: Site, visit: Visit, invoice: Invoice, *, refused: Collection | None = None) -> Response:
    cards = await site.billing.cards.list_cards(visit.tenant, visit.customer)
    refusal: str | None = None
    if refused is not None and cards:
        refusal = ASKED_TEXT if refused.outcome is Outcome.ACTION_REQUIRED else DECLINED_TEXT
    return render(
        "payment.html",
        await find_seller(site, visit.tenant),
        status=200 if refusal is None else PAYMENT_REQUIRED,
        leads_out=True,
        visit=visit,
        invoice=invoice,
        card=cards[0] if cards else None,
        refusal=refusal,
    )


async def _find_invoice(site: Site, visit: Visit, invoice_token: str) -> Invoice:
    async with site.database.reading(visit.tenant) as work:
        invoice = await invoices.find_by_token(work, invoice_token)
    if invoice is None or invoice.customer_key != visit.customer.key or invoice.number is None:
        message = "This invoice is not among yours. Open your link again to see the invoices you have."
        raise NotFound(message)
    return invoice
