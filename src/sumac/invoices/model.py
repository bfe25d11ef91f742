"""Invoices and their lines (billing.md §14; payments.md §4.4)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sumac.core.money import Money
from sumac.core.time import Period


class InvoiceStatus(StrEnum):
    """Where an invoice stands."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


class InvoiceKind(StrEnum):
    """What an invoice is for; with the customer plan and the period's start it is unique."""

    START = "start"
    CHANGE = "change"
    RENEWAL = "renewal"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class LineDraft:
    """A line before rounding: `exact_minor` is an exact number of minor units, negative for a credit.

    `customer_plan_id` is the attachment it was charged for; None for a line that belongs to none.
    """

    display_name: str
    description: str
    exact_minor: Decimal
    quantity: Decimal
    plan_id: str | None
    feature_id: str | None
    period: Period | None
    customer_plan_id: str | None = None


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """An invoice before it has a number: what it is for and its exact lines."""

    kind: InvoiceKind
    currency: str
    lines: tuple[LineDraft, ...]
    plan_ids: tuple[str, ...]
    customer_plan_id: str
    period_start: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an invoice; the lines' amounts add up to the invoice's total.

    `exact_minor` is what `amount` was rounded from: what is given back later is a share of it.
    """

    display_name: str
    description: str
    amount: Money
    exact_minor: Decimal
    quantity: Decimal
    plan_id: str | None
    feature_id: str | None
    period: Period | None
    customer_plan_id: str | None = None


@dataclass(frozen=True, slots=True)
class Invoice:
    """A numbered document. It never changes after it left draft, except for how far it is paid.

    `token` is the unguessable part of its hosted page's address. `credit_applied` was taken from the customer's credit,
    so `amount_due` is what the card pays. A negative total becomes customer credit.
    """

    id: str
    customer_key: str
    number: int
    token: str
    kind: InvoiceKind
    status: InvoiceStatus
    total: Money
    credit_applied: Money
    paid: Money
    refunded: Money
    plan_ids: tuple[str, ...]
    customer_plan_id: str | None
    period_start: datetime | None
    provider_invoice: str
    provider_payment: str | None
    attempts_made: int
    next_attempt_at: datetime | None
    created_at: datetime
    paid_at: datetime | None
    lines: tuple[Line, ...] = ()

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to pay."""
        return self.status in {InvoiceStatus.PAID, InvoiceStatus.VOID}

    @property
    def amount_due(self) -> Money:
        """What is left for the payment method to pay, never below zero."""
        return Money(max(0, self.total.minor - self.credit_applied.minor), self.total.currency)
