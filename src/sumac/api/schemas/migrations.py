"""Migrations on the wire: customers of a plan who are moved to another version (billing.md §16.2)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from sumac.api.schemas.pages import PageRequest
from sumac.api.schemas.wire import AnyId, CustomerId, Milliseconds, Number, PlanId, Truth, WholeNumber, WireModel
from sumac.billing.migration_model import (
    Effect,
    Migration,
    MigrationStatus,
    MoveStatus,
    PlanMove,
    Progress,
    UnitsChange,
)
from sumac.billing.migrations import Begun
from sumac.core.money import Money
from sumac.core.page import Page
from sumac.customers.model import Customer, Entity

VERSIONS_MAX = 1_000
CUSTOMERS_MAX = 1_000
PREVIEWED_MAX = 50

Standing = Literal["draft", "running", "paused", "completed"]
Outcome = Literal["pending", "moved", "skipped", "failed"]


class MigrationCreate(WireModel):
    """Whom to move where: all customers of a plan, those on some versions, or some customers only.

    Without `to_version` they come to the active one. Custom plans stay unless `include_custom` puts them on the version
    as it is sold. With `dry_run` a run decides about everybody and changes nothing.
    """

    plan_id: PlanId
    to_version: WholeNumber | None = None
    from_versions: Annotated[list[WholeNumber], Field(min_length=1, max_length=VERSIONS_MAX)] | None = None
    customer_ids: Annotated[list[CustomerId], Field(min_length=1, max_length=CUSTOMERS_MAX)] | None = None
    include_custom: Truth = False
    dry_run: Truth = False


class MigrationChoice(WireModel):
    """Which migration."""

    migration_id: AnyId


class MigrationRetry(MigrationChoice):
    """Which of those who stayed are tried again: who failed, unless told otherwise."""

    statuses: Annotated[list[Literal["failed", "skipped"]], Field(min_length=1, max_length=2)] | None = None

    def chosen(self) -> list[MoveStatus]:
        """As stored."""
        return [MoveStatus(each) for each in self.statuses or ("failed",)]


class MigrationListRequest(PageRequest):
    """Which migrations."""

    limit_max: ClassVar[int] = 100

    plan_id: PlanId | None = None
    statuses: Annotated[list[Standing], Field(max_length=4)] | None = None

    def chosen(self) -> list[MigrationStatus]:
        """As stored; none means every status."""
        return [MigrationStatus(each) for each in self.statuses or ()]


class MigrationPreviewRequest(PageRequest):
    """Which migration, and which page of its customers."""

    limit_max: ClassVar[int] = PREVIEWED_MAX

    migration_id: AnyId


class MigrationReportRequest(PageRequest):
    """Which migration, which page of its customers, and which of them."""

    migration_id: AnyId
    statuses: Annotated[list[Outcome], Field(max_length=4)] | None = None

    def chosen(self) -> list[MoveStatus]:
        """As stored; none means every one."""
        return [MoveStatus(each) for each in self.statuses or ()]


class ProgressBody(WireModel):
    """How many of the subscriptions have come how far; `total` grows until all are `listed`."""

    listed: Truth
    total: WholeNumber
    pending: WholeNumber
    moved: WholeNumber
    skipped: WholeNumber
    failed: WholeNumber

    @classmethod
    def of(cls, migration: Migration, progress: Progress) -> Self:
        """As counted."""
        return cls(
            listed=migration.listed_at is not None,
            total=progress.total,
            pending=progress.pending,
            moved=progress.moved,
            skipped=progress.skipped,
            failed=progress.failed,
        )


class MigrationBody(WireModel):
    """A migration, and how far it has come. In a dry run, `moved` are those who would be."""

    id: str
    plan_id: str
    to_version: WholeNumber
    from_versions: list[WholeNumber] | None
    customer_ids: list[str] | None
    include_custom: Truth
    dry_run: Truth
    status: Standing
    progress: ProgressBody
    created_at: Milliseconds
    started_at: Milliseconds | None
    finished_at: Milliseconds | None

    @classmethod
    def of(cls, begun: Begun, named: Mapping[str, Customer]) -> Self:
        """With the customers it is limited to, where they are still there; `named` has them by key."""
        migration, asked = begun.migration, begun.migration.asked
        keys = asked.customer_keys
        return cls(
            id=migration.id,
            plan_id=asked.plan_id,
            to_version=asked.to_version,
            from_versions=None if asked.from_versions is None else list(asked.from_versions),
            customer_ids=None if keys is None else [named[key].public_id for key in keys if key in named],
            include_custom=asked.include_custom,
            dry_run=asked.dry_run,
            status=migration.status.value,
            progress=ProgressBody.of(migration, begun.progress),
            created_at=migration.created_at,
            started_at=migration.started_at,
            finished_at=migration.finished_at,
        )


class MigrationList(WireModel):
    """A page of migrations, newest first."""

    list: list[MigrationBody]
    next_cursor: str | None


class NumberChangeBody(WireModel):
    """A number before and after."""

    before: Number
    after: Number


class OverageLineBody(WireModel):
    """What was used beyond the old units: on the next invoice, at the old price, in major units."""

    feature_id: str | None
    description: str
    amount: Number


class UnitsChangeBody(WireModel):
    """Units of a feature: what is given and what is left of it; below zero is usage that is billed afterwards."""

    feature_id: str
    entity_id: str | None
    granted: NumberChangeBody
    balance: NumberChangeBody

    @classmethod
    def of(cls, units: UnitsChange, entities: Mapping[str, Entity]) -> Self:
        """Of the customer, or of the entity that they belong to."""
        entity = entities.get(units.entity_key or "")
        return cls(
            feature_id=units.feature_id,
            entity_id=entity.public_id if entity else None,
            granted=_change(units.granted_before, units.granted_after),
            balance=_change(units.left_before, units.left_after),
        )


class EffectBody(WireModel):
    """What the move comes to: what the renewal charges in advance, what waits for its invoice, which units change."""

    from_version: WholeNumber
    to_version: WholeNumber
    was_custom: Truth
    currency: str
    renews_at: Milliseconds | None
    next_charge: NumberChangeBody
    lines: list[OverageLineBody]
    balances: list[UnitsChangeBody]

    @classmethod
    def of(cls, effect: Effect, entities: Mapping[str, Entity]) -> Self:
        """Amounts are in major units of the customer's currency."""

        def major(minor: int) -> Decimal:
            return Money(minor, effect.currency).major

        return cls(
            from_version=effect.from_version,
            to_version=effect.to_version,
            was_custom=effect.was_custom,
            currency=effect.currency,
            renews_at=effect.renews_at,
            next_charge=_change(major(effect.charge_before_minor), major(effect.charge_after_minor)),
            lines=[
                OverageLineBody(
                    feature_id=line.feature_id, description=line.description, amount=major(line.amount_minor)
                )
                for line in effect.lines
            ],
            balances=[UnitsChangeBody.of(each, entities) for each in effect.units],
        )


