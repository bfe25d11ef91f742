"""Invoices and their lines (billing.md §14; payments.md §4.4)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sumac.core.money import Money
from sumac.core.time import Period

ZERO = Decimal(0)


class InvoiceStatus(StrEnum):
    """Where an invoice stands."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


class InvoiceKind(StrEnum):
    """What an invoice is for; with the customer plan and the period's start it is unique.

    A manual one was written by a person; an imported one was issued elsewhere and is kept as history.
    """

    START = "start"
    CHANGE = "change"
    RENEWAL = "renewal"
    FINAL = "final"
    TOP_UP = "top_up"
    MANUAL = "manual"
    IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class LineDraft:
    """A line before rounding: `exact_minor` is an exact number of minor units, negative for a credit.

    `customer_plan_id` is the attachment it was charged for; None for a line that belongs to none. What is taken off and
    the tax on the rest are exact minor units too, never negative on a charge. `taken` says how much of what is taken
    off is due to each discount, by its key; what is charged anew as it was before is not `discountable`.
    Of a line that was billed, `exact_waived_minor` was taken off it before, and of a credit for one that share of it.
    """

    display_name: str
    description: str
    exact_minor: Decimal
    quantity: Decimal
    plan_id: str | None
    feature_id: str | None
    period: Period | None
    customer_plan_id: str | None = None
    exact_discount_minor: Decimal = ZERO
    exact_tax_minor: Decimal = ZERO
    taken: tuple[tuple[str, Decimal], ...] = ()
    discountable: bool = True
    exact_waived_minor: Decimal = ZERO

    @property
    def exact_net_minor(self) -> Decimal:
        """What is left of it after what is taken off, before tax."""
        return self.exact_minor - self.exact_discount_minor


@dataclass(frozen=True, slots=True)
class DiscountSource:
    """Where a discount on a draft comes from: the use of a reward, which is its key; `percent` where it is a part."""

    reward_use_id: str
    reward_id: str
    name: str | None
    percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class InvoiceDiscount:
    """What the use of a reward took off an invoice."""

    source: DiscountSource
    amount: Money


