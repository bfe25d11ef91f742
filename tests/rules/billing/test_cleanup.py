"""Purchases that are used up and were made again since (billing.md §15.3)."""

from dataclasses import replace
from typing import Any

import pytest

from sumac.billing.model import Holding, PlanStatus
from sumac.billing.rules.cleanup import decide_cleanup
from sumac.catalog.model import Plan
from tests.rules.decisions import HALF
from tests.rules.offers import JANUARY, MONTHLY, ONE_OFF, at, grant, held, item, plan, snapshot

SECOND, THIRD = at("2026-01-05"), at("2026-01-09")


def bought(number: int, offer: Plan = ONE_OFF, **changes: Any) -> Holding:  # noqa: ANN401  # fields of a customer plan
    """One of several purchases, the first on the first of January."""
    return held(offer, (JANUARY, SECOND, THIRD)[number - 1], id=f"bought-{number}", **changes)


def units(number: int, left: int, feature_id: str = "messages", **changes: Any) -> Any:  # noqa: ANN401  # of a grant
    """What a purchase gave, and what is left of it."""
    own = {"id": f"{feature_id}-{number}", "customer_plan_id": f"bought-{number}", "reset": None}
    return grant(feature_id, 100, 100 - left, **(own | changes))


def flag(number: int) -> Any:  # noqa: ANN401  # a grant
    """A flag that a purchase gave."""
    return units(number, 0, "sso")


@pytest.mark.parametrize(
    ("grants", "ended"),
    [
        pytest.param([units(1, 0), units(2, 30), units(3, 100)], [1], id="the-first-is-drained"),
        pytest.param([units(1, 30), units(2, 0), units(3, 100)], [2], id="the-second-is-drained"),
        pytest.param([units(1, 0), units(2, -5), units(3, 0)], [1, 2], id="the-last-one-stays"),
        pytest.param([units(1, 30), units(2, 30), units(3, 0)], [], id="nothing-newer"),
        pytest.param([units(1, 1), units(2, 30), units(3, 100)], [], id="a-unit-is-left"),
        pytest.param([units(1, 0, unlimited=True)], [], id="without-number"),
        pytest.param([units(1, 0, reset=MONTHLY)], [], id="it-resets"),
        pytest.param([units(1, 0, "seats")], [], id="units-that-are-held"),
        pytest.param([units(1, 0, "gone")], [], id="of-a-feature-that-is-gone"),
        pytest.param([], [], id="it-gave-nothing"),
        pytest.param([units(1, 0), units(1, 5, "words")], [], id="other-units-are-left"),
        pytest.param([units(1, 0), flag(1), units(2, 30), flag(2)], [1], id="another-one-has-the-flag"),
        pytest.param([units(1, 0), flag(1), units(2, 30), flag(3)], [1], id="a-later-one-has-the-flag"),
        pytest.param([units(1, 0), flag(1), units(2, 30)], [], id="no-other-one-has-the-flag"),
        pytest.param([flag(1), flag(2)], [1], id="only-flags"),
    ],
)
def test_what_is_over(grants: list[Any], ended: list[int]) -> None:
    """Of three purchases, those that are used up end, while a newer one has all that they still gave."""
    actions = decide_cleanup(snapshot(bought(1), bought(2), bought(3), grants=grants), now=HALF).actions

    assert [f"bought-{number}" for number in ended] == [each.held.id for each in actions]  # type: ignore[union-attr]  # ends
    assert {(PlanStatus.EXPIRED, HALF)} >= {(each.held.status, each.held.ends_at) for each in actions}  # type: ignore[union-attr]  # ends


@pytest.mark.parametrize(
    "newer",
    [
        pytest.param(bought(2, replace(ONE_OFF, id="other")), id="of-another-plan"),
        pytest.param(bought(2, status=PlanStatus.SCHEDULED), id="not-begun"),
        pytest.param(bought(2, status=PlanStatus.PAST_DUE), id="not-paid"),
    ],
)
def test_what_makes_up_for_it(newer: Holding) -> None:
    """Only a purchase of the same plan that is there and paid for."""
    assert () == decide_cleanup(snapshot(bought(1), newer, grants=[units(1, 0), units(2, 9)]), now=HALF).actions


def test_plans_that_recur_stay() -> None:
    """However much of them was used: they are billed, and full again."""
    mixed = plan("mixed", 20, item("messages", 100, reset=None), item("words", 5, reset=None), add_on=True)
    grants = [units(1, 0), units(2, 0)]

    assert () == decide_cleanup(snapshot(bought(1, mixed), bought(2, mixed), grants=grants), now=HALF).actions
