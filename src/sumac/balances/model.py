"""A source of units (Grant), their sum per feature (Balance), and the record of every change (billing.md §1.7, §3)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sumac.catalog.model import ItemPrice
from sumac.core.time import Cadence

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Grant:
    """One source of units of a feature for a customer.

    granted = included + prepaid. `balance` is signed: below zero is overage. `resets_at` is the next instant the
    balance returns to granted. A boolean feature's grant has only zeros. Live while `ended_at` is None.
    """

    id: str
    customer_key: str
    feature_id: str
    customer_plan_id: str | None
    plan_id: str | None
    anchor_at: datetime
    created_at: datetime
    add_on: bool = False
    included: Decimal = ZERO
    prepaid: Decimal = ZERO
    balance: Decimal = ZERO
    unlimited: bool = False
    overage_allowed: bool = False
    max_purchase: Decimal | None = None
    reset: Cadence | None = None
    resets_at: datetime | None = None
    price: ItemPrice | None = None
    expires_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def granted(self) -> Decimal:
        """Units given per period."""
        return self.included + self.prepaid

    @property
    def usage(self) -> Decimal:
        """Units used; negative when the balance was raised above what was granted."""
        return -self.balance if self.unlimited else self.granted - self.balance

    @property
    def remaining(self) -> Decimal:
        """Units left, never below zero."""
        return ZERO if self.unlimited else max(ZERO, self.balance)

    @property
    def overage(self) -> Decimal:
        """Units used beyond what was granted."""
        return ZERO if self.unlimited else max(ZERO, -self.balance)


@dataclass(frozen=True, slots=True)
class Balance:
    """Everything a customer holds of one feature: the sum over its grants (api.md §2.0)."""

    feature_id: str
    grants: tuple[Grant, ...]
    granted: Decimal
    remaining: Decimal
    usage: Decimal
    unlimited: bool
    overage_allowed: bool
    max_purchase: Decimal | None
    next_reset_at: datetime | None


class EntryKind(StrEnum):
    """Why a grant changed other than by usage."""

    GRANTED = "granted"
    RESET = "reset"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class GrantEntry:
    """An append-only record: granted and balance changed by this much, then, because of this, by this actor."""

    id: str
    customer_key: str
    grant_id: str
    feature_id: str
    kind: EntryKind
    granted_change: Decimal
    balance_change: Decimal
    cause: str
    actor: str
    at: datetime


class OverageBehavior(StrEnum):
    """What to do with usage that does not fit: drop the surplus, count it all the same, or refuse."""

    CAP = "cap"
    OVERFLOW = "overflow"
    REJECT = "reject"
