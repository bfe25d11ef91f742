"""Rewards, their promotion codes, and the uses customers make of them (billing.md §1.8, §18.1)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sumac.core.time import Cadence


class RewardKind(StrEnum):
    """What a reward is worth."""

    PERCENTAGE = "percentage_discount"
    FIXED = "fixed_discount"
    FREE_PRODUCT = "free_product"
    INVOICE_CREDITS = "invoice_credits"
    FEATURE_GRANT = "feature_grant"


class RewardDuration(StrEnum):
    """For how long it is taken off invoices: one of them, those of some months, or all."""

    ONE_OFF = "one_off"
    MONTHS = "months"
    FOREVER = "forever"


@dataclass(frozen=True, slots=True)
class DiscountTerms:
    """What is taken off invoices, off which plans (None for everything), and for how long.

    `value` is a percentage (20 is a fifth) or an amount in major units of `currency`. `months` is set for a duration of
    months. A free product is its plans at 100 percent off; invoice credits are an amount that lasts over invoices.
    """

    kind: RewardKind
    value: Decimal
    currency: str | None
    duration: RewardDuration
    months: int | None = None
    plan_ids: tuple[str, ...] | None = None

    @property
    def is_percentage(self) -> bool:
        """Whether a part of each line is taken off, rather than an amount."""
        return self.kind in {RewardKind.PERCENTAGE, RewardKind.FREE_PRODUCT}


@dataclass(frozen=True, slots=True)
class FeatureGrant:
    """Units of a feature, or a flag (`included` None), for as long as `expiry` says; None is for good."""

    feature_id: str
    included: Decimal | None
    expiry: Cadence | None = None


@dataclass(frozen=True, slots=True)
class PromoCode:
    """A word that a reward is redeemed with, so many times, until then, or by who never paid anything only."""

    code: str
    max_redemptions: int | None = None
    first_transaction_only: bool = False
    expires_at: datetime | None = None

    @property
    def key(self) -> str:
        """What it is known by: the case does not matter."""
        return code_key(self.code)


@dataclass(frozen=True, slots=True)
class Reward:
    """Something that customers may get: a discount on its terms, or features.

    `key` tells it from a deleted one of the same id.
    """

    key: str
    id: str
    name: str | None
    created_at: datetime
    discount: DiscountTerms | None = None
    grants: tuple[FeatureGrant, ...] = ()
    promo_codes: tuple[PromoCode, ...] = ()

    @property
    def kind(self) -> RewardKind:
        """What it is worth."""
        return RewardKind.FEATURE_GRANT if self.discount is None else self.discount.kind


@dataclass(frozen=True, slots=True)
class RewardUse:
    """A customer got a reward, on the terms it had then; `discount` is None where it gave features.

    `customer_plan_ids` are the plans it is for, None for whatever the customer is billed. `code` is the promotion code
    that it was redeemed with, in capitals.
    """

    id: str
    reward_key: str
    reward_id: str
    name: str | None
    discount: DiscountTerms | None
    actor: str
    created_at: datetime
    code: str | None = None
    customer_plan_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class AppliedReward:
    """A use of a discount that was not taken away, and what it has come to on invoices so far, void ones left out.

    `taken_minor` was taken off `invoices` of them, first at `first_at`.
    """

    use: RewardUse
    terms: DiscountTerms
    taken_minor: int = 0
    invoices: int = 0
    first_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RewardChoice:
    """Which reward is meant, by its id or by a promotion code of it; exactly one of them."""

    reward_id: str | None = None
    promotion_code: str | None = None


def code_key(code: str) -> str:
    """What a promotion code is known by."""
    return code.upper()
