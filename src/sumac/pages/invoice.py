"""The invoice: a document to read, print and, while it is open, pay."""

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from sumac.core.errors import BadRequest, NotFound
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice, InvoiceStatus
from sumac.pages.render import render
from sumac.pages.seller import Site, find_seller

SEE_OTHER = 303


def add_invoice(router: APIRouter, site: Site) -> None:
    """The routes of the invoice."""

    @router.get("/invoice/{token}")
    async def show_invoice(token: str) -> Response:
        tenant, invoice = await _find(site, token)
        async with site.database.reading(tenant) as work:
            customer = await customers.get_by_key(work, invoice.customer_key)
        return render(
            "invoice.html",
            await find_seller(site, tenant),
            leads_out=True,
            invoice=invoice,
            customer=customer,
            is_open=invoice.status is InvoiceStatus.OPEN,
            payable=invoice.status is InvoiceStatus.OPEN and _takes_payments(site, tenant),
        )

    @router.post("/invoice/{token}/pay")
    async def pay_invoice(token: str) -> Response:
        tenant, invoice = await _find(site, token)
        if invoice.status is not InvoiceStatus.OPEN:
            return RedirectResponse(f"/invoice/{token}", SEE_OTHER)
        return RedirectResponse(await site.billing.open_payment(tenant, invoice.id), SEE_OTHER)


async def _find(site: Site, token: str) -> tuple[Tenant, Invoice]:
    async with site.database.system_reading() as system:
        tenant = await invoices.find_tenant(system, token)
    invoice = None if tenant is None else await _read(site, tenant, token)
    if tenant is None or invoice is None or invoice.status is InvoiceStatus.DRAFT:
        message = "Check that the link is complete, or ask whoever sent it for a new one."
        raise NotFound(message, code="invoice_not_found")
    return tenant, invoice


async def _read(site: Site, tenant: Tenant, token: str) -> Invoice | None:
    async with site.database.reading(tenant) as work:
        return await invoices.find_by_token(work, token)


def _takes_payments(site: Site, tenant: Tenant) -> bool:
    try:
        site.billing.provider(tenant)
    except BadRequest:
        return False
    return True
