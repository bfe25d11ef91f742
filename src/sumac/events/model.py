"""Usage told to us (billing.md §1.8, §5.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sumac.core.time import Cadence


@dataclass(frozen=True, slots=True)
class Deduction:
    """What an event took from one grant; negative when it gave back. In units of the grant's own feature.

    `balance_id` is what the caller knows the grant as, where that is not its id.
    """

    grant_id: str
    feature_id: str
    plan_id: str | None
    reset: Cadence | None
    resets_at: datetime | None
    value: Decimal
    balance_id: str | None = None

    @property
    def public_id(self) -> str:
        """What the caller knows the grant as."""
        return self.balance_id or self.grant_id


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """One immutable record of usage; `value` is what the caller said, the deductions what it came to.

    It occurred at `occurred_at`, as the caller says, and changed balances at `counted_at`.
    """

    id: str
    customer_key: str
    feature_id: str
    event_name: str | None
    value: Decimal
    properties: Mapping[str, Any]
    occurred_at: datetime
    counted_at: datetime
    deductions: tuple[Deduction, ...]
    entity_key: str | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of events, and what they counted together: exact."""

    events: int
    total: Decimal

    def plus(self, value: Decimal, events: int = 1) -> "Amount":
        """With more events."""
        return Amount(self.events + events, self.total + value)


NOTHING = Amount(0, Decimal(0))
