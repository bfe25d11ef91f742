"""The invoice: a document to read, keep as a PDF and, while it is open, pay."""

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from sumac.core.errors import NotFound
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import CreditEntry, Invoice, InvoiceStatus
from sumac.pages.pdf import compose_pdf
from sumac.pages.render import render
from sumac.pages.seller import Seller, Site, find_seller, takes_payments
from sumac.pages.sheet import Sheet, invoice_sheet, note_sheet
from sumac.pages.words import web_address
from sumac.storage.database import Database

SEE_OTHER = 303


@dataclass(frozen=True, slots=True)
class Shown:
    """An invoice with whom it is between, and the customer's movements of credit in its currency."""

    tenant: Tenant
    invoice: Invoice
    customer: Customer
    seller: Seller
    credit: tuple[CreditEntry, ...]

    @property
    def sheet(self) -> Sheet:
        """The invoice in words."""
        return invoice_sheet(self.invoice, self.customer, self.seller.name)

    @property
    def notes(self) -> list[Sheet]:
        """Its credit notes in words, oldest first."""
        return [note_sheet(note, self.invoice, self.customer, self.seller.name) for note in self.invoice.notes]


def add_invoice(router: APIRouter, site: Site) -> None:
    """The routes of the invoice."""

    @router.get("/invoice/{token}")
    async def show_invoice(token: str) -> Response:
        tenant, invoice = await _find(site.database, token)
        elsewhere = _issued_elsewhere(invoice)
        if elsewhere is not None:
            return elsewhere
        shown = await _show(site, tenant, invoice)
        async with site.database.reading(shown.tenant) as work:
            credit = await invoices.credit_of(work, shown.customer.key, shown.invoice.total.currency)
        is_open = shown.invoice.status is InvoiceStatus.OPEN
        return render(
            "invoice.html",
            shown.seller,
            leads_out=True,
            invoice=shown.invoice,
            sheet=shown.sheet,
            notes=shown.notes,
            credit=credit,
            credit_entries=shown.credit,
            is_open=is_open,
            payable=is_open and takes_payments(site, shown.tenant),
        )

    @router.get("/invoice/{token}/pdf")
    async def download_invoice(token: str) -> Response:
        tenant, invoice = await _find(site.database, token)
        elsewhere = _issued_elsewhere(invoice)
        if elsewhere is not None:
            return elsewhere
        shown = await _show(site, tenant, invoice)
        content = await run_in_threadpool(compose_pdf, [shown.sheet, *shown.notes], shown.seller)
        name = f"invoice-{shown.invoice.number}.pdf"
        headers = {"Content-Disposition": f'inline; filename="{name}"'}
        return Response(content, media_type="application/pdf", headers=headers)

    @router.post("/invoice/{token}/pay")
    async def pay_invoice(token: str) -> Response:
        tenant, invoice = await _find(site.database, token)
        if invoice.status is not InvoiceStatus.OPEN or invoice.number is None:
            return RedirectResponse(f"/invoice/{token}", SEE_OTHER)
        return RedirectResponse(await site.billing.open_payment(tenant, invoice.id), SEE_OTHER)


async def _show(site: Site, tenant: Tenant, invoice: Invoice) -> Shown:
    async with site.database.reading(tenant) as work:
        customer = await customers.get_by_key(work, invoice.customer_key)
        entries = await invoices.list_credit(work, customer.key)
    own = tuple(entry for entry in entries if entry.amount.currency == invoice.total.currency)
    return Shown(tenant, invoice, customer, await find_seller(site, tenant), own)


async def _find(database: Database, token: str) -> tuple[Tenant, Invoice]:
    """The invoice behind an address. Raises NotFound for one that was issued neither here nor on a page elsewhere."""
    async with database.system_reading() as system:
        tenant = await invoices.find_tenant(system, token)
    invoice = None if tenant is None else await _read(database, tenant, token)
    if tenant is None or invoice is None or (invoice.number is None and _issued_elsewhere(invoice) is None):
        message = "Check that the link is complete, or ask whoever sent it for a new one."
        raise NotFound(message, code="invoice_not_found")
    return tenant, invoice


def _issued_elsewhere(invoice: Invoice) -> Response | None:
    """The way to the page of whoever issued an imported invoice; None for one of ours, or without such a page."""
    address = web_address(invoice.origin.hosted_url) if invoice.origin is not None else None
    return None if address is None else RedirectResponse(address, SEE_OTHER)


async def _read(database: Database, tenant: Tenant, token: str) -> Invoice | None:
    async with database.reading(tenant) as work:
        return await invoices.find_by_token(work, token)
