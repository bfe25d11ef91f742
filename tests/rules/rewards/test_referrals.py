"""Which referral programs are valid, who may redeem a code, and who gets what for it (billing.md §18.2)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.core.errors import BadRequest
from sumac.customers.model import Customer
from sumac.rewards.model import DiscountTerms, FeatureGrant, Reward, RewardDuration, RewardKind
from sumac.rewards.referral_model import Program, ReceivedBy, RedeemOn, Referral
from sumac.rewards.rules.referral import (
    ReferralFacts,
    check_program,
    check_referral,
    has_room,
    is_applied,
    receivers,
)
from tests.support.build import CREATED

FRIENDS = Program("rp_1", "friends", "launch", RedeemOn.CUSTOMER_CREATION, ReceivedBy.REFERRER, CREATED)
BUYERS = replace(FRIENDS, redeem_on=RedeemOn.CHECKOUT, plan_ids=("pro", "extra"))
TERMS = DiscountTerms(RewardKind.PERCENTAGE, Decimal(10), None, RewardDuration.ONE_OFF)
LAUNCH = Reward("rew_1", "launch", None, CREATED, discount=TERMS)
DOLLARS = replace(LAUNCH, discount=replace(TERMS, kind=RewardKind.FIXED, currency="usd"))
UNITS = Reward("rew_2", "units", None, CREATED, grants=(FeatureGrant("messages", Decimal(50)),))
FREE_PRODUCT = replace(LAUNCH, discount=replace(TERMS, kind=RewardKind.FREE_PRODUCT, plan_ids=("pro",)))
ADA, BOB = Customer("cus_ada", CREATED), Customer("cus_bob", CREATED)
NOTHING = ReferralFacts(triggered=0, has_redeemed=False, is_ring=False)
REFERRAL = Referral("rr_1", BOB.key, FRIENDS.key, ADA.key, "LUM3N7", "launch", CREATED)


@pytest.mark.parametrize(
    ("program", "reward"),
    [
        (FRIENDS, LAUNCH),
        (FRIENDS, UNITS),
        (replace(FRIENDS, plan_ids=("pro",)), LAUNCH),
        (BUYERS, LAUNCH),
        (replace(BUYERS, max_redemptions=1, exclude_trial=True), LAUNCH),
    ],
)
def test_valid_programs(program: Program, reward: Reward) -> None:
    """On both occasions, with discounts and features, limited or not."""
    check_program(program, reward)


@pytest.mark.parametrize(
    ("program", "reward", "code"),
    [
        (FRIENDS, FREE_PRODUCT, "invalid_reward"),
        (replace(FRIENDS, max_redemptions=0), LAUNCH, "invalid_request"),
        (replace(BUYERS, plan_ids=None), LAUNCH, "invalid_request"),
        (replace(BUYERS, plan_ids=()), LAUNCH, "invalid_request"),
        (replace(BUYERS, plan_ids=("pro", "pro")), LAUNCH, "invalid_request"),
    ],
)
def test_programs_that_cannot_be(program: Program, reward: Reward, code: str) -> None:
    """A free product is not given, nobody can be rewarded less than once, a purchase needs something to buy."""
    with pytest.raises(BadRequest) as refused:
        check_program(program, reward)

    assert code == refused.value.code


@pytest.mark.parametrize(
    ("program", "referrer", "redeemer", "facts"),
    [
        (FRIENDS, ADA, BOB, replace(NOTHING, triggered=1000)),
        (replace(FRIENDS, max_redemptions=2), ADA, BOB, replace(NOTHING, triggered=1)),
        (FRIENDS, replace(ADA, fingerprint="one"), replace(BOB, fingerprint="two"), NOTHING),
        (FRIENDS, replace(ADA, fingerprint="one"), BOB, NOTHING),
    ],
)
def test_a_code_is_redeemed(program: Program, referrer: Customer, redeemer: Customer, facts: ReferralFacts) -> None:
    """By somebody else, as often as the program allows; without a fingerprint nobody is the same."""
    check_referral(program, referrer, redeemer, facts)


MAXIMUM = "referral_code_max_redemptions_reached"
ALREADY = "customer_already_redeemed_referral_code"
OWN = "customer_cannot_redeem_own_code"


@pytest.mark.parametrize(
    ("program", "referrer", "redeemer", "facts", "code"),
    [
        (replace(FRIENDS, max_redemptions=2), ADA, BOB, replace(NOTHING, triggered=2), MAXIMUM),
        (FRIENDS, ADA, BOB, replace(NOTHING, has_redeemed=True), ALREADY),
        (FRIENDS, ADA, ADA, NOTHING, OWN),
        (FRIENDS, replace(ADA, fingerprint="one"), replace(BOB, fingerprint="one"), NOTHING, OWN),
        (FRIENDS, ADA, BOB, replace(NOTHING, is_ring=True), OWN),
    ],
)
def test_a_code_is_refused(
    program: Program, referrer: Customer, redeemer: Customer, facts: ReferralFacts, code: str
) -> None:
    """Beyond the maximum, twice, for oneself, on the same device, and in a ring (security.md 9, 10)."""
    with pytest.raises(BadRequest) as refused:
        check_referral(program, referrer, redeemer, facts)

    assert code == refused.value.code


@pytest.mark.parametrize(
    ("maximum", "triggered", "room"), [(None, 9, True), (2, 1, True), (2, 2, False), (2, 3, False)]
)
def test_room_for_one_more(maximum: int | None, triggered: int, room: bool) -> None:  # noqa: FBT001  # a table's column
    """Until as many were rewarded as may be."""
    assert room == has_room(replace(FRIENDS, max_redemptions=maximum), triggered)


def test_who_receives() -> None:
    """Who invited, or both."""
    assert (ADA.key,) == receivers(FRIENDS, REFERRAL)
    assert (ADA.key, BOB.key) == receivers(replace(FRIENDS, received_by=ReceivedBy.ALL), REFERRAL)


@pytest.mark.parametrize(
    ("reward", "currency", "has_discount", "applied"),
    [
        (LAUNCH, "eur", False, True),
        (LAUNCH, "usd", True, False),
        (DOLLARS, "usd", False, True),
        (DOLLARS, "eur", False, False),
        (UNITS, "usd", True, True),
    ],
)
def test_what_is_applied(
    reward: Reward,
    currency: str,
    has_discount: bool,  # noqa: FBT001  # a table's column
    applied: bool,  # noqa: FBT001  # a table's column
) -> None:
    """One discount at a time, in the customer's currency; features always."""
    assert applied == is_applied(reward, currency, has_discount=has_discount)
