"""What a credit note takes back, line by line, and where it goes (api.md §2.16; billing.md §14.2)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, localcontext

from sumac.core.errors import BadRequest, Conflict
from sumac.core.money import DECIMAL_PRECISION, Money, apportion, round_half_up
from sumac.invoices.model import (
    CreditNote,
    Invoice,
    InvoiceKind,
    InvoiceStatus,
    Line,
    NoteDestination,
    NoteLine,
    NoteLineRequest,
    NoteRequest,
)


def compute_creditable(invoice: Invoice) -> Money:
    """What can still be taken back: what is open, and what was paid and neither refunded nor credited yet."""
    return Money(_open_minor(invoice) + _kept_minor(invoice), invoice.total.currency)


def compute_credit_note(invoice: Invoice, request: NoteRequest, *, now: datetime) -> CreditNote:
    """The note as it would be issued now; it has neither id nor number yet.

    Raises Conflict `invoice_not_finalized`, `invoice_void` or `invoice_imported`, BadRequest
    `credit_note_exceeds_invoice`, and BadRequest for a line that does not exist or an amount that is not above 0.
    """
    _require_document(invoice)
    most = compute_creditable(invoice)
    if most.minor <= 0:
        message = "Nothing of this invoice is left to credit"
        raise BadRequest(message, code="credit_note_exceeds_invoice")
    lines = _chosen(invoice, request.lines) if request.lines else _spread(invoice, request.amount_minor)
    total = sum(line.amount.minor for line in lines)
    if total > most.minor:
        message = f"lines: at most {most.major:f} {most.currency} of this invoice can still be credited"
        raise BadRequest(message, code="credit_note_exceeds_invoice")
    ways = _ways(invoice, total, request.destination)
    no_longer_due, refunded, credited, out_of_band = (Money(minor, invoice.total.currency) for minor in ways)
    return CreditNote(
        id=None,
        customer_key=invoice.customer_key,
        number=None,
        invoice_id=invoice.id,
        total=Money(total, invoice.total.currency),
        no_longer_due=no_longer_due,
        refunded=refunded,
        credited=credited,
        out_of_band=out_of_band,
        reason=request.reason,
        memo=request.memo,
        lines=lines,
        created_at=now,
    )


def _require_document(invoice: Invoice) -> None:
    if invoice.kind is InvoiceKind.IMPORTED:
        message = "This invoice was issued elsewhere; correct it there"
        raise Conflict(message, code="invoice_imported")
    if invoice.status is InvoiceStatus.DRAFT:
        message = "A draft is not issued yet; change or void it instead of correcting it"
        raise Conflict(message, code="invoice_not_finalized")
    if invoice.status is InvoiceStatus.VOID:
        message = "This invoice is void; there is nothing to correct"
        raise Conflict(message, code="invoice_void")


def _open_minor(invoice: Invoice) -> int:
    return invoice.amount_due.minor if invoice.is_owed else 0


def _kept_minor(invoice: Invoice) -> int:
    """What was paid, by card or from credit, and has not been given back in any way."""
    given_back = invoice.refunded.minor + sum(note.credited.minor + note.out_of_band.minor for note in invoice.notes)
    return max(0, invoice.paid.minor + invoice.credit_applied.minor - given_back)


def _ways(invoice: Invoice, total: int, destination: NoteDestination) -> tuple[int, int, int, int]:
    """How the total splits: no longer due, back to the card, credit, settled outside.

    What is open is lowered first. What was paid from credit cannot go to a card: it becomes credit again.
    """
    no_longer_due = min(total, _open_minor(invoice))
    rest = total - no_longer_due
    if destination is NoteDestination.OUT_OF_BAND:
        return no_longer_due, 0, 0, rest
    if destination is NoteDestination.CUSTOMER_BALANCE:
        return no_longer_due, 0, rest, 0
    charged = invoice.paid.minor - invoice.refunded.minor if invoice.provider_payment else 0
    refunded = min(rest, max(0, charged))
    return no_longer_due, refunded, rest - refunded, 0


def _left_of(invoice: Invoice, position: int) -> int:
    """What earlier notes have left of a line; nothing of a line that gave something back."""
    taken = sum(line.amount.minor for note in invoice.notes for line in note.lines if line.position == position)
    return max(0, invoice.lines[position].total.minor - taken)


def _spread(invoice: Invoice, amount: int | None) -> tuple[NoteLine, ...]:
    """The amount over every line, in proportion to what is left of each; all that is left when no amount is given."""
    left = [_left_of(invoice, position) for position in range(len(invoice.lines))]
    whole, most = sum(left), compute_creditable(invoice)
    wanted = most.minor if amount is None else amount
    if not 0 < wanted <= min(whole, most.minor):
        wanted_text = Money(wanted, most.currency).major
        message = f"amount: {wanted_text:f} is not between 0 and the {most.major:f} {most.currency} left to credit"
        raise BadRequest(message, code="credit_note_exceeds_invoice" if wanted > 0 else "invalid_inputs")
    with localcontext() as context:
        context.prec = DECIMAL_PRECISION
        shares = apportion([Decimal(wanted) * rest / whole for rest in left])
    return tuple(_line(invoice, position, share, None) for position, share in enumerate(shares) if share)


def _chosen(invoice: Invoice, chosen: Sequence[NoteLineRequest]) -> tuple[NoteLine, ...]:
    if len({each.position for each in chosen}) < len(chosen):
        message = "lines: a line is named twice"
        raise BadRequest(message, code="invalid_inputs")
    return tuple(_chosen_line(invoice, each) for each in chosen)


def _chosen_line(invoice: Invoice, chosen: NoteLineRequest) -> NoteLine:
    if chosen.position >= len(invoice.lines):
        message = "lines: there is no such line on this invoice"
        raise BadRequest(message, code="invalid_inputs")
    line, left = invoice.lines[chosen.position], _left_of(invoice, chosen.position)
    amount = left if chosen.amount_minor is None else chosen.amount_minor
    if chosen.quantity is not None:
        amount = _share(line.total.minor, chosen.quantity, line.quantity)
    if not 0 < amount <= left:
        most = Money(left, line.amount.currency)
        message = f"lines: between 0 and {most.major:f} {most.currency} of {line.description} can still be credited"
        raise BadRequest(message, code="credit_note_exceeds_invoice" if amount > 0 else "invalid_inputs")
    return _line(invoice, chosen.position, amount, chosen.quantity)


def _line(invoice: Invoice, position: int, amount: int, quantity: Decimal | None) -> NoteLine:
    line = invoice.lines[position]
    earlier = [each for note in invoice.notes for each in note.lines if each.position == position]
    if amount == _left_of(invoice, position):
        discount = line.discount_minor - sum(each.discount_minor for each in earlier)
        tax = line.tax_minor - sum(each.tax_minor for each in earlier)
    else:
        discount = _part(line.discount_minor, amount, line)
        tax = _part(line.tax_minor, amount, line)
    return NoteLine(position, line.description, quantity, Money(amount, line.amount.currency), discount, tax)


def _part(minor: int, amount: int, line: Line) -> int:
    """The part of a line's discount or tax that belongs to so much of its total."""
    return _share(minor, Decimal(amount), Decimal(line.total.minor))


def _share(minor: int, part: Decimal, whole: Decimal) -> int:
    if not whole:
        return 0
    with localcontext() as context:
        context.prec = DECIMAL_PRECISION
        return round_half_up(Decimal(minor) * part / whole)
