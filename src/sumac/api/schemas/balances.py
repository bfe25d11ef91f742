"""Balances, check and track on the wire (api.md §2.0, §2.4)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from sumac.api.schemas.features import FeatureBody
from sumac.api.schemas.items import TierBody, rate_fields
from sumac.api.schemas.locks import LockBody
from sumac.api.schemas.wire import (
    AnyId,
    CustomerId,
    FeatureId,
    JsonObject,
    Milliseconds,
    Name,
    Number,
    Truth,
    WholeNumber,
    WireModel,
)
from sumac.balances.model import Balance, Grant, TrackAnswer
from sumac.balances.requests import CheckRequest, LockRequest, OverageBehavior, TrackRequest
from sumac.balances.rules.sum import by_source, shown
from sumac.balances.usage import CheckAnswer
from sumac.catalog.model import Feature, ItemPrice
from sumac.core.errors import BadRequest
from sumac.core.time import Cadence
from sumac.events.model import Deduction

Features = Mapping[str, Feature]
ZERO = Decimal(0)
NEVER = datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)


class BalanceResetBody(WireModel):
    """How often a balance starts anew, and when next."""

    interval: str
    interval_count: WholeNumber | None = None
    resets_at: Milliseconds | None

    @classmethod
    def of(cls, cadence: Cadence | None, resets_at: datetime | None) -> Self | None:
        """None for a balance that never resets."""
        if cadence is None:
            return None
        if cadence.count == 1:
            return cls(interval=cadence.interval.value, resets_at=resets_at)
        return cls(interval=cadence.interval.value, interval_count=cadence.count, resets_at=resets_at)


class BreakdownPriceBody(WireModel):
    """What units of a grant cost."""

    amount: Number | None = None
    tiers: list[TierBody] | None = None
    tier_behavior: Literal["graduated", "volume"] | None = None
    billing_units: Number
    billing_method: Literal["prepaid", "usage_based"]
    max_purchase: Number | None

    @classmethod
    def of(cls, price: ItemPrice) -> Self:
        """The amount or the tiers."""
        return cls(
            **rate_fields(price),
            billing_units=price.billing_units,
            billing_method=price.billing_method.value,
            max_purchase=price.max_purchase,
        )


class BreakdownBody(WireModel):
    """One source of a balance."""

    id: str
    plan_id: str | None
    included_grant: Number
    prepaid_grant: Number
    remaining: Number
    usage: Number
    unlimited: Truth
    reset: BalanceResetBody | None
    price: BreakdownPriceBody | None
    expires_at: Milliseconds | None
    edited_at: Milliseconds | None = None
    edited_until: Milliseconds | None = None

    @classmethod
    def of(cls, slots: Sequence[Grant]) -> Self:
        """A grant, or the slots of one item as one. An unlimited grant has no reset and no price here.

        What was set by hand says since when it is so, and until which reset, null for ever.
        """
        grant = slots[0]
        plain = not grant.unlimited
        edits = [each.edited_at for each in slots if each.edited_at is not None]
        optional: dict[str, Any] = {"edited_at": max(edits), "edited_until": grant.resets_at} if edits else {}
        return cls(
            id=grant.public_id,
            plan_id=grant.plan_id,
            included_grant=sum((each.included + each.adjustment for each in slots), ZERO),
            prepaid_grant=sum((each.prepaid for each in slots), ZERO),
            remaining=sum((each.remaining for each in slots), ZERO),
            usage=sum((each.usage for each in slots), ZERO),
            unlimited=grant.unlimited,
            reset=BalanceResetBody.of(grant.reset, grant.resets_at) if plain else None,
            price=BreakdownPriceBody.of(grant.price) if plain and grant.price else None,
            expires_at=grant.expires_at,
            **optional,
        )


class RolloverUnitsBody(WireModel):
    """Units that were left at a reset; what never expires is shown with the last instant of the year 9999."""

    granted: Number
    balance: Number
    expires_at: Milliseconds

    @classmethod
    def of(cls, grant: Grant) -> Self:
        """As answered: `granted` are those left and those used since."""
        return cls(granted=grant.granted, balance=grant.remaining, expires_at=grant.expires_at or NEVER)


class BalanceBody(WireModel):
    """Everything a customer holds of a feature."""

    feature_id: str
    feature: FeatureBody | None = None
    granted: Number
    remaining: Number
    usage: Number
    unlimited: Truth
    overage_allowed: Truth
    max_purchase: Number | None
    next_reset_at: Milliseconds | None
    breakdown: list[BreakdownBody]
    rollovers: list[RolloverUnitsBody] | None = None

    @classmethod
    def of(cls, balance: Balance, features: Features | None = None) -> Self:
        """The balance; with `features` it shows its feature."""
        optional: dict[str, Any] = {}
        if features is not None and balance.feature_id in features:
            optional["feature"] = FeatureBody.of(features[balance.feature_id])
        if balance.rollovers:
            optional["rollovers"] = [RolloverUnitsBody.of(each) for each in balance.rollovers]
        return cls(
            feature_id=balance.feature_id,
            granted=balance.granted,
            remaining=balance.remaining,
            usage=balance.usage,
            unlimited=balance.unlimited,
            overage_allowed=balance.overage_allowed,
            max_purchase=balance.max_purchase,
            next_reset_at=balance.next_reset_at,
            breakdown=[BreakdownBody.of(slots) for slots in by_source(balance.grants)],
            **optional,
        )


class FlagBody(WireModel):
    """A boolean feature the customer has."""

    id: str
    plan_id: str | None
    expires_at: Milliseconds | None
    feature_id: str
    feature: FeatureBody | None = None

    @classmethod
    def of(cls, grant: Grant, features: Features | None = None) -> Self:
        """The flag; with `features` it shows its feature."""
        optional: dict[str, Any] = {}
        if features is not None and grant.feature_id in features:
            optional["feature"] = FeatureBody.of(features[grant.feature_id])
        return cls(
            id=grant.id,
            plan_id=grant.plan_id,
            expires_at=grant.expires_at,
            feature_id=grant.feature_id,
            **optional,
        )


class _UsageRequest(WireModel):
    customer_id: CustomerId
    entity_id: AnyId | None = None
    properties: JsonObject | None = None
    expand: list[str] | None = None


class CheckBody(_UsageRequest):
    """Asks whether this customer may use this feature."""

    feature_id: FeatureId
    required_balance: Number | None = None
    send_event: Truth | None = None
    lock: LockBody | None = None
    with_preview: Truth | None = None

    def request(self) -> CheckRequest:
        """As a request."""
        return CheckRequest(
            customer_id=self.customer_id,
            feature_id=self.feature_id,
            required=Decimal(1) if self.required_balance is None else self.required_balance,
            send_event=bool(self.send_event),
            properties=self.properties or {},
            entity_id=self.entity_id,
        )

    def lock_request(self) -> LockRequest | None:
        """As a request to hold the units; None without a lock."""
        if self.lock is None:
            return None
        asked = self.request()
        return LockRequest(
            customer_id=asked.customer_id,
            feature_id=asked.feature_id,
            required=asked.required,
            lock_id=self.lock.lock_id,
            expires_at=self.lock.expires_at,
            overage_behavior=OverageBehavior(self.lock.overage_behavior),
            properties=asked.properties,
            entity_id=asked.entity_id,
        )


class CheckAnswerBody(WireModel):
    """The answer, and the balance or flag it was judged by."""

    allowed: Truth
    customer_id: str
    entity_id: str | None = None
    required_balance: Number
    balance: BalanceBody | None
    balances: dict[str, BalanceBody | None] | None = None
    flag: FlagBody | None

    @classmethod
    def of(cls, answer: CheckAnswer, *, balance_features: Features | None, flag_features: Features | None) -> Self:
        """The answer; the features given are shown inside the balance and the flag."""
        access = answer.access
        judged = shown(access.balance) if access.balance is not None else None
        optional: dict[str, Any] = {}
        if answer.entity_id is not None:
            optional["entity_id"] = answer.entity_id
        if answer.balances is not None:
            held = {key: shown(each) if each is not None else None for key, each in answer.balances.items()}
            optional["balances"] = _balances(held, balance_features)
        return cls(
            allowed=access.allowed,
            customer_id=answer.customer_id,
            required_balance=access.required,
            balance=BalanceBody.of(judged, balance_features) if judged is not None else None,
            flag=FlagBody.of(access.flag, flag_features) if access.flag else None,
            **optional,
        )


class TrackBody(_UsageRequest):
    """Usage to count."""

    feature_id: FeatureId | None = None
    event_name: Name | None = None
    value: Number | None = None
    timestamp: Milliseconds | None = None
    overage_behavior: Literal["cap", "overflow", "reject"] = "cap"
    async_: Annotated[Truth, Field(alias="async")] = False
    lock: JsonObject | None = None
    idempotency_key: Annotated[str, Field(min_length=1, max_length=512)] | None = None

    def request(self) -> TrackRequest:
        """As a request. Raises BadRequest for a lock: units are held by a check."""
        if self.lock is not None:
            message = "lock: units are reserved by balances.check"
            raise BadRequest(message)
        return TrackRequest(
            customer_id=self.customer_id,
            feature_id=self.feature_id,
            event_name=self.event_name,
            entity_id=self.entity_id,
            value=Decimal(1) if self.value is None else self.value,
            properties=self.properties or {},
            occurred_at=self.timestamp,
            overage_behavior=OverageBehavior(self.overage_behavior),
            idempotency_key=self.idempotency_key,
        )


class DeductionBody(WireModel):
    """What usage took from one source; negative when it gave back."""

    balance_id: str
    feature_id: str
    plan_id: str | None
    reset: BalanceResetBody | None
    value: Number

    @classmethod
    def of(cls, deduction: Deduction) -> Self:
        """As answered."""
        return cls(
            balance_id=deduction.public_id,
            feature_id=deduction.feature_id,
            plan_id=deduction.plan_id,
            reset=BalanceResetBody.of(deduction.reset, deduction.resets_at),
            value=deduction.value,
        )


class TrackAnswerBody(WireModel):
    """What was counted, and what is left."""

    customer_id: str
    entity_id: str | None = None
    event_name: str | None = None
    value: Number
    balance: BalanceBody | None
    balances: dict[str, BalanceBody | None] | None = None
    deductions: list[DeductionBody] | None = None

    @classmethod
    def of(cls, answer: TrackAnswer, features: Features | None) -> Self:
        """The answer; the features given are shown inside the balance."""
        optional: dict[str, Any] = {}
        if answer.request.entity_id is not None:
            optional["entity_id"] = answer.request.entity_id
        if answer.request.event_name is not None:
            optional["event_name"] = answer.request.event_name
        if answer.balances is not None:
            optional["balances"] = _balances(answer.balances, features)
        return cls(
            customer_id=answer.customer_id,
            value=answer.request.value,
            balance=BalanceBody.of(answer.balance, features) if answer.balance else None,
            deductions=[DeductionBody.of(deduction) for deduction in answer.deductions],
            **optional,
        )


class AcceptedTrackBody(TrackAnswerBody):
    """Usage that was counted for somebody who does not ask what came of it."""

    answered_with: ClassVar[int | None] = 202

    @classmethod
    def of(cls, answer: TrackAnswer, features: Features | None = None) -> Self:  # noqa: ARG003  # nothing is shown
        """What was told; no balance, and no deductions."""
        request = answer.request
        named = {"entity_id": request.entity_id, "event_name": request.event_name}
        optional: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
        return cls(customer_id=answer.customer_id, value=request.value, balance=None, **optional)


def _balances(balances: Mapping[str, Balance | None], features: Features | None) -> dict[str, BalanceBody | None]:
    return {key: None if each is None else BalanceBody.of(each, features) for key, each in balances.items()}
