"""What is asked of balances (billing.md §4.1, §5.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sumac.catalog.model import Rollover, TokenPool
from sumac.core.time import Cadence, Interval
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
class TokenRequest:
    """Please count tokens of an AI model, "provider/model", as the credits they cost.

    `usage` is what else is to be said of them; its value is what they come to, and its feature the AI credit system,
    None for the only one there is.
    """

    usage: TrackRequest
    model_id: str
    tokens: Mapping[TokenPool, int]


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


@dataclass(frozen=True, slots=True)
class Which:
    """The balances of a customer that are meant: of a feature, seen by an entity, of one name, of one interval.

    What is None may be anything.
    """

    customer_id: str
    feature_id: str | None = None
    entity_id: str | None = None
    balance_id: str | None = None
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class EditRequest:
    """Please change what is left, what is granted, or when it resets or expires (billing.md §8.1).

    At most one of `remaining`, `add_to_balance` and `usage`. `reason` is what the person has to say about it.
    """

    which: Which
    remaining: Decimal | None = None
    add_to_balance: Decimal | None = None
    usage: Decimal | None = None
    included_grant: Decimal | None = None
    resets_at: datetime | None = None
    expires_at: datetime | None = None
    reason: str | None = None

    @property
    def changes_units(self) -> bool:
        """Whether it says how many units are left."""
        return self.remaining is not None or self.add_to_balance is not None or self.usage is not None


@dataclass(frozen=True, slots=True)
class GiveRequest:
    """Please give the customer, or one entity of theirs, units beside their plans (billing.md §8.2).

    Neither `included` nor `unlimited` for a boolean feature. `resets_at` is the first reset; later ones step from it.
    """

    customer_id: str
    feature_id: str
    entity_id: str | None = None
    included: Decimal | None = None
    unlimited: bool = False
    reset: Cadence | None = None
    resets_at: datetime | None = None
    expires_at: datetime | None = None
    rollover: Rollover | None = None
    balance_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RemoveRequest:
    """Please take balances away (billing.md §8.3); with `recalculate` the others pay for what was used of them."""

    which: Which
    recalculate: bool = False
    reason: str | None = None
