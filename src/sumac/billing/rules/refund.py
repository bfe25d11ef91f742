"""How much of a plan's last payment goes back to the card (billing.md §12.5 `refund_last_payment`)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from sumac.billing.model import Holding, RefundPayment, Snapshot
from sumac.billing.requests import RefundKind
from sumac.billing.rules.lines import prorate
from sumac.billing.rules.revert import moved_pairs
from sumac.catalog.rules.shape import is_free
from sumac.core.errors import BadRequest
from sumac.core.money import round_sum
from sumac.invoices.model import Invoice, Line, LineDraft
from sumac.invoices.rules.credit_notes import compute_creditable


def compute_refund(snapshot: Snapshot, target: Holding, kind: RefundKind, *, now: datetime) -> RefundPayment:
    """All that can still be given back of the last payment for the plan, or the part of it for the time that is left.

    Raises BadRequest `nothing_to_refund` where no card paid for the plan, or nothing of it is left.
    """
    refund = next(compute_refunds(snapshot, [(target, kind)], now=now), None)
    if refund is None:
        raise _nothing(target)
    return refund


def compute_refunds(
    snapshot: Snapshot, targets: Iterable[tuple[Holding, RefundKind]], *, now: datetime
) -> Iterator[RefundPayment]:
    """The same for several plans, one refund for each invoice that paid for them. Free plans were never paid.

    Raises BadRequest `nothing_to_refund` for a plan that costs something and has no payment left to give back.
    """
    invoices: dict[str, Invoice] = {}
    amounts: dict[str, int] = {}
    for target, kind in targets:
        invoice = snapshot.last_paid.get(target.held.id)
        refundable = 0 if invoice is None else _refundable(invoice)
        amount = refundable
        if invoice is not None and kind is RefundKind.PRORATED:
            amount = min(refundable, _unused(snapshot, invoice, target.held.id, now))
        if invoice is None or amount <= 0:
            if is_free(target.plan):
                continue
            raise _nothing(target)
        invoices[invoice.id] = invoice
        amounts[invoice.id] = amounts.get(invoice.id, 0) + amount
    for invoice_id, invoice in invoices.items():
        yield RefundPayment(invoice_id, min(amounts[invoice_id], _refundable(invoice)))


def _nothing(target: Holding) -> BadRequest:
    message = f"refund_last_payment: nothing of a payment for plan {target.plan.id} is left to give back"
    return BadRequest(message, code="nothing_to_refund")


def _refundable(invoice: Invoice) -> int:
    if invoice.provider_payment is None:
        return 0
    return min(invoice.paid.minor - invoice.refunded.minor, compute_creditable(invoice).minor)


def _unused(snapshot: Snapshot, invoice: Invoice, customer_plan_id: str, now: datetime) -> int:
    """What was paid for the time after `now`, where that time is by now: a pause moves it (billing.md §11)."""
    paid: list[Line | LineDraft] = [line for line in invoice.lines if line.customer_plan_id == customer_plan_id]
    waiting = [each.line for each in snapshot.held_lines if each.line.customer_plan_id == customer_plan_id]
    for given_back, moved in moved_pairs(waiting):
        if any(_ends_with(line, given_back) for line in paid):
            paid += [given_back, moved]
    return round_sum([prorate(_charged(line), line.period, now) for line in paid if line.period is not None])


def _charged(line: Line | LineDraft) -> Decimal:
    """What was really charged for a line: after what was taken off."""
    return line.exact_net_minor if isinstance(line, LineDraft) else line.exact_minor - line.discount_minor


def _ends_with(line: Line | LineDraft, other: LineDraft) -> bool:
    ends = [each.period.end if each.period else None for each in (line, other)]
    return line.feature_id == other.feature_id and ends[0] == ends[1]
