"""Deductions plus shortfall equal the request; yes means it fits; refunds have a ceiling (billing.md §4, §5)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from sumac.balances.model import Grant
from sumac.balances.requests import OverageBehavior
from sumac.balances.rules.access import compute_access
from sumac.balances.rules.deduct import Deducted, Source, compute_deduction, compute_sources
from sumac.balances.rules.sum import compute_balance
from sumac.catalog.model import Feature
from sumac.core.quantity import QUANTITY_PRECISION
from tests.laws.strategies import LAW, costs, grants_of, quantities
from tests.rules.offers import ACTION1, SEATS, credit_system, feature, grant

behaviors = st.sampled_from(OverageBehavior)
PLACES = Decimal("1e-9")


def catalogue(cost: Decimal) -> tuple[Feature, ...]:
    """action1, and credits that pay for it."""
    return ACTION1, SEATS, credit_system("credits", action1=str(cost))


def use(
    held: Sequence[Grant], value: Decimal, behavior: OverageBehavior, cost: Decimal, asked: Feature = ACTION1
) -> tuple[Sequence[Source], Deducted]:
    """What using `value` units comes to."""
    sources = compute_sources(asked, held, catalogue(cost))
    return sources, compute_deduction(sources, value, behavior)


def after(held: Sequence[Grant], deducted: Deducted) -> list[Grant]:
    """The grants as the deduction leaves them."""
    changed = {taken.grant.id: taken.grant for taken in deducted.taken}
    return [changed.get(each.id, each) for each in held]


def tracked_units(sources: Sequence[Source], deducted: Deducted) -> Decimal:
    """What was taken, in units of the tracked feature."""
    cost_of = {source.grant.id: source.cost for source in sources}
    with localcontext() as context:
        context.prec = QUANTITY_PRECISION
        return sum((taken.amount / cost_of[taken.grant.id] for taken in deducted.taken), Decimal(0))


@LAW
@given(grants_of("action1"), grants_of("credits"), quantities, behaviors, costs)
def test_deductions_and_shortfall_are_the_request(
    own: list[Grant], credits_: list[Grant], value: Decimal, behavior: OverageBehavior, cost: Decimal
) -> None:
    """Every unit is paid by a grant or left over, none twice; credits count at their cost."""
    sources, deducted = use([*own, *credits_], value, behavior, cost)

    assert abs(tracked_units(sources, deducted) + deducted.shortfall - value) <= PLACES
    assert 0 <= deducted.shortfall <= value
    assert all(taken.amount > 0 for taken in deducted.taken)


@LAW
@given(grants_of("action1"), grants_of("credits"), quantities, costs)
def test_given_back_and_dropped_are_the_refund(
    own: list[Grant], credits_: list[Grant], value: Decimal, cost: Decimal
) -> None:
    """A refund is given to grants or dropped; what is dropped is negative, too."""
    sources, deducted = use([*own, *credits_], -value, OverageBehavior.CAP, cost)

    assert abs(tracked_units(sources, deducted) + deducted.shortfall + value) <= PLACES
    assert -value <= deducted.shortfall <= 0
    assert all(taken.amount < 0 for taken in deducted.taken)


@LAW
@given(grants_of("action1"), grants_of("credits"), quantities, costs)
def test_a_refund_lifts_no_grant_above_what_was_granted(
    own: list[Grant], credits_: list[Grant], value: Decimal, cost: Decimal
) -> None:
    """However much is given back, the ceiling is what the grant gave; a counter of unlimited use stops at zero."""
    _, deducted = use([*own, *credits_], -value, OverageBehavior.CAP, cost)

    assert all(taken.grant.balance <= (0 if taken.grant.unlimited else taken.grant.granted) for taken in deducted.taken)


@LAW
@given(grants_of("action1"), st.integers(-100, 100), st.integers(0, 100), quantities)
def test_a_refund_leaves_what_was_edited_alone(held: list[Grant], adjusted: int, raised: int, value: Decimal) -> None:
    """An edited grant is filled up to what it was edited to give; one that was set above that stays where it is."""
    edited = [
        replace(each, adjustment=max(Decimal(adjusted), -each.included), balance=each.balance + raised)
        for each in held
        if not each.unlimited
    ]
    _, deducted = use(edited, -value, OverageBehavior.CAP, Decimal(1))

    for before, left in zip(edited, after(edited, deducted), strict=True):
        assert left.balance <= max(before.balance, before.granted)


@LAW
@given(grants_of("action1"), grants_of("credits"), quantities, behaviors, costs)
def test_no_grant_goes_below_its_floor(
    own: list[Grant], credits_: list[Grant], value: Decimal, behavior: OverageBehavior, cost: Decimal
) -> None:
    """Without overflow a grant stops at zero, or at its limit where overage is allowed."""
    _, deducted = use([*own, *credits_], value, behavior, cost)
    if behavior is OverageBehavior.OVERFLOW:
        return

    for taken in deducted.taken:
        each = taken.grant
        capped = not each.unlimited and not (each.overage_allowed and each.max_purchase is None)
        floor = -(each.max_purchase or Decimal(0)) if each.overage_allowed else Decimal(0)
        assert not capped or each.balance >= floor


@LAW
@given(grants_of("action1"), grants_of("credits"), quantities, costs)
def test_a_check_that_says_yes_is_followed_by_a_track_that_fits(
    own: list[Grant], credits_: list[Grant], value: Decimal, cost: Decimal
) -> None:
    """What check allows, track with reject takes in full."""
    held = [*own, *credits_]
    _, deducted = use(held, value, OverageBehavior.REJECT, cost)

    if compute_access(ACTION1, value, held, catalogue(cost)).allowed:
        assert 0 == deducted.shortfall


@LAW
@given(grants_of("seats"), quantities)
def test_a_check_of_seats_that_says_yes_fits(held: list[Grant], value: Decimal) -> None:
    """The same for units that are held."""
    _, deducted = use(held, value, OverageBehavior.REJECT, Decimal(1), SEATS)

    if compute_access(SEATS, value, held, catalogue(Decimal(1))).allowed:
        assert 0 == deducted.shortfall


@LAW
@given(st.integers(0, 300), st.lists(st.decimals(0, 50, places=3), min_size=1, max_size=4))
def test_the_order_of_tracks_does_not_matter(included: int, values: list[Decimal]) -> None:
    """On one plain grant any order of uses leaves the same balance."""
    ends = set()
    for order in permutations(values):
        held: Sequence[Grant] = [grant("action1", included)]
        for value in order:
            held = after(held, use(held, value, OverageBehavior.OVERFLOW, Decimal(1))[1])
        ends.add(held[0].balance)

    assert {Decimal(included) - sum(values)} == ends


@LAW
@given(grants_of("action1"), st.lists(quantities, min_size=2, max_size=4))
def test_many_small_uses_are_one_large_one(held: list[Grant], values: list[Decimal]) -> None:
    """Units used in pieces leave the same balance as units used at once, whichever grants pay."""
    pieces: Sequence[Grant] = held
    for value in values:
        pieces = after(pieces, use(pieces, value, OverageBehavior.CAP, Decimal(1))[1])
    whole = after(held, use(held, sum(values, Decimal(0)), OverageBehavior.CAP, Decimal(1))[1])

    assert [each.balance for each in whole] == [each.balance for each in pieces]


@LAW
@given(grants_of("action1"), quantities)
def test_a_use_given_back_leaves_the_same_units(held: list[Grant], value: Decimal) -> None:
    """Taking what fits and giving it back restores what the customer has in sum."""
    _, used = use(held, value, OverageBehavior.CAP, Decimal(1))
    taken = value - used.shortfall
    restored = after(after(held, used), use(after(held, used), -taken, OverageBehavior.CAP, Decimal(1))[1])

    assert sum(each.balance for each in held) == sum(each.balance for each in restored)


@LAW
@given(grants_of("action1"))
def test_a_balance_is_the_sum_of_its_grants(held: list[Grant]) -> None:
    """What was granted less what was used is what remains less the overage, unless it is unlimited."""
    balance = compute_balance("action1", held)
    if balance is None:
        assert not held
    elif not balance.unlimited:
        overage = sum((each.overage for each in held), Decimal(0))

        assert balance.granted - balance.usage == balance.remaining - overage


@LAW
@given(grants_of("action1", limit=3), grants_of("credits", limit=2))
def test_the_order_of_paying_does_not_depend_on_how_grants_are_read(own: list[Grant], credits_: list[Grant]) -> None:
    """Any order of reading gives the same order of paying."""
    held = [*own, *credits_]
    orders = {
        tuple(source.grant.id for source in compute_sources(feature("action1"), list(given_), catalogue(Decimal(2))))
        for given_ in permutations(held)
    }

    assert 1 == len(orders)
