"""What a plan is by its prices (billing.md §1.4)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.catalog.model import Plan, Tier
from sumac.catalog.rules.shape import is_free, is_main_recurring, is_one_off, longest_cadence, shortest_cadence
from sumac.core.time import Cadence
from tests.rules.offers import (
    ADD_ON,
    FREE,
    MONTHLY,
    ONCE,
    ONE_OFF,
    PRO,
    QUARTERLY,
    YEARLY,
    item,
    plan,
    prepaid,
    usage_based,
)

BANDS = (Tier(Decimal(10), Decimal(0)), Tier(None, Decimal(1)))
ZEROS = (Tier(Decimal(10), Decimal(0)), Tier(None, Decimal(0)))
FLAT = (Tier(Decimal(10), Decimal(0)), Tier(None, Decimal(0), Decimal(5)))


def tiered(tiers: tuple[Tier, ...]) -> Plan:
    """A plan whose only price has these tiers."""
    return plan("tiered", None, item("seats", 0, price=replace(prepaid("1"), amount=None, tiers=tiers)))


@pytest.mark.parametrize(
    ("offer", "free", "one_off", "main"),
    [
        pytest.param(FREE, True, False, True, id="free"),
        pytest.param(plan("nothing"), True, False, True, id="without-prices"),
        pytest.param(plan("zero", 0), True, False, True, id="price-of-zero"),
        pytest.param(plan("zero", 0, cadence=ONCE), True, False, True, id="one-off-price-of-zero"),
        pytest.param(tiered(ZEROS), True, False, True, id="tiers-of-zero"),
        pytest.param(tiered(BANDS), False, False, True, id="a-later-tier-costs"),
        pytest.param(tiered(FLAT), False, False, True, id="a-flat-amount-costs"),
        pytest.param(PRO, False, False, True, id="recurring"),
        pytest.param(ADD_ON, False, False, False, id="add-on"),
        pytest.param(ONE_OFF, False, True, False, id="one-off"),
        pytest.param(plan("mixed", 20, *ONE_OFF.items), False, False, True, id="recurring-with-one-off-units"),
        pytest.param(
            plan("metered", None, item("messages", price=usage_based("1"))), False, False, True, id="after-use"
        ),
    ],
)
def test_what_a_plan_is(offer: Plan, *, free: bool, one_off: bool, main: bool) -> None:
    """Free without any amount, one-off when nothing recurs, main when it is neither add-on nor one-off."""
    assert (free, one_off, main) == (is_free(offer), is_one_off(offer), is_main_recurring(offer))


@pytest.mark.parametrize(
    ("offer", "shortest", "longest"),
    [
        (FREE, None, None),
        (ONE_OFF, None, None),
        (PRO, MONTHLY, MONTHLY),
        (plan("a", 20, item("seats", price=prepaid("1", cadence=YEARLY))), MONTHLY, YEARLY),
        (plan("a", 20, item("seats", price=prepaid("1", cadence=QUARTERLY)), cadence=YEARLY), QUARTERLY, YEARLY),
        (plan("a", 20, *ONE_OFF.items), MONTHLY, MONTHLY),
    ],
)
def test_cadences(offer: Plan, shortest: Cadence | None, longest: Cadence | None) -> None:
    """Of the recurring prices; a one-off price has no say."""
    assert (shortest, longest) == (shortest_cadence(offer), longest_cadence(offer))


def test_the_item_of_a_feature() -> None:
    """The first item that is about it, or none."""
    assert PRO.items[0] == PRO.item_of("messages")
    assert PRO.item_of("seats") is None
