"""Importing invoices that were issued elsewhere (api.md §2.8). Amounts are major units."""

from collections import Counter
from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from sumac.api.schemas.changes import WebAddress
from sumac.api.schemas.invoices import InvoiceBody, ListedInvoiceBody, Processor, StatusText
from sumac.api.schemas.wire import AnyId, CustomerId, Milliseconds, Number, PlanId, WireModel
from sumac.core.errors import BadRequest
from sumac.core.money import Money, exact_minor, minor_digits
from sumac.invoices.history import HistoryEntry
from sumac.invoices.model import Invoice, InvoiceStatus

INVOICES_MAX = 500
PLANS_MAX = 100
LARGEST = Decimal(10) ** 12

Total = Annotated[Number, Field(ge=-LARGEST, le=LARGEST)]
Part = Annotated[Number, Field(ge=0, le=LARGEST)]


def _currency(value: str) -> str:
    if not (value.isascii() and value.isalpha()):
        raise PydanticCustomError("currency", "must be three letters")
    return value.lower()


class HistoryBody(WireModel):
    """An invoice as whoever issued it tells it."""

    customer_id: CustomerId
    stripe_id: AnyId
    status: StatusText
    total: Total
    created_at: Milliseconds
    plan_ids: Annotated[list[PlanId], Field(max_length=PLANS_MAX)] | None = None
    processor_type: Processor = "stripe"
    amount_paid: Part | None = None
    refunded_amount: Part = Decimal(0)
    currency: Annotated[str, Field(min_length=3, max_length=3), AfterValidator(_currency)] | None = None
    hosted_invoice_url: WebAddress | None = None

    def entry(self, customer_key: str, default_currency: str) -> HistoryEntry:
        """As a request. Raises BadRequest for more decimals than the currency has."""
        currency = self.currency or default_currency
        return HistoryEntry(
            customer_key=customer_key,
            provider_invoice=self.stripe_id,
            status=InvoiceStatus(self.status),
            total=_money(self.total, currency),
            created_at=self.created_at,
            plan_ids=tuple(dict.fromkeys(self.plan_ids or ())),
            processor=self.processor_type,
            paid=None if self.amount_paid is None else _money(self.amount_paid, currency),
            refunded=_money(self.refunded_amount, currency),
            hosted_url=self.hosted_invoice_url,
        )


class InsertInvoicesBody(WireModel):
    """Invoices of the past. Nothing is charged; one that was imported before is written anew."""

    invoices: Annotated[list[HistoryBody], Field(min_length=1, max_length=INVOICES_MAX)]

    def check(self) -> None:
        """Raises BadRequest when an invoice is told twice."""
        twice = [each for each, count in Counter(each.stripe_id for each in self.invoices).items() if count > 1]
        if twice:
            message = f"invoices: {twice[0]} is there twice"
            raise BadRequest(message, code="invalid_inputs")


class InsertedInvoice(InvoiceBody):
    """An invoice as it was imported."""

    id: str
    customer_id: str | None
    amount_paid: Number | None
    refunded_amount: Number

    @classmethod
    def inserted(cls, invoice: Invoice, public_url: str, customer_id: str) -> Self:
        """As answered."""
        listed = ListedInvoiceBody.listed(invoice, public_url, customer_id)
        return cls(**{name: getattr(listed, name) for name in cls.model_fields})


class InsertInvoicesAnswer(WireModel):
    """The invoices, in the order of the request."""

    invoices: list[InsertedInvoice]


def _money(amount: Decimal, currency: str) -> Money:
    exact = exact_minor(amount, currency)
    if exact != exact.to_integral_value():
        message = f"invoices: {amount} has more than the {minor_digits(currency)} decimals of {currency}"
        raise BadRequest(message, code="invalid_inputs")
    return Money(int(exact), currency)
