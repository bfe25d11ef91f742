"""When an invoice that could not be collected is tried again (billing.md §20.0 R4)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from sumac.invoices.model import Invoice, InvoiceDraft, InvoiceKind, LineDraft
from sumac.invoices.rules.document import compute_document
from sumac.invoices.rules.retries import compute_next_attempt
from tests.rules.offers import JANUARY

USUAL = (1, 3, 5, 7)


def invoice(attempts_made: int) -> Invoice:
    """An invoice of the first of January that was tried so often before."""
    line = LineDraft("Pro", "Pro", Decimal(2000), Decimal(1), "pro", None, None)
    made = compute_document(
        InvoiceDraft(InvoiceKind.RENEWAL, "usd", (line,), ("pro",)),
        "cus_ada",
        now=JANUARY,
        invoice_id="inv_one",
        token="secret",
        provider_invoice="in_one",
    )
    return replace(made, attempts_made=attempts_made, finalized_at=JANUARY)


@pytest.mark.parametrize(
    ("retry_days", "failures"),
    [
        pytest.param(USUAL, [0, 1, 4, 9, 16], id="usual"),
        pytest.param((2, 2), [0, 2, 4], id="even"),
        pytest.param((60,), [0, 60], id="one"),
        pytest.param((), [0], id="none"),
    ],
)
def test_each_pause_follows_the_try_before(retry_days: Sequence[int], failures: Sequence[int]) -> None:
    """The days after the invoice's date on which it is tried, until there is no further try."""
    days = [0]
    while (
        at := compute_next_attempt(invoice(len(days) - 1), retry_days, now=JANUARY + timedelta(days[-1]))
    ) is not None:
        days.append((at - JANUARY).days)

    assert failures == days


@pytest.mark.parametrize(
    ("attempts_made", "day", "next_day"),
    [
        pytest.param(3, 1, 4, id="two-by-hand-on-the-first-day"),
        pytest.param(9, 4, 9, id="many-by-hand"),
        pytest.param(0, 40, 41, id="first-tried-late"),
        pytest.param(1, 41, 44, id="late-and-again"),
        pytest.param(4, 16, None, id="last"),
    ],
)
def test_the_schedule_is_as_far_as_tries_and_days_are(attempts_made: int, day: int, next_day: int | None) -> None:
    """Tries by hand use no pause up, and a first try that comes late is followed by all of them."""
    at = compute_next_attempt(invoice(attempts_made), USUAL, now=JANUARY + timedelta(day))

    assert next_day == (None if at is None else (at - JANUARY).days)
