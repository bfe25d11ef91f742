"""What rewards are valid, who may redeem one, and what is left of it (billing.md §14.4, §18.1)."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sumac.catalog.model import Feature
from sumac.core.errors import BadRequest
from sumac.core.time import Cadence, Interval
from sumac.rewards.model import (
    AppliedReward,
    DiscountTerms,
    FeatureGrant,
    PromoCode,
    Reward,
    RewardDuration,
    RewardKind,
    RewardUse,
)
from sumac.rewards.rules.redeem import Redemptions, check_discount, check_redeemable
from sumac.rewards.rules.standing import ends_at, left_minor, stands
from sumac.rewards.rules.terms import check_reward
from tests.support.build import CREATED, feature, flag

JANUARY, FEBRUARY, MARCH, APRIL = (datetime(2026, month, 31 if month == 1 else 1, tzinfo=UTC) for month in range(1, 5))
TWENTY = DiscountTerms(RewardKind.PERCENTAGE, Decimal(20), None, RewardDuration.FOREVER)
FIFTY = DiscountTerms(RewardKind.INVOICE_CREDITS, Decimal(50), "usd", RewardDuration.FOREVER)
FEATURES: dict[str, Feature] = {"messages": feature(), "sso": flag()}


def reward(terms: DiscountTerms | None = TWENTY, *codes: PromoCode, **changes: object) -> Reward:
    """A discount of these terms, or features for a code where there are none."""
    made = Reward("rew_1", "launch", "Launch", CREATED, discount=terms, promo_codes=codes)
    return replace(made, **changes)  # type: ignore[arg-type]  # each test changes what it names


def units(included: int | None, feature_id: str = "messages") -> FeatureGrant:
    return FeatureGrant(feature_id, None if included is None else Decimal(included), Cadence(Interval.MONTH))


HI = PromoCode("Hi5")


@pytest.mark.parametrize(
    "valid",
    [
        reward(),
        reward(TWENTY, HI, PromoCode("A", 1, first_transaction_only=True, expires_at=JANUARY)),
        reward(replace(TWENTY, value=Decimal(100), plan_ids=("pro",), kind=RewardKind.FREE_PRODUCT)),
        reward(replace(FIFTY, value=Decimal(500), duration=RewardDuration.MONTHS, months=1)),
        reward(None, HI, grants=(units(0), units(None, "sso"))),
    ],
)
def test_valid_rewards(valid: Reward) -> None:
    """Each kind, with and without codes."""
    check_reward(valid, FEATURES)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (reward(replace(TWENTY, value=Decimal(0))), "invalid_reward"),
        (reward(replace(TWENTY, value=Decimal("100.01"))), "invalid_reward"),
        (reward(replace(TWENTY, duration=RewardDuration.MONTHS)), "invalid_reward"),
        (reward(replace(TWENTY, months=3)), "invalid_reward"),
        (reward(replace(TWENTY, duration=RewardDuration.MONTHS, months=0)), "invalid_reward"),
        (reward(replace(TWENTY, plan_ids=())), "invalid_reward"),
        (reward(replace(TWENTY, kind=RewardKind.FREE_PRODUCT)), "invalid_reward"),
        (reward(None, HI), "invalid_reward"),
        (reward(None, grants=(units(5),)), "invalid_reward"),
        (reward(None, HI, grants=(units(5), units(6))), "invalid_reward"),
        (reward(None, HI, grants=(units(None),)), "invalid_reward"),
        (reward(None, HI, grants=(units(-1),)), "invalid_reward"),
        (reward(None, HI, grants=(units(1, "sso"),)), "invalid_reward"),
        (reward(TWENTY, PromoCode("ten off")), "invalid_reward"),
        (reward(TWENTY, PromoCode("A", 0)), "invalid_reward"),
        (reward(TWENTY, HI, PromoCode("HI5")), "duplicate_promo_code"),
    ],
)
def test_rewards_that_cannot_be(wrong: Reward, code: str) -> None:
    """Each is refused for what is wrong with it."""
    with pytest.raises(BadRequest) as refused:
        check_reward(wrong, FEATURES)

    assert code == refused.value.code


FRESH = Redemptions(of_code=0, by_customer=False, has_paid=False)


@pytest.mark.parametrize(
    ("code", "redeemed", "refusal"),
    [
        (HI, FRESH, None),
        (HI, replace(FRESH, of_code=1_000_000, has_paid=True), None),
        (replace(HI, max_redemptions=2), replace(FRESH, of_code=1), None),
        (replace(HI, max_redemptions=2), replace(FRESH, of_code=2), "invalid_reward"),
        (HI, replace(FRESH, by_customer=True), "invalid_reward"),
        (replace(HI, expires_at=MARCH), FRESH, None),
        (replace(HI, expires_at=FEBRUARY), FRESH, "invalid_reward"),
        (replace(HI, first_transaction_only=True), FRESH, None),
        (replace(HI, first_transaction_only=True), replace(FRESH, has_paid=True), "promo_code_first_time_only"),
    ],
)
def test_who_may_redeem_a_code(code: PromoCode, redeemed: Redemptions, refusal: str | None) -> None:
    """As often as it may be, once per customer, before it expires, and for the first transaction only if it says so."""
    if refusal is None:
        check_redeemable(reward(TWENTY, code), code, redeemed, now=FEBRUARY)
        return
    with pytest.raises(BadRequest) as refused:
        check_redeemable(reward(TWENTY, code), code, redeemed, now=FEBRUARY)

    assert refusal == refused.value.code


@pytest.mark.parametrize(
    ("terms", "plan_ids", "is_possible"),
    [
        (TWENTY, None, True),
        (TWENTY, ["pro"], True),
        (replace(TWENTY, plan_ids=("pro", "max")), ["max", "add_on"], True),
        (replace(TWENTY, plan_ids=("pro",)), None, True),
        (replace(TWENTY, plan_ids=("pro",)), ["max"], False),
        (FIFTY, None, True),
        (replace(FIFTY, currency="eur"), None, False),
        (None, None, False),
    ],
)
def test_what_can_be_taken_off_invoices(
    terms: DiscountTerms | None,
    plan_ids: list[str] | None,
    is_possible: bool,  # noqa: FBT001  # an expectation
) -> None:
    """A discount, in the customer's currency, on a plan that it is limited to."""
    if is_possible:
        check_discount(reward(terms), "usd", plan_ids)
        return
    with pytest.raises(BadRequest, match="launch"):
        check_discount(reward(terms), "usd", plan_ids)


