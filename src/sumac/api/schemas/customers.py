"""Customers on the wire (api.md §2.0, §2.1)."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from sumac.api.schemas.applied_rewards import shown_rewards
from sumac.api.schemas.balances import BalanceBody, FlagBody
from sumac.api.schemas.controls import ControlsBody, CustomerConfig
from sumac.api.schemas.dossier import Dossier, EntityShortBody
from sumac.api.schemas.events import TimeRange
from sumac.api.schemas.invoices import InvoiceBody
from sumac.api.schemas.pages import PageRequest
from sumac.api.schemas.referrals import InvitedBody
from sumac.api.schemas.subscriptions import PurchaseBody, SubscriptionBody
from sumac.api.schemas.upcoming import InvoicePreviewBody
from sumac.api.schemas.wire import (
    CustomerId,
    EmailAddress,
    JsonObject,
    Milliseconds,
    PlanId,
    Text,
    Truth,
    WholeNumber,
    WireModel,
)
from sumac.core.tenant import Env, Tenant
from sumac.customers.service import CustomerChange, CustomerDraft

PURCHASE_LIMITS = "billing_controls.auto_topups.purchase_limit"
EXPAND = (
    "invoices",
    "invoice_previews",
    "trials_used",
    "rewards",
    "entities",
    "referrals",
    "payment_method",
    "subscriptions.plan",
    "purchases.plan",
    "balances.feature",
    "flags.feature",
    PURCHASE_LIMITS,
    "billing_details",
)
SEARCH_MAX = 200
PLANS_MAX = 100


class _CustomerFields(WireModel):
    name: Text | None = None
    email: EmailAddress | None = None
    fingerprint: Text | None = None
    metadata: JsonObject | None = None
    stripe_id: Text | None = None
    send_email_receipts: Truth | None = None
    currency: Annotated[str, Field(pattern="^[A-Za-z]{3}$")] | None = None
    billing_controls: ControlsBody | None = None
    config: CustomerConfig | None = None

    @property
    def wanted_currency(self) -> str | None:
        """The currency to be billed in, or None for the one that is there."""
        return self.currency.lower() if self.currency else None


class CustomerDataBody(_CustomerFields):
    """What is said of a customer beside the id, should it have to be created."""

    create_in_stripe: Truth | None = None
    auto_enable_plan_id: PlanId | None = None

    def draft_of(self, customer_id: str | None, clock_at: datetime | None = None) -> CustomerDraft:
        """As the draft of a customer of that id."""
        return CustomerDraft(
            id=customer_id,
            name=self.name,
            email=self.email,
            fingerprint=self.fingerprint,
            stripe_id=self.stripe_id,
            currency=self.wanted_currency,
            metadata=self.metadata,
            send_email_receipts=bool(self.send_email_receipts),
            billing_controls=self.billing_controls.stored() if self.billing_controls else None,
            config=self.config.stored() if self.config else None,
            clock_at=clock_at,
        )


class CustomerGetOrCreate(CustomerDataBody):
    """A customer to find, or to create when missing."""

    customer_id: CustomerId | None
    clock_at: Milliseconds | None = None
    expand: list[str] | None = None

    def draft(self) -> CustomerDraft:
        """As a draft."""
        return self.draft_of(self.customer_id, self.clock_at)


class CustomerUpdate(_CustomerFields):
    """Changes of a customer; what is not given stays, metadata merges."""

    customer_id: CustomerId
    new_customer_id: CustomerId | None = None

    def change(self) -> CustomerChange:
        """The fields that were given, but for the currency.

        An empty `stripe_id` unlinks; a null flag or mapping changes nothing.
        """
        names = ("name", "email", "fingerprint", "metadata", "stripe_id", "send_email_receipts", "billing_controls",
                 "config")  # fmt: skip
        values: dict[str, Any] = {name: getattr(self, name) for name in names if name in self.model_fields_set}
        for name in ("send_email_receipts", "billing_controls", "config"):
            if values.get(name, 0) is None:
                del values[name]
        for name in ("billing_controls", "config"):
            if name in values:
                values[name] = values[name].stored()
        if "stripe_id" in values:
            values["stripe_id"] = values["stripe_id"] or None
        if self.new_customer_id is not None:
            values["id"] = self.new_customer_id
        return CustomerChange(frozenset(values), values)


class CustomerChoice(WireModel):
    """Which customer."""

    customer_id: CustomerId
    expand: list[str] | None = None


class CustomerDelete(WireModel):
    """Which customer to delete."""

    customer_id: CustomerId
    delete_in_stripe: Truth = False


class PlanVersions(WireModel):
    """A plan, at some of its versions or any."""

    id: PlanId
    versions: Annotated[list[WholeNumber], Field(max_length=PLANS_MAX)] | None = None


class CustomerListRequest(PageRequest):
    """Which customers."""

    plans: Annotated[list[PlanVersions], Field(max_length=PLANS_MAX)] | None = None
    subscription_status: Literal["active", "scheduled"] | None = None
    search: Annotated[str, Field(max_length=SEARCH_MAX)] | None = None
    processors: Annotated[list[Literal["stripe", "revenuecat", "vercel"]], Field(max_length=3)] | None = None
    sort_order: Literal["asc", "desc"] = "desc"
    created_at_range: TimeRange | None = None


class ClockMoveRequest(WireModel):
    """Where to move a customer's clock."""

    customer_id: CustomerId
    frozen_time: Milliseconds


