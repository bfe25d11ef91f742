"""What is asked of balances (billing.md §4.1, §5.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sumac.customers.model import EntityDraft


class OverageBehavior(StrEnum):
    """What to do with usage that does not fit: drop the surplus, count it all the same, or refuse."""

    CAP = "cap"
    OVERFLOW = "overflow"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class TrackRequest:
    """Please count `value` units, of a feature or of every feature that listens to the event name.

    It may be the unit that a new entity takes (`opens`), or the one that an entity gives back (`closes`, its key): the
    entity is there, or gone, once it is counted.
    """

    customer_id: str
    feature_id: str | None = None
    event_name: str | None = None
    entity_id: str | None = None
    value: Decimal = Decimal(1)
    properties: Mapping[str, Any] = field(default_factory=dict)
    occurred_at: datetime | None = None
    overage_behavior: OverageBehavior = OverageBehavior.CAP
    idempotency_key: str | None = None
    opens: EntityDraft | None = None
    closes: str | None = None

    @property
    def of_entities(self) -> bool:
        """Whether it is the unit that an entity takes or gives back."""
        return self.opens is not None or self.closes is not None


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """May this customer use `required` units of the feature? With `send_event` they are counted at once if so."""

    customer_id: str
    feature_id: str
    required: Decimal = Decimal(1)
    send_event: bool = False
    properties: Mapping[str, Any] = field(default_factory=dict)
    entity_id: str | None = None


@dataclass(frozen=True, slots=True)
class LockRequest:
    """Please hold `required` units of the feature until it is known what they come to (billing.md §7).

    `lock_id` is the caller's name of the reservation, made up when it is None. At `expires_at` everything is given
    back. The behavior says what to do when not all of it fits: hold nothing, hold what fits, or hold it all the same.
    """

    customer_id: str
    feature_id: str
    required: Decimal = Decimal(1)
    lock_id: str | None = None
    expires_at: datetime | None = None
    overage_behavior: OverageBehavior = OverageBehavior.REJECT
    properties: Mapping[str, Any] = field(default_factory=dict)
    entity_id: str | None = None


class FinalizeAction(StrEnum):
    """Whether held units were used, or are given back."""

    CONFIRM = "confirm"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class FinalizeRequest:
    """This is what a reservation came to: the held value or another one, or nothing when it is released.

    `properties` are those of the event that records the difference, by default those of the reservation.
    """

    lock_id: str
    action: FinalizeAction = FinalizeAction.CONFIRM
    override_value: Decimal | None = None
    properties: Mapping[str, Any] | None = None

    def final_value(self, held: Decimal) -> Decimal:
        """Units used in the end, when so many were held."""
        if self.action is FinalizeAction.RELEASE:
            return Decimal(0)
        return held if self.override_value is None else self.override_value
