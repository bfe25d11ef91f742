"""invoices.* (api.md §2.8, §2.16)."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.credit_notes import CreditNoteAnswer, CreditNoteBody, IssuedNote
from sumac.api.schemas.invoice_history import InsertedInvoice, InsertInvoicesAnswer, InsertInvoicesBody
from sumac.api.schemas.invoices import InvoiceList, InvoiceListRequest, ListedInvoiceBody
from sumac.api.schemas.written_invoices import (
    CreateInvoiceAnswer,
    CreateInvoiceBody,
    InvoiceAnswer,
    InvoiceIdBody,
    PayAnswer,
)
from sumac.core.errors import BadRequest
from sumac.customers import entities
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.invoices import history
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice
from sumac.organizations import service as organizations
from sumac.storage.work import Work

router = OperationRouter("invoices")


@router.operation("invoices.list", scope="billing:read")
async def list_invoices(body: InvoiceListRequest, context: Context) -> InvoiceList:
    """Invoices with their lines, newest first: drafts, issued ones, and those that were imported."""
    if body.entity_id is not None and body.customer_id is None:
        message = "entity_id: needs customer_id beside it"
        raise BadRequest(message, code="invalid_inputs")
    cursor = body.cursor()
    async with context.reading() as work:
        customer = await customers.get(work, body.customer_id) if body.customer_id else None
        plan_ids = None
        if customer is not None and body.entity_id is not None:
            entity = await entities.get(work, body.entity_id, customer.key)
            plan_ids = await context.services.entities.plan_ids(work, entity)
        chosen = invoices.InvoiceFilter(
            customer_key=customer.key if customer else None,
            customer_plan_ids=plan_ids,
            statuses=body.statuses(),
            invoice_id=body.invoice_id,
            provider_invoice=body.stripe_id,
            processors=body.processors(),
        )
        page = await invoices.list_page(work, chosen, cursor=cursor, limit=body.limit)
        known = await customers.get_by_keys(work, {invoice.customer_key for invoice in page.items})
    public_url = context.services.public_url
    listed = [
        ListedInvoiceBody.listed(invoice, public_url, known[invoice.customer_key].public_id) for invoice in page.items
    ]
    return InvoiceList(list=listed, next_cursor=page.next_cursor)


@router.operation("invoices.insert", scope="billing:write")
async def insert_invoices(body: InsertInvoicesBody, context: Context) -> InsertInvoicesAnswer:
    """Imports invoices that were issued elsewhere, for the history: nothing is charged, numbered or granted.

    An invoice is known by its `stripe_id`; one that was imported before is written anew.
    """
    body.check()
    async with context.work() as work:
        currency = await organizations.default_currency(work)
        owners = await _owners(work, {each.customer_id for each in body.invoices})
        entries = [each.entry(owners[each.customer_id].key, currency) for each in body.invoices]
        imported = await history.import_invoices(work, entries, now=work.now)
    named = zip(imported, body.invoices, strict=True)
    public_url = context.services.public_url
    answered = [
        InsertedInvoice.inserted(invoice, public_url, owners[each.customer_id].public_id) for invoice, each in named
    ]
    return InsertInvoicesAnswer(invoices=answered)


@router.operation("invoices.create", scope="billing:write")
async def create_invoice(body: CreateInvoiceBody, context: Context) -> CreateInvoiceAnswer:
    """Writes an invoice of plans, quantities, usage and free lines; a draft unless `issue_method` says otherwise.

    It is never charged by itself: the customer pays on its page, or `invoices.pay` charges their card. With `preview`
    nothing is written.
    """
    desk, request = context.services.invoice_desk, body.request()
    if body.preview:
        written = await desk.preview(context.tenant, request)
    else:
        written = await desk.create(context.tenant, request, actor=context.actor)
    return CreateInvoiceAnswer.of(written, body, context.services.public_url)


@router.operation("invoices.finalize", scope="billing:write")
async def finalize_invoice(body: InvoiceIdBody, context: Context) -> InvoiceAnswer:
    """Makes a draft binding: it gets its number and date, spends the customer's credit, and never changes again."""
    return _answer(context, *await context.services.invoice_desk.finalize(context.tenant, body.invoice_id))


@router.operation("invoices.pay", scope="billing:write")
async def pay_invoice(body: InvoiceIdBody, context: Context) -> PayAnswer:
    """Charges the customer's card for an open invoice.

    When that does not pay it, the answer says what is required, and at which address the customer can do it.
    """
    paid = await context.services.invoice_desk.pay(context.tenant, body.invoice_id)
    return PayAnswer.of(paid, context.services.public_url)


@router.operation("invoices.void", scope="billing:write")
async def void_invoice(body: InvoiceIdBody, context: Context) -> InvoiceAnswer:
    """Cancels a draft or an unpaid invoice, and gives back the credit it had spent. A paid one needs a credit note."""
    return _answer(context, *await context.services.invoice_desk.void(context.tenant, body.invoice_id))


@router.operation("invoices.issue_credit_note", scope="billing:write")
async def issue_credit_note(body: CreditNoteBody, context: Context) -> CreditNoteAnswer:
    """Corrects a finalized invoice, by an amount or by lines, up to what is left of it.

    What is still open need not be paid any more. What was paid becomes credit of the customer, goes back to the card,
    or is settled outside, as `destination` says; what was paid from credit becomes credit again. No e-mail is sent.
    """
    desk, tenant = context.services.invoice_desk, context.tenant
    async with context.reading() as work:
        invoice = await invoices.get(work, body.invoice_id)
    request = body.request(invoice)
    if body.preview:
        note = await desk.preview_note(tenant, invoice.id, request)
    else:
        invoice, note = await desk.issue_note(tenant, invoice.id, request)
    return CreditNoteAnswer(credit_note=IssuedNote.of(note, invoice, context.services.public_url))


def _answer(context: Context, invoice: Invoice, customer: Customer) -> InvoiceAnswer:
    listed = ListedInvoiceBody.listed(invoice, context.services.public_url, customer.public_id)
    return InvoiceAnswer(invoice=listed)


async def _owners(work: Work, customer_ids: set[str]) -> dict[str, Customer]:
    """The customers by the ids they were asked by. Raises NotFound `customer_not_found`."""
    return {customer_id: await customers.get(work, customer_id) for customer_id in sorted(customer_ids)}
