"""Invoices that were issued elsewhere, kept as history: never charged, never numbered (api.md §2.8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sumac.core.errors import Conflict
from sumac.core.ids import new_id, new_token
from sumac.core.money import Money
from sumac.invoices import store
from sumac.invoices.model import Invoice, InvoiceKind, InvoiceStatus, Origin
from sumac.storage.work import Work


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """An invoice as whoever issued it tells it; `provider_invoice` is its id there. `paid` None is not known."""

    customer_key: str
    provider_invoice: str
    status: InvoiceStatus
    total: Money
    created_at: datetime
    plan_ids: tuple[str, ...]
    processor: str
    paid: Money | None
    refunded: Money
    hosted_url: str | None


async def import_invoices(work: Work, entries: Sequence[HistoryEntry], *, now: datetime) -> Sequence[Invoice]:
    """Adds the invoices, or writes those that are there anew; answers them in the same order.

    Raises Conflict `invoice_not_imported` for an id that belongs to an invoice of ours, which never changes.
    """
    await work.lock("invoice_history")
    found = await store.find_by_provider_invoices(work, [entry.provider_invoice for entry in entries])
    known = {invoice.provider_invoice: invoice for invoice in found}
    return [await _imported(work, entry, known.get(entry.provider_invoice), now=now) for entry in entries]


async def _imported(work: Work, entry: HistoryEntry, before: Invoice | None, *, now: datetime) -> Invoice:
    if before is None:
        invoice = _invoice(entry, new_id("inv", now=now), new_token())
        await store.insert(work, invoice)
        return invoice
    if before.kind is not InvoiceKind.IMPORTED or before.customer_key != entry.customer_key:
        message = f"stripe_id: {entry.provider_invoice} is another invoice, which an import does not change"
        raise Conflict(message, code="invoice_not_imported")
    invoice = _invoice(entry, before.id, before.token)
    await store.replace_imported(work, invoice)
    return invoice


def _invoice(entry: HistoryEntry, invoice_id: str, token: str) -> Invoice:
    zero = Money.zero(entry.total.currency)
    return Invoice(
        id=invoice_id,
        customer_key=entry.customer_key,
        number=None,
        token=token,
        kind=InvoiceKind.IMPORTED,
        status=entry.status,
        total=entry.total,
        credit_applied=zero,
        paid=entry.paid or zero,
        refunded=entry.refunded,
        plan_ids=entry.plan_ids,
        customer_plan_id=None,
        period_start=None,
        provider_invoice=entry.provider_invoice,
        provider_payment=None,
        attempts_made=0,
        next_attempt_at=None,
        created_at=entry.created_at,
        paid_at=None,
        origin=Origin(entry.processor, entry.hosted_url, paid_is_known=entry.paid is not None),
        finalized_at=None if entry.status is InvoiceStatus.DRAFT else entry.created_at,
    )
