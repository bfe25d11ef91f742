"""What only a sandbox can do, on the wire (design.md §6)."""

from typing import Annotated, Literal, Self

from pydantic import Field

from sumac.api.schemas.billing import BilledInvoice
from sumac.api.schemas.changes import WebAddress
from sumac.api.schemas.wire import CustomerId, WireModel
from sumac.billing.confirm import Confirmation
from sumac.billing.provider import PaymentMethod
from sumac.billing.quote import plan_id_of
from sumac.billing.service import Receipt
from sumac.billing.settlement import SettledCheckout

CARD_NUMBER_MAX = 40
GOOD_CARD = "4242 4242 4242 4242"


class AddCardBody(WireModel):
    """A test card for a customer."""

    customer_id: CustomerId
    number: Annotated[str, Field(min_length=1, max_length=CARD_NUMBER_MAX)] = GOOD_CARD


class NextChargeBody(WireModel):
    """How the next charge on the customer's default card ends, once."""

    customer_id: CustomerId
    outcome: Literal["succeed", "decline", "insufficient_funds", "require_action", "pending", "pending_then_decline"]


class CompleteCheckoutBody(WireModel):
    """A hosted page to complete as the customer would."""

    url: WebAddress
    number: Annotated[str, Field(min_length=1, max_length=CARD_NUMBER_MAX)] = GOOD_CARD


class CardFace(WireModel):
    """What is shown of a card."""

    brand: str
    last4: str


class CardBody(WireModel):
    """A stored card."""

    id: str
    type: Literal["card"]
    card: CardFace

    @classmethod
    def of(cls, method: PaymentMethod) -> Self:
        """As answered."""
        return cls(id=method.id, type="card", card=CardFace(brand=method.brand, last4=method.last4))


class AddCardAnswer(WireModel):
    """The card, now the customer's default one."""

    customer_id: str
    payment_method: CardBody


class CompleteCheckoutAnswer(WireModel):
    """What the page came to; `refunded` when what was paid for was no longer possible."""

    customer_id: str
    plan_id: str | None
    status: Literal["completed", "refunded"]
    success_url: str | None
    invoice: BilledInvoice | None

    @classmethod
    def of(cls, settled: SettledCheckout, public_url: str) -> Self:
        """As answered."""
        return cls(
            customer_id=settled.customer_id,
            plan_id=settled.plan_id,
            status="refunded" if settled.refunded else "completed",
            success_url=settled.success_url,
            invoice=BilledInvoice.of(settled.invoice, public_url) if settled.invoice else None,
        )

    @classmethod
    def confirmed(cls, question: Confirmation, receipt: Receipt, public_url: str) -> Self:
        """As answered about a change that was confirmed."""
        return cls(
            customer_id=receipt.customer_id,
            plan_id=plan_id_of(question.request),
            status="completed",
            success_url=question.success_url,
            invoice=BilledInvoice.of(receipt.invoice, public_url) if receipt.invoice else None,
        )
