"""When an invoice that could not be collected is tried again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate

from sumac.invoices.model import Invoice


def compute_next_attempt(invoice: Invoice, retry_days: Sequence[int], *, now: datetime) -> datetime | None:
    """When the next try follows the one that has just failed; None when that was the last.

    Each of `retry_days` is the pause between two tries. Tries that somebody asks for in between do not use the pauses
    up: the schedule is never further on than the days that have passed since the invoice's date.
    """
    days_passed = (now - invoice.issued_at).days
    steps_passed = sum(total <= days_passed for total in accumulate(retry_days))
    pauses = retry_days[min(invoice.attempts_made, steps_passed) :]
    return now + timedelta(days=pauses[0]) if pauses else None
