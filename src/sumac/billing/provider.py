"""The port to whoever takes the money (payments.md §4.5).

A decline is a value, not an exception; an exception means "unknown: ask again with the same key". Every call that
changes something carries a deterministic `key`, and repeating it with that key has no second effect. No call is ever
made inside a database transaction of ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

from sumac.core.money import Money
from sumac.core.tenant import Tenant


class Outcome(StrEnum):
    """How an attempt to collect ended."""

    PAID = "paid"
    PROCESSING = "processing"
    ACTION_REQUIRED = "action_required"
    DECLINED = "declined"
    NO_PAYMENT_METHOD = "no_payment_method"


@dataclass(frozen=True, slots=True)
class Collection:
    """The state of one collection. `payment` identifies the money for refunds; `retryable`: another try may succeed."""

    outcome: Outcome
    payment: str | None = None
    decline_code: str | None = None
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class CustomerInfo:
    """What the provider is told about a customer."""

    customer_key: str
    name: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class CardExpiry:
    """The last month in which a card can be charged; `month` counts from 1."""

    year: int
    month: int

    def has_passed(self, now: datetime) -> bool:
        """Whether that month is over."""
        return (now.year, now.month) > (self.year, self.month)


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A stored card: never its number. `expiry` is None where it is not known."""

    id: str
    brand: str
    last4: str
    is_default: bool
    expiry: CardExpiry | None = None


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A line as the payer reads it."""

    description: str
    amount: Money


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """What is to be paid: our invoice id, the amount and the lines."""

    id: str
    provider_customer: str
    amount: Money
    lines: tuple[DocumentLine, ...]


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """A hosted page on which the customer enters a card, and pays unless `mode` is setup.

    `heading` is a sentence such as "Subscribe to Pro"; `terms` says what will be charged later, when something will.
    """

    provider_customer: str
    mode: Literal["pay", "setup"]
    heading: str
    terms: str | None
    total: Money
    lines: tuple[DocumentLine, ...]
    success_url: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class HostedPage:
    """A page of the provider: its id there and its address."""

    id: str
    url: str


class CheckoutStatus(StrEnum):
    """Where a hosted checkout stands."""

    OPEN = "open"
    COMPLETED = "completed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CheckoutState:
    """A hosted checkout as the provider sees it; `collection` is set once it is completed with a payment."""

    status: CheckoutStatus
    collection: Collection | None


@dataclass(frozen=True, slots=True)
class CheckoutPage:
    """A hosted page as it is to be shown, and whose it is."""

    tenant: Tenant
    id: str
    request: CheckoutRequest
    status: CheckoutStatus


class PaymentProvider(Protocol):
    """Stores cards, collects our invoices, hosts pages. One instance serves every tenant."""

    async def ensure_customer(self, tenant: Tenant, existing: str | None, info: CustomerInfo, *, key: str) -> str:
        """The provider's id of the customer, made when there is none."""
        ...

    async def payment_methods(self, tenant: Tenant, provider_customer: str) -> Sequence[PaymentMethod]:
        """The stored cards, the default one first; a card that was entered again is listed once."""
        ...

    async def set_default_payment_method(
        self, tenant: Tenant, provider_customer: str, method_id: str, *, key: str
    ) -> None:
        """Makes a stored card the one that is charged from now on. Raises NotFound when it is not the customer's."""
        ...

    async def remove_payment_method(self, tenant: Tenant, provider_customer: str, method_id: str, *, key: str) -> None:
        """Forgets a stored card; of those left the newest one takes its place as the default.

        Nothing happens when the customer has no such card, or no longer.
        """
        ...

    async def open_checkout(self, tenant: Tenant, request: CheckoutRequest, *, key: str) -> HostedPage:
        """Opens a hosted page."""
        ...

    async def close_checkout(self, tenant: Tenant, checkout: str) -> bool:
        """Expires a hosted page; False when it was completed first."""
        ...

    async def read_checkout(self, tenant: Tenant, checkout: str) -> CheckoutState:
        """The state of a hosted page, read again at the provider."""
        ...

    async def collect(self, tenant: Tenant, invoice: InvoiceDocument, *, key: str) -> Collection:
        """Charges the default card for an invoice. Declines are values."""
        ...

    async def read_payment(self, tenant: Tenant, payment: str) -> Collection:
        """What has become of a payment that was under way. Raises NotFound for one that the provider never named."""
        ...

    async def refund(self, tenant: Tenant, payment: str, amount: Money, *, key: str) -> str:
        """Gives back part or all of a payment. Raises BadRequest when more is asked than was paid and not refunded."""
        ...


@dataclass(frozen=True, slots=True)
class TestCardNotice:
    """A test card as it is listed on a hosted page: its number, and what it does in a few words."""

    number: str
    about: str


@runtime_checkable
class TestBank(Protocol):
    """What only a sandbox provider can do: be told what happens (design.md §6)."""

    def test_cards(self) -> Sequence[TestCardNotice]:
        """The cards it takes, the one that succeeds first."""
        ...

    async def add_card(self, tenant: Tenant, provider_customer: str, number: str) -> PaymentMethod:
        """Stores a test card as the default one. Raises BadRequest for a number that is refused or is no test card."""
        ...

    async def set_next_charge(self, tenant: Tenant, provider_customer: str, outcome: str) -> None:
        """Decides the default card's next charge, once. Raises BadRequest without a card or for another outcome."""
        ...

    async def find_checkout_by_token(self, token: str) -> CheckoutPage | None:
        """The hosted page of an address, or None."""
        ...

    async def complete_checkout(
        self, tenant: Tenant, checkout: str, number: str, *, expiry: CardExpiry | None = None, confirmed: bool = True
    ) -> CheckoutState:
        """Enters a card on a hosted page and pays, as the customer would; open again when the card is refused.

        With `confirmed` the customer approves whatever the card's bank asks. Without it a card that asks changes
        nothing: the page stays open and the answer's collection is `action_required`.

        Raises BadRequest for a card that is refused when entered, Conflict when completed, Gone when expired.
        """
        ...
