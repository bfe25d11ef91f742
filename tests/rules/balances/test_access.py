"""Who may do what (billing.md §4.1, §4.2)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.model import Grant
from sumac.balances.rules.access import compute_access
from tests.rules.offers import (
    ACTION1,
    CREDITS,
    CREDITS3,
    FEATURES,
    MESSAGES,
    SEATS,
    SSO,
    credit_system,
    grant,
    usage_based,
)

CATALOGUE = tuple(FEATURES.values())
PAID: dict[str, Any] = {"overage_allowed": True, "price": usage_based("0.10")}


@pytest.mark.parametrize(
    ("grants", "required", "allowed"),
    [
        pytest.param([], "1", False, id="nothing-held"),
        pytest.param([], "0", True, id="nothing-held-nothing-required"),
        pytest.param([], "-1", False, id="nothing-held-below-zero-required"),
        pytest.param([grant("words", 9)], "1", False, id="another-feature"),
        pytest.param([grant("messages", 100, 30)], "70", True, id="exactly-what-is-left"),
        pytest.param([grant("messages", 100, 30)], "70.0000000001", False, id="a-hair-more"),
        pytest.param([grant("messages", 100, 100)], "1", False, id="used-up"),
        pytest.param([grant("messages", 100, 100)], "0", True, id="used-up-nothing-required"),
        pytest.param([grant("messages", 100, 100)], "-5", True, id="used-up-below-zero-required"),
        pytest.param([grant("messages", 0, 10**9, unlimited=True)], "1000000", True, id="unlimited"),
        pytest.param([grant("messages", 100, 250, **PAID)], "1000000", True, id="overage-without-end"),
        pytest.param([grant("messages", 100, 0, max_purchase=Decimal(300), **PAID)], "400", True, id="up-to-the-cap"),
        pytest.param([grant("messages", 100, 0, max_purchase=Decimal(300), **PAID)], "401", False, id="beyond-the-cap"),
        pytest.param(
            [grant("messages", 100, 350, max_purchase=Decimal(300), **PAID)], "50", True, id="rest-of-the-cap"
        ),
        pytest.param([grant("messages", 100, 350, max_purchase=Decimal(300), **PAID)], "51", False, id="cap-used-up"),
        pytest.param(
            [grant("messages", 10, 4, id="a"), grant("messages", 20, 17, id="b", reset=None)],
            "9",
            True,
            id="sum-of-two",
        ),
    ],
)
def test_by_the_features_own_balance(grants: Sequence[Grant], required: str, *, allowed: bool) -> None:
    """Equality passes; overage counts as far as it may be bought (included 100, max_purchase 300: 400 yes, 401 no)."""
    access = compute_access(MESSAGES, Decimal(required), grants, CATALOGUE)

    assert allowed is access.allowed
    assert ("messages", Decimal(required)) == (access.feature_id, access.required)
    assert any(each.feature_id == "messages" for each in grants) is (access.balance is not None)


def test_seats_may_be_exceeded_but_are_not_offered() -> None:
    """Free held units go below zero on track, yet a check at zero says no (billing.md §4.2)."""
    used_up = [grant("seats", 5, 5, reset=None)]

    assert not compute_access(SEATS, Decimal(1), used_up, CATALOGUE).allowed


def test_a_flag_is_there_or_not() -> None:
    """A boolean feature has no balance; holding it is access."""
    flag = grant("sso", reset=None)

    assert compute_access(SSO, Decimal(1), [flag], CATALOGUE).allowed
    assert flag == compute_access(SSO, Decimal(1), [flag], CATALOGUE).flag
    assert compute_access(SSO, Decimal(1), [flag], CATALOGUE).balance is None
    assert not compute_access(SSO, Decimal(1), [grant("messages", 5)], CATALOGUE).allowed
    assert compute_access(SSO, Decimal(1), [], CATALOGUE).flag is None


@pytest.mark.parametrize(
    ("grants", "required", "judged_by", "converted", "allowed"),
    [
        pytest.param([grant("action1", 10), grant("credits", 9)], "5", "action1", "5", True, id="the-feature-itself"),
        pytest.param([grant("credits", 1)], "5", "credits", "1", True, id="credits-alone"),
        pytest.param([grant("credits", 1)], "5.1", "credits", "1.02", False, id="too-few-credits"),
        pytest.param(
            [grant("action1", 4), grant("credits", 1)], "5", "credits", "1", True, id="credits-cover-all-of-it"
        ),
        pytest.param([grant("credits", 0), grant("credits3", 10)], "5", "credits3", "10", True, id="first-that-allows"),
        pytest.param([grant("credits3", 2, 2)], "1", "credits3", "2", False, id="the-exhausted-one-that-is-held"),
        pytest.param([grant("credits", 0), grant("credits3", 0)], "1", "credits", "0.2", False, id="first-held"),
        pytest.param(
            [grant("action1", 1, 1), grant("credits3", 0)], "1", "credits3", "2", False, id="credits-over-own"
        ),
        pytest.param([grant("action1", 1, 1)], "1", "action1", "1", False, id="own-over-credits-not-held"),
        pytest.param([], "1", "credits", "0.2", False, id="nothing-held-first-in-the-catalogue"),
        pytest.param([], "0", "action1", "0", True, id="nothing-held-nothing-required"),
    ],
)
def test_which_feature_answers(
    grants: Sequence[Grant], required: str, judged_by: str, converted: str, *, allowed: bool
) -> None:
    """The feature if it allows, a held system that allows, a held system, the feature if held, the first system."""
    access = compute_access(ACTION1, Decimal(required), grants, CATALOGUE)

    assert (judged_by, Decimal(converted), allowed) == (access.feature_id, access.required, access.allowed)


def test_an_archived_system_pays_for_those_who_hold_it() -> None:
    """Track spends its credits, so check counts them; nobody else is pointed to it."""
    archived = (ACTION1, replace(CREDITS, archived=True), CREDITS3)

    assert "credits" == compute_access(ACTION1, Decimal(5), [grant("credits", 1)], archived).feature_id
    assert compute_access(ACTION1, Decimal(5), [grant("credits", 1)], archived).allowed
    assert "credits3" == compute_access(ACTION1, Decimal(5), [], archived).feature_id


def test_units_that_cost_nothing_still_need_the_system() -> None:
    """A credit cost of zero is free for those who hold the system, and for nobody else."""
    gift = credit_system("gifts", action1="0")

    assert compute_access(ACTION1, Decimal(5), [grant("gifts", 0)], (ACTION1, gift)).allowed
    assert not compute_access(ACTION1, Decimal(5), [], (ACTION1, gift)).allowed


def test_credits_asked_for_directly() -> None:
    """A credit system checked by its own id is judged in credits."""
    access = compute_access(CREDITS, Decimal(5), [grant("credits", 5)], CATALOGUE)

    assert ("credits", Decimal(5), True) == (access.feature_id, access.required, access.allowed)


def test_credits_are_exact() -> None:
    """0.3 units at 0.1 credits are 0.03 credits, not a hair more."""
    system = credit_system("tokens", action1="0.1")
    access = compute_access(ACTION1, Decimal("0.3"), [grant("tokens", "0.03")], (ACTION1, system))

    assert (Decimal("0.03"), True) == (access.required, access.allowed)
