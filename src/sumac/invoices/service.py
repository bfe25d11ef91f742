"""Issuing, reading and settling invoices, and the customer's credit (billing.md §14)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from sumac.core.errors import NotFound
from sumac.core.ids import new_id, new_token
from sumac.core.money import Money
from sumac.core.page import Cursor, Page, page_of
from sumac.core.tenant import Tenant
from sumac.invoices import store
from sumac.invoices.model import Invoice, InvoiceDraft, InvoiceStatus
from sumac.invoices.rules.totals import compute_lines, compute_total
from sumac.storage.schema import invoices
from sumac.storage.work import SystemWork, Work

RETRY_DAYS = (1, 3, 5, 7)


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """Which invoices of a tenant to list."""

    customer_key: str | None = None
    statuses: Sequence[InvoiceStatus] = ()


async def issue(work: Work, customer_key: str, draft: InvoiceDraft, *, now: datetime) -> Invoice:
    """Turns a draft into a numbered invoice: open while something is to be paid, else paid.

    The customer's credit is spent first; a negative total is added to it.
    """
    lines = compute_lines(draft.lines, draft.currency)
    total = compute_total(lines, draft.currency)
    credit = await store.credit_of(work, customer_key, draft.currency)
    applied = Money(max(0, min(credit.minor, total.minor)), draft.currency)
    invoice = Invoice(
        id=new_id("inv", now=now),
        customer_key=customer_key,
        number=await work.next_number("invoice"),
        token=new_token(),
        kind=draft.kind,
        status=InvoiceStatus.OPEN,
        total=total,
        credit_applied=applied,
        paid=Money.zero(draft.currency),
        refunded=Money.zero(draft.currency),
        plan_ids=draft.plan_ids,
        customer_plan_id=draft.customer_plan_id,
        period_start=draft.period_start,
        provider_invoice=new_id("in", now=now),
        provider_payment=None,
        attempts_made=0,
        next_attempt_at=now,
        created_at=now,
        paid_at=None,
        lines=lines,
    )
    if invoice.amount_due.minor == 0:
        invoice = replace(invoice, status=InvoiceStatus.PAID, next_attempt_at=None, paid_at=now)
    await store.insert(work, invoice)
    movement = -total if total.minor < 0 else -applied
    if movement.minor:
        await store.book_credit(work, invoice, movement, entry_id=new_id("crd", now=now), at=now)
    return invoice


async def record_payment(work: Work, invoice: Invoice, *, payment: str | None, now: datetime) -> Invoice:
    """Marks the invoice paid in full."""
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
    return paid


async def record_failure(work: Work, invoice: Invoice, *, now: datetime, retry: bool) -> Invoice:
    """Counts a failed try; with `retry` the next one follows after 1, 3, 5 and 7 days, then none."""
    pauses = RETRY_DAYS[invoice.attempts_made : invoice.attempts_made + 1] if retry else ()
    failed = replace(
        invoice,
        attempts_made=invoice.attempts_made + 1,
        next_attempt_at=next((now + timedelta(days=days) for days in pauses), None),
    )
    await store.update_progress(work, failed)
    return failed


async def record_waiting(work: Work, invoice: Invoice, *, until: datetime | None) -> Invoice:
    """The payment is under way: the try does not count as failed, and is looked at again then or by who waits."""
    waiting = replace(invoice, next_attempt_at=until)
    await store.update_progress(work, waiting)
    return waiting


async def void(work: Work, invoice: Invoice, *, now: datetime) -> Invoice:
    """Cancels an unpaid invoice and gives back the credit it had taken."""
    if invoice.credit_applied.minor:
        await store.book_credit(work, invoice, invoice.credit_applied, entry_id=new_id("crd", now=now), at=now)
    zero = Money.zero(invoice.total.currency)
    voided = replace(invoice, status=InvoiceStatus.VOID, credit_applied=zero, next_attempt_at=None)
    await store.update_progress(work, voided)
    return voided


async def get(work: Work, invoice_id: str, *, lock: bool = False) -> Invoice:
    """The invoice. Raises NotFound `invoice_not_found`."""
    invoice = await store.find(work, invoices.c.id == invoice_id, lock=lock)
    if invoice is None:
        message = f"Invoice {invoice_id} not found"
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
    rows = await store.page(work, where, cursor, limit)
    return page_of(rows, limit, lambda invoice: Cursor(invoice.id, invoice.created_at))


async def list_of_customer(work: Work, customer_key: str) -> Sequence[Invoice]:
    """Every invoice of the customer, newest first."""
    return await store.of_customer(work, customer_key)


async def list_to_collect(work: Work, customer_key: str, *, now: datetime) -> Sequence[Invoice]:
    """The customer's open invoices whose next try is due, oldest first."""
    return await store.to_collect(work, customer_key, now)


async def credit_of(work: Work, customer_key: str, currency: str) -> Money:
    """The customer's unspent credit in the currency."""
    return await store.credit_of(work, customer_key, currency)


async def list_due(system: SystemWork, now: datetime, limit: int) -> Sequence[tuple[Tenant, str]]:
    """Open invoices anywhere whose next try has come, for customers on the wall clock."""
    return [(Tenant.from_key(key), invoice_id) for key, invoice_id in await store.due(system, now, limit)]


async def next_retry_at(work: Work, customer_key: str) -> datetime | None:
    """When the next open invoice of the customer is tried again, or None."""
    return await store.next_attempt_at(work, customer_key)
