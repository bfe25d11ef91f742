"""balances.explain on the wire: why a balance is what it is (billing.md §1.7)."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal, Self

from sumac.api.schemas.balances import BalanceResetBody, DeductionBody, FlagBody
from sumac.api.schemas.pages import PageRequest
from sumac.api.schemas.wire import AnyId, CustomerId, FeatureId, Milliseconds, Number, Truth, WholeNumber, WireModel
from sumac.balances.books import Ended
from sumac.balances.explaining import ExplainedBalance, ExplainRequest
from sumac.balances.model import Balance, Grant, GrantEntry, Reservation
from sumac.balances.rules.explain import EntrySum, Explained, Opened
from sumac.customers.model import Entity
from sumac.events.model import TakenSum, UsageEvent

ZERO = Decimal(0)
Entities = Mapping[str, Entity]
SourceKind = Literal["plan", "rollover", "given"]


class ExplainBody(PageRequest):
    """Which balance, as the customer or an entity sees it, and as of when; the page is one of the events."""

    customer_id: CustomerId
    feature_id: FeatureId
    entity_id: AnyId | None = None
    at: Milliseconds | None = None

    def request(self) -> ExplainRequest:
        """As a request. Raises BadRequest for a cursor that is none, or too long a page."""
        return ExplainRequest(
            self.customer_id, self.feature_id, self.entity_id, self.at, cursor=self.cursor(), limit=self.limit
        )


class ExplainedTotals(WireModel):
    """The numbers as balances show them; an unlimited balance grants nothing and leaves nothing."""

    granted: Number
    included_grant: Number
    prepaid_grant: Number
    remaining: Number
    usage: Number
    overage: Number
    unlimited: Truth
    overage_allowed: Truth
    max_purchase: Number | None
    next_reset_at: Milliseconds | None

    @classmethod
    def of(cls, balance: Balance) -> Self:
        """The sums."""
        held: tuple[Grant, ...] = () if balance.unlimited else (*balance.grants, *balance.rollovers)
        return cls(
            granted=balance.granted,
            included_grant=sum((grant.included + grant.adjustment for grant in held), ZERO),
            prepaid_grant=sum((grant.prepaid for grant in held), ZERO),
            remaining=balance.remaining,
            usage=balance.usage,
            overage=sum((grant.overage for grant in held), ZERO),
            unlimited=balance.unlimited,
            overage_allowed=balance.overage_allowed,
            max_purchase=balance.max_purchase,
            next_reset_at=balance.next_reset_at,
        )


class RecordBody(WireModel):
    """What happened to a source, when, why and by whom."""

    id: str
    kind: str
    at: Milliseconds
    cause: str
    actor: str
    reason: str | None

    @staticmethod
    def told(entry: GrantEntry) -> dict[str, Any]:
        """The fields of every record."""
        told = {name: getattr(entry, name) for name in ("id", "at", "cause", "actor", "reason")}
        return {**told, "kind": entry.kind.value}


class OpeningBody(RecordBody):
    """What a source brought when it was given, or last reset: its sums begin with this."""

    granted: Number
    balance: Number
    free_seats: Number | None = None

    @classmethod
    def of(cls, opened: Opened) -> Self:
        """Seats are named where some are paid for and free."""
        terms = opened.opening.terms_after
        seats: dict[str, Any] = {"free_seats": terms.replaceables} if terms is not None and terms.replaceables else {}
        return cls(**cls.told(opened.opening), granted=opened.granted, balance=opened.balance, **seats)


class EntryBody(RecordBody):
    """A change of a source: of what it grants, of its balance, and so of what is used."""

    granted_change: Number
    balance_change: Number
    usage_change: Number
    free_seats_change: Number | None = None

    @classmethod
    def of(cls, entry: GrantEntry) -> Self:
        """Seats are named where the entry changes how many are paid for and free."""
        terms = entry.terms_after
        return cls(
            **cls.told(entry),
            granted_change=entry.granted_change,
            balance_change=entry.balance_change,
            usage_change=entry.granted_change - entry.balance_change,
            **_freed(ZERO if terms is None else terms.replaceables_change),
        )


class EarlierEntriesBody(WireModel):
    """Entries after the opening that are too many to list, summed."""

    entries: WholeNumber
    granted_change: Number
    balance_change: Number

    @classmethod
    def of(cls, earlier: EntrySum | None) -> Self | None:
        """None where every entry is listed."""
        if earlier is None:
            return None
        return cls(
            entries=earlier.entries, granted_change=earlier.granted_change, balance_change=earlier.balance_change
        )


class UsageSumBody(WireModel):
    """What events of one feature took from a source since its opening, in its units; less what they gave back."""

    feature_id: str
    credit_cost: Number
    events: WholeNumber
    value: Number
    free_seats_change: Number | None = None

    @classmethod
    def of(cls, taken: TakenSum) -> Self:
        """The sum; a unit of the feature costs `credit_cost` of the source."""
        return cls(
            feature_id=taken.feature_id,
            credit_cost=Decimal(1) if taken.credit_cost is None else taken.credit_cost,
            events=taken.events,
            value=taken.total,
            **_freed(taken.replaceables_change),
        )


class NamedSourceBody(WireModel):
    """A source of units: the id it has as a balance, and whose it is."""

    id: str
    source: SourceKind
    plan_id: str | None
    entity_id: str | None

    @staticmethod
    def named(grant: Grant, entities: Entities) -> dict[str, Any]:
        """The fields of every source; an entity that is gone has no id."""
        entity = entities.get(grant.entity_key) if grant.entity_key is not None else None
        beside = "given" if grant.plan_id is None else "plan"
        return {
            "id": grant.public_id,
            "source": beside if grant.rollover_of is None else "rollover",
            "plan_id": grant.plan_id,
            "entity_id": entity.public_id if entity is not None else None,
        }


class ExplainedSourceBody(NamedSourceBody):
    """One source, and what its numbers are made of.

    `granted` is the opening's and the changes of the entries; `balance` is that too, less the usage, and below zero it
    is overage. `reserved` of the usage is held by locks.
    """

    unlimited: Truth
    granted: Number
    included_grant: Number
    prepaid_grant: Number
    balance: Number
    remaining: Number
    usage: Number
    reserved: Number
    reset: BalanceResetBody | None
    expires_at: Milliseconds | None
    edited_at: Milliseconds | None
    opening: OpeningBody
    earlier_entries: EarlierEntriesBody | None
    entries: list[EntryBody]
    usage_by_feature: list[UsageSumBody]

    @classmethod
    def of(cls, source: Explained, entities: Entities, reservations: Iterable[Reservation]) -> Self:
        """As answered."""
        grant, since = source.grant, source.opened.opening.at
        held = (each for reservation in reservations if reservation.created_at >= since for each in reservation.receipt)
        return cls(
            **cls.named(grant, entities),
            unlimited=grant.unlimited,
            granted=grant.granted,
            included_grant=grant.included + grant.adjustment,
            prepaid_grant=grant.prepaid,
            balance=grant.balance,
            remaining=grant.remaining,
            usage=grant.usage,
            reserved=sum((each.amount for each in held if each.grant_id == grant.id), ZERO),
            reset=BalanceResetBody.of(grant.reset, grant.resets_at),
            expires_at=grant.expires_at,
            edited_at=grant.edited_at,
            opening=OpeningBody.of(source.opened),
            earlier_entries=EarlierEntriesBody.of(source.earlier),
            entries=[EntryBody.of(entry) for entry in source.entries],
            usage_by_feature=[UsageSumBody.of(each) for each in source.taken],
        )


class UsedUpSourceBody(NamedSourceBody):
    """Units given beside every plan that are used up: they are not shown any more, and not part of the numbers."""

    created_at: Milliseconds

    @classmethod
    def of(cls, grant: Grant, entities: Entities) -> Self:
        """As answered."""
        return cls(**cls.named(grant, entities), created_at=grant.created_at)


class EndedSourceBody(NamedSourceBody):
    """A source that is over, and is no part of the numbers; `ending` took what was left of it."""

    ended_at: Milliseconds | None
    ending: EntryBody | None

    @classmethod
    def of(cls, ended: Ended, entities: Entities) -> Self:
        """As answered."""
        entry = EntryBody.of(ended.entry) if ended.entry is not None else None
        return cls(**cls.named(ended.grant, entities), ended_at=ended.grant.ended_at, ending=entry)


class ExplainedDeductionBody(DeductionBody):
    """What an event took from a source, in its units, of which a unit that was used costs `credit_cost`."""

    credit_cost: Number


class ExplainedEventBody(WireModel):
    """An event that took something from the sources since their openings, and what."""

    id: str
    at: Milliseconds
    timestamp: Milliseconds
    feature_id: str
    event_name: str | None
    entity_id: str | None
    value: Number
    deductions: list[ExplainedDeductionBody]

    @classmethod
    def of(cls, event: UsageEvent, entities: Entities) -> Self:
        """It was counted `at`, and occurred at its `timestamp`."""
        entity = entities.get(event.entity_key) if event.entity_key is not None else None
        plain = [(DeductionBody.of(each), each.credit_cost) for each in event.deductions]
        return cls(
            id=event.id,
            at=event.counted_at,
            timestamp=event.occurred_at,
            feature_id=event.feature_id,
            event_name=event.event_name,
            entity_id=entity.public_id if entity is not None else None,
            value=event.value,
            deductions=[
                ExplainedDeductionBody(
                    **{name: getattr(body, name) for name in DeductionBody.model_fields},
                    credit_cost=Decimal(1) if cost is None else cost,
                )
                for body, cost in plain
            ],
        )


class ExplainedEventList(WireModel):
    """A page of events, the last counted first."""

    list: list[ExplainedEventBody]
    next_cursor: str | None


class ExplanationBody(WireModel):
    """A balance at an instant: null where nothing was held, or where it is a flag; and everything it is the sum of."""

    customer_id: str
    entity_id: str | None
    feature_id: str
    at: Milliseconds
    balance: ExplainedTotals | None
    flag: FlagBody | None
    sources: list[ExplainedSourceBody]
    used_up: list[UsedUpSourceBody]
    ended: list[EndedSourceBody]
    events: ExplainedEventList

    @classmethod
    def of(cls, explained: ExplainedBalance) -> Self:
        """As answered."""
        parts, explanation = explained.entities, explained.explanation
        return cls(
            customer_id=explained.customer.public_id,
            entity_id=explained.entity.public_id if explained.entity is not None else None,
            feature_id=explained.feature.id,
            at=explained.at,
            balance=ExplainedTotals.of(explanation.balance) if explanation.balance is not None else None,
            flag=FlagBody.of(explanation.flag) if explanation.flag is not None else None,
            sources=[
                ExplainedSourceBody.of(source, parts, explained.reservations)
                for source in explanation.sources
                if source.counted
            ],
            used_up=[UsedUpSourceBody.of(grant, parts) for grant in explained.used_up],
            ended=[EndedSourceBody.of(each, parts) for each in explained.ended],
            events=ExplainedEventList(
                list=[ExplainedEventBody.of(event, parts) for event in explained.events.items],
                next_cursor=explained.events.next_cursor,
            ),
        )


def _freed(seats: Decimal) -> dict[str, Any]:
    """By how many the seats changed that are paid for and free; nothing where they did not."""
    return {"free_seats_change": seats} if seats else {}
