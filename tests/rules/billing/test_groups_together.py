"""Main plans of several groups replaced at once, all or none, on one invoice (billing.md §13.1)."""

from dataclasses import replace
from decimal import Decimal

from sumac.billing.model import Decision, EndPlan, IssueInvoice, StartPlan
from sumac.billing.requests import MultiAttachRequest, PlanWish
from sumac.billing.rules.multi import decide_multi_attach
from tests.rules.decisions import HALF, kinds, metered
from tests.rules.offers import PREMIUM, PRO, grant, held, item, plan, snapshot

OTHER = replace(PRO, id="other", group="other")
OTHER_PREMIUM = plan("other-premium", 50, item("seats", 5, reset=None), group="other")
PLANS = (PREMIUM, OTHER_PREMIUM)


def both_replaced() -> Decision:
    """Pro used 150 of 100 messages, the plan of the other group holds three seats; both are left at half."""
    own = [
        metered(held(PRO), 100, 150, "0.10"),
        grant("seats", 10, 3, id="seats", customer_plan_id="held-other", reset=None),
    ]
    state = replace(snapshot(held(PRO), held(OTHER), grants=own), plan_ids=("first", "second"))
    request = MultiAttachRequest("acme", tuple(PlanWish(each.id) for each in PLANS))
    return decide_multi_attach(state, PLANS, request, now=HALF)


def test_two_groups_on_one_invoice() -> None:
    """50 beyond at $0.10, half of two plans at $20 back, half of two at $50: 5 - 10 - 10 + 25 + 25 = $35."""
    decision = both_replaced()

    assert [IssueInvoice, EndPlan, EndPlan, StartPlan, StartPlan] == kinds(decision)
    assert decision.invoice is not None
    assert [("pro", 500), ("pro", -1000), ("other", -1000), ("premium", 2500), ("other-premium", 2500)] == [
        (line.plan_id, line.exact_minor) for line in decision.invoice.lines
    ]


def test_each_goes_on_with_what_its_own_group_held() -> None:
    """The seats are held by the plan that took their place, and counted once."""
    starts = [action for action in both_replaced().actions if isinstance(action, StartPlan)]
    balances = {each.feature_id: each.balance for start in starts for each in start.provisions}

    assert {"messages": Decimal(500), "seats": Decimal(2)} == balances
