"""Billing controls and settings of customers and plans, on the wire (api.md §2.0, §2.1).

They are kept and answered; balances and billing do not act on them yet.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from sumac.api.schemas.wire import FeatureId, Name, Number, Text, Truth, WholeNumber, WireModel, storable

ENTRIES_MAX = 100
PROPERTY_NAME_MAX = 64

NotNegative = Annotated[Number, Field(ge=0)]
AtLeastOne = Annotated[Number, Field(ge=1)]


class PurchaseLimit(WireModel):
    """How much may be bought in each window."""

    interval: Literal["hour", "day", "week", "month"]
    interval_count: Annotated[WholeNumber, Field(ge=1)] = 1
    limit: AtLeastOne
    count: NotNegative | None = None

    @model_validator(mode="after")
    def _count_within_limit(self) -> Self:
        if self.count is not None and self.count > self.limit:
            raise PydanticCustomError("count", "count must not be above limit")
        return self


class AutoTopup(WireModel):
    """Buys `quantity` prepaid units when the balance falls below `threshold`."""

    feature_id: FeatureId
    enabled: Truth = False
    threshold: Number
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


class UsageFilter(WireModel):
    """Which usage counts."""

    properties: dict[Annotated[str, Field(min_length=1, max_length=PROPERTY_NAME_MAX)], Text | Number | Truth]


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

    def stored(self) -> dict[str, Any]:
        """The lists given, as they are kept: with the defaults that were left out."""
        return _stored(self)


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
