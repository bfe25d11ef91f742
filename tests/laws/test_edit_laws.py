"""What is set by hand is what is shown afterwards, and setting it again changes nothing (billing.md §5.6, §8.1)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sumac.balances.model import BalanceSnapshot, Grant
from sumac.balances.requests import EditRequest, Which
from sumac.balances.rules.edit import decide_edit
from sumac.balances.rules.remove import decide_recalculation
from sumac.balances.rules.sum import compute_balance
from tests.laws.strategies import LAW, grants_of, quantities
from tests.rules.limited import NOON, limited

WHICH = Which("acme", "messages")
signed = st.builds(lambda value, negative: -value if negative else value, quantities, st.booleans())


held_grants = (
    grants_of("messages")
    .map(lambda grants: [grant for grant in grants if not grant.unlimited and not grant.is_drained])
    .filter(bool)
)


def sums(held: Sequence[Grant]) -> tuple[Decimal, Decimal, Decimal]:
    """The signed balance, what is shown as left, and as used."""
    balance = compute_balance("messages", held)
    assert balance is not None
    return sum((grant.balance for grant in held), Decimal(0)), balance.remaining, balance.usage


def edited(before: BalanceSnapshot, **changes: Decimal) -> BalanceSnapshot:
    """The customer afterwards."""
    changed = {grant.id: grant for grant in decide_edit(before, EditRequest(WHICH, **changes), now=NOON)}  # type: ignore[arg-type]  # numbers only
    return replace(before, grants=tuple(changed.get(grant.id, grant) for grant in before.grants))


@LAW
@given(held_grants, signed)
def test_what_is_left_is_what_was_set(grants: list[Grant], value: Decimal) -> None:
    """The sum is the number, so that below zero it is overage, and nothing is left beside overage."""
    before = limited(grants)
    once = edited(before, remaining=value)
    balance, remaining, _ = sums(once.grants)

    assert (value, max(Decimal(0), value)) == (balance, remaining)
    assert once == edited(once, remaining=value)


@LAW
@given(held_grants, signed)
def test_what_is_used_is_what_was_set(grants: list[Grant], value: Decimal) -> None:
    """The usage that is shown is the number; what is granted stays."""
    before = limited(grants)
    once = edited(before, usage=value)

    assert value == sums(once.grants)[2]
    assert once == edited(once, usage=value)
    assert [grant.granted for grant in before.grants] == [grant.granted for grant in once.grants]


@LAW
@given(held_grants, signed)
def test_what_is_added_is_there(grants: list[Grant], value: Decimal) -> None:
    """The sum changes by the number, whatever the grants are."""
    before = limited(grants)
    after = edited(before, add_to_balance=value)

    assert sums(grants)[0] + value == sums(after.grants)[0]


@LAW
@given(held_grants)
def test_recalculating_loses_nothing(grants: list[Grant]) -> None:
    """The usage stays, nothing is overdrawn beside something left, and doing it again changes nothing."""
    before = limited(grants)
    changed = {grant.id: grant for grant in decide_recalculation(before, WHICH)}
    after = replace(before, grants=tuple(changed.get(grant.id, grant) for grant in grants))

    assert sums(grants)[2] == sums(after.grants)[2]
    assert () == decide_recalculation(after, WHICH)
