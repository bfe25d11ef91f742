"""Rows of credit notes and of the customer's credit: what corrects documents, and is only ever added to."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from sumac.core.money import Money
from sumac.invoices.model import CreditEntry, CreditNote, CreditReason, Invoice, NoteLine, NoteReason
from sumac.storage.schema import credit_notes, customer_credits, invoices
from sumac.storage.work import Work

LINES = TypeAdapter(tuple[NoteLine, ...])


async def insert_note(work: Work, note: CreditNote) -> None:
    """Adds a credit note; nothing ever changes it."""
    await work.insert(
        credit_notes,
        id=note.id,
        customer_key=note.customer_key,
        number=note.number,
        invoice_id=note.invoice_id,
        currency=note.total.currency,
        total_minor=note.total.minor,
        open_minor=note.no_longer_due.minor,
        refund_minor=note.refunded.minor,
        credit_minor=note.credited.minor,
        out_of_band_minor=note.out_of_band.minor,
        reason=note.reason,
        memo=note.memo,
        lines=LINES.dump_python(note.lines, mode="json"),
        created_at=note.created_at,
    )


async def notes_of(work: Work, invoice_ids: Collection[str]) -> Mapping[str, tuple[CreditNote, ...]]:
    """The credit notes of the invoices, by invoice id, oldest first."""
    statement = work.select(credit_notes).where(credit_notes.c.invoice_id.in_(invoice_ids))
    notes: dict[str, tuple[CreditNote, ...]] = {}
    for row in await work.all(statement.order_by(credit_notes.c.number)):
        notes[row.invoice_id] = (*notes.get(row.invoice_id, ()), _note(row))
    return notes


async def credit_of(work: Work, customer_key: str, currency: str) -> Money:
    """The customer's unspent credit in the currency."""
    total = await work.scalar(
        work.select_columns(customer_credits, sa.func.sum(customer_credits.c.amount_minor)).where(
            customer_credits.c.customer_key == customer_key,
            customer_credits.c.currency == currency,
        ),
    )
    return Money(int(total or 0), currency)


async def book_credit(
    work: Work,
    invoice: Invoice,
    amount: Money,
    *,
    entry_id: str,
    at: datetime,
    credit_note_id: str | None = None,
) -> None:
    """Appends a movement of the customer's credit: positive gives, negative spends."""
    await work.insert(
        customer_credits,
        id=entry_id,
        customer_key=invoice.customer_key,
        amount_minor=amount.minor,
        currency=amount.currency,
        invoice_id=invoice.id,
        credit_note_id=credit_note_id,
        created_at=at,
    )


async def credit_entries(work: Work, customer_key: str, limit: int) -> list[CreditEntry]:
    """The latest movements of the customer's credit, newest first."""
    statement = (
        work.select(customer_credits, invoices)
        .with_only_columns(customer_credits, invoices.c.number, invoices.c.total_minor)
        .where(
            customer_credits.c.customer_key == customer_key,
            invoices.c.customer_key == customer_key,
            invoices.c.id == customer_credits.c.invoice_id,
        )
        .order_by(customer_credits.c.created_at.desc(), invoices.c.number.desc(), customer_credits.c.id.desc())
        .limit(limit)
    )
    return [_entry(row) for row in await work.all(statement)]


def _note(row: sa.Row[Any]) -> CreditNote:
    return CreditNote(
        id=row.id,
        customer_key=row.customer_key,
        number=row.number,
        invoice_id=row.invoice_id,
        total=Money(row.total_minor, row.currency),
        no_longer_due=Money(row.open_minor, row.currency),
        refunded=Money(row.refund_minor, row.currency),
        credited=Money(row.credit_minor, row.currency),
        out_of_band=Money(row.out_of_band_minor, row.currency),
        reason=None if row.reason is None else NoteReason(row.reason),
        memo=row.memo,
        lines=LINES.validate_python(row.lines),
        created_at=row.created_at,
    )


def _entry(row: sa.Row[Any]) -> CreditEntry:
    return CreditEntry(
        id=row.id,
        amount=Money(row.amount_minor, row.currency),
        reason=_reason(row),
        invoice_id=row.invoice_id,
        invoice_number=row.number,
        credit_note_id=row.credit_note_id,
        created_at=row.created_at,
    )


def _reason(row: sa.Row[Any]) -> CreditReason:
    if row.amount_minor < 0:
        return CreditReason.SPENT
    if row.credit_note_id is not None:
        return CreditReason.CREDIT_NOTE
    return CreditReason.INVOICE if row.total_minor < 0 else CreditReason.RETURNED
