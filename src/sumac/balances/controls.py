"""Billing controls: what limits usage beside the balance, what warns of it, what buys more (billing.md §6)."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class LimitType(StrEnum):
    """Whether a spend limit is so many units, or so many percent of what the main plans include."""

    ABSOLUTE = "absolute"
    PERCENTAGE = "usage_percentage"


class WindowInterval(StrEnum):
    """How long a usage limit counts before it starts anew."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class WindowAnchor(StrEnum):
    """Whether a usage limit's windows are those of the billing cycle or of the UTC calendar."""

    BILLING_CYCLE = "billing_cycle"
    UTC = "utc"


class ThresholdType(StrEnum):
    """What an alert's threshold is compared with."""

    USAGE = "usage"
    USAGE_PERCENTAGE = "usage_percentage"
    REMAINING = "remaining"
    REMAINING_PERCENTAGE = "remaining_percentage"


class ControlSource(StrEnum):
    """Whose entry a control is; the nearest one to the usage wins (billing.md §6.1)."""

    ENTITY = "entity"
    CUSTOMER = "customer"
    PLAN = "plan"


@dataclass(frozen=True, slots=True)
class OverageControl:
    """Lets usage of a feature exceed the balance, or forbids it (§6.2)."""

    feature_id: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class SpendLimit:
    """Caps the overage of a feature, in units; of every feature when `feature_id` is None (§6.3)."""

    feature_id: str | None
    enabled: bool
    limit_type: LimitType = LimitType.ABSOLUTE
    overage_limit: Decimal | None = None
    skip_overage_billing: bool = False


@dataclass(frozen=True, slots=True)
class UsageLimit:
    """A hard cap on usage in each window, whatever the balance says (§6.4).

    With a `filter` it counts the usage whose properties have all these values, compared as texts.
    """

    feature_id: str
    enabled: bool
    limit: Decimal
    interval: WindowInterval
    anchor: WindowAnchor = WindowAnchor.BILLING_CYCLE
    filter: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class UsageAlert:
    """Tells the merchant when a threshold is crossed; of every feature when `feature_id` is None (§6.5)."""

    feature_id: str | None
    enabled: bool
    threshold: Decimal
    threshold_type: ThresholdType
    name: str | None = None


@dataclass(frozen=True, slots=True)
class PurchaseLimit:
    """How many automatic top-ups may be bought in each window of so many intervals."""

    interval: str
    interval_count: int
    limit: int


@dataclass(frozen=True, slots=True)
class AutoTopup:
    """Buys `quantity` prepaid units when what is left of a feature falls to `threshold` or below (§6.6)."""

    feature_id: str
    enabled: bool
    threshold: Decimal
    quantity: Decimal
    invoice_mode: bool = False
    purchase_limit: PurchaseLimit | None = None


@dataclass(frozen=True, slots=True)
class ControlSet:
    """The entries of one customer, one entity or one plan."""

    overage_allowed: tuple[OverageControl, ...] = ()
    spend_limits: tuple[SpendLimit, ...] = ()
    usage_limits: tuple[UsageLimit, ...] = ()
    usage_alerts: tuple[UsageAlert, ...] = ()
    auto_topups: tuple[AutoTopup, ...] = ()


NO_CONTROLS = ControlSet()
