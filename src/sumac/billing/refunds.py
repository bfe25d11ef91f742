"""Money that is not kept goes back: taken for what was no longer possible, or credited (payments.md §4.8).

That it is owed is committed together with the finding; the provider is asked afterwards, again and again under one key
until it has answered, so a crash in between delays a refund and never loses or doubles it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sumac.billing.provider import PaymentProvider
from sumac.core.ids import new_id
from sumac.core.money import Money
from sumac.core.tenant import Tenant
from sumac.invoices import notes
from sumac.invoices.model import CreditNote, Invoice, NoteRequest
from sumac.storage.database import Database
from sumac.storage.schema import refunds
from sumac.storage.work import SystemWork, Work


@dataclass(frozen=True, slots=True)
class Refund:
    """A payment, or part of one, that is owed back until the provider has given it back, asked under the id as key."""

    id: str
    customer_key: str
    payment: str
    amount: Money


async def owe_refund(
    work: Work, customer_key: str, payment: str, amount: Money, *, invoice_id: str | None = None
) -> Refund:
    """Records in the caller's work that a payment has to go back; `invoice_id` is the invoice that it had paid."""
    refund = Refund(new_id("rfd", now=work.now), customer_key, payment, amount)
    await work.insert(
        refunds,
        id=refund.id,
        customer_key=customer_key,
        payment=payment,
        amount_minor=amount.minor,
        currency=amount.currency,
        invoice_id=invoice_id,
        refunded_at=None,
        created_at=work.now,
    )
    return refund


async def correct_invoice(
    work: Work, invoice: Invoice, request: NoteRequest, *, now: datetime
) -> tuple[Invoice, CreditNote, Refund | None]:
    """Issues a credit note in the caller's work; what of it goes back to the card is owed from then on.

    The rows of the customer and the invoice must be locked, and no payment of it be under way. Raises as
    `compute_credit_note` does.
    """
    corrected, note = await notes.issue_note(work, invoice, request, now=now)
    if not note.refunded.minor or invoice.provider_payment is None:
        return corrected, note, None
    payment, customer_key = invoice.provider_payment, invoice.customer_key
    refund = await owe_refund(work, customer_key, payment, note.refunded, invoice_id=invoice.id)
    return corrected, note, refund


async def give_back(database: Database, provider: PaymentProvider, tenant: Tenant, refund: Refund) -> None:
    """Has the provider give the money back; safe to repeat."""
    await provider.refund(tenant, refund.payment, refund.amount, key=refund.id)
    async with database.work(tenant) as work:
        where = (refunds.c.customer_key == refund.customer_key, refunds.c.id == refund.id)
        await work.update(refunds, *where, values={"refunded_at": work.now})


async def owed_refunds(system: SystemWork, limit: int) -> Sequence[tuple[Tenant, Refund]]:
    """What is owed anywhere, the longest owed first."""
    statement = sa.select(refunds).where(refunds.c.refunded_at.is_(None)).order_by(refunds.c.created_at)
    rows = await system.all(statement.limit(limit))
    return [(Tenant.from_key(row.tenant), _refund(row)) for row in rows]


def _refund(row: sa.Row[tuple[object, ...]]) -> Refund:
    return Refund(row.id, row.customer_key, row.payment, Money(row.amount_minor, row.currency))
