"""The next invoices of a customer on the wire (api.md §2.1 `invoice_previews`)."""

from typing import Self

from sumac.api.schemas.previews import LineItemBody
from sumac.api.schemas.wire import Milliseconds, Number, WireModel
from sumac.billing.rules.upcoming import Upcoming
from sumac.invoices.rules.totals import compute_lines, compute_total


class InvoicePreviewBody(WireModel):
    """What the next invoice will say if nothing happens until then; usage counts as it is now."""

    plan_ids: list[str]
    invoice_at: Milliseconds
    currency: str
    subtotal: Number
    total: Number
    line_items: list[LineItemBody]

    @classmethod
    def of(cls, upcoming: Upcoming) -> Self:
        """As answered."""
        draft = upcoming.draft
        lines = compute_lines(draft.lines, draft.currency)
        total = compute_total(lines, draft.currency)
        return cls(
            plan_ids=list(draft.plan_ids),
            invoice_at=upcoming.at,
            currency=draft.currency,
            subtotal=total.major,
            total=total.major,
            line_items=[LineItemBody.of(line) for line in lines],
        )
