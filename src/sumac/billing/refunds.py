"""Money that is not kept goes back: taken for what was no longer possible, or credited (payments.md §4.8).

That it is owed is committed together with the finding; the provider is asked afterwards, again and again under one key
until it has answered, so a crash in between delays a refund and never loses or doubles it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from sumac.billing.provider import Outcome, PaymentProvider
from sumac.core.ids import new_id
from sumac.core.money import Money
from sumac.core.tenant import Tenant
from sumac.invoices import notes
from sumac.invoices.model import CreditNote, Invoice, NoteRequest
from sumac.storage.database import Database
from sumac.storage.schema import refunds
from sumac.storage.work import SystemWork, Work

ARRIVES_SOON = timedelta(seconds=30)
ARRIVES_LATER = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Refund:
    """A payment, or part of one, that is owed back until the provider has given it back, asked under the id as key.

    One that is `under_way_since` an instant has not arrived when it is recorded, and may never do.
    """

    id: str
    customer_key: str
    payment: str
    amount: Money
    under_way_since: datetime | None = None


async def owe_payment(
    work: Work, customer_key: str, payment: str, amount: Money, *, under_way: bool = False
) -> Refund | None:
    """Records in the caller's work that all of a payment has to go back, as soon as it has arrived; once only.

    None where that is recorded already.
    """
    before = work.select(refunds).where(refunds.c.customer_key == customer_key, refunds.c.payment == payment)
    if await work.find(before) is not None:
        return None
    return await owe_refund(work, customer_key, payment, amount, under_way=under_way)


async def owe_what_arrives(work: Work, invoice: Invoice) -> None:
    """Has a payment that is under way go back, for an open invoice that is about to be void or written off."""
    if invoice.provider_payment is not None:
        payment, amount = invoice.provider_payment, invoice.amount_due
        await owe_payment(work, invoice.customer_key, payment, amount, under_way=True)


async def owe_refund(
    work: Work,
    customer_key: str,
    payment: str,
    amount: Money,
    *,
    invoice_id: str | None = None,
    under_way: bool = False,
) -> Refund:
    """Records in the caller's work that a payment has to go back; `invoice_id` is the invoice that it had paid."""
    since = work.now if under_way else None
    refund = Refund(new_id("rfd", now=work.now), customer_key, payment, amount, since)
    await work.insert(
        refunds,
        id=refund.id,
        customer_key=customer_key,
        payment=payment,
        amount_minor=amount.minor,
        currency=amount.currency,
        invoice_id=invoice_id,
        ask_at=None if since is None else since + ARRIVES_SOON,
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


async def give_back(database: Database, provider: PaymentProvider, tenant: Tenant, refund: Refund) -> bool:
    """Has the provider give the money back; safe to repeat.

    False while it has not arrived: the provider is asked again after as long as it has taken so far, or six hours.
    """
    where = (refunds.c.customer_key == refund.customer_key, refunds.c.id == refund.id)
    since = refund.under_way_since
    if since is not None:
        outcome = (await provider.read_payment(tenant, refund.payment)).outcome
        async with database.work(tenant) as work:
            if outcome is Outcome.PROCESSING:
                wait = min(max(work.now - since, ARRIVES_SOON), ARRIVES_LATER)
                await work.update(refunds, *where, values={"ask_at": work.now + wait})
                return False
            if outcome is not Outcome.PAID:
                await work.delete(refunds, *where)
                return True
    await provider.refund(tenant, refund.payment, refund.amount, key=refund.id)
    async with database.work(tenant) as work:
        await work.update(refunds, *where, values={"refunded_at": work.now})
    return True


async def owed_refunds(system: SystemWork, limit: int) -> Sequence[tuple[Tenant, Refund]]:
    """What is owed anywhere and may have arrived, the longest owed first."""
    may_have_arrived = sa.or_(refunds.c.ask_at.is_(None), refunds.c.ask_at <= system.now)
    statement = sa.select(refunds).where(refunds.c.refunded_at.is_(None), may_have_arrived)
    rows = await system.all(statement.order_by(refunds.c.created_at).limit(limit))
    return [(Tenant.from_key(row.tenant), _refund(row)) for row in rows]


def _refund(row: sa.Row[tuple[object, ...]]) -> Refund:
    amount = Money(row.amount_minor, row.currency)
    since = None if row.ask_at is None else row.created_at
    return Refund(row.id, row.customer_key, row.payment, amount, since)
