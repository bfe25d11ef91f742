"""What an invoice and its credit notes show, in words: the page and the PDF are both made of this one sheet."""

from collections.abc import Iterator
from dataclasses import dataclass

from sumac.core.money import Money
from sumac.customers.model import Customer
from sumac.invoices.model import CreditNote, Invoice, InvoiceStatus, Line, NoteLine, NoteReason
from sumac.invoices.rules.document import discount_text
from sumac.pages.words import day, days, money, number

STATUSES = {
    InvoiceStatus.DRAFT: "Draft",
    InvoiceStatus.OPEN: "Open",
    InvoiceStatus.PAID: "Paid",
    InvoiceStatus.VOID: "Canceled",
    InvoiceStatus.UNCOLLECTIBLE: "Not paid",
}
REASONS = {
    NoteReason.DUPLICATE: "Charged twice",
    NoteReason.FRAUDULENT: "Not ordered by you",
    NoteReason.ORDER_CHANGE: "Change of the order",
    NoteReason.PRODUCT_UNSATISFACTORY: "Not as expected",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One of the facts at the head of a document, such as when it was issued; `hint` is a smaller second line."""

    label: str
    text: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class SheetLine:
    """A line of a document; `hint` is the period it is for."""

    description: str
    hint: str | None
    quantity: str
    amount: str


@dataclass(frozen=True, slots=True)
class Sum:
    """One of the amounts below the lines; the last one of a document stands out."""

    label: str
    amount: str
    stands_out: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A document as it is read from top to bottom."""

    title: str
    status: str
    facts: tuple[Fact, ...]
    lines: tuple[SheetLine, ...]
    sums: tuple[Sum, ...]
    memo: str | None


def invoice_sheet(invoice: Invoice, customer: Customer, seller_name: str) -> Sheet:
    """The invoice in words."""
    return Sheet(
        title=f"Invoice {invoice.number}",
        status=STATUSES[invoice.status],
        facts=(*_parties(customer, seller_name), *_dates(invoice)),
        lines=tuple(_line(line) for line in invoice.lines),
        sums=tuple(_sums(invoice)),
        memo=invoice.memo,
    )


def note_sheet(note: CreditNote, invoice: Invoice, customer: Customer, seller_name: str) -> Sheet:
    """A credit note in words."""
    reason = (Fact("Reason", REASONS[note.reason]),) if note.reason else ()
    return Sheet(
        title=note_title(note),
        status="Issued",
        facts=(
            *_parties(customer, seller_name),
            Fact("Issued", day(note.created_at)),
            Fact("Corrects", f"Invoice {invoice.number}"),
            *reason,
        ),
        lines=tuple(_note_line(line) for line in note.lines),
        sums=tuple(_note_sums(note)),
        memo=note.memo,
    )


def note_title(note: CreditNote) -> str:
    """ "Credit note 3"."""
    return f"Credit note {note.number}"


def _parties(customer: Customer, seller_name: str) -> tuple[Fact, ...]:
    name = customer.name or customer.email or customer.public_id
    return Fact("From", seller_name), Fact("For", name, customer.email if customer.name else None)


def _dates(invoice: Invoice) -> Iterator[Fact]:
    yield Fact("Issued", day(invoice.issued_at))
    if invoice.due_at is not None:
        yield Fact("Due", day(invoice.due_at))
    if invoice.paid_at is not None:
        yield Fact("Paid" if invoice.paid.minor else "Settled", day(invoice.paid_at))


def _line(line: Line) -> SheetLine:
    return SheetLine(
        line.description, days(line.period) if line.period else None, number(line.quantity), money(line.amount)
    )


def _note_line(line: NoteLine) -> SheetLine:
    before = Money(line.amount.minor + line.discount_minor - line.tax_minor, line.amount.currency)
    return SheetLine(line.description, None, number(line.quantity) if line.quantity is not None else "", money(before))


def _sums(invoice: Invoice) -> Iterator[Sum]:
    yield Sum("Subtotal", money(invoice.subtotal))
    named = [Sum(discount_text(each.source), money(-each.amount)) for each in invoice.discounts]
    yield from named
    yield from _discount_and_tax(Money.zero(invoice.total.currency) if named else invoice.discount, invoice.tax)
    yield Sum("Total", money(invoice.total))
    if invoice.total.minor < 0:
        yield Sum("Added to your credit", money(-invoice.total), stands_out=True)
        return
    if invoice.credit_applied.minor:
        yield Sum("Paid from your credit", money(-invoice.credit_applied))
    for note in invoice.notes:
        if note.no_longer_due.minor:
            yield Sum(note_title(note), money(-note.no_longer_due))
    if invoice.paid.minor:
        yield Sum("Paid", money(-invoice.paid))
    if invoice.refunded.minor:
        yield Sum("Refunded", money(invoice.refunded))
    due = invoice.amount_due if invoice.is_owed else Money.zero(invoice.total.currency)
    yield Sum("Amount due", money(due), stands_out=True)


def _note_sums(note: CreditNote) -> Iterator[Sum]:
    yield Sum("Subtotal", money(note.subtotal))
    yield from _discount_and_tax(note.discount, note.tax)
    yield Sum("Total credited", money(note.total), stands_out=True)
    for label, amount in (
        ("No longer due", note.no_longer_due),
        ("Back to your card", note.refunded),
        ("Added to your credit", note.credited),
        ("Settled separately", note.out_of_band),
    ):
        if amount.minor:
            yield Sum(label, money(amount))


def _discount_and_tax(discount: Money, tax: Money) -> Iterator[Sum]:
    if discount.minor:
        yield Sum("Discount", money(-discount))
    if tax.minor:
        yield Sum("Tax", money(tax))
