"""Which grant pays, how much, and what is given back (billing.md §5.4, §5.5, §5.7)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.model import Grant
from sumac.balances.requests import OverageBehavior
from sumac.balances.rules.deduct import Deducted, compute_deduction, compute_sources
from sumac.catalog.model import Feature
from tests.rules.offers import ACTION1, FEATURES, MESSAGES, SEATS, credit_system, grant, usage_based

CAP, REJECT, OVERFLOW = OverageBehavior.CAP, OverageBehavior.REJECT, OverageBehavior.OVERFLOW
PAID: dict[str, Any] = {"overage_allowed": True, "price": usage_based("0.10")}


def deduct(
    asked: Feature,
    grants: Sequence[Grant],
    value: int | str,
    behavior: OverageBehavior = CAP,
    features: Sequence[Feature] = tuple(FEATURES.values()),
) -> Deducted:
    """What using `value` units comes to."""
    return compute_deduction(compute_sources(asked, grants, features), Decimal(value), behavior)


def amounts(deducted: Deducted) -> Mapping[str, Decimal]:
    """What each grant paid."""
    return {taken.grant.id: taken.amount for taken in deducted.taken}


def after(grants: Sequence[Grant], deducted: Deducted) -> Sequence[Grant]:
    """The grants as the deduction leaves them."""
    changed = {taken.grant.id: taken.grant for taken in deducted.taken}
    return [changed.get(each.id, each) for each in grants]


def balances(grants: Sequence[Grant]) -> list[Decimal]:
    return [each.balance for each in grants]


def test_monthly_then_overage_last() -> None:
    """Prepaid monthly 2, prepaid lasting 2, paid after use monthly 2, use 5 leaves 0, 1 and 0."""
    grants = [
        grant("messages", 0, id="prepaid-monthly", prepaid=2),
        grant("messages", 0, id="prepaid-lasting", prepaid=2, reset=None),
        grant("messages", 2, id="after-use", **PAID),
    ]

    assert [0, 1, 0] == balances(after(grants, deduct(MESSAGES, grants, 5)))
    assert [0, 0, -3] == balances(after(grants, deduct(MESSAGES, grants, 9)))


@pytest.mark.parametrize(
    ("behavior", "value", "balance", "shortfall"),
    [
        (CAP, 5, 0, 0),
        (CAP, 7, 0, 2),
        (REJECT, 5, 0, 0),
        (REJECT, 7, 0, 2),
        (OVERFLOW, 5, 0, 0),
        (OVERFLOW, 7, -2, 0),
        (CAP, 0, 5, 0),
    ],
)
def test_a_grant_that_may_not_go_below_zero(
    behavior: OverageBehavior, value: int, balance: int, shortfall: int
) -> None:
    """What does not fit is the shortfall; with overflow it is counted all the same."""
    grants = [grant("messages", 5)]
    deducted = deduct(MESSAGES, grants, value, behavior)

    assert [balance] == balances(after(grants, deducted))
    assert shortfall == deducted.shortfall


@pytest.mark.parametrize(
    ("behavior", "value", "balance", "shortfall"),
    [
        (CAP, 400, -300, 0),
        (CAP, 401, -300, 1),
        (REJECT, 400, -300, 0),
        (REJECT, 401, -300, 1),
        (OVERFLOW, 401, -301, 0),
    ],
)
def test_overage_down_to_its_limit(behavior: OverageBehavior, value: int, balance: int, shortfall: int) -> None:
    """Included 100 and max_purchase 300: 400 fit, 401 do not; overflow knows no limit."""
    grants = [grant("messages", 100, max_purchase=Decimal(300), **PAID)]
    deducted = deduct(MESSAGES, grants, value, behavior)

    assert [balance] == balances(after(grants, deducted))
    assert shortfall == deducted.shortfall


def test_overage_beyond_a_limit_that_was_lowered() -> None:
    """A grant already below its floor pays nothing more."""
    grants = [grant("messages", 100, 500, max_purchase=Decimal(300), **PAID)]

    assert {} == amounts(deduct(MESSAGES, grants, 1))
    assert 1 == deduct(MESSAGES, grants, 1).shortfall


def test_overage_goes_on_to_the_next_grant() -> None:
    """The first limit reached, the next grant that may go below zero takes the rest."""
    grants = [
        grant("messages", 0, id="capped", max_purchase=Decimal(3), **PAID),
        grant("messages", 0, id="extra", add_on=True, max_purchase=Decimal(4), **PAID),
    ]
    deducted = deduct(MESSAGES, grants, 9)

    assert {"capped": 3, "extra": 4} == amounts(deducted)
    assert 2 == deducted.shortfall


def test_nothing_held() -> None:
    """Without any grant everything is left over, also with overflow."""
    for behavior in OverageBehavior:
        assert Deducted((), Decimal(3)) == deduct(MESSAGES, [], 3, behavior)


@pytest.mark.parametrize(("behavior", "balance", "shortfall"), [(CAP, -3, 0), (REJECT, 0, 3), (OVERFLOW, -3, 0)])
def test_free_seats_may_be_exceeded(behavior: OverageBehavior, balance: int, shortfall: int) -> None:
    """Free held units go below zero unless the caller rejects."""
    grants = [grant("seats", 5, reset=None)]
    deducted = deduct(SEATS, grants, 8, behavior)

    assert [balance] == balances(after(grants, deducted))
    assert shortfall == deducted.shortfall


def test_unlimited_absorbs_everything() -> None:
    """Nothing else moves; the balance counts down as a counter, and back up to zero only."""
    grants = [grant("messages", 5, id="plain"), grant("messages", 0, id="endless", unlimited=True, reset=None)]
    used = after(grants, deduct(MESSAGES, grants, 70, REJECT))

    assert [5, -70] == balances(used)
    assert [5, -60] == balances(after(used, deduct(MESSAGES, used, -10)))
    assert [5, 0] == balances(after(used, deduct(MESSAGES, used, -100)))


def test_unlimited_credits_absorb_everything() -> None:
    """An unlimited credit system is used before the feature's own units (billing.md §5.3)."""
    grants = [grant("action1", 5), grant("credits", 0, unlimited=True)]

    assert {"credits-grant": 2} == amounts(deduct(ACTION1, grants, 10))


