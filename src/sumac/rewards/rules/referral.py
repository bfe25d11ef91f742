"""Which referral programs are valid, who may redeem a code, and who is rewarded for it (billing.md §18.2)."""

from dataclasses import dataclass
from typing import NoReturn

from sumac.core.errors import BadRequest
from sumac.customers.model import Customer
from sumac.rewards.model import Reward, RewardKind
from sumac.rewards.referral_model import Program, ReceivedBy, RedeemOn, Referral


@dataclass(frozen=True, slots=True)
class ReferralFacts:
    """What counts against redeeming a code: how many of the program were rewarded, and whom the redeemer knows.

    `is_ring` says that the redeemer invited the referrer, or somebody who did, and so on.
    """

    triggered: int
    has_redeemed: bool
    is_ring: bool


def check_program(program: Program, reward: Reward) -> None:
    """Raises BadRequest `invalid_request`, or `invalid_reward` for a reward that a program cannot give."""
    if reward.kind is RewardKind.FREE_PRODUCT:
        message = f"Reward {reward.id} is a free product; a referral program gives a discount, credits or features"
        raise BadRequest(message, code="invalid_reward")
    if program.max_redemptions is not None and program.max_redemptions < 1:
        _refuse("max_redemptions: must be at least 1, or null for any number")
    if program.redeem_on is RedeemOn.CHECKOUT and not program.plan_ids:
        _refuse("plan_ids: a program that is redeemed on checkout needs the plans of which one must be bought")
    if program.plan_ids is not None and len(set(program.plan_ids)) < len(program.plan_ids):
        _refuse("plan_ids: the same plan twice")


def check_referral(program: Program, referrer: Customer, redeemer: Customer, facts: ReferralFacts) -> None:
    """Whether the redeemer may redeem the referrer's code.

    Raises BadRequest `referral_code_max_redemptions_reached`, `customer_already_redeemed_referral_code`,
    `customer_cannot_redeem_own_code` (api.md §2.9).
    """
    if not has_room(program, facts.triggered):
        message = f"Referral program {program.id} has been redeemed as often as it may be"
        raise BadRequest(message, code="referral_code_max_redemptions_reached")
    if facts.has_redeemed:
        message = f"This customer has redeemed a code of referral program {program.id} already"
        raise BadRequest(message, code="customer_already_redeemed_referral_code")
    same_device = referrer.fingerprint is not None and referrer.fingerprint == redeemer.fingerprint
    if referrer.key == redeemer.key or same_device or facts.is_ring:
        message = "A customer cannot redeem their own code, nor that of somebody they invited"
        raise BadRequest(message, code="customer_cannot_redeem_own_code")


def has_room(program: Program, triggered: int) -> bool:
    """Whether one more may be rewarded."""
    return program.max_redemptions is None or triggered < program.max_redemptions


def receivers(program: Program, referral: Referral) -> tuple[str, ...]:
    """The keys of the customers who get the reward."""
    both = program.received_by is ReceivedBy.ALL
    return (referral.referrer_key, referral.customer_key) if both else (referral.referrer_key,)


def is_applied(reward: Reward, currency: str, *, has_discount: bool) -> bool:
    """Whether a customer billed in that currency gets the reward: features always, a discount as their only one."""
    if reward.discount is None:
        return True
    return not has_discount and reward.discount.currency in {None, currency}


def _refuse(message: str) -> NoReturn:
    raise BadRequest(message, code="invalid_request")
