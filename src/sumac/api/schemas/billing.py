"""Attach, update and portal on the wire (api.md §2.5). Amounts are major units."""

from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from sumac.api.schemas.invoices import hosted_url
from sumac.api.schemas.later import refuse_entity, refuse_later
from sumac.api.schemas.wire import (
    AnyId,
    CustomerId,
    FeatureId,
    JsonObject,
    Milliseconds,
    Number,
    PlanId,
    Truth,
    WholeNumber,
    WireModel,
)
from sumac.billing.model import AttachRequest, CancelAction, CancelRequest, PlanTiming, RedirectMode
from sumac.billing.provider import Outcome
from sumac.billing.service import AttachReceipt
from sumac.core.errors import BadRequest
from sumac.invoices.model import Invoice

ADDRESS_LENGTH_MAX = 2_000
QUANTITIES_MAX = 200
LATER = (
    "add_lines",
    "billing_cycle_anchor",
    "carry_over_balances",
    "carry_over_usages",
    "custom_line_items",
    "customize",
    "discounts",
    "enable_plan_immediately",
    "ends_at",
    "free_trial",
    "invoice_mode",
    "license_quantities",
    "long_lived_checkout",
    "new_billing_subscription",
    "processor_subscription_id",
    "remove_lines",
    "remove_plan_ids",
    "starts_at",
    "tax_rate_id",
)
REQUIRED_ACTIONS: dict[Outcome, tuple[str, str]] = {
    Outcome.ACTION_REQUIRED: ("3ds_required", "The bank asks the customer to confirm the payment"),
    Outcome.NO_PAYMENT_METHOD: ("payment_method_required", "The customer has no payment method"),
    Outcome.DECLINED: ("payment_failed", "The payment was declined"),
    Outcome.PROCESSING: ("payment_processing", "The payment has not been confirmed yet"),
}


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if len(value) > ADDRESS_LENGTH_MAX or parts.scheme not in {"http", "https"} or not parts.netloc:
        raise PydanticCustomError("address", "must be an address that begins with http:// or https://")
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]


class FeatureQuantity(WireModel):
    """The total chosen of a prepaid feature, included units counted."""

    feature_id: FeatureId
    quantity: Annotated[Number, Field(ge=0)] | None = None
    adjustable: Truth | None = None


class _BillingRequest(WireModel):
    customer_id: CustomerId
    entity_id: AnyId | None = None
    version: Annotated[WholeNumber, Field(ge=1)] | None = None
    feature_quantities: Annotated[list[FeatureQuantity], Field(max_length=QUANTITIES_MAX)] | None = None
    redirect_mode: Literal["always", "if_required", "never"] = "if_required"
    proration_behavior: Literal["prorate_immediately", "none", "bill_difference"] | None = None
    no_billing_changes: Truth | None = None
    subscription_id: AnyId | None = None
    success_url: WebAddress | None = None
    add_lines: list[JsonObject] | None = None
    billing_cycle_anchor: Literal["now"] | Milliseconds | None = None
    carry_over_balances: JsonObject | None = None
    carry_over_usages: JsonObject | None = None
    custom_line_items: list[JsonObject] | None = None
    customize: JsonObject | None = None
    discounts: list[JsonObject] | None = None
    enable_plan_immediately: Truth | None = None
    ends_at: Milliseconds | None = None
    free_trial: JsonObject | None = None
    invoice_mode: JsonObject | None = None
    license_quantities: list[JsonObject] | None = None
    long_lived_checkout: Truth | None = None
    new_billing_subscription: Truth | None = None
    processor_subscription_id: AnyId | None = None
    remove_lines: list[JsonObject] | None = None
    remove_plan_ids: list[PlanId] | None = None
    starts_at: Milliseconds | None = None
    tax_rate_id: AnyId | None = None

    def _refuse_unavailable(self) -> None:
        refuse_entity(self.entity_id)
        refuse_later(self, LATER)

    def _quantities(self) -> dict[str, Decimal]:
        chosen = self.feature_quantities or ()
        return {each.feature_id: each.quantity for each in chosen if each.quantity is not None}


