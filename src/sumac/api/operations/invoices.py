"""invoices.list (api.md §2.8)."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.invoices import InvoiceList, InvoiceListRequest, ListedInvoiceBody
from sumac.api.schemas.later import refuse_entity
from sumac.core.errors import BadRequest
from sumac.customers import service as customers
from sumac.invoices import service as invoices

router = OperationRouter("invoices")


@router.operation("invoices.list", scope="billing:read")
async def list_invoices(body: InvoiceListRequest, context: Context) -> InvoiceList:
    """Invoices, newest first."""
    if body.entity_id is not None:
        if body.customer_id is None:
            message = "entity_id: needs customer_id beside it"
            raise BadRequest(message, code="invalid_inputs")
        refuse_entity(body.entity_id)
    cursor = body.cursor()
    async with context.reading() as work:
        customer = await customers.get(work, body.customer_id) if body.customer_id else None
        chosen = invoices.InvoiceFilter(customer.key if customer else None, body.statuses())
        page = await invoices.list_page(work, chosen, cursor=cursor, limit=body.limit)
        known = await customers.get_by_keys(work, {invoice.customer_key for invoice in page.items})
    public_url = context.services.public_url
    listed = [
        ListedInvoiceBody.listed(invoice, public_url, known[invoice.customer_key].public_id) for invoice in page.items
    ]
    return InvoiceList(list=listed, next_cursor=page.next_cursor)
