"""What a customer holds, what is asked of it, and what shall happen (billing.md §1.6, §10)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sumac.catalog.model import Plan


class PlanStatus(StrEnum):
    """Stored state of a customer plan; trialing and canceling are derived."""

    SCHEDULED = "scheduled"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CustomerPlan:
    """One attachment of a plan to a customer: a subscription when recurring, a purchase when one-off.

    `quantities` are the totals chosen per prepaid feature, included units counted. Boundaries of its periods are
    `anchor_at + n x interval`. `ends_at` is set while it is canceling, and once it has ended.
    """

    id: str
    customer_key: str
    plan_id: str
    version: int
    status: PlanStatus
    recurring: bool
    anchor_at: datetime
    starts_at: datetime
    created_at: datetime
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    subscription_id: str | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None
    trial_ends_at: datetime | None = None
    canceled_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def is_usable(self) -> bool:
        """Whether it grants access (billing.md §1.6)."""
        return self.status in {PlanStatus.ACTIVE, PlanStatus.PAST_DUE}

    @property
    def is_canceling(self) -> bool:
        """Whether it runs on until its end only."""
        return self.is_usable and self.canceled_at is not None


@dataclass(frozen=True, slots=True)
class Holding:
    """A customer plan together with the plan version it holds."""

    held: CustomerPlan
    plan: Plan
