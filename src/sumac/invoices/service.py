"""Issuing, reading and settling invoices, and the customer's credit (billing.md §14)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from sumac.core.errors import Conflict, NotFound
from sumac.core.ids import new_id, new_token
from sumac.core.money import Money
from sumac.core.page import Cursor, Page, page_of
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.invoices import ledger, store, taken
from sumac.invoices.model import CreditEntry, DiscountTaken, Invoice, InvoiceDraft, InvoiceStatus, LineDraft
from sumac.invoices.rules.document import compute_document
from sumac.storage.schema import invoices
from sumac.storage.work import SystemWork, Work

CREDIT_ENTRIES_MAX = 200


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """Which invoices of a tenant to list; with `customer_plan_ids` those that bill one of these plans."""

    customer_key: str | None = None
    statuses: Sequence[InvoiceStatus] = ()
    invoice_id: str | None = None
    provider_invoice: str | None = None
    processors: Sequence[str] = ()
    customer_plan_ids: Collection[str] | None = None


async def issue(
    work: Work,
    customer_key: str,
    draft: InvoiceDraft,
    *,
    now: datetime,
    finalize: bool = True,
    collect: bool = True,
    issued_at: datetime | None = None,
) -> Invoice:
    """Makes an invoice of the lines and finalizes it, unless it shall stay a draft that is not binding yet.

    With `collect` it is charged at once, unless it has net terms; `issued_at` dates a document back.
    """
    invoice = compute_document(draft, customer_key, now=now, **_new_keys(now))
    if not (finalize and draft.finalize):
        await store.insert(work, invoice)
        return invoice
    finalized = await _finalized(work, invoice, now=now, collect=collect, issued_at=issued_at or now)
    await store.insert(work, finalized)
    await _book_movement(work, finalized, now=now)
    return finalized


async def finalize(work: Work, invoice: Invoice, *, now: datetime, collect: bool = True) -> Invoice:
    """Makes a draft binding: it is numbered and dated, spends the customer's credit, and never changes again.

    With `collect` it is charged at once, unless it has net terms. Raises Conflict `invoice_finalized`.
    """
    if invoice.status is InvoiceStatus.DRAFT:
        finalized = await _finalized(work, invoice, now=now, collect=collect, issued_at=now)
        if await store.finalize(work, finalized):
            await _book_movement(work, finalized, now=now)
            return finalized
    message = f"Invoice {invoice.id} is {invoice.status}; only a draft can be finalized"
    raise Conflict(message, code="invoice_finalized")


async def _finalized(work: Work, draft: Invoice, *, now: datetime, collect: bool, issued_at: datetime) -> Invoice:
    """The draft as a numbered document: open while something is to be paid, else paid."""
    credit = await ledger.credit_of(work, draft.customer_key, draft.total.currency)
    terms = draft.net_terms_days
    due_at = draft.due_at if terms is None else issued_at + timedelta(days=terms)
    invoice = replace(
        draft,
        number=await work.next_number("invoice"),
        status=InvoiceStatus.OPEN,
        credit_applied=Money(max(0, min(credit.minor, draft.total.minor)), credit.currency),
        next_attempt_at=now if collect and due_at is None else None,
        due_at=due_at,
        finalized_at=issued_at,
    )
    if invoice.amount_due.minor == 0:
        await customers.set_currency(work, invoice.customer_key, invoice.total.currency)
        return replace(invoice, status=InvoiceStatus.PAID, next_attempt_at=None, paid_at=now)
    return invoice


async def _book_movement(work: Work, invoice: Invoice, *, now: datetime) -> None:
    """The customer's credit is spent first; a negative total is added to it."""
    movement = -invoice.total if invoice.total.minor < 0 else -invoice.credit_applied
    if movement.minor:
        await ledger.book_credit(work, invoice, movement, entry_id=new_id("crd", now=now), at=now)


def _new_keys(now: datetime) -> dict[str, str]:
    return {"invoice_id": new_id("inv", now=now), "token": new_token(), "provider_invoice": new_id("in", now=now)}


async def record_payment(work: Work, invoice: Invoice, *, payment: str | None, now: datetime) -> Invoice:
    """Marks the invoice paid in full; `payment` None means that no card paid it.

    The customer is billed in its currency from now on.
    """
    paid = replace(
        invoice,
        status=InvoiceStatus.PAID,
        paid=invoice.amount_due,
        provider_payment=payment,
        attempts_made=invoice.attempts_made + 1,
        next_attempt_at=None,
        paid_at=now,
    )
    await store.update_progress(work, paid)
    await customers.set_currency(work, paid.customer_key, paid.total.currency)
    return paid


async def record_failure(work: Work, invoice: Invoice, *, next_attempt_at: datetime | None) -> Invoice:
    """Counts a failed try, and writes when the next one follows by itself, if any."""
    failed = replace(
        invoice,
        provider_payment=None,
        attempts_made=invoice.attempts_made + 1,
        next_attempt_at=next_attempt_at,
    )
    await store.update_progress(work, failed)
    return failed


async def schedule_attempt(work: Work, invoice: Invoice, at: datetime | None) -> Invoice:
    """Writes when the invoice is tried next; nothing else of it changes."""
    scheduled = replace(invoice, next_attempt_at=at)
    await store.update_progress(work, scheduled)
    return scheduled


async def record_waiting(
    work: Work, invoice: Invoice, *, until: datetime | None, payment: str | None = None
) -> Invoice:
    """The payment is under way: the try does not count as failed, and is looked at again then or by who waits."""
    waiting = replace(invoice, next_attempt_at=until, provider_payment=payment)
    await store.update_progress(work, waiting)
    return waiting


