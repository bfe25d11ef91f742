"""A source of units (Grant), their sum per feature (Balance), and the record of every change (billing.md §1.7, §3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from sumac.balances.controls import NO_CONTROLS, ControlSet, UsageAlert
from sumac.balances.requests import OverageBehavior, TrackRequest
from sumac.catalog.model import Feature, ItemPrice, Proration, Rollover
from sumac.core.copies import changed
from sumac.core.time import Cadence
from sumac.customers.model import Customer, Entity
from sumac.events.model import Deduction, UsageEvent

ZERO = Decimal(0)


class PoolMode(StrEnum):
    """When units that are given to a pool come back: never, at times of its own, or with the cycle of paid plans."""

    LIFETIME = "lifetime"
    LAZY = "lazy"
    SUBSCRIPTION = "subscription"


@dataclass(frozen=True, slots=True)
class Grant:
    """One source of units of a feature for a customer, or for one entity of theirs when `entity_key` is set.

    granted = included + adjustment + prepaid. `balance` is signed: below zero is overage. `resets_at` is the next
    instant the balance returns to included + prepaid, and the adjustment to zero. A boolean feature's grant has only
    zeros. Live while `ended_at` is None. `edited_at` is when the balance was last set by hand since the last reset.

    With `proration` its overage is seats, billed when they are taken; `replaceables` are seats given up that are paid
    for until the end of their period, to be taken again for nothing (billing.md §5.8).

    `balance_id` is the caller's own name of it. The slots that one item of a plan gives to each entity are grants with
    the same `shared_id`, and one balance to the caller. Units left at a reset live on, by its `rollover`, in a grant
    that is a `rollover_of` it: it has no resets, and `included` is what was left (§9.5).

    Those with a `pool_mode` are pools, which belong to no plan, and what plans contribute to them (§17.3): a
    contribution gives its units to the pool of its `pool_id`, and has neither a balance nor resets of its own. While
    its plan is paused, or past due and withheld for that, it gives nothing, and has no `pool_id`.
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
    proration: Proration | None = None
    replaceables: Decimal = ZERO
    expires_at: datetime | None = None
    ended_at: datetime | None = None
    adjustment: Decimal = ZERO
    edited_at: datetime | None = None
    entity_key: str | None = None
    balance_id: str | None = None
    shared_id: str | None = None
    rollover: Rollover | None = None
    rollover_of: str | None = None
    pool_id: str | None = None
    pool_mode: PoolMode | None = None

    @property
    def is_pool(self) -> bool:
        """Whether it is the one balance that contributions of plans add up to."""
        return self.pool_mode is not None and self.customer_plan_id is None

    @property
    def is_contribution(self) -> bool:
        """Whether its units are given to a pool; nobody is shown it, and nothing is taken from it."""
        return self.pool_mode is not None and self.customer_plan_id is not None

    @property
    def granted(self) -> Decimal:
        """Units given in this period."""
        return self.included + self.adjustment + self.prepaid

    @property
    def public_id(self) -> str:
        """The id a caller addresses it by: its own, or the one that the slots of an item share, or ours."""
        return self.balance_id or self.shared_id or self.id

    @property
    def usage(self) -> Decimal:
        """Units used; negative when the balance was raised above what was granted."""
        return -self.balance if self.unlimited else self.granted - self.balance

    @property
    def remaining(self) -> Decimal:
        """Units left, never below zero; seats that are paid for and free are among them."""
        return ZERO if self.unlimited else max(ZERO, self.balance) + self.replaceables

    @property
    def overage(self) -> Decimal:
        """Units used beyond what was granted."""
        return ZERO if self.unlimited else max(ZERO, -self.balance)

    @property
    def is_drained(self) -> bool:
        """Whether it is used up for good: it came beside every plan, nothing of it is left, and it never resets.

        Nobody is shown it any more, but what is given back of it is there again (billing.md §1.7). One that was set by
        hand stays in sight.
        """
        gave = bool(self.included or self.prepaid or self.adjustment)
        beside_plans = self.customer_plan_id is None and self.rollover_of is None and not self.is_pool
        untouched = self.resets_at is None and self.edited_at is None
        return beside_plans and untouched and gave and not self.unlimited and self.balance == 0

    @property
    def paid_seats(self) -> Decimal:
        """Seats of a prorated grant that are billed in this period, held or not."""
        return self.overage + self.replaceables


