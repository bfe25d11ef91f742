"""Balances, check and track on the wire (api.md §2.0, §2.4)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from sumac.api.schemas.features import FeatureBody
from sumac.api.schemas.items import TierBody
from sumac.api.schemas.locks import LockBody
from sumac.api.schemas.shown_balances import (
    Shown,
    show_accepted,
    show_balance,
    show_check,
    show_deduction,
    show_flag,
    show_reset,
    show_rollover,
    show_source,
    show_track,
)
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
from sumac.balances.usage import CheckAnswer
from sumac.catalog.model import Feature
from sumac.core.errors import BadRequest
from sumac.core.time import Cadence
from sumac.events.model import Deduction

Features = Mapping[str, Feature]


class BalanceResetBody(WireModel):
    """How often a balance starts anew, and when next."""

    interval: str
    interval_count: WholeNumber | None = None
    resets_at: Milliseconds | None

    @classmethod
    def of(cls, cadence: Cadence | None, resets_at: datetime | None) -> Self | None:
        """None for a balance that never resets."""
        shown = show_reset(cadence, resets_at)
        return None if shown is None else cls.model_validate(shown)


class BreakdownPriceBody(WireModel):
    """What units of a grant cost."""

    amount: Number | None = None
    tiers: list[TierBody] | None = None
    tier_behavior: Literal["graduated", "volume"] | None = None
    billing_units: Number
    billing_method: Literal["prepaid", "usage_based"]
    max_purchase: Number | None


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
    def of(cls, grant: Grant) -> Self:
        """One grant."""
        return cls.model_validate(show_source([grant]))


class RolloverUnitsBody(WireModel):
    """Units that were left at a reset; what never expires is shown with the last instant of the year 9999."""

    granted: Number
    balance: Number
    expires_at: Milliseconds

    @classmethod
    def of(cls, grant: Grant) -> Self:
        """As answered."""
        return cls.model_validate(show_rollover(grant))


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
        return cls.model_validate(show_balance(balance) | _feature(balance.feature_id, features))


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
        return cls.model_validate(show_flag(grant) | _feature(grant.feature_id, features))


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
        value = show_check(answer)
        for each in _balances_in(value):
            each.update(_feature(each["feature_id"], balance_features))
        if value["flag"] is not None:
            value["flag"].update(_feature(value["flag"]["feature_id"], flag_features))
        return cls.model_validate(value)


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
        return cls.model_validate(show_deduction(deduction))


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
        value = show_track(answer)
        for each in _balances_in(value):
            each.update(_feature(each["feature_id"], features))
        return cls.model_validate(value)


class AcceptedTrackBody(TrackAnswerBody):
    """Usage that was counted for somebody who does not ask what came of it."""

    answered_with: ClassVar[int | None] = 202

    @classmethod
    def of(cls, answer: TrackAnswer, features: Features | None = None) -> Self:  # noqa: ARG003  # nothing is shown
        """What was told; no balance, and no deductions."""
        return cls.model_validate(show_accepted(answer))


def _balances_in(value: Shown) -> Iterator[Shown]:
    for each in (value["balance"], *value.get("balances", {}).values()):
        if each is not None:
            yield each


def _feature(feature_id: str, features: Features | None) -> Shown:
    if features is None or feature_id not in features:
        return {}
    return {"feature": FeatureBody.of(features[feature_id])}
