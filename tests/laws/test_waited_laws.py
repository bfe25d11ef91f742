"""To wait for a payer changes nothing but the moment (billing.md §10.9; decision 0017)."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sumac.balances.model import Grant
from sumac.billing.model import Decision, EndPlan, GiveUnits, IssueInvoice, StartPlan
from sumac.billing.requests import CarryOver, PlanTiming
from sumac.billing.rules.waited import catch_up
from sumac.billing.units import Provision
from tests.laws.strategies import LAW
from tests.rules.decisions import HALF, attach, metered
from tests.rules.offers import ONCE, grant, held, item, plan, prepaid, snapshot, usage_based

PACKS = item("words", 0, reset=None, price=prepaid("10", cadence=ONCE, units=100))
PRO = plan("pro", 20, item("messages", 100, price=usage_based("0.10")), item("seats", 10, reset=None), PACKS)
PREMIUM = plan("premium", 50, item("messages", 500), item("seats", 20, reset=None))
HOLDER = held(PRO)

used = st.tuples(st.integers(0, 250), st.integers(0, 25), st.integers(0, 200))
carry = st.builds(CarryOver, st.booleans(), st.one_of(st.none(), st.just(("messages",)), st.just(())))


def grants(messages: int, seats: int, words: int) -> list[Grant]:
    """What Pro gave, so much of it used."""
    return [
        metered(HOLDER, 100, messages, "0.10"),
        grant("seats", 10, seats, customer_plan_id="held-pro", reset=None),
        grant("words", prepaid=200, used=words, customer_plan_id="held-pro", reset=None, price=PACKS.price),
    ]


def usage_cents(decision: Decision) -> Decimal:
    """What usage of messages costs on the decision's invoices."""
    drafts = [action.draft for action in decision.actions if isinstance(action, IssueInvoice)]
    return sum((line.exact_minor for draft in drafts for line in draft.lines if line.feature_id), Decimal(0))


def given_units(decision: Decision) -> list[tuple[Provision, ...]]:
    """The units that the decision gives."""
    return [action.provisions for action in decision.actions if isinstance(action, StartPlan | GiveUnits)]


@LAW
@given(used, used, carry, carry)
def test_a_quote_and_what_came_after_is_the_whole(
    before: tuple[int, int, int], after: tuple[int, int, int], usages: CarryOver, balances: CarryOver
) -> None:
    """Quoted and then paid, it gives and bills of usage what it would if it were decided as it is paid."""

    def switched(own: list[Grant]) -> Decision:
        state = snapshot(HOLDER, grants=own)
        request = {"carry_usages": usages, "carry_balances": balances}
        return attach(state, PREMIUM, HALF, timing=PlanTiming.IMMEDIATE, **request)

    quoted, whole = switched(grants(*before)), switched(grants(*after))
    waits = replace(
        quoted,
        actions=tuple(action for action in quoted.actions if not isinstance(action, IssueInvoice)),
        counted_on=tuple(grants(*before)),
    )

    done = catch_up(waits, snapshot(HOLDER, grants=grants(*after)), now=HALF)

    assert given_units(whole) == given_units(done)
    assert usage_cents(whole) == usage_cents(quoted) + usage_cents(done)
    assert [action.held for action in whole.actions if isinstance(action, EndPlan)] == [
        action.held for action in done.actions if isinstance(action, EndPlan)
    ]