@pytest.mark.parametrize(
    ("before", "given_back", "balance"),
    [(70, 10, 80), (80, 50, 100), (100, 1, 100), (-20, 10, -10), (-20, 30, 10), (-20, 500, 100), (120, 10, 120)],
)
def test_giving_back(before: int, given_back: int, balance: int) -> None:
    """Up to what was granted; what is beyond is dropped, and a balance raised above the grant is left alone."""
    grants = [grant("messages", 100, 100 - before, **PAID)]

    assert [balance] == balances(after(grants, deduct(MESSAGES, grants, -given_back)))


def test_free_seats_given_back() -> None:
    """Held 5: take 8, then give back 2, 2 and 100: 3 beyond, 1 beyond, 1 left, 5 left."""
    grants: Sequence[Grant] = [grant("seats", 5, reset=None)]
    seen = []
    for value in (8, -2, -2, -100):
        grants = after(grants, deduct(SEATS, grants, value))
        seen += balances(grants)

    assert [-3, -1, 1, 5] == seen


def test_overage_is_given_back_first() -> None:
    """Units below zero come back before any grant is filled."""
    grants = [
        grant("messages", 10, 4, id="plain"),
        grant("messages", 10, 13, id="after-use", **PAID),
    ]

    assert {"after-use": -2} == amounts(deduct(MESSAGES, grants, -2))
    assert {"after-use": -3, "plain": -4} == amounts(deduct(MESSAGES, grants, -7))
    assert {"after-use": -13, "plain": -4} == amounts(deduct(MESSAGES, grants, -100))


@pytest.mark.parametrize(
    ("used", "own", "credits_left", "taken"),
    [
        (100, 0, 200, {"action1-grant": 100}),
        (150, 0, 190, {"action1-grant": 100, "credits-grant": 10}),
        (40, 60, 200, {"action1-grant": 40}),
    ],
)
def test_credits_pay_what_the_feature_cannot(used: int, own: int, credits_left: int, taken: Mapping[str, int]) -> None:
    """100 units of action1, then credits at 0.2 each; one use may touch both."""
    grants = [grant("action1", 100), grant("credits", 200)]
    deducted = deduct(ACTION1, grants, used)

    assert [own, credits_left] == balances(after(grants, deducted))
    assert taken == amounts(deducted)


