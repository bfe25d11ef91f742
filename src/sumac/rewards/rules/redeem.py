"""Whether a customer may get a reward (billing.md §18.1)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from sumac.core.errors import BadRequest
from sumac.rewards.model import PromoCode, Reward


@dataclass(frozen=True, slots=True)
class Redemptions:
    """What counts against redeeming a code: how often it was, by whom, and whether the customer ever paid anything."""

    of_code: int
    by_customer: bool
    has_paid: bool


def check_redeemable(reward: Reward, code: PromoCode, redeemed: Redemptions, *, now: datetime) -> None:
    """Raises BadRequest `invalid_reward`, or `promo_code_first_time_only` (api.md §2.10)."""
    if code.expires_at is not None and code.expires_at <= now:
        _refuse(f"Promotion code {code.code} has expired")
    if redeemed.by_customer:
        _refuse(f"This customer has redeemed reward {reward.id} already")
    if code.max_redemptions is not None and redeemed.of_code >= code.max_redemptions:
        _refuse(f"Promotion code {code.code} was redeemed as often as it may be")
    if code.first_transaction_only and redeemed.has_paid:
        message = f"Promotion code {code.code} is for customers who have not paid anything before"
        raise BadRequest(message, code="promo_code_first_time_only")


def check_discount(reward: Reward, currency: str, plan_ids: Collection[str] | None) -> None:
    """Whether it is a discount that the customer's invoices can be lowered by: in their currency, on one of the plans.

    `plan_ids` are the plans it is wanted for, None for whatever is billed. Raises BadRequest `invalid_reward`.
    """
    if reward.discount is None:
        _refuse(f"Reward {reward.id} gives features; redeem one of its codes instead")
    if reward.discount.currency is not None and reward.discount.currency != currency:
        _refuse(f"Reward {reward.id} is in {reward.discount.currency}, the customer is billed in {currency}")
    named = reward.discount.plan_ids
    if plan_ids is not None and named is not None and not set(named) & set(plan_ids):
        _refuse(f"Reward {reward.id} is for {', '.join(named)} only")


def _refuse(message: str) -> NoReturn:
    raise BadRequest(message, code="invalid_reward")
