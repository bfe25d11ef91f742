"""What credit notes take back of an invoice with discount and tax (api.md §2.16)."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from sumac.core.errors import BadRequest, Conflict
from sumac.core.money import Money
from sumac.invoices.model import (
    CreditNote,
    Invoice,
    InvoiceDraft,
    InvoiceKind,
    InvoiceStatus,
    LineDraft,
    NoteDestination,
    NoteLineRequest,
    NoteRequest,
)
from sumac.invoices.rules.credit_notes import compute_credit_note, compute_creditable
from sumac.invoices.rules.document import compute_document
from tests.rules.offers import JANUARY

NOW: datetime = JANUARY


def line(cents: int, *, discount: int = 0, tax: int = 0, quantity: int = 1) -> LineDraft:
    """A line of that many cents."""
    return LineDraft(
        "Line",
        "Line",
        Decimal(cents),
        Decimal(quantity),
        "pro",
        None,
        None,
        exact_discount_minor=Decimal(discount),
        exact_tax_minor=Decimal(tax),
    )


def paid(*lines: LineDraft, credit: int = 0, **changes: object) -> Invoice:
    """An invoice of the lines that was paid by card, and from credit as far as it is said."""
    draft = InvoiceDraft(InvoiceKind.START, "usd", lines, ("pro",))
    made = compute_document(draft, "cus_1", invoice_id="inv_1", token="t", provider_invoice="in_1", now=NOW)
    invoice = replace(
        made,
        number=1,
        status=InvoiceStatus.PAID,
        credit_applied=Money(credit, "usd"),
        paid=Money(max(0, made.total.minor - credit), "usd"),
        provider_payment="ch_1",
    )
    return replace(invoice, **changes)  # type: ignore[arg-type]  # each test changes what it names


def taken(invoice: Invoice, **request: object) -> CreditNote:
    """The note that was asked for."""
    return compute_credit_note(invoice, NoteRequest(**request), now=NOW)  # type: ignore[arg-type]  # as named


def with_note(invoice: Invoice, note: CreditNote) -> Invoice:
    """The invoice once the note is issued."""
    refunded = invoice.refunded + note.refunded
    return replace(invoice, notes=(*invoice.notes, replace(note, id="cn", number=1)), refunded=refunded)


def ways(note: CreditNote) -> tuple[int, int, int, int]:
    """No longer due, refunded, credited, settled outside, in cents."""
    return (note.no_longer_due.minor, note.refunded.minor, note.credited.minor, note.out_of_band.minor)


def test_discount_and_tax_go_with_it() -> None:
    """Half of a line is half of what was taken off and half of the tax; the last note takes what is left of both."""
    invoice = paid(line(1001, discount=101, tax=171))
    assert 1071 == invoice.total.minor

    first = taken(invoice, amount_minor=535)
    rest = taken(with_note(invoice, first))

    assert [(500, 50, 85, 535), (501, 51, 86, 536)] == [
        (note.subtotal.minor, note.discount.minor, note.tax.minor, note.total.minor) for note in (first, rest)
    ]


def test_so_many_units() -> None:
    """Two of three units are two thirds, rounded half up."""
    note = taken(paid(line(1000, quantity=3)), lines=(NoteLineRequest(0, quantity=Decimal(2)),))

    assert (667, Decimal(2)) == (note.total.minor, note.lines[0].quantity)


def test_units_of_a_line_without_any() -> None:
    """A line that counts nothing has no share to take."""
    with pytest.raises(BadRequest):
        taken(paid(line(1000, quantity=0)), lines=(NoteLineRequest(0, quantity=Decimal(1)),))


@pytest.mark.parametrize(
    ("destination", "amount", "expected"),
    [
        (NoteDestination.REFUND, 2000, (0, 2000, 0, 0)),
        (NoteDestination.REFUND, 5000, (0, 3500, 1500, 0)),
        (NoteDestination.CUSTOMER_BALANCE, 5000, (0, 0, 5000, 0)),
        (NoteDestination.OUT_OF_BAND, 5000, (0, 0, 0, 5000)),
    ],
)
def test_where_it_goes(destination: NoteDestination, amount: int, expected: tuple[int, ...]) -> None:
    """$35 by card and $15 from credit: the card gets back what it paid, the rest becomes credit again."""
    assert expected == ways(taken(paid(line(5000), credit=1500), destination=destination, amount_minor=amount))


def test_refunds_of_other_ways_count() -> None:
    """What was refunded without a note is no longer there to credit."""
    invoice = paid(line(5000), refunded=Money(3000, "usd"))

    assert 2000 == compute_creditable(invoice).minor
    assert (0, 2000, 0, 0) == ways(taken(invoice, destination=NoteDestination.REFUND))


def test_credits_on_an_invoice_are_not_taken_back() -> None:
    """An upgrade of $50 less $10: the note takes from the charge, $40 at most."""
    invoice = paid(line(-1000), line(5000))
    note = taken(invoice)

    assert [(1, 4000)] == [(each.position, each.amount.minor) for each in note.lines]
    with pytest.raises(BadRequest) as refused:
        taken(invoice, lines=(NoteLineRequest(1),))
    assert "credit_note_exceeds_invoice" == refused.value.code
    with pytest.raises(BadRequest):
        taken(invoice, lines=(NoteLineRequest(0),))


def test_a_negative_invoice_has_nothing_to_credit() -> None:
    """It gave something back itself."""
    with pytest.raises(BadRequest) as refused:
        taken(paid(line(-1000)))

    assert "credit_note_exceeds_invoice" == refused.value.code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status": InvoiceStatus.DRAFT}, "invoice_not_finalized"),
        ({"status": InvoiceStatus.VOID}, "invoice_void"),
        ({"kind": InvoiceKind.IMPORTED}, "invoice_imported"),
    ],
)
def test_what_is_no_document(changes: dict[str, Any], code: str) -> None:
    """A note corrects what was issued here and stands."""
    with pytest.raises(Conflict) as refused:
        taken(paid(line(100), **changes))

    assert code == refused.value.code


def test_lines_must_be_there_once() -> None:
    """A line that does not exist, or is named twice, is refused."""
    for lines in ((NoteLineRequest(1),), (NoteLineRequest(0), NoteLineRequest(0))):
        with pytest.raises(BadRequest) as refused:
            taken(paid(line(100)), lines=lines)

        assert "invalid_inputs" == refused.value.code
    for amount in (0, -5):
        with pytest.raises(BadRequest) as refused:
            taken(paid(line(100)), lines=(NoteLineRequest(0, amount_minor=amount),))

        assert "invalid_inputs" == refused.value.code
        with pytest.raises(BadRequest):
            taken(paid(line(100)), amount_minor=amount)
