"""What can be limited (Feature) and what is sold (Plan) (billing.md §1.2 to §1.5)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sumac.core.time import Cadence, Interval, add_months


class FeatureKind(StrEnum):
    """What a feature is; the wire calls it `type`."""

    BOOLEAN = "boolean"
    METERED = "metered"
    CREDIT_SYSTEM = "credit_system"
    AI_CREDIT_SYSTEM = "ai_credit_system"


@dataclass(frozen=True, slots=True)
class CreditCost:
    """One unit of the metered feature spends `credit_cost` credits."""

    metered_feature_id: str
    credit_cost: Decimal


@dataclass(frozen=True, slots=True)
class Display:
    """How one and how many units of a feature are called."""

    singular: str | None
    plural: str | None


class TokenPool(StrEnum):
    """The kinds of tokens that a model's price list tells apart. No token is in two of them (api.md §2.4)."""

    INPUT = "input"
    OUTPUT = "output"
    CACHE_READ = "cache_read"
    CACHE_WRITE = "cache_write"
    AUDIO_INPUT = "audio_input"
    AUDIO_OUTPUT = "audio_output"
    REASONING = "reasoning"

    @property
    def is_sent(self) -> bool:
        """Whether its tokens are sent to the model; the others come from it."""
        return self not in {TokenPool.OUTPUT, TokenPool.AUDIO_OUTPUT, TokenPool.REASONING}


TokenRates = Mapping[TokenPool, Decimal]
"""US dollars per million tokens of each pool that has a price of its own."""


@dataclass(frozen=True, slots=True)
class ModelMarkup:
    """What one model costs: percent on top of its price, and US dollars per million tokens in place of the list's."""

    markup: Decimal | None = None
    input_cost: Decimal | None = None
    output_cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ProviderMarkup:
    """Percent on top of the prices of all models of a provider."""

    markup: Decimal


@dataclass(frozen=True, slots=True)
class TokenMarkups:
    """What an AI credit system adds to the price of tokens, per model ("provider/model"), per provider, and else.

    Percents are at least -100, which makes tokens free; the nearest one counts.
    """

    model_markups: Mapping[str, ModelMarkup] | None = None
    default_markup: Decimal | None = None
    provider_markups: Mapping[str, ProviderMarkup] | None = None


@dataclass(frozen=True, slots=True)
class Feature:
    """Something a plan can include: a flag, a metered quantity, or credits that pay for metered quantities or tokens.

    `consumable` units are used up; units that are not are held (seats). Only AI credit systems have `markups`.
    """

    id: str
    name: str
    kind: FeatureKind
    consumable: bool
    created_at: datetime
    display: Display | None = None
    event_names: tuple[str, ...] = ()
    credit_schema: tuple[CreditCost, ...] = ()
    markups: TokenMarkups | None = None
    archived: bool = False

    def credit_cost_of(self, feature_id: str) -> Decimal | None:
        """Credits per unit of another feature; None when this one does not pay for it."""
        for cost in self.credit_schema:
            if cost.metered_feature_id == feature_id:
                return cost.credit_cost
        return None


class BillingMethod(StrEnum):
    """Paid before (a chosen quantity) or after (what was used)."""

    PREPAID = "prepaid"
    USAGE_BASED = "usage_based"


class TierBehavior(StrEnum):
    """Each band at its own rate, or everything at the rate of the band reached."""

    GRADUATED = "graduated"
    VOLUME = "volume"


@dataclass(frozen=True, slots=True)
class CurrencyAmount:
    """The same price in another currency, in major units."""

    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class TierAmount:
    """The same band in another currency, in major units."""

    currency: str
    amount: Decimal
    flat_amount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Tier:
    """A band of units up to and including `to` (None is without end; included units count).

    `amount` is in major units per `billing_units`; `flat_amount` is added once when the band is reached.
    """

    to: Decimal | None
    amount: Decimal
    flat_amount: Decimal = Decimal(0)
    additional_currencies: tuple[TierAmount, ...] = ()