@dataclass(frozen=True, slots=True)
class RolledUnits:
    """Units that live on beside the grant they were left of, until `expires_at`: a grant to be opened."""

    units: Decimal
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Balance:
    """Everything a customer holds of one feature: the sum over its grants and what rolled over (api.md §2.0)."""

    feature_id: str
    grants: tuple[Grant, ...]
    granted: Decimal
    remaining: Decimal
    usage: Decimal
    unlimited: bool
    overage_allowed: bool
    max_purchase: Decimal | None
    next_reset_at: datetime | None
    rollovers: tuple[Grant, ...] = ()


class EntryKind(StrEnum):
    """Why a grant changed other than by usage."""

    GRANTED = "granted"
    RESET = "reset"
    ROLLED_OVER = "rolled_over"
    EDITED = "edited"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class GrantDates:
    """When a grant resets, from where its periods are counted, and when it expires."""

    anchor_at: datetime
    resets_at: datetime | None
    expires_at: datetime | None

    @classmethod
    def of(cls, grant: Grant) -> "GrantDates":
        """Those of the grant."""
        return cls(grant.anchor_at, grant.resets_at, grant.expires_at)


@dataclass(frozen=True, slots=True)
class GrantTerms:
    """What a grant was like right after an entry: what it granted, its free seats, its dates.

    `replaceables_change` is by how much the entry changed the seats that are paid for and free.
    """

    included: Decimal
    prepaid: Decimal
    adjustment: Decimal
    replaceables: Decimal
    replaceables_change: Decimal
    resets_at: datetime | None
    expires_at: datetime | None
    edited_at: datetime | None

    @classmethod
    def of(cls, grant: Grant, before: Grant | None) -> "GrantTerms":
        """Those of the grant, which was like that `before`, None when it is new."""
        return cls(
            included=grant.included,
            prepaid=grant.prepaid,
            adjustment=grant.adjustment,
            replaceables=grant.replaceables,
            replaceables_change=grant.replaceables - (before.replaceables if before is not None else ZERO),
            resets_at=grant.resets_at,
            expires_at=grant.expires_at,
            edited_at=grant.edited_at,
        )


@dataclass(frozen=True, slots=True)
class GrantEntry:
    """An append-only record: granted and balance changed by this much, then, because of this, by this actor.

    `granted_after`, `balance_after` and `terms_after` are what they were right afterwards; entries of before they were
    recorded have None. `reason` is what a person who changed it had to say, `dates_before` the dates that they changed.
    A grant's entries are numbered from 1, in the order in which they were written; 0 is of before that was kept.
    """

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
    granted_after: Decimal | None = None
    balance_after: Decimal | None = None
    reason: str | None = None
    dates_before: GrantDates | None = None
    number: int = 0
    terms_after: GrantTerms | None = None


@dataclass(frozen=True, slots=True)
class HeldPlan:
    """What balances need to know of a plan that a customer holds and may use: its entries and whose it is."""

    customer_plan_id: str
    plan_id: str
    created_at: datetime
    anchor_at: datetime
    add_on: bool
    recurring: bool
    past_due: bool
    entity_key: str | None
    controls: ControlSet


@dataclass(frozen=True, slots=True)
class UsageWindow:
    """How much of a feature was used since a usage limit's window began; of one entity when it has its own limit.

    `condition` says which usage is counted, as a text that is the same for the same filter; "" is all of it.
    """

    customer_key: str
    feature_id: str
    entity_key: str
    condition: str
    starts_at: datetime
    ends_at: datetime
    used: Decimal