def applied(terms: DiscountTerms, taken: int = 0, invoices: int = 0, first_at: datetime | None = None) -> AppliedReward:
    use = RewardUse("rwu_1", "rew_1", "launch", None, terms, "test", CREATED)
    return AppliedReward(use, terms, taken, invoices, first_at)


ONCE = replace(TWENTY, duration=RewardDuration.ONE_OFF)
TWO_MONTHS = replace(TWENTY, duration=RewardDuration.MONTHS, months=2)


@pytest.mark.parametrize(
    ("given", "at", "is_left"),
    [
        (applied(TWENTY, 9, 9, JANUARY), APRIL, True),
        (applied(ONCE), APRIL, True),
        (applied(ONCE, 500, 1, JANUARY), JANUARY, False),
        (applied(TWO_MONTHS), APRIL, True),
        (applied(TWO_MONTHS, 1, 1, JANUARY), MARCH, True),
        (applied(TWO_MONTHS, 1, 1, JANUARY), datetime(2026, 3, 31, tzinfo=UTC), False),
        (applied(FIFTY, 4999, 3, JANUARY), APRIL, True),
        (applied(FIFTY, 5000, 3, JANUARY), APRIL, False),
        (applied(replace(FIFTY, duration=RewardDuration.ONE_OFF), 2000, 1, JANUARY), APRIL, True),
    ],
)
def test_for_how_long_it_stands(given: AppliedReward, at: datetime, is_left: bool) -> None:  # noqa: FBT001  # an expectation
    """Months are half-open and count from the first invoice; credits last until they are used up."""
    assert is_left is stands(given, at=at)


def test_what_is_left_of_an_amount() -> None:
    """Of $50 of invoice credits what was not taken yet; a fixed amount begins anew with each invoice (§18.1)."""
    fixed = replace(FIFTY, kind=RewardKind.FIXED)

    assert [Decimal(3000), Decimal(5000)] == [left_minor(applied(each, 2000, 1, JANUARY)) for each in (FIFTY, fixed)]
    assert [None, None] == [ends_at(applied(TWO_MONTHS)), ends_at(applied(TWENTY, 1, 1, JANUARY))]
