"""The invoice a draft becomes: its lines in whole minor units, and nothing of it binding yet."""

from datetime import datetime

from sumac.core.money import Money
from sumac.invoices.model import DiscountSource, Invoice, InvoiceDiscount, InvoiceDraft, InvoiceStatus
from sumac.invoices.rules.totals import compute_discounts_taken, compute_lines, compute_total


def compute_document_discounts(draft: InvoiceDraft) -> tuple[InvoiceDiscount, ...]:
    """What each discount takes off the document that the draft becomes."""
    lines = compute_lines(draft.lines, draft.currency)
    taken_off = Money(sum(line.discount_minor for line in lines), draft.currency)
    return compute_discounts_taken(draft.lines, draft.discounts, taken_off)


def discount_text(source: DiscountSource) -> str:
    """What a discount is called on a document, such as "Launch 20 (20% off)"."""
    name = source.name or source.reward_id
    return name if source.percent is None else f"{name} ({source.percent.normalize():f}% off)"


def compute_document(
    draft: InvoiceDraft, customer_key: str, *, invoice_id: str, token: str, provider_invoice: str, now: datetime
) -> Invoice:
    """The draft as a document without a number."""
    lines, zero = compute_lines(draft.lines, draft.currency), Money.zero(draft.currency)
    return Invoice(
        id=invoice_id,
        customer_key=customer_key,
        number=None,
        token=token,
        kind=draft.kind,
        status=InvoiceStatus.DRAFT,
        total=compute_total(lines, draft.currency),
        credit_applied=zero,
        paid=zero,
        refunded=zero,
        plan_ids=draft.plan_ids,
        customer_plan_id=draft.customer_plan_id,
        period_start=draft.period_start,
        provider_invoice=provider_invoice,
        provider_payment=None,
        attempts_made=0,
        next_attempt_at=None,
        created_at=now,
        paid_at=None,
        lines=lines,
        discount_minor=sum(line.discount_minor for line in lines),
        tax_minor=sum(line.tax_minor for line in lines),
        net_terms_days=draft.net_terms_days,
        due_at=draft.due_at,
        memo=draft.memo,
        discounts=compute_document_discounts(draft),
    )
