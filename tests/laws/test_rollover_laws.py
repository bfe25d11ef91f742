"""Whatever is used, and when, what rolls over keeps to its cap, and no unit appears or is lost (billing.md §9.5)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sumac.balances.model import Grant, RolledUnits
from sumac.balances.requests import OverageBehavior
from sumac.balances.rules.deduct import compute_deduction, compute_sources
from sumac.balances.rules.rollover import compute_cap, compute_rollover, rolled_grant, trim
from sumac.catalog.model import Rollover
from sumac.core.time import boundary
from tests.laws.strategies import LAW, quantities, whole_quantities
from tests.rules.offers import JANUARY, MESSAGES, MONTHLY, grant

ZERO = Decimal(0)
rollovers = st.builds(
    Rollover,
    st.just("month"),
    st.integers(0, 4),
    max=st.none() | st.integers(1, 800).map(Decimal),
) | st.builds(Rollover, st.just("forever"), st.just(0), max_percentage=st.none() | st.integers(1, 100).map(Decimal))
MONTHS = [boundary(JANUARY, MONTHLY, number) for number in range(10)]
parcels = st.lists(
    st.builds(RolledUnits, quantities, st.none() | st.integers(1, 9).map(MONTHS.__getitem__)), max_size=6
)


def used(grants: Sequence[Grant], value: Decimal) -> list[Grant]:
    """The grants once so much was used of them, in order."""
    taken = compute_deduction(compute_sources(MESSAGES, grants, ()), value, OverageBehavior.CAP).taken
    after = {each.grant.id: each.grant for each in taken}
    return [after.get(each.id, each) for each in grants]


@LAW
@given(rollovers, whole_quantities, st.lists(whole_quantities, max_size=8))
def test_cycle_after_cycle(rollover: Rollover, included: Decimal, uses: list[Decimal]) -> None:
    """Every month some is used and the rest rolls over: it keeps to the cap, and changes add up to what is there."""
    main = grant("messages", str(included), id="main", rollover=rollover)
    rolled: list[Grant] = []
    cap = compute_cap(rollover, included)
    for number, value in enumerate(uses, 1):
        at = MONTHS[number]
        main, *rolled = used([main, *rolled], value)
        rolled = [each for each in rolled if each.expires_at is None or each.expires_at > at]
        full = replace(main, balance=included, resets_at=MONTHS[number + 1])
        outcome = compute_rollover(main, full, rolled, at=at)
        changed = {each.id: each for each in outcome.trimmed}
        gone = {each.id for each in outcome.emptied}
        lasting = [changed.get(each.id, each) for each in rolled if each.id not in gone]
        opened = [] if outcome.opened is None else [outcome.opened]

        total = sum((each.balance for each in lasting), ZERO) + sum((each.units for each in opened), ZERO)
        lasts = rollover.expiry_duration_type == "forever" or rollover.expiry_duration_length
        left = sum((each.balance for each in rolled), main.balance if lasts else ZERO)
        assert total == (left if cap is None else min(left, cap))
        assert all(each.balance > ZERO for each in lasting)
        assert [each.usage for each in lasting] == [each.usage for each in rolled if each.id not in gone]

        new = [rolled_grant(main, each, grant_id=f"r{number}", at=at) for each in opened]
        main, rolled = full, [*lasting, *new]


@LAW
@given(parcels, st.none() | quantities)
def test_trimming_takes_only_what_is_too_much(kept: list[RolledUnits], cap: Decimal | None) -> None:
    """As much as the cap stays, or all; what expires later loses nothing while what expires sooner has any."""
    after = trim(kept, cap)

    total = sum((each.units for each in kept), ZERO)
    assert (total if cap is None else min(total, cap)) == sum((each.units for each in after), ZERO)
    assert [each.expires_at for each in kept] == [each.expires_at for each in after]
    lost = [before.units - each.units for before, each in zip(kept, after, strict=True)]
    assert all(each >= ZERO for each in lost)
    soonest = [each.expires_at for each in after if each.units > ZERO]
    for each, gone in zip(after, lost, strict=True):
        if gone > ZERO:
            assert all(other is None or (each.expires_at is not None and each.expires_at <= other) for other in soonest)
