"""The next invoices of a customer on the wire (api.md §2.1 `invoice_previews`)."""

from typing import Self

from sumac.api.schemas.previews import LineItemBody, line_items, subtotal_and_total
from sumac.api.schemas.wire import Milliseconds, Number, WireModel
from sumac.billing.rules.upcoming import Upcoming


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
        subtotal, total = subtotal_and_total(draft)
        return cls(
            plan_ids=list(draft.plan_ids),
            invoice_at=upcoming.at,
            currency=draft.currency,
            subtotal=subtotal.major,
            total=total.major,
            line_items=line_items(draft),
        )
