"""Billing controls and settings of customers and plans, on the wire (api.md §2.0, §2.1).

A list has one entry for a feature; of usage limits one for a feature and a filter, of alerts one for a threshold.
"""

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from sumac.api.schemas.wire import FeatureId, Name, Number, Truth, WholeNumber, WireModel, storable
from sumac.balances.rules.windows import text_of
from sumac.core.quantity import LARGEST

ENTRIES_MAX = 100
PROPERTIES_MAX = 4
PROPERTY_NAME_MAX = 64
PROPERTY_VALUE_MAX = 128
DIGITS_MAX = 15
HUNDRED = 100


def _kept_exactly(value: Decimal) -> Decimal:
    """Entries are kept as JSON, whose numbers have so many digits in every reader."""
    if abs(value) > LARGEST:
        raise PydanticCustomError("number", "must be at most {most}", {"most": f"{LARGEST:f}"})
    if len(value.normalize().as_tuple().digits) > DIGITS_MAX:
        raise PydanticCustomError("number", "must have at most {most} digits", {"most": DIGITS_MAX})
    return value


def _has_no_null(value: str) -> str:
    if "\x00" in value:
        raise PydanticCustomError("text", "must not contain a null character")
    return value


Exact = Annotated[Number, AfterValidator(_kept_exactly)]
NotNegative = Annotated[Exact, Field(ge=0)]
AtLeastOne = Annotated[Exact, Field(ge=1)]
PropertyName = Annotated[str, Field(min_length=1, max_length=PROPERTY_NAME_MAX), AfterValidator(_has_no_null)]
PropertyText = Annotated[str, Field(max_length=PROPERTY_VALUE_MAX), AfterValidator(_has_no_null)]


class PurchaseLimit(WireModel):
    """How much may be bought in each window."""

    interval: Literal["hour", "day", "week", "month"]
    interval_count: Annotated[WholeNumber, Field(ge=1)] = 1
    limit: Annotated[WholeNumber, Field(ge=1)]
    count: Annotated[WholeNumber, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _count_within_limit(self) -> Self:
        if self.count is not None and self.count > self.limit:
            raise PydanticCustomError("count", "count must not be above limit")
        return self


class AutoTopup(WireModel):
    """Buys `quantity` prepaid units when the balance falls below `threshold`."""

    feature_id: FeatureId
    enabled: Truth = False
    threshold: Exact
    quantity: AtLeastOne
    invoice_mode: Truth | None = None
    purchase_limit: PurchaseLimit | None = None


class SpendLimit(WireModel):
    """Caps overage, in units or in percent of the main plan's allowance."""

    feature_id: FeatureId | None = None
    enabled: Truth = False
    limit_type: Literal["absolute", "usage_percentage"] | None = None
    overage_limit: NotNegative | None = None
    skip_overage_billing: Truth | None = None


def _texts(properties: Mapping[str, object]) -> dict[str, str]:
    """Values as the texts they are compared as, and answered as."""
    return {name: text_of(value) or "" for name, value in properties.items()}


class UsageFilter(WireModel):
    """Which usage counts: that whose properties have all of these values, compared as texts."""

    properties: Annotated[
        dict[PropertyName, PropertyText | Truth | Exact],
        Field(min_length=1, max_length=PROPERTIES_MAX),
        AfterValidator(_texts),
    ]

    @property
    def condition(self) -> Hashable:
        """The same for filters that count the same usage."""
        return tuple(sorted((name, text_of(value)) for name, value in self.properties.items()))


class UsageLimit(WireModel):
    """Caps usage in each window, whatever the balance says."""

    feature_id: FeatureId
    enabled: Truth = True
    limit: NotNegative
    interval: Literal["day", "week", "month", "year"]
    anchor: Literal["billing_cycle", "utc"] | None = None
    filter: UsageFilter | None = None


class UsageAlert(WireModel):
    """Tells the merchant when a threshold is crossed."""

    feature_id: FeatureId | None = None
    enabled: Truth = True
    threshold: NotNegative
    threshold_type: Literal["usage", "usage_percentage", "remaining", "remaining_percentage"]
    name: Name | None = None

    @model_validator(mode="after")
    def _no_more_remains_than_all(self) -> Self:
        if self.threshold_type == "remaining_percentage" and self.threshold > HUNDRED:
            raise PydanticCustomError("threshold", "threshold must be at most 100 for remaining_percentage")
        return self


class OverageAllowed(WireModel):
    """Lets usage exceed the balance, or forbids it."""

    feature_id: FeatureId
    enabled: Truth = False


class ControlsBody(WireModel):
    """Lists of controls; each list given replaces the stored one."""

    auto_topups: Annotated[list[AutoTopup], Field(max_length=ENTRIES_MAX)] | None = None
    spend_limits: Annotated[list[SpendLimit], Field(max_length=ENTRIES_MAX)] | None = None
    usage_limits: Annotated[list[UsageLimit], Field(max_length=ENTRIES_MAX)] | None = None
    usage_alerts: Annotated[list[UsageAlert], Field(max_length=ENTRIES_MAX)] | None = None
    overage_allowed: Annotated[list[OverageAllowed], Field(max_length=ENTRIES_MAX)] | None = None

    @field_validator("auto_topups", "spend_limits", "overage_allowed")
    @classmethod
    def _once_for_a_feature(cls, entries: Sequence[AutoTopup | SpendLimit | OverageAllowed] | None) -> object:
        _refuse_twice([each.feature_id for each in entries or ()])
        return entries

    @field_validator("usage_limits")
    @classmethod
    def _once_for_a_filter(cls, entries: Sequence[UsageLimit] | None) -> object:
        _refuse_twice([(each.feature_id, each.filter.condition if each.filter else ()) for each in entries or ()])
        return entries

    @field_validator("usage_alerts")
    @classmethod
    def _once_for_a_threshold(cls, entries: Sequence[UsageAlert] | None) -> object:
        _refuse_twice([(each.feature_id, each.threshold_type, each.threshold) for each in entries or ()])
        return entries

    def stored(self) -> dict[str, Any]:
        """The lists given, as they are kept: with the defaults that were left out, and without what was counted."""
        stored = _stored(self)
        for entry in stored.get("auto_topups", ()):
            entry.get("purchase_limit", {}).pop("count", None)
        return stored

    def purchase_counts(self) -> dict[str, int]:
        """How many purchases are said to have been made in the window that runs, by feature."""
        limits = {each.feature_id: each.purchase_limit for each in self.auto_topups or ()}
        return {key: each.count for key, each in limits.items() if each is not None and each.count is not None}


class CustomerConfig(WireModel):
    """Settings of a customer."""

    disable_pooled_balance: Truth | None = None
    disable_overage_billing: Truth | None = None

    def stored(self) -> dict[str, Any]:
        """The settings given."""
        return _stored(self)


def _stored(body: WireModel) -> dict[str, Any]:
    stored: dict[str, Any] = storable(body.model_dump(exclude_none=True))
    return stored


def _refuse_twice(keys: Sequence[Hashable]) -> None:
    for number, key in enumerate(keys):
        if key in keys[:number]:
            raise PydanticCustomError("twice", "must not have two entries for the same usage")