class AttachBody(_BillingRequest):
    """A plan for a customer."""

    plan_id: PlanId
    plan_schedule: Literal["immediate", "end_of_cycle"] | None = None
    currency: Annotated[str, Field(min_length=3, max_length=3)] | None = None
    expand: list[str] | None = None

    def request(self) -> AttachRequest:
        """As a request. Raises BadRequest for what is not available yet."""
        self._refuse_unavailable()
        if self.proration_behavior not in {None, "prorate_immediately"}:
            message = f"proration_behavior: {self.proration_behavior} is not available yet"
            raise BadRequest(message)
        return AttachRequest(
            customer_id=self.customer_id,
            plan_id=self.plan_id,
            version=self.version,
            quantities=self._quantities(),
            redirect_mode=RedirectMode(self.redirect_mode),
            timing=PlanTiming(self.plan_schedule) if self.plan_schedule else None,
            subscription_id=self.subscription_id,
            success_url=self.success_url,
            bill=not self.no_billing_changes,
        )


class UpdateBody(_BillingRequest):
    """A change of something the customer holds."""

    plan_id: PlanId | None = None
    cancel_action: Literal["cancel_immediately", "cancel_end_of_cycle", "uncancel"] | None = None
    recalculate_balances: JsonObject | None = None
    refund_last_payment: Literal["prorated", "full"] | None = None

    def request(self) -> CancelRequest:
        """As a request to cancel, or to keep. Raises BadRequest when nothing is asked, or what is not available yet."""
        self._refuse_unavailable()
        refuse_later(self, ("feature_quantities", "version", "recalculate_balances", "refund_last_payment"))
        if self.cancel_action is None:
            message = "Nothing to update: send a cancel_action"
            raise BadRequest(message)
        return CancelRequest(
            customer_id=self.customer_id,
            action=CancelAction(self.cancel_action),
            plan_id=self.plan_id,
            subscription_id=self.subscription_id,
            bill=not self.no_billing_changes and self.proration_behavior != "none",
        )


class BilledInvoice(WireModel):
    """The invoice an operation made."""

    status: str | None
    stripe_id: str
    total: Number
    currency: str
    hosted_invoice_url: str | None

    @classmethod
    def of(cls, invoice: Invoice, public_url: str) -> Self:
        """As answered."""
        return cls(
            status=invoice.status.value,
            stripe_id=invoice.provider_invoice,
            total=invoice.total.major,
            currency=invoice.total.currency,
            hosted_invoice_url=hosted_url(invoice, public_url),
        )


class RequiredAction(WireModel):
    """What the customer has to do before the change happens."""

    code: Literal["3ds_required", "payment_method_required", "payment_failed", "payment_processing"]
    reason: str


class BillingAnswer(WireModel):
    """What an operation came to; with a `payment_url` nothing is given before that is paid."""

    customer_id: str
    invoice: BilledInvoice | None = None
    payment_url: str | None
    required_action: RequiredAction | None = None

    @classmethod
    def of(cls, receipt: AttachReceipt, public_url: str) -> Self:
        """As answered."""
        optional: dict[str, Any] = {}
        if receipt.invoice is not None:
            optional["invoice"] = BilledInvoice.of(receipt.invoice, public_url)
        if receipt.outcome is not None and receipt.outcome.outcome in REQUIRED_ACTIONS:
            code, reason = REQUIRED_ACTIONS[receipt.outcome.outcome]
            optional["required_action"] = RequiredAction(code=code, reason=f"{reason}.")  # type: ignore[arg-type]  # same words
        return cls(customer_id=receipt.customer_id, payment_url=receipt.payment_url, **optional)


class PortalBody(WireModel):
    """A customer's portal, and where to go from it."""

    customer_id: CustomerId
    configuration_id: AnyId | None = None
    return_url: WebAddress | None = None


class PortalAnswer(WireModel):
    """The link to hand to the customer."""

    customer_id: str
    url: str