@dataclass(frozen=True, slots=True)
class Held:
    """What a reservation took from one grant, in units of the grant, and what one tracked unit costs of it.

    `beyond` is how far the balance lay above what was granted (below zero, where units were given), before this and the
    other reservations that were open then; it counts until the grant's next reset, which was to be at `resets_at`.
    """

    grant_id: str
    amount: Decimal
    cost: Decimal
    beyond: Decimal = ZERO
    resets_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """Units held for a caller until it says what they came to, or until the reservation expires (billing.md §7).

    `value` is in units of the tracked feature, as asked for; `receipt` is what was taken, in order. On the wire it is a
    lock, found again by `lock_id`. Without `expires_at` it is held until somebody says what it came to.
    """

    id: str
    lock_id: str
    customer_key: str
    feature_id: str
    entity_key: str | None
    value: Decimal
    properties: Mapping[str, Any]
    receipt: tuple[Held, ...]
    created_at: datetime
    expires_at: datetime | None
    overage_behavior: OverageBehavior = OverageBehavior.REJECT
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExpireReservations:
    """Nobody said what these reservations came to in time; what they hold is given back."""

    reservations: tuple[Reservation, ...]
    kind: Literal["reservation_expired"] = "reservation_expired"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something happened that others want to be told; `body` is what is sent (api.md §2.15).

    Of several with one `key`, only the first within a minute is kept; one without is kept always.
    """

    kind: str
    body: Mapping[str, Any]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class BalanceSnapshot:
    """Everything a decision about one customer's usage may look at, read at one version of the customer.

    `grants` are those the customer may use, oldest first; `features` the tenant's; `plans` the usable ones, oldest
    first; `windows` the running counts of usage limits; `organization_alerts` the tenant's own, about every customer.
    """

    customer: Customer
    grants: tuple[Grant, ...]
    features: tuple[Feature, ...]
    entities: tuple[Entity, ...] = ()
    plans: tuple[HeldPlan, ...] = ()
    controls: ControlSet = NO_CONTROLS
    entity_controls: Mapping[str, ControlSet] = field(default_factory=dict)
    windows: tuple[UsageWindow, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    organization_alerts: tuple[UsageAlert, ...] = ()

    def after(self, decision: "UsageDecision") -> "BalanceSnapshot":
        """The snapshot once the decision is carried out."""
        grants, windows = self.grants, self.windows
        if decision.grants:
            later = {grant.id: grant for grant in decision.grants}
            grants = tuple([later.get(grant.id, grant) for grant in grants])
        if decision.windows:
            both = (*windows, *decision.windows)
            windows = tuple({(each.feature_id, each.entity_key, each.condition): each for each in both}.values())
        return changed(self, grants=grants, windows=windows)


@dataclass(frozen=True, slots=True)
class SeatChange:
    """A prorated grant before usage is counted, and as it would be afterwards if nothing were kept for it."""

    before: Grant
    after: Grant


@dataclass(frozen=True, slots=True)
class UsageDecision:
    """What counting usage comes to: grants and windows as they are afterwards, events, and what follows.

    `seats` are the prorated grants that change: while there are any, it is for billing to carry it out. `topups` are
    features of which so little is left that more is to be bought.
    """

    grants: tuple[Grant, ...] = ()
    events: tuple[UsageEvent, ...] = ()
    windows: tuple[UsageWindow, ...] = ()
    reservation: Reservation | None = None
    notices: tuple[Notice, ...] = ()
    topups: tuple[str, ...] = ()
    seats: tuple[SeatChange, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedUsage:
    """Usage that is about to be counted: the events it will be, and the seats that it takes or gives up."""

    request: TrackRequest
    event_ids: tuple[str, ...]
    changes: tuple[SeatChange, ...]


@dataclass(frozen=True, slots=True)
class TrackAnswer:
    """What was counted: `balances` when several features are involved, `balance` when it is one."""

    customer_id: str
    request: TrackRequest
    balance: Balance | None
    balances: Mapping[str, Balance | None] | None
    deductions: tuple[Deduction, ...]
