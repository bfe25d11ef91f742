"""Overage that a control says is not billed (billing.md §6.3): no lines of it, and everything else as ever."""

from dataclasses import replace
from decimal import Decimal

from sumac.billing.model import EndPlan, IssueInvoice, RenewPlan
from sumac.billing.requests import CarryOver
from sumac.billing.rules.waited import catch_up
from tests.rules.decisions import FEBRUARY, HALF, MARCH, amounts, attach, kinds, metered, resets, turn
from tests.rules.offers import PREMIUM, PRO, canceling, grant, held, plan, snapshot, usage_based

HOLDER = held(PRO)
USED = metered(HOLDER, 100, 150, "0.10", id="used")
WORDS = grant("words", 0, 3, id="words", customer_plan_id="held-pro", overage_allowed=True, price=usage_based("1"))
NOT_USED = frozenset({"used"})


def test_a_renewal_bills_the_rest_and_resets_all() -> None:
    """Messages 50 beyond are not billed, words 3 beyond are; the month begins anew for both."""
    decision = turn(HOLDER, grants=[USED, WORDS], unbilled=NOT_USED)

    assert [2000, 300] == amounts(decision)
    assert {"used": (100, MARCH), "words": (0, MARCH)} == resets(decision)


def test_an_end_bills_none_of_it() -> None:
    """Nothing is left to bill, so there is no invoice."""
    decision = turn(canceling(HOLDER, FEBRUARY), grants=[USED], unbilled=NOT_USED)

    assert EndPlan is kinds(decision)[0]
    assert [] == amounts(decision)


def test_an_anchor_that_moves_bills_none_of_it() -> None:
    """A plan without a base price renews without an invoice."""
    open_ended = held(plan("pro", None, *PRO.items), next_anchor_at=FEBRUARY)
    decision = turn(open_ended, grants=[USED], unbilled=NOT_USED)

    assert RenewPlan in kinds(decision)
    assert IssueInvoice not in kinds(decision)


def test_a_switch_bills_none_of_it() -> None:
    """At half of the cycle: the rest of Pro back and Premium charged, no usage."""
    decision = attach(snapshot(HOLDER, grants=[USED], unbilled=NOT_USED), PREMIUM, HALF)

    assert [-1000, 2500] == amounts(decision)


def test_what_was_used_while_a_switch_waited_is_not_billed_either() -> None:
    """Twenty more messages on the old plan by the time it is carried out."""
    state = snapshot(HOLDER, grants=[USED], unbilled=NOT_USED)
    waiting = replace(attach(state, PREMIUM, HALF, carry_usages=CarryOver(enabled=False)), counted_on=(USED,))
    rest = tuple(action for action in waiting.actions if not isinstance(action, IssueInvoice))
    live = replace(USED, balance=USED.balance - Decimal(20))
    done = catch_up(replace(waiting, actions=rest), replace(state, grants=(live,)), now=HALF)

    assert [] == amounts(done)
