"""Who buys (billing.md §19)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of the tenant.

    `key` is ours and never changes; `id` is the caller's and may be None while the customer is known by e-mail only.
    `clock_at` freezes the customer's time in the sandbox: everything of this customer happens at that instant.
    `due_at` is the next instant at which something of the customer turns (a renewal, a reset, an end); whoever reads or
    changes the customer at or after it settles what is due first, so nobody ever sees a period that is over. `version`
    goes up by one with every work that changed a row of theirs.
    """

    key: str
    created_at: datetime
    id: str | None = None
    name: str | None = None
    email: str | None = None
    fingerprint: str | None = None
    stripe_id: str | None = None
    provider_customer: str | None = None
    currency: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    send_email_receipts: bool = False
    billing_controls: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    clock_at: datetime | None = None
    due_at: datetime | None = None
    version: int = field(default=0, compare=False)

    @property
    def public_id(self) -> str:
        """The id a caller addresses the customer by: its own, or ours while it has none."""
        return self.id if self.id is not None else self.key

    def now(self, wall_now: datetime) -> datetime:
        """The customer's present: its frozen clock, else the wall clock's instant."""
        return wall_now if self.clock_at is None else self.clock_at

    def has_due(self, now: datetime) -> bool:
        """Whether something of the customer turns at this instant of theirs, or should have turned by then."""
        return self.due_at is not None and self.due_at <= now


@dataclass(frozen=True, slots=True)
class Entity:
    """A part of a customer (a seat, a workspace) that may hold plans and balances of its own (billing.md §17.1).

    It is counted in `feature_id`. `key` is ours and never changes; `id` is the caller's, and one entity of a customer
    may be without.
    """

    key: str
    customer_key: str
    feature_id: str
    created_at: datetime
    id: str | None = None
    name: str | None = None
    billing_controls: Mapping[str, Any] = field(default_factory=dict)

    @property
    def public_id(self) -> str:
        """The id a caller addresses the entity by: its own, or ours while it has none."""
        return self.id if self.id is not None else self.key


@dataclass(frozen=True, slots=True)
class EntityDraft:
    """What a caller says about a new entity. Without an `id` it holds the place of the next one that has one."""

    id: str | None
    feature_id: str
    name: str | None = None
    billing_controls: Mapping[str, Any] = field(default_factory=dict)
