"""Invoices on the wire (api.md §2.0, §2.8, §2.16). Amounts are major units."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from sumac.api.schemas.pages import PageRequest
from sumac.api.schemas.wire import AnyId, CustomerId, Milliseconds, Number, WholeNumber, WireModel
from sumac.invoices.model import CreditNote, Invoice, InvoiceKind, InvoiceStatus, Line

StatusText = Literal["draft", "open", "void", "paid", "uncollectible"]
Processor = Literal["stripe", "revenuecat"]


class InvoiceBody(WireModel):
    """An invoice in short."""

    plan_ids: list[str]
    stripe_id: str
    processor_type: Processor
    status: str
    total: Number
    currency: str
    created_at: Milliseconds
    hosted_invoice_url: str | None

    @classmethod
    def of(cls, invoice: Invoice, public_url: str) -> Self:
        """As answered."""
        return cls(**_shortly(invoice, public_url))


class InvoiceItem(WireModel):
    """A line of an invoice; `id` names it in a credit note. `amount` is before discount and tax."""

    id: str
    description: str
    period_start: Milliseconds | None
    period_end: Milliseconds | None
    plan_id: str | None
    feature_id: str | None
    feature_name: str | None
    quantity: Number
    amount: Number
    amount_after_discounts: Number
    tax: Number
    entities: list[dict[str, Any]]

    @classmethod
    def of(cls, invoice: Invoice, position: int, line: Line) -> Self:
        """As answered."""
        return cls(
            id=line_id(invoice.id, position),
            description=line.description,
            period_start=line.period.start if line.period else None,
            period_end=line.period.end if line.period else None,
            plan_id=line.plan_id,
            feature_id=line.feature_id,
            feature_name=line.display_name if line.feature_id else None,
            quantity=line.quantity,
            amount=line.amount.major,
            amount_after_discounts=line.total.major - line.tax.major,
            tax=line.tax.major,
            entities=[],
        )


class NoteInShort(WireModel):
    """A credit note on an invoice."""

    id: str | None
    number: WholeNumber | None
    total: Number
    created_at: Milliseconds

    @classmethod
    def of(cls, note: CreditNote) -> Self:
        """As answered."""
        return cls(id=note.id, number=note.number, total=note.total.major, created_at=note.created_at)


class ListedInvoiceBody(InvoiceBody):
    """An invoice with its ids, its number, its lines and what became of it. A draft has no number."""

    id: str
    number: WholeNumber | None
    customer_id: str | None
    entity_id: str | None
    subtotal: Number
    discount_total: Number
    tax: Number
    credit_applied: Number
    amount_due: Number
    amount_paid: Number | None
    refunded_amount: Number
    issue_date: Milliseconds | None
    due_date: Milliseconds | None
    memo: str | None
    invoice_pdf: str | None
    items: list[InvoiceItem]
    credit_notes: list[NoteInShort]

    @classmethod
    def listed(cls, invoice: Invoice, public_url: str, customer_id: str) -> Self:
        """As listed."""
        return cls(
            **_shortly(invoice, public_url),
            id=invoice.id,
            number=invoice.number,
            customer_id=customer_id,
            entity_id=None,
            subtotal=invoice.subtotal.major,
            discount_total=invoice.discount.major,
            tax=invoice.tax.major,
            credit_applied=invoice.credit_applied.major,
            amount_due=invoice.amount_due.major if invoice.is_owed else Decimal(0),
            amount_paid=_paid(invoice),
            refunded_amount=invoice.refunded.major,
            issue_date=invoice.finalized_at,
            due_date=invoice.due_at,
            memo=invoice.memo,
            invoice_pdf=pdf_url(invoice, public_url),
            items=[InvoiceItem.of(invoice, position, line) for position, line in enumerate(invoice.lines)],
            credit_notes=[NoteInShort.of(note) for note in invoice.notes],
        )


class InvoiceListRequest(PageRequest):
    """Which invoices."""

    customer_id: CustomerId | None = None
    entity_id: AnyId | None = None
    invoice_id: AnyId | None = None
    stripe_id: AnyId | None = None
    status: Annotated[list[StatusText], Field(max_length=5)] | None = None
    processor_types: Annotated[list[Processor], Field(max_length=2)] | None = None

    def statuses(self) -> list[InvoiceStatus]:
        """The statuses asked for; none means every status."""
        return [InvoiceStatus(status) for status in self.status or ()]

    def processors(self) -> Sequence[str]:
        """The processors asked for; none means every one."""
        return self.processor_types or ()


class InvoiceList(WireModel):
    """A page of invoices, newest first."""

    list: list[ListedInvoiceBody]
    next_cursor: str | None


def hosted_url(invoice: Invoice, public_url: str) -> str | None:
    """The address of the invoice's page: ours, or where it was issued; None while it is not issued."""
    if invoice.origin is not None:
        return invoice.origin.hosted_url
    return None if invoice.number is None else f"{public_url}/invoice/{invoice.token}"


def pdf_url(invoice: Invoice, public_url: str) -> str | None:
    """The address of the invoice as a PDF, its credit notes in it; None for one that was not issued here."""
    return None if invoice.number is None else f"{public_url}/invoice/{invoice.token}/pdf"


def line_id(invoice_id: str, position: int) -> str:
    """What a line of an invoice is called: the invoice, and which of its lines."""
    return f"{invoice_id}:{position}"


def _shortly(invoice: Invoice, public_url: str) -> dict[str, Any]:
    return {
        "plan_ids": list(invoice.plan_ids),
        "stripe_id": invoice.provider_invoice,
        "processor_type": invoice.origin.processor if invoice.origin else "stripe",
        "status": invoice.status.value,
        "total": invoice.total.major,
        "currency": invoice.total.currency,
        "created_at": invoice.created_at,
        "hosted_invoice_url": hosted_url(invoice, public_url),
    }


def _paid(invoice: Invoice) -> Decimal | None:
    if invoice.kind is InvoiceKind.IMPORTED and invoice.origin is not None and not invoice.origin.paid_is_known:
        return None
    return invoice.paid.major if invoice.paid.minor else Decimal(0)
