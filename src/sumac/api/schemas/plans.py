"""Plans on the wire (api.md §2.0, §2.2)."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from sumac.api.schemas.controls import ControlsBody
from sumac.api.schemas.items import (
    BillingInterval,
    Count,
    CurrencyAmountBody,
    CurrencyAmounts,
    DisplayText,
    PlanItemBody,
    PlanItemIn,
    currency_amounts,
    currency_fields,
    display_text,
)
from sumac.api.schemas.wire import (
    CustomerId,
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
from sumac.billing.holders import Holders
from sumac.billing.rules.eligibility import Eligibility
from sumac.catalog.model import BasePrice, Feature, FreeTrial, Plan, TrialUnit
from sumac.catalog.rules.text import price_texts
from sumac.catalog.rules.versioning import Versioning
from sumac.core.errors import BadRequest
from sumac.core.tenant import Env
from sumac.core.time import Cadence, Interval

ITEMS_MAX = 200
TRIAL_MAX = 3650
EXPAND = ("items.feature", "customers")


class BasePriceIn(WireModel):
    """What the plan costs by itself."""

    amount: Number
    interval: BillingInterval
    interval_count: Count | None = None
    additional_currencies: CurrencyAmounts | None = None

    def price(self) -> BasePrice | None:
        """As a base price; a price of 0 in every currency is none."""
        listed = currency_amounts(self.additional_currencies)
        price = BasePrice(self.amount, Cadence(Interval(self.interval), self.interval_count or 1), listed)
        return price if price.amount or listed else None


class FreeTrialIn(WireModel):
    """Time before the first charge."""

    duration_length: Annotated[WholeNumber, Field(ge=1, le=TRIAL_MAX)]
    duration_type: Literal["day", "month", "year"] = "month"
    card_required: Truth = True
    on_end: Literal["bill", "revert"] | None = None

    def trial(self) -> FreeTrial:
        """As a trial."""
        return FreeTrial(self.duration_length, TrialUnit(self.duration_type), self.card_required, self.on_end)


class PlanConfig(WireModel):
    """Settings of a plan."""

    ignore_past_due: Truth = False


Items = Annotated[list[PlanItemIn], Field(max_length=ITEMS_MAX)]


class PlanCreate(WireModel):
    """A new plan."""

    plan_id: PlanId
    name: Name
    group: Text | None = ""
    description: Text | None = None
    add_on: Truth = False
    auto_enable: Truth = False
    price: BasePriceIn | None = None
    items: Items | None = None
    free_trial: FreeTrialIn | None = None
    config: PlanConfig | None = None
    billing_controls: ControlsBody | None = None
    metadata: JsonObject | None = None
    licenses: list[Any] | None = None
    create_in_stripe: Truth | None = None

    def draft(self, now: datetime) -> Plan:
        """The plan to create, at version 1."""
        _refuse("licenses", self.licenses)
        return Plan(
            id=self.plan_id,
            version=1,
            name=self.name,
            created_at=now,
            description=self.description,
            group=self.group or "",
            add_on=self.add_on,
            auto_enable=self.auto_enable,
            price=self.price.price() if self.price else None,
            items=tuple(item.item() for item in self.items or ()),
            free_trial=self.free_trial.trial() if self.free_trial else None,
            ignore_past_due=self.config.ignore_past_due if self.config else False,
            metadata=self.metadata or {},
            billing_controls=self.billing_controls.stored() if self.billing_controls else {},
        )


class MigrationWish(WireModel):
    """Customers of older versions are moved to the new one, or with `draft` only planned to be."""

    draft: Truth = False
    include_custom: Truth = False


class PlanUpdate(WireModel):
    """Changes of a plan; what is not given stays, items given replace all."""

    plan_id: PlanId
    new_plan_id: PlanId | None = None
    name: Name | None = None
    group: Text | None = None
    description: Text | None = None
    add_on: Truth | None = None
    auto_enable: Truth | None = None
    price: BasePriceIn | None = None
    items: Items | None = None
    free_trial: FreeTrialIn | None = None
    config: PlanConfig | None = None
    billing_controls: ControlsBody | None = None
    metadata: JsonObject | None = None
    archived: Truth = False
    active: Truth | None = None
    create_in_stripe: Truth | None = None
    version: WholeNumber | None = None
    disable_version: Truth = False
    force_version: Truth = False
    all_versions: Truth = False
    licenses: list[Any] | None = None
    migration: MigrationWish | None = None
    base_plan_id: PlanId | None = None
    update_variant_ids: list[PlanId] | None = None
    update_license_parents: list[Any] | None = None
    variants: list[Any] | None = None

    def versioning(self) -> Versioning:
        """What is said about versions. Raises BadRequest for a version that shall no longer be the active one."""
        if self.active is False:
            message = "active: one version is always the active one; say which with active: true"
            raise BadRequest(message)
        return Versioning(self.force_version, self.disable_version, self.all_versions, bool(self.active))

    def changed(self, before: Plan) -> Plan:
        """The plan after the change. Raises BadRequest for what is not available yet."""
        for name in ("licenses", "update_license_parents", "variants"):
            _refuse(name, getattr(self, name))
        given = self.model_fields_set
        changes: dict[str, Any] = {"id": self.new_plan_id or before.id, "archived": self.archived}
        for name in ("name", "add_on", "auto_enable"):
            if getattr(self, name) is not None:
                changes[name] = getattr(self, name)
        if "group" in given:
            changes["group"] = self.group or ""
        if "description" in given:
            changes["description"] = self.description
        if "price" in given:
            changes["price"] = self.price.price() if self.price else None
        if self.items is not None:
            changes["items"] = tuple(item.item() for item in self.items)
        if "free_trial" in given:
            changes["free_trial"] = self.free_trial.trial() if self.free_trial else None
        if self.config is not None:
            changes["ignore_past_due"] = self.config.ignore_past_due
        if self.billing_controls is not None:
            changes["billing_controls"] = {**(before.billing_controls or {}), **self.billing_controls.stored()}
        if self.metadata is not None:
            merged = {**(before.metadata or {}), **self.metadata}
            changes["metadata"] = {key: value for key, value in merged.items() if value is not None}
        return replace(before, **changes)


class PlanChoice(WireModel):
    """Which plan, at which version (the active one by default)."""

    plan_id: PlanId
    version: WholeNumber | None = None
    expand: list[str] | None = None


class PlanListRequest(WireModel):
    """Which plans; with a customer each says what attaching it would mean."""

    customer_id: CustomerId | None = None
    entity_id: str | None = None
    include_archived: Truth | None = None
    all_versions: Truth | None = None
    expand: list[str] | None = None


class PlanDelete(WireModel):
    """Which plan to remove."""

    plan_id: PlanId
    all_versions: Truth = False


class PlanPriceBody(WireModel):
    """What the plan costs by itself, and how that reads."""

    amount: Number
    interval: BillingInterval
    interval_count: WholeNumber | None = None
    additional_currencies: list[CurrencyAmountBody] | None = None
    display: DisplayText

    @classmethod
    def of(cls, price: BasePrice, currency: str) -> Self:
        """The price in this currency and the others it is offered in; the count is left out while it is 1."""
        fields: dict[str, Any] = {"amount": price.amount, "interval": price.cadence.interval.value}
        if price.cadence.count != 1:
            fields["interval_count"] = price.cadence.count
        fields |= currency_fields(price.additional_currencies, currency)
        return cls(**fields, display=display_text(*price_texts(price, currency)))


class FreeTrialBody(WireModel):
    """Time before the first charge."""

    duration_length: WholeNumber
    duration_type: Literal["day", "month", "year"]
    card_required: Truth
    on_end: Literal["bill", "revert"] | None = None

    @classmethod
    def of(cls, trial: FreeTrial) -> Self:
        """What follows on it is left out where it is said nowhere."""
        fields: dict[str, Any] = {"on_end": trial.on_end} if trial.on_end else {}
        return cls(
            duration_length=trial.length,
            duration_type=trial.unit.value,
            card_required=trial.card_required,
            **fields,
        )


class EligibilityBody(WireModel):
    """What attaching the plan would mean for one customer."""

    trial_available: Truth
    status: Literal["active", "scheduled"] | None = None
    canceling: Truth
    trialing: Truth
    attach_action: Literal["activate", "upgrade", "downgrade", "none", "purchase"]

    @classmethod
    def of(cls, eligibility: Eligibility) -> Self:
        """The status is left out for a plan the customer does not hold."""
        optional: dict[str, Any] = {"status": eligibility.status} if eligibility.status else {}
        return cls(
            trial_available=eligibility.trial_available,
            canceling=eligibility.canceling,
            trialing=eligibility.trialing,
            attach_action=eligibility.attach_action,
            **optional,
        )


class HoldersBody(WireModel):
    """How many customers hold a version of a plan, and how many of them in which state."""

    total: WholeNumber
    active: WholeNumber
    scheduled: WholeNumber
    canceling: WholeNumber
    trialing: WholeNumber
    past_due: WholeNumber
    custom: WholeNumber

    @classmethod
    def of(cls, holders: Holders) -> Self:
        """As counted."""
        return cls(**asdict(holders))


class VariantBody(WireModel):
    """Which plan it is a variant of."""

    base_plan_id: str


class PlanBody(WireModel):
    """A plan at one of its versions."""

    id: str
    name: str
    description: str | None
    group: str | None
    version: WholeNumber
    add_on: Truth
    auto_enable: Truth
    price: PlanPriceBody | None
    items: list[PlanItemBody]
    free_trial: FreeTrialBody | None = None
    created_at: Milliseconds
    env: Literal["sandbox", "live"]
    archived: Truth
    base_variant_id: str | None
    variant_details: VariantBody | None = None
    config: PlanConfig
    billing_controls: dict[str, Any] | None = None
    metadata: dict[str, Any]
    active: Truth
    version_slug: str
    is_custom: Truth | None = None
    customers: HoldersBody | None = None
    customer_eligibility: EligibilityBody | None = None

    @classmethod
    def of(
        cls,
        plan: Plan,
        features: Mapping[str, Feature],
        env: Env,
        *,
        currency: str,
        expand: bool = False,
        eligibility: Eligibility | None = None,
        holders: Holders | None = None,
        is_custom: bool = False,
    ) -> Self:
        """The plan as it is answered; its prices are in `currency`, `expand` shows the features of its items.

        With `is_custom` it is the plan of one customer, on terms made to measure for them, and says so.
        """
        optional: dict[str, Any] = {}
        if plan.free_trial is not None:
            optional["free_trial"] = FreeTrialBody.of(plan.free_trial)
        if plan.billing_controls:
            optional["billing_controls"] = dict(plan.billing_controls)
        if eligibility is not None:
            optional["customer_eligibility"] = EligibilityBody.of(eligibility)
        if plan.base_plan_id is not None:
            optional["variant_details"] = VariantBody(base_plan_id=plan.base_plan_id)
        if is_custom:
            optional["is_custom"] = True
        if holders is not None:
            optional["customers"] = HoldersBody.of(holders)
        return cls(
            id=plan.id,
            name=plan.name,
            description=plan.description,
            group=plan.group or None,
            version=plan.version,
            add_on=plan.add_on,
            auto_enable=plan.auto_enable,
            price=PlanPriceBody.of(plan.price, currency) if plan.price else None,
            items=[
                PlanItemBody.of(item, features.get(item.feature_id), currency, expand=expand) for item in plan.items
            ],
            created_at=plan.created_at,
            env=env.value,
            archived=plan.archived,
            base_variant_id=plan.base_plan_id,
            config=PlanConfig(ignore_past_due=plan.ignore_past_due),
            metadata=dict(plan.metadata or {}),
            active=plan.active,
            version_slug=plan.version_slug,
            **optional,
        )


class PlanList(WireModel):
    """Plans, oldest first."""

    list: list[PlanBody]


def _refuse(name: str, given: object) -> None:
    if given:
        message = f"{name} is not available yet"
        raise BadRequest(message)
