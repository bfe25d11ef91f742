"""How far an invoice is paid (payments.md §4.4)."""

import pytest

from sumac.core.money import Money
from sumac.invoices.model import Invoice, InvoiceKind, InvoiceStatus
from tests.rules.offers import JANUARY


def invoice(status: InvoiceStatus, total: int, credit: int = 0) -> Invoice:
    """An invoice of that many cents, some of them taken from the customer's credit."""
    return Invoice(
        id="inv_1",
        customer_key="cus_1",
        number=1,
        token="token",
        kind=InvoiceKind.RENEWAL,
        status=status,
        total=Money(total, "usd"),
        credit_applied=Money(credit, "usd"),
        paid=Money.zero("usd"),
        refunded=Money.zero("usd"),
        plan_ids=("pro",),
        customer_plan_id="held-pro",
        period_start=JANUARY,
        provider_invoice="in_1",
        provider_payment=None,
        attempts_made=0,
        next_attempt_at=JANUARY,
        created_at=JANUARY,
        paid_at=None,
    )


@pytest.mark.parametrize(
    ("total", "credit", "due"), [(6900, 1500, 5400), (6900, 6900, 0), (6900, 0, 6900), (-1500, 0, 0)]
)
def test_what_the_card_pays(total: int, credit: int, due: int) -> None:
    """The total less the credit, and never a negative amount (T2: 69.00 less 15.00 is 54.00)."""
    assert Money(due, "usd") == invoice(InvoiceStatus.OPEN, total, credit).amount_due


def test_settled_invoices() -> None:
    """Nothing is left to pay of a paid or a voided invoice."""
    settled = {status for status in InvoiceStatus if invoice(status, 100).is_settled}

    assert {InvoiceStatus.PAID, InvoiceStatus.VOID} == settled