class MoveBody(WireModel):
    """One subscription of a migration; `reason` says why it was skipped, or in a sentence why it failed."""

    customer_id: str
    subscription_id: str
    status: Outcome
    reason: str | None
    effect: EffectBody | None
    finished_at: Milliseconds | None

    @classmethod
    def of(cls, move: PlanMove, customer: Customer, entities: Mapping[str, Entity]) -> Self:
        """As foreseen, or as it was done."""
        return cls(
            customer_id=customer.public_id,
            subscription_id=move.customer_plan_id,
            status=move.status.value,
            reason=move.reason,
            effect=EffectBody.of(move.effect, entities) if move.effect else None,
            finished_at=move.finished_at,
        )


class MoveList(WireModel):
    """A page of subscriptions that are moved, in the order in which they are."""

    list: list[MoveBody]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[PlanMove], owners: Mapping[str, Customer], entities: Mapping[str, Entity]) -> Self:
        """Whose customers are gone is left out."""
        moves = [MoveBody.of(each, owners[each.customer_key], entities) for each in _known(page.items, owners)]
        return cls(list=moves, next_cursor=page.next_cursor)


def _known(moves: Sequence[PlanMove], owners: Mapping[str, Customer]) -> list[PlanMove]:
    return [each for each in moves if each.customer_key in owners]


def _change(before: Decimal, after: Decimal) -> NumberChangeBody:
    changes: dict[str, Any] = {"before": before, "after": after}
    return NumberChangeBody(**changes)
