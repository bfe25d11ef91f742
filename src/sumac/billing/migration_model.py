"""Moving customers of a plan from one version to another: what is asked, what becomes of each (billing.md §16.2)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class MigrationStatus(StrEnum):
    """How far a migration has come."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"


class MoveStatus(StrEnum):
    """What became of one customer's plan; in a dry run, what would have."""

    PENDING = "pending"
    MOVED = "moved"
    SKIPPED = "skipped"
    FAILED = "failed"


class SkipReason(StrEnum):
    """Why a customer's plan stays as it is."""

    CUSTOM = "custom"
    CANCELING = "canceling"
    BOUGHT_ONCE = "bought_once"
    NOT_STARTED = "not_started"
    PAUSED = "paused"
    ENDED = "ended"
    ALREADY_THERE = "already_there"
    CHANGE_PENDING = "change_pending"


@dataclass(frozen=True, slots=True)
class MigrationDraft:
    """Please move customers of this plan to a version: all of them, those on some versions, or some customers only.

    Terms made to measure for one customer stay, unless `include_custom` puts those customers on the version as it is
    sold. A `dry_run` decides about each customer and changes nothing.
    """

    plan_id: str
    to_version: int
    from_versions: tuple[int, ...] | None = None
    customer_keys: tuple[str, ...] | None = None
    include_custom: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration as it stands; `listed_after` is the last customer plan listed so far, until all are (`listed_at`)."""

    id: str
    asked: MigrationDraft
    status: MigrationStatus
    actor: str
    created_at: datetime
    listed_after: str | None = None
    listed_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of the customer plans that are listed so far have come how far."""

    pending: int = 0
    moved: int = 0
    skipped: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """All that are listed."""
        return self.pending + self.moved + self.skipped + self.failed


@dataclass(frozen=True, slots=True)
class UnitsChange:
    """Units of a feature, of the customer or of one entity: what is given and what is left, before and after.

    What is left is below zero where more was used, to be billed afterwards.
    """

    feature_id: str
    entity_key: str | None
    granted_before: Decimal
    granted_after: Decimal
    left_before: Decimal
    left_after: Decimal


@dataclass(frozen=True, slots=True)
class OverageLine:
    """What was used beyond the old version's units, on the next invoice at the old price, in minor units."""

    feature_id: str | None
    description: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Effect:
    """What a move comes to for one customer: the advance charge of the renewal before and after, and the units."""

    from_version: int
    to_version: int
    was_custom: bool
    currency: str
    renews_at: datetime | None
    charge_before_minor: int
    charge_after_minor: int
    lines: tuple[OverageLine, ...] = ()
    units: tuple[UnitsChange, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanMove:
    """One customer plan of a migration, and what became of it; `reason` says why it was skipped or failed."""

    migration_id: str
    customer_key: str
    customer_plan_id: str
    status: MoveStatus = MoveStatus.PENDING
    reason: str | None = None
    tries: int = 0
    effect: Effect | None = None
    finished_at: datetime | None = None