@dataclass(frozen=True, slots=True)
class BasePrice:
    """What a plan costs by itself each cadence, in major units of the tenant's default currency.

    Turned into a customer's currency (rules.currency), it is in that one.
    """

    amount: Decimal
    cadence: Cadence
    additional_currencies: tuple[CurrencyAmount, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemPrice:
    """What units of a feature cost: exactly one of `amount` (major units per `billing_units`) and `tiers`."""

    cadence: Cadence
    billing_method: BillingMethod
    amount: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    tier_behavior: TierBehavior | None = None
    billing_units: Decimal = Decimal(1)
    max_purchase: Decimal | None = None
    additional_currencies: tuple[CurrencyAmount, ...] = ()


@dataclass(frozen=True, slots=True)
class Proration:
    """When a change of a bought quantity, or of the number of seats held, is billed (billing.md §1.5, §5.8)."""

    on_increase: str
    on_decrease: str


@dataclass(frozen=True, slots=True)
class Rollover:
    """What happens to units left at a reset: at most `max` of them, or `max_percentage` of the grant, live on."""

    expiry_duration_type: str
    expiry_duration_length: int | None = None
    max: Decimal | None = None
    max_percentage: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One feature of a plan: how much is included, when it resets, what more of it costs.

    With `entity_feature_id` it gives as much to each entity that is counted in that feature (billing.md §1.7).
    """

    feature_id: str
    included: Decimal = Decimal(0)
    unlimited: bool = False
    pooled: bool = False
    reset: Cadence | None = None
    price: ItemPrice | None = None
    proration: Proration | None = None
    rollover: Rollover | None = None
    entity_feature_id: str | None = None

    @property
    def is_prepaid(self) -> bool:
        """Whether units of it are bought in advance."""
        return self.price is not None and self.price.billing_method is BillingMethod.PREPAID

    @property
    def is_usage_based(self) -> bool:
        """Whether units beyond the included ones are billed as they are used: afterwards, unless it is prorated."""
        return self.price is not None and self.price.billing_method is BillingMethod.USAGE_BASED

    @property
    def is_prorated(self) -> bool:
        """Whether units beyond the included ones are seats that are billed when they are taken (billing.md §5.8)."""
        return self.is_usage_based and self.proration is not None


class TrialUnit(StrEnum):
    """The unit of a trial's length."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class FreeTrial:
    """Time before the first charge (billing.md §11)."""

    length: int
    unit: TrialUnit = TrialUnit.MONTH
    card_required: bool = True
    on_end: str | None = None

    @property
    def reverts(self) -> bool:
        """Whether the plan whose place it takes comes back at its end; otherwise the plan on trial is billed."""
        return self.on_end == "revert"

    def end_after(self, start: datetime) -> datetime:
        """The instant a trial begun at `start` ends."""
        if self.unit is TrialUnit.DAY:
            return start + timedelta(days=self.length)
        return add_months(start, self.length * (12 if self.unit is TrialUnit.YEAR else 1))


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """What is sold and for how much: the part of a plan that differs between versions and may be customised."""

    price: BasePrice | None = None
    items: tuple[PlanItem, ...] = ()
    free_trial: FreeTrial | None = None


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Names items of a plan by what is given of it; what is None may be anything."""

    feature_id: str | None = None
    billing_method: BillingMethod | None = None
    interval: Interval | None = None
    interval_count: int | None = None


@dataclass(frozen=True, slots=True)
class Customization:
    """Changes to a plan for one customer. `items` replace all; a price or trial that is set to None is taken away."""

    price: BasePrice | None = None
    sets_price: bool = False
    items: tuple[PlanItem, ...] | None = None
    add_items: tuple[PlanItem, ...] = ()
    remove_items: tuple[ItemFilter, ...] = ()
    free_trial: FreeTrial | None = None
    sets_trial: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan at one of its versions. The price, items and trial belong to the version, the rest to every version.

    `group` is "" by default; plans of one group replace each other, add-ons never do. One version of a plan is
    `active`: who attaches it gets that one. A variant has a `base_plan_id`, and follows it as of its `base_version`.
    """

    id: str
    version: int
    name: str
    created_at: datetime
    description: str | None = None
    group: str = ""
    add_on: bool = False
    auto_enable: bool = False
    archived: bool = False
    price: BasePrice | None = None
    items: tuple[PlanItem, ...] = ()
    free_trial: FreeTrial | None = None
    ignore_past_due: bool = False
    metadata: Mapping[str, Any] | None = None
    billing_controls: Mapping[str, Any] | None = None
    active: bool = True
    base_plan_id: str | None = None
    base_version: int | None = None

    @property
    def version_slug(self) -> str:
        """The name of its version."""
        return f"v{self.version}"

    @property
    def terms(self) -> PlanTerms:
        """Its price, items and trial."""
        return PlanTerms(self.price, self.items, self.free_trial)

    def with_terms(self, terms: PlanTerms) -> "Plan":
        """The plan as it is sold on these terms."""
        return replace(self, price=terms.price, items=terms.items, free_trial=terms.free_trial)

    def items_of(self, feature_id: str) -> tuple[PlanItem, ...]:
        """The items of a feature, in their order."""
        return tuple(item for item in self.items if item.feature_id == feature_id)

    def item_of(self, feature_id: str) -> PlanItem | None:
        """The item of a feature, or None."""
        return next((item for item in self.items if item.feature_id == feature_id), None)