def test_overflow_into_credits() -> None:
    """10 units left and 200 credits: 40 units take 10 units and 6 credits; with 5 credits 5 units do not fit."""
    left = grant("action1", 100, 90)

    assert {"action1-grant": 10, "credits-grant": 6} == amounts(deduct(ACTION1, [left, grant("credits", 200)], 40))
    assert 5 == deduct(ACTION1, [left, grant("credits", 5)], 40, REJECT).shortfall


def test_overage_in_credits() -> None:
    """A credit grant's limit is in credits: 2 credits beyond are 10 units at 0.2."""
    grants = [grant("credits", 1, max_purchase=Decimal(2), **PAID)]
    deducted = deduct(ACTION1, grants, 20)

    assert {"credits-grant": 3} == amounts(deducted)
    assert 5 == deducted.shortfall


def test_credits_given_back() -> None:
    """A refund fills the feature's own units before the credits, at the cost they were spent at."""
    grants = [grant("action1", 100, 100), grant("credits", 200, 10)]

    assert {"action1-grant": -60} == amounts(deduct(ACTION1, grants, -60))
    assert {"action1-grant": -100, "credits-grant": -4} == amounts(deduct(ACTION1, grants, -120))
    assert {"action1-grant": -100, "credits-grant": -10} == amounts(deduct(ACTION1, grants, -500))


def test_units_that_cost_no_credits() -> None:
    """A credit cost of zero lets everything through while there is a grant that is not overdrawn."""
    gift = credit_system("gifts", action1="0")
    free = deduct(ACTION1, [grant("gifts", 1)], 1000, REJECT, (ACTION1, gift))
    overdrawn = deduct(ACTION1, [grant("gifts", 1, 3)], 1000, REJECT, (ACTION1, gift))

    assert Deducted((), Decimal(0)) == free
    assert 1000 == overdrawn.shortfall


def test_decimals_are_exact() -> None:
    """0.1 and 0.2 used at 0.2 credits each leave exact decimals; ten places are kept."""
    grants: Sequence[Grant] = [grant("credits", 1)]
    for value in ("0.1", "0.2"):
        grants = after(grants, deduct(ACTION1, grants, value))
    tiny = [grant("messages", "1.0000000001")]

    assert [Decimal("0.94")] == balances(grants)
    assert [Decimal("0.0000000001")] == balances(after(tiny, deduct(MESSAGES, tiny, 1)))


@pytest.mark.parametrize("step", ["0.1", "0.0000000001", "0.3333333333", "9.9999999999"])
def test_many_small_steps(step: str) -> None:
    """A thousand steps are a thousand times the step, to the last of ten places; given back, nothing was used."""
    grants: Sequence[Grant] = [grant("messages", 10_000)]
    for _ in range(1000):
        grants = after(grants, deduct(MESSAGES, grants, step))

    assert [10_000 - 1000 * Decimal(step)] == balances(grants)

    for _ in range(1000):
        grants = after(grants, deduct(MESSAGES, grants, f"-{step}"))

    assert [grant("messages", 10_000)] == grants


def test_a_price_no_decimal_divides() -> None:
    """One credit at 3 credits a unit pays a third of a unit; the rest at ten places is the shortfall."""
    dear = credit_system("dear", action1="3")
    deducted = deduct(ACTION1, [grant("dear", 1)], 1, CAP, (ACTION1, dear))

    assert {"dear-grant": 1} == amounts(deducted)
    assert Decimal("0.6666666667") == deducted.shortfall


def test_grants_that_did_not_change_are_not_named() -> None:
    """Taken lists what changed, in the order of paying, with the grant as it is afterwards."""
    first, second = grant("messages", 3, id="a"), grant("messages", 9, id="b", reset=None)
    third = grant("messages", 9, id="c", reset=None)
    deducted = deduct(MESSAGES, [third, second, first], 5)

    assert [replace(first, balance=Decimal(0)), replace(second, balance=Decimal(7))] == [
        taken.grant for taken in deducted.taken
    ]
