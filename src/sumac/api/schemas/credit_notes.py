"""Credit notes on the wire (api.md §2.16). Amounts are major units."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field

from sumac.api.schemas.invoices import line_id, pdf_url
from sumac.api.schemas.wire import AnyId, Number, Text, Truth, WholeNumber, WireModel
from sumac.core.errors import BadRequest
from sumac.core.money import exact_minor, minor_digits
from sumac.invoices.model import (
    CreditNote,
    Invoice,
    NoteDestination,
    NoteLine,
    NoteLineRequest,
    NoteReason,
    NoteRequest,
)

LINES_MAX = 500
Reason = Literal["duplicate", "fraudulent", "order_change", "product_unsatisfactory"]
Amount = Annotated[Number, Field(gt=0, le=Decimal(10) ** 13)]


class NoteLineBody(WireModel):
    """A line of the invoice, and how much of it to take back: an amount, so many units, or all that is left of it."""

    id: AnyId
    amount: Amount | None = None
    quantity: Amount | None = None


class CreditNoteBody(WireModel):
    """A correction of a finalized invoice: an amount spread over its lines, or parts of some lines; all by default.

    What is still open is lowered first. The paid rest goes to the `destination`.
    """

    invoice_id: AnyId
    amount: Amount | None = None
    lines: Annotated[list[NoteLineBody], Field(min_length=1, max_length=LINES_MAX)] | None = None
    destination: Literal["customer_balance", "refund", "out_of_band"] = "customer_balance"
    send_email: Truth = True
    reason: Reason | None = None
    memo: Text | None = None
    preview: Truth = False

    def request(self, invoice: Invoice) -> NoteRequest:
        """As a request about that invoice. Raises BadRequest for a foreign line, or more decimals than there are."""
        if self.amount is not None and self.lines is not None:
            message = "lines: send either these or an amount"
            raise BadRequest(message, code="invalid_inputs")
        return NoteRequest(
            destination=NoteDestination(self.destination),
            amount_minor=_minor(self.amount, invoice.total.currency),
            lines=tuple(_line_request(line, invoice) for line in self.lines or ()),
            reason=NoteReason(self.reason) if self.reason else None,
            memo=self.memo,
        )


class NoteItem(WireModel):
    """What a credit note takes back of a line of the invoice; `amount` has the tax in it."""

    id: str
    description: str
    quantity: Number | None
    amount: Number

    @classmethod
    def of(cls, line: NoteLine, invoice_id: str) -> Self:
        """As answered."""
        return cls(
            id=line_id(invoice_id, line.position),
            description=line.description,
            quantity=line.quantity,
            amount=line.amount.major,
        )


class IssuedNote(WireModel):
    """A credit note, or what one would be: then without id and number.

    `pre_payment_amount` is no longer to be paid; `post_payment_amount` had been paid, and goes back in three ways.
    """

    id: str | None
    invoice_id: str
    number: WholeNumber | None
    status: Literal["issued"] | None
    currency: str
    subtotal: Number
    discount_amount: Number
    tax_amount: Number
    total: Number
    pre_payment_amount: Number
    post_payment_amount: Number
    refund_amount: Number
    credit_amount: Number
    out_of_band_amount: Number
    reason: Reason | None
    memo: str | None
    pdf: str | None
    lines: list[NoteItem]

    @classmethod
    def of(cls, note: CreditNote, invoice: Invoice, public_url: str) -> Self:
        """As answered."""
        is_issued = note.id is not None
        return cls(
            id=note.id,
            invoice_id=note.invoice_id,
            number=note.number,
            status="issued" if is_issued else None,
            currency=note.total.currency,
            subtotal=note.subtotal.major,
            discount_amount=note.discount.major,
            tax_amount=note.tax.major,
            total=note.total.major,
            pre_payment_amount=note.no_longer_due.major,
            post_payment_amount=(note.total - note.no_longer_due).major,
            refund_amount=note.refunded.major,
            credit_amount=note.credited.major,
            out_of_band_amount=note.out_of_band.major,
            reason=note.reason.value if note.reason else None,
            memo=note.memo,
            pdf=pdf_url(invoice, public_url) if is_issued else None,
            lines=[NoteItem.of(line, note.invoice_id) for line in note.lines],
        )


class CreditNoteAnswer(WireModel):
    """The credit note."""

    credit_note: IssuedNote


def _minor(amount: Decimal | None, currency: str) -> int | None:
    if amount is None:
        return None
    exact = exact_minor(amount, currency)
    if exact != exact.to_integral_value():
        message = f"amount: {currency} has {minor_digits(currency)} decimals"
        raise BadRequest(message, code="invalid_inputs")
    return int(exact)


def _line_request(line: NoteLineBody, invoice: Invoice) -> NoteLineRequest:
    positions = {line_id(invoice.id, position): position for position in range(len(invoice.lines))}
    if line.id not in positions:
        message = f"lines: there is no line {line.id} on this invoice"
        raise BadRequest(message, code="invalid_inputs")
    if line.amount is not None and line.quantity is not None:
        message = f"lines: send either an amount or a quantity of {line.id}"
        raise BadRequest(message, code="invalid_inputs")
    return NoteLineRequest(positions[line.id], _minor(line.amount, invoice.total.currency), line.quantity)
