"""Balances given, edited, taken away and recalculated, on the wire (api.md §2.4, billing.md §8)."""

from collections.abc import Iterable, Sequence
from typing import Literal, Self

from sumac.api.schemas.items import ResetBody, ResetInterval
from sumac.api.schemas.wire import (
    AnyId,
    CustomerId,
    FeatureId,
    Milliseconds,
    Number,
    Text,
    Truth,
    WholeNumber,
    WireModel,
)
from sumac.balances.model import Grant, GrantEntry
from sumac.balances.requests import EditRequest, GiveRequest, RemoveRequest, Which
from sumac.catalog.model import Rollover
from sumac.core.time import Interval
from sumac.customers.model import Entity


class GivenRolloverBody(WireModel):
    """What happens to units left at a reset of a balance that is given by hand."""

    max: Number | None = None
    max_percentage: Number | None = None
    duration: Literal["month", "forever"] = "month"
    length: WholeNumber = 0

    def rollover(self) -> Rollover:
        """As a rollover."""
        length = 0 if self.duration == "forever" else self.length
        return Rollover(self.duration, length, max=self.max, max_percentage=self.max_percentage)


class BalanceCreate(WireModel):
    """Units to give beside every plan; `granted_balance` is the older name of `included_grant`."""

    customer_id: CustomerId
    feature_id: FeatureId
    entity_id: AnyId | None = None
    included_grant: Number | None = None
    granted_balance: Number | None = None
    unlimited: Truth | None = None
    reset: ResetBody | None = None
    rollover: GivenRolloverBody | None = None
    next_reset_at: Milliseconds | None = None
    expires_at: Milliseconds | None = None
    balance_id: AnyId | None = None
    reason: Text | None = None

    def request(self) -> GiveRequest:
        """As a request."""
        return GiveRequest(
            customer_id=self.customer_id,
            feature_id=self.feature_id,
            entity_id=self.entity_id,
            included=self.granted_balance if self.included_grant is None else self.included_grant,
            unlimited=bool(self.unlimited),
            reset=self.reset.cadence() if self.reset else None,
            resets_at=self.next_reset_at,
            expires_at=self.expires_at,
            rollover=self.rollover.rollover() if self.rollover else None,
            balance_id=self.balance_id,
            reason=self.reason,
        )


class BalanceChoice(WireModel):
    """Which balances of a customer are meant; what is left out may be anything."""

    customer_id: CustomerId
    feature_id: FeatureId | None = None
    entity_id: AnyId | None = None
    balance_id: AnyId | None = None
    interval: ResetInterval | None = None

    def which(self) -> Which:
        """As a choice."""
        interval = Interval(self.interval) if self.interval is not None else None
        return Which(self.customer_id, self.feature_id, self.entity_id, self.balance_id, interval)


class BalanceUpdate(BalanceChoice):
    """What to set of a balance; `current_balance` is the older name of `remaining`."""

    remaining: Number | None = None
    current_balance: Number | None = None
    add_to_balance: Number | None = None
    usage: Number | None = None
    included_grant: Number | None = None
    next_reset_at: Milliseconds | None = None
    expires_at: Milliseconds | None = None
    reason: Text | None = None

    def request(self) -> EditRequest:
        """As a request."""
        return EditRequest(
            which=self.which(),
            remaining=self.current_balance if self.remaining is None else self.remaining,
            add_to_balance=self.add_to_balance,
            usage=self.usage,
            included_grant=self.included_grant,
            resets_at=self.next_reset_at,
            expires_at=self.expires_at,
            reason=self.reason,
        )


class EditUndo(WireModel):
    """Which edit to take back: any of its entries names it."""

    customer_id: CustomerId
    entry_id: AnyId
    reason: Text | None = None


class BalanceDelete(BalanceChoice):
    """Balances to take away; with `recalculate_balances` what was used of them is taken from the others."""

    recalculate_balances: Truth | None = None
    reason: Text | None = None

    def request(self) -> RemoveRequest:
        """As a request."""
        return RemoveRequest(self.which(), recalculate=bool(self.recalculate_balances), reason=self.reason)


class BalanceRecalculate(WireModel):
    """Whose balances of a feature to recalculate."""

    customer_id: CustomerId
    feature_id: FeatureId
    entity_id: AnyId | None = None
    reason: Text | None = None

    def which(self) -> Which:
        """As a choice."""
        return Which(self.customer_id, self.feature_id, self.entity_id)


class BalanceEdited(WireModel):
    """It is done; `entry_id` names the edit in the books, and undoes it. It is left out where nothing changed."""

    success: Truth
    entry_id: str | None = None

    @classmethod
    def of(cls, entries: Sequence[GrantEntry]) -> Self:
        """The first entry stands for the edit."""
        return cls(success=True, entry_id=entries[0].id) if entries else cls(success=True)


class RecalculatedBody(WireModel):
    """A balance before it is recalculated, and after."""

    balance_id: str
    feature_id: str
    plan_id: str | None
    entity_id: str | None
    granted_before: Number
    granted_after: Number
    balance_before: Number
    balance_after: Number


class RecalculationPreview(WireModel):
    """The balances that would change; there are none where nothing is overdrawn while something is left."""

    list: list[RecalculatedBody]

    @classmethod
    def of(cls, changed: Iterable[tuple[Grant, Grant]], entities: Iterable[Entity]) -> Self:
        """Before and after, per grant."""
        ids = {entity.key: entity.id for entity in entities}
        return cls(
            list=[
                RecalculatedBody(
                    balance_id=after.public_id,
                    feature_id=after.feature_id,
                    plan_id=after.plan_id,
                    entity_id=ids.get(after.entity_key) if after.entity_key is not None else None,
                    granted_before=before.granted,
                    granted_after=after.granted,
                    balance_before=before.balance,
                    balance_after=after.balance,
                )
                for before, after in changed
            ]
        )
