"""Which rewards are valid (billing.md §18.1, api.md §2.10)."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NoReturn

from sumac.catalog.model import Feature, FeatureKind
from sumac.core.errors import BadRequest
from sumac.rewards.model import DiscountTerms, FeatureGrant, PromoCode, Reward, RewardDuration, RewardKind

HUNDRED = Decimal(100)
CODE = re.compile(r"[A-Za-z0-9]+")
MONTHS_MAX = 1200


def check_reward(reward: Reward, features: Mapping[str, Feature]) -> None:
    """Raises BadRequest `invalid_reward`, or `duplicate_promo_code` for a code that is there twice."""
    if reward.discount is not None:
        _check_discount(reward.discount)
    else:
        _check_grants(reward, features)
    _check_codes(reward)


def _check_discount(terms: DiscountTerms) -> None:
    if terms.value <= 0:
        _refuse("value: must be above zero")
    if terms.is_percentage and terms.value > HUNDRED:
        _refuse("value: a percentage is at most 100")
    if (terms.duration is RewardDuration.MONTHS) != (terms.months is not None):
        _refuse("duration: length is the number of months, and for a duration of months only")
    if terms.months is not None and not 1 <= terms.months <= MONTHS_MAX:
        _refuse(f"duration: length must be between 1 and {MONTHS_MAX}")
    if terms.plan_ids is not None and not terms.plan_ids:
        _refuse("plan_ids: must name a plan, or be null for all of them")
    if terms.kind is RewardKind.FREE_PRODUCT and terms.plan_ids is None:
        _refuse("plan_ids: a free product needs the plan that is free")


def _check_grants(reward: Reward, features: Mapping[str, Feature]) -> None:
    if not reward.grants:
        _refuse("grants: must give a feature")
    if not reward.promo_codes:
        _refuse("promo_codes: a feature grant is redeemed with one")
    if len({grant.feature_id for grant in reward.grants}) < len(reward.grants):
        _refuse("grants: must give each feature once")
    for grant in reward.grants:
        _check_grant(grant, features[grant.feature_id])


def _check_grant(grant: FeatureGrant, feature: Feature) -> None:
    is_flag = feature.kind is FeatureKind.BOOLEAN
    if is_flag and grant.included is not None:
        _refuse(f"grants: {feature.id} is a boolean feature; there are no units of it")
    if not is_flag and (grant.included is None or grant.included < 0):
        _refuse(f"grants: {feature.id} needs a number of units that is not negative")


def _check_codes(reward: Reward) -> None:
    for code in reward.promo_codes:
        _check_code(code)
    if len({code.key for code in reward.promo_codes}) < len(reward.promo_codes):
        message = "promo_codes: the same code twice"
        raise BadRequest(message, code="duplicate_promo_code")


def _check_code(code: PromoCode) -> None:
    if not CODE.fullmatch(code.code):
        _refuse("promo_codes: a code is made of letters and digits only")
    if code.max_redemptions is not None and code.max_redemptions < 1:
        _refuse(f"promo_codes: {code.code} must be redeemable at least once")


def _refuse(message: str) -> NoReturn:
    raise BadRequest(message, code="invalid_reward")