class CustomerBody(WireModel):
    """A customer with what they hold."""

    id: str | None
    name: str | None
    email: str | None
    created_at: Milliseconds
    fingerprint: str | None
    stripe_id: str | None
    env: Literal["sandbox", "live"]
    metadata: dict[str, Any]
    send_email_receipts: Truth
    billing_controls: dict[str, Any]
    subscriptions: list[SubscriptionBody]
    purchases: list[PurchaseBody]
    licenses: list[Any]
    balances: dict[str, BalanceBody]
    flags: dict[str, FlagBody]
    config: dict[str, Any] | None = None
    processors: dict[str, Any] | None = None
    clock_at: Milliseconds | None = None
    invoices: list[InvoiceBody] | None = None
    invoice_previews: list[InvoicePreviewBody] | None = None
    entities: list[EntityShortBody] | None = None
    trials_used: list[dict[str, Any]] | None = None
    rewards: dict[str, Any] | None = None
    referrals: list[InvitedBody] | None = None
    payment_method: dict[str, Any] | None = None

    @classmethod
    def of(cls, dossier: Dossier, tenant: Tenant, public_url: str, now: datetime, expand: Collection[str] = ()) -> Self:
        """The customer at an instant; `expand` names what else to show."""
        customer = dossier.customer
        return cls(
            id=customer.id,
            name=customer.name,
            email=customer.email,
            created_at=customer.created_at,
            fingerprint=customer.fingerprint,
            stripe_id=customer.stripe_id,
            env=tenant.env.value,
            metadata=dict(customer.metadata),
            send_email_receipts=customer.send_email_receipts,
            billing_controls=dossier.controls(now),
            licenses=[],
            **dossier.holds(tenant, now, expand),
            **_optional(dossier, tenant, public_url, expand),
        )


class CustomerList(WireModel):
    """A page of customers."""

    list: list[CustomerBody]
    next_cursor: str | None


def _optional(dossier: Dossier, tenant: Tenant, public_url: str, expand: Collection[str]) -> dict[str, Any]:
    customer = dossier.customer
    fields: dict[str, Any] = {}
    if customer.config:
        fields["config"] = dict(customer.config)
    if customer.stripe_id is not None:
        fields["processors"] = {"stripe": {"id": customer.stripe_id}}
    if tenant.env is Env.SANDBOX:
        fields["clock_at"] = customer.clock_at
    if "invoices" in expand:
        fields["invoices"] = [InvoiceBody.of(invoice, public_url) for invoice in dossier.invoices]
    if "payment_method" in expand:
        card = dossier.cards[0] if dossier.cards else None
        fields["payment_method"] = None if card is None else {
            "id": card.id, "type": "card", "card": {"brand": card.brand, "last4": card.last4},
        }  # fmt: skip
    if "trials_used" in expand:
        fields["trials_used"] = [
            {"plan_id": plan_id, "customer_id": customer.public_id, "fingerprint": customer.fingerprint}
            for plan_id in sorted(dossier.trials_used)
        ]
    if "entities" in expand:
        fields["entities"] = [EntityShortBody.of(each, customer, tenant) for each in dossier.entities]
    if "invoice_previews" in expand:
        fields["invoice_previews"] = [InvoicePreviewBody.of(each) for each in dossier.upcoming]
    if "referrals" in expand:
        fields["referrals"] = [InvitedBody.of(each) for each in dossier.referrals]
    if "rewards" in expand:
        fields["rewards"] = shown_rewards(dossier.rewards)
    return fields
