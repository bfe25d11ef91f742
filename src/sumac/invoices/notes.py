"""Issuing credit notes: how a finalized invoice is corrected (api.md §2.16)."""

from dataclasses import replace
from datetime import datetime

from sumac.core.ids import new_id
from sumac.core.money import Money
from sumac.invoices import ledger, store
from sumac.invoices.model import CreditNote, Invoice, NoteRequest
from sumac.invoices.rules.credit_notes import compute_credit_note
from sumac.storage.work import Work


async def issue_note(
    work: Work, invoice: Invoice, request: NoteRequest, *, now: datetime
) -> tuple[Invoice, CreditNote]:
    """Numbers and books a credit note; answers the invoice as it stands with it, and the note.

    What goes to the customer's credit is given; what goes back to the card is counted as refunded, and the caller has
    to have it given back. An open invoice of which nothing is left to pay stays open for the caller to settle. The
    invoice's row must be locked. Raises as `compute_credit_note` does.
    """
    computed = compute_credit_note(invoice, request, now=now)
    number = await work.next_number("credit_note")
    note = replace(computed, id=new_id("cn", now=now), number=number)
    await ledger.insert_note(work, note)
    if note.credited.minor:
        entry_id = new_id("crd", now=now)
        await ledger.book_credit(work, invoice, note.credited, entry_id=entry_id, at=now, credit_note_id=note.id)
    if note.refunded.minor:
        invoice = await record_refund(work, invoice, note.refunded)
    return replace(invoice, notes=(*invoice.notes, note)), note


async def record_refund(work: Work, invoice: Invoice, amount: Money) -> Invoice:
    """Counts an amount as refunded: it goes back to the card that paid. The invoice's row must be locked."""
    refunded = replace(invoice, refunded=invoice.refunded + amount)
    await store.update_progress(work, refunded)
    return refunded
