"""Changes of a running plan are fair: what they bill depends on where they lead, not on the way (billing.md §12)."""

from datetime import datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sumac.billing.model import Decision, Snapshot
from sumac.catalog.model import BasePrice, Plan
from sumac.core.money import round_sum
from tests.laws.strategies import LAW, rates, within_a_month
from tests.rules.decisions import amounts, cents
from tests.rules.offers import MONTHLY, YEARLY, held, item, plan, prepaid
from tests.rules.updates import applied, balances, custom, customer, grant_of, update

packs = st.integers(0, 200)
base_prices = st.builds(BasePrice, rates, st.sampled_from([MONTHLY, YEARLY]))


@st.composite
def customers(draw: st.DrawFn) -> tuple[Snapshot, int]:
    """A customer with a price, words in packs, and some of them bought and used; and the units of a pack."""
    units = draw(st.sampled_from([1, 5, 100]))
    words = item("words", units * draw(st.integers(0, 2)), price=prepaid(str(draw(rates)), units=units))
    offer: Plan = plan("team", int(draw(rates)) + 1, words)
    chosen = {"words": Decimal(units * draw(packs))}
    return customer(held(offer, quantities=chosen), {"words": draw(st.integers(0, 500))}), units


def bought(state: Snapshot, quantity: int, now: datetime) -> Decision:
    return update(state, now=now, quantities={"words": quantity})


def total(decisions: list[Decision]) -> int:
    """What all of them bill, rounded once."""
    return round_sum([amount for each in decisions for amount in amounts(each)])


@LAW
@given(customers(), st.lists(packs, min_size=1, max_size=5), within_a_month)
def test_any_way_to_a_quantity_costs_the_same(case: tuple[Snapshot, int], steps: list[int], now: datetime) -> None:
    """Changes at one instant add up to the one from the first to the last, in money and in units."""
    state, units = case
    direct = bought(state, units * steps[-1], now)
    expected = grant_of(applied(state, direct), "words").balance
    taken: list[Decision] = []
    for step in steps:
        taken.append(bought(state, units * step, now))
        state = applied(state, taken[-1])

    assert total([direct]) == total(taken)
    assert expected == grant_of(state, "words").balance


@LAW
@given(customers(), packs, within_a_month)
def test_quantities_there_and_back_again_are_free(case: tuple[Snapshot, int], there: int, now: datetime) -> None:
    """At one instant nothing is gained and nothing lost."""
    state, units = case
    before = int(state.holdings[0].held.quantities["words"])
    first = bought(state, units * there, now)
    back = bought(applied(state, first), before, now)

    assert 0 == total([first, back])
    assert grant_of(state, "words").balance == grant_of(applied(applied(state, first), back), "words").balance


@LAW
@given(customers(), base_prices, within_a_month)
def test_terms_there_and_back_again_are_free(case: tuple[Snapshot, int], price: BasePrice, now: datetime) -> None:
    """Another price and the first one again, at one instant: nothing is billed in the end, and usage stays counted."""
    state, _ = case
    first_price = state.holdings[0].plan.price
    if price == first_price:
        return
    there = update(state, now=now, customize=custom(price=price))
    back = update(applied(state, there), now=now, customize=custom(price=first_price))

    assert 0 == total([there, back])
    assert grant_of(state, "words").balance == balances(back)["words"]


@LAW
@given(customers(), packs, within_a_month, within_a_month)
def test_a_later_change_never_costs_more(
    case: tuple[Snapshot, int], wanted: int, one: datetime, other: datetime
) -> None:
    """The less of the period is left, the less a change of quantity bills or gives back."""
    state, units = case
    early, late = sorted((one, other))

    assert abs(cents(bought(state, units * wanted, late))) <= abs(cents(bought(state, units * wanted, early)))
