"""Rewards on the wire (api.md §2.10). Unknown keys of what is created or changed are refused."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field

from sumac.api.schemas.wire import (
    AnyId,
    CustomerId,
    FeatureId,
    Milliseconds,
    Name,
    Number,
    PlanId,
    Truth,
    WholeNumber,
    WireModel,
)
from sumac.balances.model import Grant
from sumac.core.errors import BadRequest
from sumac.core.time import Cadence, Interval
from sumac.rewards.model import DiscountTerms, FeatureGrant, PromoCode, Reward, RewardDuration, RewardKind

LISTED_MAX = 100
CouponType = Literal["percentage_discount", "fixed_discount", "free_product", "invoice_credits"]
DurationType = Literal["one_off", "months", "forever"]
ExpiryType = Literal["day", "week", "month", "year"]
PlanIds = Annotated[list[PlanId], Field(min_length=1, max_length=LISTED_MAX)]
AMOUNTS = {RewardKind.FIXED, RewardKind.INVOICE_CREDITS}


class StrictModel(WireModel):
    """A request that is refused where it has a key that is not known."""

    model_config = ConfigDict(extra="forbid")


class DurationBody(StrictModel):
    """For how long a coupon is taken off; `length` counts months."""

    type: DurationType
    length: WholeNumber | None


class CouponCodeBody(StrictModel):
    """A promotion code of a coupon; `expires_at` null means that it never expires."""

    code: AnyId
    global_max_redemption: WholeNumber | None = None
    first_time_transaction: Truth | None = None
    expires_at: Milliseconds | None = None

    @classmethod
    def of(cls, code: PromoCode) -> Self:
        """As answered; an expiry that is not set is left out."""
        optional: dict[str, Any] = {} if code.expires_at is None else {"expires_at": code.expires_at}
        return cls(
            code=code.code,
            global_max_redemption=code.max_redemptions,
            first_time_transaction=code.first_transaction_only,
            **optional,
        )

    def promo_code(self) -> PromoCode:
        """As a promotion code."""
        return PromoCode(
            self.code, self.global_max_redemption, bool(self.first_time_transaction), expires_at=self.expires_at
        )


class GrantCodeBody(StrictModel):
    """A promotion code of a feature grant."""

    code: AnyId
    max_uses: WholeNumber | None
    expires_at: Milliseconds | None = None

    @classmethod
    def of(cls, code: PromoCode) -> Self:
        """As answered; an expiry that is not set is left out."""
        optional: dict[str, Any] = {} if code.expires_at is None else {"expires_at": code.expires_at}
        return cls(code=code.code, max_uses=code.max_redemptions, **optional)

    def promo_code(self) -> PromoCode:
        """As a promotion code."""
        return PromoCode(self.code, self.max_uses, expires_at=self.expires_at)


CouponCodes = Annotated[list[CouponCodeBody], Field(max_length=LISTED_MAX)]
GrantCodes = Annotated[list[GrantCodeBody], Field(min_length=1, max_length=LISTED_MAX)]


class ExpiryBody(StrictModel):
    """For how long what is granted may be used."""

    type: ExpiryType
    length: Annotated[WholeNumber, Field(gt=0)]


class GrantBody(StrictModel):
    """Units of a feature that are granted, null for a boolean one."""

    feature_id: FeatureId
    included: Annotated[Number, Field(ge=0)] | None
    expiry: ExpiryBody | None

    @classmethod
    def of(cls, grant: FeatureGrant) -> Self:
        """As answered."""
        expiry = grant.expiry
        shown = None if expiry is None else ExpiryBody(type=expiry.interval.value, length=expiry.count)  # type: ignore[arg-type]  # one of the four
        return cls(feature_id=grant.feature_id, included=grant.included, expiry=shown)

    def grant(self) -> FeatureGrant:
        """As a grant."""
        expiry = None if self.expiry is None else Cadence(Interval(self.expiry.type), self.expiry.length)
        return FeatureGrant(self.feature_id, self.included, expiry)


Grants = Annotated[list[GrantBody], Field(min_length=1, max_length=LISTED_MAX)]


class CouponCreate(StrictModel):
    """A coupon to be. `value` is a percentage or major units of the organization's currency.

    A free product takes all of its plans off; its value is 100.
    """

    id: PlanId
    name: Name
    type: CouponType
    value: Annotated[Number, Field(gt=0)]
    duration: DurationBody
    plan_ids: PlanIds | None
    promo_codes: CouponCodes

    def reward(self, key: str, currency: str, now: datetime) -> Reward:
        """As a reward."""
        kind = RewardKind(self.type)
        if kind is RewardKind.FREE_PRODUCT and self.value != 100:  # noqa: PLR2004  # percent
            message = "value: a free product is 100 percent off"
            raise BadRequest(message, code="invalid_reward")
        terms = DiscountTerms(
            kind=kind,
            value=self.value,
            currency=currency if kind in AMOUNTS else None,
            duration=RewardDuration(self.duration.type),
            months=self.duration.length,
            plan_ids=None if self.plan_ids is None else tuple(self.plan_ids),
        )
        codes = tuple(code.promo_code() for code in self.promo_codes)
        return Reward(key, self.id, self.name, now, discount=terms, promo_codes=codes)


class FeatureGrantCreate(StrictModel):
    """A feature grant to be."""

    id: PlanId
    name: Name
    grants: Grants
    promo_codes: GrantCodes

    def reward(self, key: str, now: datetime) -> Reward:
        """As a reward."""
        grants = tuple(grant.grant() for grant in self.grants)
        codes = tuple(code.promo_code() for code in self.promo_codes)
        return Reward(key, self.id, self.name, now, grants=grants, promo_codes=codes)


class RewardCreate(StrictModel):
    """A reward to be: exactly one of a coupon and a feature grant."""

    coupon: CouponCreate | None = None
    feature_grant: FeatureGrantCreate | None = None

    def reward(self, key: str, currency: str, now: datetime) -> Reward:
        """As a reward. Raises BadRequest `invalid_inputs`, or `invalid_reward`."""
        if self.coupon is not None and self.feature_grant is None:
            return self.coupon.reward(key, currency, now)
        if self.feature_grant is not None and self.coupon is None:
            return self.feature_grant.reward(key, now)
        message = "give exactly one of coupon and feature_grant"
        raise BadRequest(message, code="invalid_inputs")

    def over(self, before: Reward, wanted: Reward) -> Reward:
        """The reward in place of the one before; a code keeps its expiry unless the body has another."""
        given: CouponCreate | FeatureGrantCreate | None = self.coupon or self.feature_grant
        bodies: Sequence[CouponCodeBody | GrantCodeBody] = given.promo_codes if given else ()
        known = {code.key: code.expires_at for code in before.promo_codes}
        codes = tuple(
            code if "expires_at" in body.model_fields_set else replace(code, expires_at=known.get(code.key))
            for body, code in zip(bodies, wanted.promo_codes, strict=True)
        )
        return replace(wanted, key=before.key, created_at=before.created_at, promo_codes=codes)


class CouponUpdate(StrictModel):
    """What to change of a coupon; lists replace."""

    name: Name | None = None
    plan_ids: PlanIds | None = None
    promo_codes: CouponCodes | None = None


class FeatureGrantUpdate(StrictModel):
    """What to change of a feature grant; lists replace."""

    name: Name | None = None
    grants: Grants | None = None
    promo_codes: GrantCodes | None = None


class RewardUpdate(StrictModel):
    """What to change of a reward. Its worth stays as it is."""

    reward_id: AnyId
    coupon: CouponUpdate | None = None
    feature_grant: FeatureGrantUpdate | None = None

    def changed(self, before: Reward) -> Reward:
        """The reward as it is to be. Raises BadRequest `invalid_reward` for what is about another kind."""
        other = self.feature_grant if before.discount is not None else self.coupon
        if other is not None:
            message = f"Reward {before.id} is a {before.kind}; change that instead"
            raise BadRequest(message, code="invalid_reward")
        changes: CouponUpdate | FeatureGrantUpdate | None = self.coupon or self.feature_grant
        if changes is None:
            return before
        after = before if changes.name is None else replace(before, name=changes.name)
        if changes.promo_codes is not None:
            after = replace(after, promo_codes=tuple(code.promo_code() for code in changes.promo_codes))
        if isinstance(changes, FeatureGrantUpdate) and changes.grants is not None:
            after = replace(after, grants=tuple(grant.grant() for grant in changes.grants))
        if isinstance(changes, CouponUpdate) and "plan_ids" in changes.model_fields_set and after.discount is not None:
            plan_ids = None if changes.plan_ids is None else tuple(changes.plan_ids)
            after = replace(after, discount=replace(after.discount, plan_ids=plan_ids))
        return after


class RewardChoiceBody(WireModel):
    """Which reward is meant."""

    reward_id: AnyId


class CouponBody(WireModel):
    """A coupon. `redemptions` says how often each of its codes was redeemed."""

    id: str
    name: str | None
    type: CouponType
    value: Number
    duration: DurationBody
    plan_ids: list[str] | None
    promo_codes: list[CouponCodeBody]
    redemptions: dict[str, int]
    currency: str | None
    created_at: Milliseconds

    @classmethod
    def of(cls, reward: Reward, terms: DiscountTerms, redemptions: Mapping[str, int]) -> Self:
        """As answered."""
        return cls(
            id=reward.id,
            name=reward.name,
            type=terms.kind.value,  # type: ignore[arg-type]  # one that takes something off
            value=terms.value,
            duration=DurationBody(type=terms.duration.value, length=terms.months),
            plan_ids=None if terms.plan_ids is None else list(terms.plan_ids),
            promo_codes=[CouponCodeBody.of(code) for code in reward.promo_codes],
            redemptions={code.code: redemptions[code.key] for code in reward.promo_codes},
            currency=terms.currency,
            created_at=reward.created_at,
        )


class FeatureGrantBody(WireModel):
    """A feature grant. `redemptions` says how often each of its codes was redeemed."""

    id: str
    name: str | None
    grants: list[GrantBody]
    promo_codes: list[GrantCodeBody]
    redemptions: dict[str, int]
    created_at: Milliseconds

    @classmethod
    def of(cls, reward: Reward, redemptions: Mapping[str, int]) -> Self:
        """As answered."""
        return cls(
            id=reward.id,
            name=reward.name,
            grants=[GrantBody.of(grant) for grant in reward.grants],
            promo_codes=[GrantCodeBody.of(code) for code in reward.promo_codes],
            redemptions={code.code: redemptions[code.key] for code in reward.promo_codes},
            created_at=reward.created_at,
        )


class RewardBody(WireModel):
    """A reward: a coupon or a feature grant."""

    coupon: CouponBody | None = None
    feature_grant: FeatureGrantBody | None = None

    @classmethod
    def of(cls, reward: Reward, redemptions: Mapping[str, int]) -> Self:
        """As answered."""
        if reward.discount is None:
            return cls(feature_grant=FeatureGrantBody.of(reward, redemptions))
        return cls(coupon=CouponBody.of(reward, reward.discount, redemptions))


class RewardList(WireModel):
    """Every reward, oldest first."""

    coupons: list[CouponBody]
    feature_grants: list[FeatureGrantBody]

    @classmethod
    def of(cls, rewards: Sequence[tuple[Reward, Mapping[str, int]]]) -> Self:
        """As answered, each with how often its codes were redeemed."""
        shown = [RewardBody.of(reward, redemptions) for reward, redemptions in rewards]
        return cls(
            coupons=[each.coupon for each in shown if each.coupon is not None],
            feature_grants=[each.feature_grant for each in shown if each.feature_grant is not None],
        )


class RewardRedeem(WireModel):
    """Which code a customer redeems."""

    code: AnyId
    customer_id: CustomerId


class GrantedBody(WireModel):
    """What was granted of a feature; a boolean one counts as 1."""

    feature_id: str
    balance: Number


class RedeemedBody(WireModel):
    """What redeeming a code came to; a discount grants nothing, and is taken off what is billed next."""

    reward_id: str
    entitlements_granted: list[GrantedBody]

    @classmethod
    def of(cls, reward: Reward, grants: Sequence[Grant]) -> Self:
        """As answered."""
        flags = {each.feature_id for each in reward.grants if each.included is None}
        return cls(
            reward_id=reward.id,
            entitlements_granted=[
                GrantedBody(feature_id=grant.feature_id, balance=1 if grant.feature_id in flags else grant.balance)  # type: ignore[arg-type]  # read as a number
                for grant in grants
            ],
        )
