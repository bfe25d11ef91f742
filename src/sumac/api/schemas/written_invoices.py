"""Writing invoices by hand on the wire (api.md §2.16). Amounts are major units."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from sumac.api.schemas.applied_rewards import Discounts, choices_of
from sumac.api.schemas.billing import REQUIRED_ACTIONS, RequiredAction
from sumac.api.schemas.invoices import ListedInvoiceBody
from sumac.api.schemas.later import refuse_later
from sumac.api.schemas.wire import (
    AnyId,
    CustomerId,
    FeatureId,
    JsonObject,
    Milliseconds,
    Name,
    Number,
    PlanId,
    Text,
    Truth,
    WholeNumber,
    WireModel,
)
from sumac.billing.correct import ManualInvoice, Paid, Written
from sumac.billing.rules.manual import FeatureCharge, FreeLine, PlanCharge, Stretch
from sumac.core.errors import BadRequest
from sumac.core.money import Money
from sumac.core.time import Period
from sumac.invoices.model import Invoice, Line

PLANS_MAX = 50
LINES_MAX = 200
TERMS_MAX = 365
TERM = timedelta(days=1)
LATER = ("entity_id", "invoice_template_id", "payment_method_types", "tax_rate_id")
LATER_IN_PLANS = ("customize", "discounts", "license_quantities")

Quantity = Annotated[Number, Field(ge=0, le=Decimal(10) ** 13)]


class _Stretched(WireModel):
    period_start: Milliseconds | None = None
    period_end: Milliseconds | None = None

    def period(self) -> Period | None:
        """The whole period. Raises BadRequest when only one of its ends is given, or it ends before it starts."""
        if self.period_start is None and self.period_end is None:
            return None
        if self.period_start is None or self.period_end is None or self.period_end <= self.period_start:
            message = "period_end: must come with period_start, and after it"
            raise BadRequest(message, code="invalid_inputs")
        return Period(self.period_start, self.period_end)


class _Prorated(_Stretched):
    prorate: Truth | None = None

    def stretch(self, otherwise: Stretch | None = None) -> Stretch:
        """The time it is for; what is not said is as `otherwise`."""
        start, end, prorate = self.period_start, self.period_end, self.prorate
        if start is not None and end is not None:
            self.period()
        before = otherwise or Stretch()
        return Stretch(
            before.start if start is None else start,
            before.end if end is None else end,
            prorate=before.prorate if prorate is None else prorate,
        )


class FeatureToBill(_Prorated):
    """Units of a feature: `quantity` is the total of one bought in advance, `usage` what was used of another."""

    feature_id: FeatureId
    billing_behavior: Literal["prepaid", "usage_based"] | None = None
    quantity: Quantity | None = None
    usage: Quantity | None = None


class PlanToBill(_Prorated):
    """A plan: its base price, and of its features those that are named."""

    plan_id: PlanId
    version: Annotated[WholeNumber, Field(ge=1)] | None = None
    feature_quantities: Annotated[list[FeatureToBill], Field(max_length=LINES_MAX)] | None = None
    customize: JsonObject | None = None
    discounts: list[JsonObject] | None = None
    license_quantities: list[JsonObject] | None = None

    def charge(self) -> PlanCharge:
        """As a request. Raises BadRequest for what is not available yet."""
        refuse_later(self, LATER_IN_PLANS)
        stretch = self.stretch()
        features = tuple(
            FeatureCharge(each.feature_id, each.quantity, each.usage, _stretch_of(each, stretch))
            for each in self.feature_quantities or ()
        )
        return PlanCharge(self.plan_id, self.version, stretch, features)


def _stretch_of(part: FeatureToBill, of_plan: Stretch) -> Stretch:
    """What is used is billed as it was, so a plan's proration is for what is bought in advance."""
    if part.usage is not None and part.prorate is None:
        of_plan = Stretch(of_plan.start, of_plan.end)
    return part.stretch(of_plan)


class LineToBill(_Stretched):
    """A line with an amount of its own; a negative one takes off."""

    amount: Annotated[Number, Field(ge=-(Decimal(10) ** 12), le=Decimal(10) ** 12)]
    description: Name

    def line(self) -> FreeLine:
        """As a request."""
        return FreeLine(self.amount, self.description, self.period())


class CreateInvoiceBody(WireModel):
    """An invoice for a customer. Nothing is granted or charged by it.

    `issue_method` draft leaves it changeable in nothing but that it can be voided; finalize and send make it binding.
    No e-mail is sent: hand out `hosted_invoice_url`.
    """

    customer_id: CustomerId
    entity_id: AnyId | None = None
    plans: Annotated[list[PlanToBill], Field(max_length=PLANS_MAX)] | None = None
    custom_line_items: Annotated[list[LineToBill], Field(max_length=LINES_MAX)] | None = None
    net_terms_days: Annotated[WholeNumber, Field(ge=0, le=TERMS_MAX)] | None = None
    issue_date: Milliseconds | None = None
    due_date: Milliseconds | None = None
    memo: Text | None = None
    preview: Truth = False
    issue_method: Literal["draft", "finalize", "send"] = "draft"
    discounts: Discounts | None = None
    invoice_template_id: AnyId | None = None
    payment_method_types: list[str] | None = None
    tax_rate_id: AnyId | None = None

    def request(self) -> ManualInvoice:
        """As a request. Raises BadRequest for what is not available yet, or two answers to when it is due."""
        refuse_later(self, LATER)
        if self.net_terms_days is not None and self.due_date is not None:
            message = "due_date: send either this or net_terms_days"
            raise BadRequest(message, code="invalid_inputs")
        return ManualInvoice(
            customer_id=self.customer_id,
            plans=tuple(plan.charge() for plan in self.plans or ()),
            lines=tuple(line.line() for line in self.custom_line_items or ()),
            net_terms_days=self.net_terms_days,
            due_at=self.due_date,
            issued_at=self.issue_date,
            memo=self.memo,
            finalize=self.issue_method != "draft",
            discounts=choices_of(self.discounts),
        )


