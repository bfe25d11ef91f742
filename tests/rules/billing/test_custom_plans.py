"""A plan made to measure for one customer, and back to the standard one (billing.md §12.3, §16.1)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.billing.model import Holding
from sumac.catalog.model import BasePrice
from sumac.core.errors import BadRequest
from tests.rules.decisions import HALF, amounts
from tests.rules.offers import MONTHLY, PRO, held
from tests.rules.updates import custom, customer, goes_on, update

CHEAPER = replace(PRO, price=BasePrice(Decimal(10), MONTHLY))


def on_own_terms(offer: Holding) -> Holding:
    return Holding(replace(offer.held, terms=offer.plan.terms), offer.plan)


def test_back_to_the_standard_plan() -> None:
    """Naming the version ends the special terms: at half of the month half of the difference is charged."""
    decision = update(customer(on_own_terms(held(CHEAPER)), {"messages": 30}), PRO, HALF, version=1)

    assert [-500, 1000] == amounts(decision)
    assert (None, 1) == (goes_on(decision).terms, goes_on(decision).version)


def test_back_without_a_difference() -> None:
    """Terms of one's own that are by now those of the plan still become the plan's; nothing is billed."""
    decision = update(customer(on_own_terms(held(PRO))), PRO, version=1)

    assert ([], None) == (amounts(decision), goes_on(decision).terms)


def test_nothing_to_put_back() -> None:
    """Who is on the standard plan, or asks for the own terms once more, is told so."""
    with pytest.raises(BadRequest, match="nothing to change"):
        update(customer(held(PRO)), PRO, version=1)
    with pytest.raises(BadRequest, match="nothing to change"):
        update(customer(on_own_terms(held(PRO))), customize=custom(price=PRO.price))
