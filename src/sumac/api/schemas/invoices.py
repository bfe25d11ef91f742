"""Invoices on the wire (api.md §2.0, §2.8). Amounts are major units."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field

from sumac.api.schemas.pages import PageRequest
from sumac.api.schemas.wire import AnyId, CustomerId, Milliseconds, Number, WholeNumber, WireModel
from sumac.invoices.model import Invoice, InvoiceStatus

StatusText = Literal["draft", "open", "void", "paid", "uncollectible"]


class InvoiceBody(WireModel):
    """An invoice in short."""

    plan_ids: list[str]
    stripe_id: str
    processor_type: Literal["stripe", "revenuecat"]
    status: str
    total: Number
    currency: str
    created_at: Milliseconds
    hosted_invoice_url: str | None

    @classmethod
    def of(cls, invoice: Invoice, public_url: str) -> Self:
        """As answered."""
        return cls(
            plan_ids=list(invoice.plan_ids),
            stripe_id=invoice.provider_invoice,
            processor_type="stripe",
            status=invoice.status.value,
            total=invoice.total.major,
            currency=invoice.total.currency,
            created_at=invoice.created_at,
            hosted_invoice_url=hosted_url(invoice, public_url),
        )


class ListedInvoiceBody(InvoiceBody):
    """An invoice with its ids, its number and what became of it."""

    id: str
    number: WholeNumber
    customer_id: str | None
    entity_id: str | None
    amount_paid: Number | None
    refunded_amount: Number

    @classmethod
    def listed(cls, invoice: Invoice, public_url: str, customer_id: str) -> Self:
        """As listed."""
        return cls(
            **dict(InvoiceBody.of(invoice, public_url)),
            id=invoice.id,
            number=invoice.number,
            customer_id=customer_id,
            entity_id=None,
            amount_paid=_paid(invoice),
            refunded_amount=invoice.refunded.major,
        )


class InvoiceListRequest(PageRequest):
    """Which invoices."""

    customer_id: CustomerId | None = None
    entity_id: AnyId | None = None
    status: Annotated[list[StatusText], Field(max_length=5)] | None = None
    processor_types: Annotated[list[Literal["stripe", "revenuecat"]], Field(max_length=2)] | None = None

    def statuses(self) -> list[InvoiceStatus]:
        """The statuses asked for; none means every status."""
        return [InvoiceStatus(status) for status in self.status or ()]


class InvoiceList(WireModel):
    """A page of invoices, newest first."""

    list: list[ListedInvoiceBody]
    next_cursor: str | None


def hosted_url(invoice: Invoice, public_url: str) -> str:
    """The address of the invoice's page."""
    return f"{public_url}/invoice/{invoice.token}"


def _paid(invoice: Invoice) -> Decimal:
    return invoice.paid.major if invoice.paid.minor else Decimal(0)
