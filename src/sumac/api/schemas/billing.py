"""Attach, update and portal on the wire (api.md §2.5). Amounts are major units."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from sumac.api.schemas.applied_rewards import Discounts, choices_of
from sumac.api.schemas.changes import (
    CarryOverBody,
    InvoiceModeBody,
    Lines,
    Quantities,
    WebAddress,
    custom_lines_of,
    quantities_of,
)
from sumac.api.schemas.customize import CustomizeBody, trial_only
from sumac.api.schemas.invoices import hosted_url
from sumac.api.schemas.later import refuse_later
from sumac.api.schemas.plans import FreeTrialIn
from sumac.api.schemas.wire import (
    AnyId,
    Currency,
    CustomerId,
    JsonObject,
    Milliseconds,
    Number,
    PlanId,
    Truth,
    WholeNumber,
    WireModel,
)
from sumac.billing.provider import Outcome
from sumac.billing.requests import (
    AttachRequest,
    CancelAction,
    CancelRequest,
    InvoiceMode,
    PlanTiming,
    RedirectMode,
    RefundKind,
    UpdateRequest,
)
from sumac.billing.service import Receipt
from sumac.catalog.model import Customization
from sumac.core.errors import BadRequest
from sumac.invoices.model import Invoice

LATER = (
    "add_lines",
    "license_quantities",
    "processor_subscription_id",
    "remove_lines",
    "tax_rate_id",
)
PLANS_MAX = 20
REQUIRED_ACTIONS: dict[Outcome, tuple[str, str]] = {
    Outcome.ACTION_REQUIRED: ("3ds_required", "The bank asks the customer to confirm the payment"),
    Outcome.NO_PAYMENT_METHOD: ("payment_method_required", "The customer has no payment method"),
    Outcome.DECLINED: ("payment_failed", "The payment was declined"),
    Outcome.PROCESSING: ("payment_processing", "The payment has not been confirmed yet"),
}
Version = Annotated[WholeNumber, Field(ge=1)]
Redirect = Literal["always", "if_required", "never"]
Proration = Literal["prorate_immediately", "none", "bill_difference"]


def check_ahead(mode: InvoiceMode | None, *, enable: bool | None) -> None:
    """Raises BadRequest where a plan is to be given ahead of an invoice that is sent, which says so itself."""
    if enable and mode is not None:
        message = "enable_plan_immediately: for an invoice that is sent it is part of invoice_mode"
        raise BadRequest(message)


class _Change(WireModel):
    """What every change of what a customer holds may say."""

    customer_id: CustomerId
    entity_id: AnyId | None = None
    redirect_mode: Redirect = "if_required"
    success_url: WebAddress | None = None
    invoice_mode: InvoiceModeBody | None = None
    discounts: Discounts | None = None
    free_trial: FreeTrialIn | None = None
    tax_rate_id: AnyId | None = None

    def _mode(self) -> InvoiceMode | None:
        return self.invoice_mode.mode() if self.invoice_mode else None


class _PlanChange(_Change):
    """What a change of one plan may say."""

    version: Version | None = None
    feature_quantities: Quantities | None = None
    proration_behavior: Proration | None = None
    no_billing_changes: Truth | None = None
    subscription_id: AnyId | None = None
    add_lines: list[JsonObject] | None = None
    billing_cycle_anchor: Literal["now"] | Milliseconds | None = None
    carry_over_usages: CarryOverBody | None = None
    custom_line_items: Lines | None = None
    customize: CustomizeBody | None = None
    license_quantities: list[JsonObject] | None = None
    plan_schedule: Literal["immediate", "end_of_cycle"] | None = None
    processor_subscription_id: AnyId | None = None
    remove_lines: list[JsonObject] | None = None

    def _check(self) -> None:
        refuse_later(self, LATER)
        if self.proration_behavior == "bill_difference":
            message = "proration_behavior: bill_difference is not available yet"
            raise BadRequest(message)

    def _customization(self) -> Customization | None:
        custom = self.customize.customization() if self.customize else None
        trial = trial_only(self, self.free_trial)
        if custom is None or trial is None:
            return custom or trial
        return replace(custom, free_trial=trial.free_trial, sets_trial=True)


class AttachTerms(_PlanChange):
    """How a plan is to be attached."""

    carry_over_balances: CarryOverBody | None = None
    currency: Currency | None = None
    enable_plan_immediately: Truth | None = None
    ends_at: Milliseconds | None = None
    long_lived_checkout: Truth | None = None
    new_billing_subscription: Truth | None = None
    remove_plan_ids: Annotated[list[PlanId], Field(max_length=PLANS_MAX)] | None = None
    starts_at: Milliseconds | None = None

    def request_for(self, plan_id: str) -> AttachRequest:
        """As a request to attach the plan. Raises BadRequest for what is not available yet or does not go together."""
        self._check()
        check_ahead(self._mode(), enable=self.enable_plan_immediately)
        return AttachRequest(
            customer_id=self.customer_id,
            plan_id=plan_id,
            version=self.version,
            quantities=quantities_of(self.feature_quantities),
            redirect_mode=RedirectMode(self.redirect_mode),
            timing=PlanTiming(self.plan_schedule) if self.plan_schedule else None,
            subscription_id=self.subscription_id,
            success_url=self.success_url,
            bill=not self.no_billing_changes,
            prorate=self.proration_behavior != "none",
            customize=self._customization(),
            invoice_mode=self._mode(),
            anchor=self.billing_cycle_anchor,
            starts_at=self.starts_at,
            enable_immediately=bool(self.enable_plan_immediately),
            long_lived=bool(self.long_lived_checkout),
            ends_at=self.ends_at,
            new_subscription=self.new_billing_subscription,
            custom_lines=custom_lines_of(self.custom_line_items),
            carry_balances=self.carry_over_balances.carry_over() if self.carry_over_balances else None,
            carry_usages=self.carry_over_usages.carry_over() if self.carry_over_usages else None,
            remove_plan_ids=tuple(self.remove_plan_ids or ()),
            currency=self.currency,
            entity_id=self.entity_id,
            discounts=choices_of(self.discounts),
        )


class AttachBody(AttachTerms):
    """A plan for a customer."""

    plan_id: PlanId
    expand: list[str] | None = None

    def request(self) -> AttachRequest:
        """As a request. Raises BadRequest for what is not available yet."""
        return self.request_for(self.plan_id)


class UpdateBody(_PlanChange):
    """A change of something the customer holds."""

    plan_id: PlanId | None = None
    cancel_action: Literal["cancel_immediately", "cancel_end_of_cycle", "uncancel"] | None = None
    enable_plan_immediately: Truth | None = None
    long_lived_checkout: Truth | None = None
    recalculate_balances: JsonObject | None = None
    refund_last_payment: Literal["prorated", "full"] | None = None
    expand: list[str] | None = None

    def request(self) -> UpdateRequest | CancelRequest:
        """As a request to change, to cancel or to keep.

        Raises BadRequest when nothing is asked, for what cannot go together, and for what is not available yet.
        """
        self._check()
        refuse_later(self, ("enable_plan_immediately", "long_lived_checkout", "recalculate_balances"))
        changes = bool(self.feature_quantities or self.version or self.billing_cycle_anchor or self.discounts)
        changes = changes or self._customizes()
        cancels = self.cancel_action is not None and self.cancel_action != "uncancel"
        if self.refund_last_payment is not None and self.cancel_action != "cancel_immediately":
            message = "refund_last_payment: is for cancel_immediately only"
            raise BadRequest(message)
        if self.refund_last_payment is not None and self.proration_behavior is not None:
            message = "refund_last_payment: cannot be combined with proration_behavior"
            raise BadRequest(message)
        if cancels and changes:
            message = f"cancel_action: {self.cancel_action} cannot be combined with other changes"
            raise BadRequest(message)
        if self.cancel_action is not None and not changes:
            return self._cancel(CancelAction(self.cancel_action))
        if not changes:
            message = "Nothing to update: send feature_quantities, version, customize, discounts or a cancel_action"
            raise BadRequest(message)
        return self._update()

    def _customizes(self) -> bool:
        return self.customize is not None or "free_trial" in self.model_fields_set

    def _cancel(self, action: CancelAction) -> CancelRequest:
        return CancelRequest(
            customer_id=self.customer_id,
            action=action,
            plan_id=self.plan_id,
            subscription_id=self.subscription_id,
            bill=not self.no_billing_changes and self.proration_behavior != "none",
            refund=RefundKind(self.refund_last_payment) if self.refund_last_payment else None,
            entity_id=self.entity_id,
        )

    def _update(self) -> UpdateRequest:
        if isinstance(self.billing_cycle_anchor, datetime):
            message = 'billing_cycle_anchor: an update takes "now" only'
            raise BadRequest(message)
        return UpdateRequest(
            customer_id=self.customer_id,
            plan_id=self.plan_id,
            subscription_id=self.subscription_id,
            quantities=quantities_of(self.feature_quantities),
            version=self.version,
            customize=self._customization(),
            timing=PlanTiming(self.plan_schedule or "immediate"),
            anchor=self.billing_cycle_anchor,
            uncancel=self.cancel_action == "uncancel",
            redirect_mode=RedirectMode(self.redirect_mode),
            success_url=self.success_url,
            bill=not self.no_billing_changes,
            prorate=self.proration_behavior != "none",
            invoice_mode=self._mode(),
            custom_lines=custom_lines_of(self.custom_line_items),
            carry_usages=self.carry_over_usages.carry_over() if self.carry_over_usages else None,
            entity_id=self.entity_id,
            discounts=choices_of(self.discounts),
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
    """What an operation came to; with a `payment_url` nothing is given before that is paid, unless that was asked."""

    customer_id: str
    entity_id: str | None = None
    invoice: BilledInvoice | None = None
    payment_url: str | None
    required_action: RequiredAction | None = None

    @classmethod
    def of(cls, receipt: Receipt, public_url: str, *, entity_id: str | None = None) -> Self:
        """As answered."""
        optional: dict[str, Any] = {} if entity_id is None else {"entity_id": entity_id}
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