async def void(work: Work, invoice: Invoice, *, now: datetime) -> Invoice:
    """Cancels an unpaid invoice and gives back the credit it had taken; a payment still under way is not for it."""
    if invoice.credit_applied.minor:
        await ledger.book_credit(work, invoice, invoice.credit_applied, entry_id=new_id("crd", now=now), at=now)
    zero = Money.zero(invoice.total.currency)
    voided = replace(
        invoice, status=InvoiceStatus.VOID, credit_applied=zero, next_attempt_at=None, provider_payment=None
    )
    await store.update_progress(work, voided)
    return voided


async def write_off(work: Work, invoice: Invoice) -> Invoice:
    """Gives up collecting an open invoice: it stays in the books as a loss."""
    lost = replace(invoice, status=InvoiceStatus.UNCOLLECTIBLE, next_attempt_at=None, provider_payment=None)
    await store.update_progress(work, lost)
    return lost


async def get(work: Work, invoice_id: str, *, lock: bool = False) -> Invoice:
    """The invoice. Raises NotFound `invoice_not_found`."""
    invoice = await store.find(work, invoices.c.id == invoice_id, lock=lock)
    if invoice is None:
        message = "There is no such invoice"
        raise NotFound(message, code="invoice_not_found")
    return invoice


async def find_by_token(work: Work, token: str) -> Invoice | None:
    """The tenant's invoice behind a hosted page, or None."""
    return await store.find(work, invoices.c.token == token)


async def find_tenant(system: SystemWork, token: str) -> Tenant | None:
    """The tenant whose invoice a hosted page shows, or None."""
    key = await store.find_tenant_key(system, token)
    return None if key is None else Tenant.from_key(key)


async def list_page(work: Work, chosen: InvoiceFilter, *, cursor: Cursor | None, limit: int) -> Page[Invoice]:
    """Invoices of the tenant, newest first."""
    where: list[sa.ColumnElement[bool]] = []
    if chosen.customer_key is not None:
        where.append(invoices.c.customer_key == chosen.customer_key)
    if chosen.statuses:
        where.append(invoices.c.status.in_(chosen.statuses))
    if chosen.invoice_id is not None:
        where.append(invoices.c.id == chosen.invoice_id)
    if chosen.provider_invoice is not None:
        where.append(invoices.c.provider_invoice == chosen.provider_invoice)
    if chosen.customer_plan_ids is not None:
        where.append(invoices.c.id.in_(store.billing_plans(work, chosen.customer_plan_ids)))
    if chosen.processors:
        where.append(store.processor().in_(chosen.processors))
    rows = await store.page(work, where, cursor, limit)
    return page_of(rows, limit, lambda invoice: Cursor(invoice.id, invoice.created_at))


async def list_of_customer(work: Work, customer_key: str) -> Sequence[Invoice]:
    """Every invoice of the customer, newest first."""
    return await store.of_customer(work, customer_key)


async def list_to_collect(work: Work, customer_key: str, *, now: datetime) -> Sequence[Invoice]:
    """The customer's open invoices whose next try is due, oldest first."""
    return await store.to_collect(work, customer_key, now)


async def charges_beyond(work: Work, customer_key: str, now: datetime) -> Sequence[LineDraft]:
    """The lines billed to the customer for what runs beyond `now`, credits among them, exact and unrounded.

    Lines of drafts and of voided invoices are none.
    """
    return await store.charges_beyond(work, customer_key, now)


async def last_paid(work: Work, customer_key: str, customer_plan_id: str) -> Invoice | None:
    """The newest invoice with a line of the customer plan that a payment paid, or None."""
    return await store.last_paid(work, customer_key, customer_plan_id)


async def discounts_taken(
    work: Work, customer_key: str, reward_use_ids: Collection[str]
) -> Mapping[str, DiscountTaken]:
    """What these uses of rewards took off the customer's invoices, by use; void invoices do not count."""
    return await taken.taken_by(work, customer_key, reward_use_ids) if reward_use_ids else {}


async def find_void(work: Work, invoice_ids: Collection[str]) -> frozenset[str]:
    """Those of the invoices that are void."""
    return await store.find_void(work, invoice_ids) if invoice_ids else frozenset()


async def has_paid(work: Work, customer_key: str) -> bool:
    """Whether a payment of the customer ever paid an invoice of ours."""
    return await store.has_paid(work, customer_key)


async def currencies_of(work: Work, customer_key: str) -> frozenset[str]:
    """The currencies of the invoices we have issued to the customer or are about to; voided ones bind nobody."""
    return await store.currencies_of(work, customer_key)


async def credit_of(work: Work, customer_key: str, currency: str) -> Money:
    """The customer's unspent credit in the currency."""
    return await ledger.credit_of(work, customer_key, currency)


async def list_credit(work: Work, customer_key: str) -> Sequence[CreditEntry]:
    """The latest movements of the customer's credit, newest first: what was given, what was spent, and why."""
    return await ledger.credit_entries(work, customer_key, CREDIT_ENTRIES_MAX)


async def list_due(system: SystemWork, now: datetime, limit: int) -> Sequence[tuple[Tenant, str]]:
    """Open invoices anywhere whose next try has come, for customers on the wall clock."""
    return [(Tenant.from_key(key), invoice_id) for key, invoice_id in await store.due(system, now, limit)]


async def next_retry_at(work: Work, customer_key: str) -> datetime | None:
    """When the next open invoice of the customer is tried again, or None."""
    return await store.next_attempt_at(work, customer_key)