class PreviewLine(WireModel):
    """A line of the document."""

    plan_id: str | None
    feature_id: str | None
    entity_id: str | None
    description: str
    amount: Number
    amount_after_discounts: Number
    quantity: Number
    prorated: Truth
    period_start: Milliseconds | None
    period_end: Milliseconds | None

    @classmethod
    def of(cls, line: Line, *, prorated: bool) -> Self:
        """As answered."""
        return cls(
            plan_id=line.plan_id,
            feature_id=line.feature_id,
            entity_id=None,
            description=line.description,
            amount=line.amount.major,
            amount_after_discounts=line.total.major - line.tax.major,
            quantity=line.quantity,
            prorated=prorated,
            period_start=line.period.start if line.period else None,
            period_end=line.period.end if line.period else None,
        )


class CreditsUsed(WireModel):
    """What the customer's credit pays of it."""

    applied: Number


class InvoicePreview(WireModel):
    """The document as it is, or would be."""

    currency: str
    lines: list[PreviewLine]
    subtotal: Number
    discount_total: Number
    tax: Number | None
    total: Number
    amount_due: Number
    issue_date: Milliseconds
    due_date: Milliseconds | None
    invoice_credits: CreditsUsed

    @classmethod
    def of(cls, written: Written, body: CreateInvoiceBody) -> Self:
        """As answered; the credit is that of this moment while the invoice is not binding."""
        invoice = written.invoice
        applied = _applied(written)
        return cls(
            currency=invoice.total.currency,
            lines=[PreviewLine.of(line, prorated=_is_prorated(line, body)) for line in invoice.lines],
            subtotal=invoice.subtotal.major,
            discount_total=invoice.discount.major,
            tax=invoice.tax.major if invoice.tax.minor else None,
            total=invoice.total.major,
            amount_due=max(Decimal(0), (invoice.total - applied).major),
            issue_date=body.issue_date or invoice.issued_at,
            due_date=_due_at(invoice, body),
            invoice_credits=CreditsUsed(applied=applied.major),
        )


class CreateInvoiceAnswer(WireModel):
    """The invoice, or null for a preview, and what it comes to."""

    invoice: ListedInvoiceBody | None
    preview: InvoicePreview

    @classmethod
    def of(cls, written: Written, body: CreateInvoiceBody, public_url: str) -> Self:
        """As answered."""
        stored: ListedInvoiceBody | None = None
        if written.stored:
            stored = ListedInvoiceBody.listed(written.invoice, public_url, written.customer.public_id)
        return cls(invoice=stored, preview=InvoicePreview.of(written, body))


class InvoiceIdBody(WireModel):
    """Which invoice."""

    invoice_id: AnyId


class InvoiceAnswer(WireModel):
    """The invoice as it is now."""

    invoice: ListedInvoiceBody


class PayAnswer(WireModel):
    """The invoice after the try. While it is open: what is required, and where the customer can pay it."""

    invoice: ListedInvoiceBody
    payment_url: str | None
    required_action: RequiredAction | None = None

    @classmethod
    def of(cls, paid: Paid, public_url: str) -> Self:
        """As answered."""
        optional: dict[str, Any] = {}
        if paid.collection is not None:
            code, reason = REQUIRED_ACTIONS[paid.collection.outcome]
            optional["required_action"] = RequiredAction(code=code, reason=f"{reason}.")  # type: ignore[arg-type]  # same words
        listed = ListedInvoiceBody.listed(paid.invoice, public_url, paid.customer.public_id)
        return cls(invoice=listed, payment_url=paid.payment_url, **optional)


def _applied(written: Written) -> Money:
    invoice = written.invoice
    if invoice.finalized_at is not None:
        return invoice.credit_applied
    return Money(max(0, min(written.credit.minor, invoice.total.minor)), invoice.total.currency)


def _is_prorated(line: Line, body: CreateInvoiceBody) -> bool:
    for plan in body.plans or ():
        if plan.plan_id == line.plan_id:
            named = {each.feature_id: each.prorate for each in plan.feature_quantities or ()}
            own = named.get(line.feature_id) if line.feature_id else None
            return line.period is not None and bool(plan.prorate if own is None else own)
    return False


def _due_at(invoice: Invoice, body: CreateInvoiceBody) -> datetime | None:
    if invoice.due_at is not None or invoice.net_terms_days is None:
        return invoice.due_at
    return (body.issue_date or invoice.issued_at) + TERM * invoice.net_terms_days
