"""Usage told to us (billing.md §1.8, §5.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sumac.core.quantity import exact_sum
from sumac.core.time import Cadence, Period


@dataclass(frozen=True, slots=True)
class Deduction:
    """What an event took from one grant; negative when it gave back. In units of the grant's own feature.

    `balance_id` is what the caller knows the grant as, where that is not its id; `entity_key` whose alone it is;
    `credit_cost` what a unit of usage costs of it, where that is not one. `replaceables_change` is by how much it
    changed the seats that are paid for and free, where it did.
    """

    grant_id: str
    feature_id: str
    plan_id: str | None
    reset: Cadence | None
    resets_at: datetime | None
    value: Decimal
    balance_id: str | None = None
    entity_key: str | None = None
    credit_cost: Decimal | None = None
    replaceables_change: Decimal | None = None

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
class TakenSince:
    """From when on what usage took from a grant is asked for: what was counted at `since` or later.

    What was counted at exactly that instant is left out where the grant was still to be reset at `turned_at`, the
    reset that `since` is: that belongs to the period before.
    """

    grant_id: str
    since: datetime
    turned_at: datetime | None = None

    def counts(self, event: UsageEvent, deduction: Deduction) -> bool:
        """Whether what an event took from the grant belongs to it."""
        if event.counted_at != self.since:
            return event.counted_at > self.since
        return self.turned_at is None or deduction.resets_at != self.turned_at


@dataclass(frozen=True, slots=True)
class TakenSum:
    """What usage of one feature took from a grant, in units of the grant, of which a tracked unit cost so much."""

    grant_id: str
    feature_id: str
    credit_cost: Decimal | None
    events: int
    total: Decimal
    replaceables_change: Decimal


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of events, and what they counted together: exact."""

    events: int
    total: Decimal

    def plus(self, events: int, total: Decimal) -> "Amount":
        """With more events."""
        return Amount(self.events + events, exact_sum(self.total, total))


NOTHING = Amount(0, Decimal(0))


class GroupKind(StrEnum):
    """What events may be told apart by: who used it, what paid for it, or a property of theirs."""

    CUSTOMER = "customer"
    ENTITY = "entity"
    PLAN = "plan"
    FEATURE = "feature"
    PROPERTY = "property"


@dataclass(frozen=True, slots=True)
class Grouping:
    """How to group a series: at most `most` groups of each feature, the largest ones, and the rest as one.

    The largest are those that counted most or, `by_events`, those of most events. `name` is the property's.
    """

    kind: GroupKind
    most: int
    name: str = ""
    by_events: bool = False


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Whose usage of which features, of events that have these properties; no features means every one."""

    feature_ids: tuple[str, ...]
    customer_key: str | None = None
    entity_keys: tuple[str, ...] | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeriesRequest:
    """Please sum the usage of a period by bins: each reaches from its edge to the next one.

    With `by_balance` also what it took from each balance, and what usage of other features took from balances of the
    chosen ones: that may be anything when `any_may_pay`, since one of them is a credit system.
    """

    chosen: UsageFilter
    period: Period
    edges: tuple[datetime, ...]
    grouping: Grouping | None = None
    by_balance: bool = False
    any_may_pay: bool = False


@dataclass(frozen=True, slots=True)
class BalanceUse:
    """What events took from one balance.

    `credit_cost` is what a unit of usage cost of it; None when it was one, or not always as much.
    """

    feature_id: str
    balance_id: str
    entity_key: str | None
    plan_id: str | None
    reset: Cadence | None
    resets_at: datetime | None
    credit_cost: Decimal | None
    amount: Amount
    groups: Mapping[str, "BalanceUse"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Series:
    """Usage by bin, each addressed by its number: by feature, by feature and group, and by balance, where asked for.

    `deducted` is what was taken from the balances of a feature together, by so many events.
    """

    amounts: Mapping[int, Mapping[str, Amount]]
    groups: Mapping[int, Mapping[str, Mapping[str, Amount]]] | None = None
    balances: Mapping[int, Sequence[BalanceUse]] | None = None
    deducted: Mapping[int, Mapping[str, Amount]] | None = None

    def total(self, feature_id: str) -> Amount:
        """Everything that was counted of a feature."""
        total = NOTHING
        for of_bin in self.amounts.values():
            amount = of_bin.get(feature_id, NOTHING)
            total = total.plus(amount.events, amount.total)
        return total
