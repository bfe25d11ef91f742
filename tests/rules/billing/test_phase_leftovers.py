"""What a phase that begins finds of the plan before it: its last usage, and units that were bought once (§13.2)."""

from decimal import Decimal

from sumac.billing.model import GiveUnits, StartPlan
from sumac.billing.rules.turn import decide_turn
from tests.rules.decisions import HALF, amounts, metered
from tests.rules.offers import JANUARY, ONCE, PREMIUM, PRO, grant, item, prepaid, scheduled, snapshot
from tests.rules.schedules import placed

GOING = placed(PRO, ends_at=HALF)
COMING = scheduled(PREMIUM, HALF, anchor_at=JANUARY, schedule_id="sched_old")
PACK = item("words", 0, reset=None, price=prepaid("10", cadence=ONCE, units=100))


def test_the_last_usage_is_on_the_invoice_of_the_phase() -> None:
    """50 beyond at $0.10, -10 of the old and +25 of the new: $20 for the switch, once."""
    decision = decide_turn(snapshot(GOING, COMING, grants=[metered(GOING, 100, 150, "0.10")]), at=HALF)

    assert [500, -1000, 2500] == amounts(decision)
    (start,) = [action for action in decision.actions if isinstance(action, StartPlan)]
    assert [Decimal(500)] == [each.balance for each in start.provisions]


def test_bought_units_outlive_the_phase() -> None:
    """150 left of what was bought once are kept for good, though no later phase has the feature."""
    left = grant("words", prepaid=200, used=50, customer_plan_id=GOING.held.id, reset=None, price=PACK.price)
    decision = decide_turn(snapshot(GOING, COMING, grants=[left]), at=HALF)

    (kept,) = [action for action in decision.actions if isinstance(action, GiveUnits)]
    assert [(Decimal(150), None)] == [(each.balance, each.expires_at) for each in kept.provisions]