@dataclass(frozen=True, slots=True)
class DiscountTaken:
    """What the use of a reward took off invoices that are not void, how many they are, and when the first was made."""

    amount_minor: int
    invoices: int
    first_at: datetime


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """An invoice before it has a number: what it is for and its exact lines.

    With `net_terms_days` it is sent, to be paid within so many days of its date, or by `due_at` where that is given;
    nobody charges a card for it by themselves. `memo` is a text for the
    payer. Unless it is to `finalize`, it stays a draft. `discounts` are the ones that took something off its lines.
    """

    kind: InvoiceKind
    currency: str
    lines: tuple[LineDraft, ...]
    plan_ids: tuple[str, ...]
    customer_plan_id: str | None = None
    period_start: datetime | None = None
    net_terms_days: int | None = None
    due_at: datetime | None = None
    memo: str | None = None
    finalize: bool = True
    discounts: tuple[DiscountSource, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an invoice; the lines' totals add up to the invoice's.

    `amount` is what it costs before anything is taken off. `exact_minor` is what `amount` was rounded from: what is
    given back later is a share of it.
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
    discount_minor: int = 0
    tax_minor: int = 0

    @property
    def tax(self) -> Money:
        """The tax on what is left of the amount."""
        return Money(self.tax_minor, self.amount.currency)

    @property
    def total(self) -> Money:
        """The amount less the discount, with the tax."""
        return Money(self.amount.minor - self.discount_minor + self.tax_minor, self.amount.currency)


class NoteDestination(StrEnum):
    """Where the paid part of what is taken back goes (api.md §2.16)."""

    CUSTOMER_BALANCE = "customer_balance"
    REFUND = "refund"
    OUT_OF_BAND = "out_of_band"


class NoteReason(StrEnum):
    """Why an invoice is corrected (api.md §2.16)."""

    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"
    ORDER_CHANGE = "order_change"
    PRODUCT_UNSATISFACTORY = "product_unsatisfactory"


@dataclass(frozen=True, slots=True)
class NoteLine:
    """What a credit note takes back of the invoice's line at `position`; `amount` has the tax in it."""

    position: int
    description: str
    quantity: Decimal | None
    amount: Money
    discount_minor: int = 0
    tax_minor: int = 0


@dataclass(frozen=True, slots=True)
class CreditNote:
    """A correction of a finalized invoice: a document of its own that never changes.

    The total is the sum of its four ways: what was still open and need not be paid any more, what goes back to the
    card, what becomes credit of the customer, and what is settled outside. One that is only looked at beforehand has
    neither id nor number.
    """

    id: str | None
    customer_key: str
    number: int | None
    invoice_id: str
    total: Money
    no_longer_due: Money
    refunded: Money
    credited: Money
    out_of_band: Money
    reason: NoteReason | None
    memo: str | None
    lines: tuple[NoteLine, ...]
    created_at: datetime

    @property
    def discount(self) -> Money:
        """What had been taken off the part that is taken back."""
        return Money(sum(line.discount_minor for line in self.lines), self.total.currency)

    @property
    def tax(self) -> Money:
        """The tax on the part that is taken back."""
        return Money(sum(line.tax_minor for line in self.lines), self.total.currency)

    @property
    def subtotal(self) -> Money:
        """What is taken back, before discount and tax."""
        return self.total + self.discount - self.tax


@dataclass(frozen=True, slots=True)
class NoteLineRequest:
    """Please take back so much of the line at `position`: an amount, so many of its units, or all that is left."""

    position: int
    amount_minor: int | None = None
    quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class NoteRequest:
    """Please correct an invoice by an amount, spread over its lines, or by parts of some lines."""

    destination: NoteDestination = NoteDestination.CUSTOMER_BALANCE
    amount_minor: int | None = None
    lines: tuple[NoteLineRequest, ...] = ()
    reason: NoteReason | None = None
    memo: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an imported invoice was issued, its page there, and whether it is known how much of it was paid."""

    processor: str
    hosted_url: str | None
    paid_is_known: bool


@dataclass(frozen=True, slots=True)
class Invoice:
    """A document. It never changes after it left draft, except for how far it is paid; a correction is a credit note.

    `number` is given when it is finalized; a draft has none, nor has one that was issued elsewhere. `token` is the
    unguessable part of its hosted page's address. The total is the lines' subtotal less `discount` with `tax`.
    `credit_applied` was taken from the customer's credit, so `amount_due` is what the card pays. A negative total
    becomes customer credit. `provider_payment` is the payment that has paid it or is under way.
    """

    id: str
    customer_key: str
    number: int | None
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
    discount_minor: int = 0
    tax_minor: int = 0
    net_terms_days: int | None = None
    due_at: datetime | None = None
    memo: str | None = None
    origin: Origin | None = None
    finalized_at: datetime | None = None
    notes: tuple[CreditNote, ...] = ()
    discounts: tuple[InvoiceDiscount, ...] = ()

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to pay."""
        return self.status in {InvoiceStatus.PAID, InvoiceStatus.VOID}

    @property
    def is_owed(self) -> bool:
        """Whether it was issued and is neither paid nor void; one that was written off is owed still."""
        return self.status in {InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE}

    @property
    def issued_at(self) -> datetime:
        """The date of the document: when it was finalized, or made while it is a draft."""
        return self.finalized_at or self.created_at

    @property
    def discount(self) -> Money:
        """What is taken off the lines together."""
        return Money(self.discount_minor, self.total.currency)

    @property
    def tax(self) -> Money:
        """The tax on the lines together."""
        return Money(self.tax_minor, self.total.currency)

    @property
    def subtotal(self) -> Money:
        """The lines before discount and tax."""
        return self.total + self.discount - self.tax

    @property
    def amount_due(self) -> Money:
        """What is left for the payment method to pay, never below zero: credit notes on an open invoice lower it."""
        forgiven = sum(note.no_longer_due.minor for note in self.notes)
        return Money(max(0, self.total.minor - self.credit_applied.minor - forgiven), self.total.currency)


class CreditReason(StrEnum):
    """Why the customer's credit moved."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    SPENT = "spent"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class CreditEntry:
    """A movement of the customer's credit: positive gives, negative spends.

    An invoice with a negative total or a credit note gave it, an invoice spent it, or a voided one gave back what it
    had spent.
    """

    id: str
    amount: Money
    reason: CreditReason
    invoice_id: str
    invoice_number: int | None
    credit_note_id: str | None
    created_at: datetime
