"""What holds of every move to another version, whatever was used and whatever the versions give (billing.md §16.2)."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sumac.billing.model import IssueInvoice
from sumac.billing.rules.migrate import decide_move
from sumac.catalog.model import PlanTerms
from sumac.catalog.rules.diff import apply_diff, compute_diff
from tests.rules.decisions import HALF, kinds
from tests.rules.offers import held, item, plan, usage_based
from tests.rules.updates import balances, customer, waiting_cents
from tests.support.build import YEARLY, prepaid_price, price, trial, usage_price
from tests.support.build import item as units

NUMBERS = st.integers(0, 50)
ITEMS = st.lists(
    st.sampled_from(
        [
            units("messages", 10, price=usage_price(1)),
            units("messages", 20, price=usage_price(2)),
            units("messages", 0, price=prepaid_price(10)),
            units("words", 5),
            units("words", 50, reset=YEARLY),
            units("seats", 3, reset=None),
        ]
    ),
    unique_by=lambda each: (each.feature_id, each.price and each.price.billing_method, each.reset),
)
TERMS = st.builds(
    PlanTerms,
    st.sampled_from([None, price(10), price(20), price(100, YEARLY)]),
    ITEMS.map(tuple),
    st.sampled_from([None, trial(7)]),
)


@given(used=NUMBERS, before=NUMBERS, after=NUMBERS)
def test_every_unit_is_owed_once(used: int, before: int, after: int) -> None:
    """What is on the line and what is owed at the new price are together what the stricter version does not include."""
    first = plan("pro", 10, item("messages", before, price=usage_based("1")))
    second = replace(plan("pro", 12, item("messages", after, price=usage_based("2"))), version=2)
    state = customer(held(first), {"messages": used})
    decision = decide_move(state, state.holdings[0], second, now=HALF).decision
    left, billed = int(balances(decision)["messages"]), waiting_cents(decision) // 100

    assert max(0, used - before) == billed
    assert max(0, used - before, used - after) == billed + max(0, -left)
    assert left == after - used or left <= 0
    assert IssueInvoice not in kinds(decision)


@given(before=TERMS, after=TERMS)
def test_a_difference_leads_from_one_to_the_other(before: PlanTerms, after: PlanTerms) -> None:
    """Made to the first terms it gives the second ones, in some order; made once more it changes nothing."""
    diff = compute_diff(before, after)
    made = apply_diff(before, diff)

    assert (after.price, after.free_trial) == (made.price, made.free_trial)
    assert sorted(map(repr, after.items)) == sorted(map(repr, made.items))
    assert compute_diff(after, after).is_empty
