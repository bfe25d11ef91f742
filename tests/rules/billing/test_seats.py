"""Held units paid for when they are taken: the table of the older kind of seats (billing.md §5.8, §20.1)."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

import pytest

from sumac.balances.model import Grant, PlannedUsage, SeatChange
from sumac.balances.requests import TrackRequest
from sumac.billing.model import (
    ChangePlan,
    CountUsage,
    Decision,
    HeldLine,
    Holding,
    HoldLines,
    Payment,
    PlanStatus,
    Snapshot,
)
from sumac.billing.requests import CancelAction, CancelRequest
from sumac.billing.rules.cancel import decide_cancel
from sumac.billing.rules.seats import decide_count
from sumac.billing.rules.turn import decide_turn
from sumac.catalog.model import Plan, Proration
from sumac.core.money import round_sum
from sumac.invoices.model import LineDraft
from tests.rules.decisions import FEBRUARY, HALF, attach, cents
from tests.rules.offers import JANUARY, TRIAL, YEARLY, at, grant, held, item, plan, snapshot, usage_based

AT_ONCE = Proration("prorate_immediately", "prorate_immediately")
WHOLE = Proration("bill_immediately", "prorate_immediately")
WITH_THE_NEXT = Proration("prorate_next_cycle", "prorate_next_cycle")
FREE_UNTIL_THEN = Proration("bill_next_cycle", "prorate_immediately")
KEPT = Proration("prorate_immediately", "none")
JANUARY_15, JANUARY_22 = at("2026-01-15"), at("2026-01-22")


def pro(proration: Proration) -> Plan:
    """$20 with a seat, and $50 for each one beyond."""
    return plan("pro", 20, item("seats", 1, price=usage_based("50"), proration=proration))


@dataclass(slots=True)
class Team:
    """A customer on Pro, whose seats are taken and given up one after the other; what was billed is remembered."""

    proration: Proration
    trial_ends_at: datetime | None = None
    charged: list[LineDraft] = field(default_factory=list)
    held_lines: list[HeldLine] = field(default_factory=list)
    holding: Holding = field(init=False)
    seats: Grant = field(init=False)

    def __post_init__(self) -> None:
        self.holding = held(pro(self.proration), trial_ends_at=self.trial_ends_at)
        self.seats = grant(
            "seats",
            1,
            customer_plan_id="held-pro",
            reset=None,
            overage_allowed=True,
            price=usage_based("50"),
            proration=self.proration,
        )

    def take(self, units: int, now: datetime = JANUARY) -> Decision:
        """So many more seats, or fewer."""
        after = replace(self.seats, balance=self.seats.balance - units)
        request = TrackRequest("acme", "seats", value=Decimal(units))
        planned = PlannedUsage(request, ("evt_1",), (SeatChange(self.seats, after),))
        decision = decide_count(self.state(), planned, now=now)
        (counted,) = [action for action in decision.actions if isinstance(action, CountUsage)]
        self.seats = replace(after, replaceables=counted.paid_seats[after.id] - after.overage)
        self.charged += decision.invoice.lines if decision.invoice else ()
        waiting = [line for action in decision.actions if isinstance(action, HoldLines) for line in action.lines]
        self.held_lines += [HeldLine(f"held-{len(self.held_lines)}", line) for line in waiting]
        return decision

    def state(self) -> Snapshot:
        """What a rule may look at."""
        return snapshot(
            self.holding,
            grants=[self.seats],
            charges=tuple(self.charged),
            held_lines=tuple(self.held_lines),
        )

    def renewal(self) -> int:
        """What 1 February's invoice comes to, in cents."""
        return cents(decide_turn(self.state(), at=FEBRUARY))


@pytest.mark.parametrize(
    ("proration", "taken", "now", "cost", "balance", "payment"),
    [
        pytest.param(AT_ONCE, [1], HALF, 0, 0, Payment.NONE, id="the-included-seat"),
        pytest.param(AT_ONCE, [1, 1], HALF, 2500, -1, Payment.CHARGE, id="prorated"),
        pytest.param(AT_ONCE, [1, 1, -1], HALF, -2500, 0, Payment.NONE, id="given-back"),
        pytest.param(WHOLE, [1, 1], HALF, 5000, -1, Payment.CHARGE, id="whole"),
        pytest.param(WHOLE, [1, 1, -1], HALF, -5000, 0, Payment.NONE, id="what-was-charged-is-given-back"),
        pytest.param(WITH_THE_NEXT, [1, 2], JANUARY_15, 0, -2, Payment.NONE, id="with-the-next"),
        pytest.param(FREE_UNTIL_THEN, [1, 2], HALF, 0, -2, Payment.NONE, id="free-until-then"),
        pytest.param(FREE_UNTIL_THEN, [1, 2, -1], HALF, 0, -1, Payment.NONE, id="nothing-to-give-back"),
        pytest.param(KEPT, [1, 2, -2], HALF, 0, 0, Payment.NONE, id="kept"),
    ],
)
def test_a_change_of_seats(
    proration: Proration, taken: list[int], now: datetime, cost: int, balance: int, payment: Payment
) -> None:
    """The last change costs this now, and leaves this balance."""
    team = Team(proration)
    *_, last = [team.take(units, now) for units in taken]

    assert (cost, balance, payment) == (cents(last), team.seats.balance, last.payment)


def test_two_more_with_the_next_invoice() -> None:
    """1 to 3 on 15 January: nothing now, and 20 + 100 + 54.84 = $174.84 at the renewal."""
    team = Team(WITH_THE_NEXT)
    team.take(1)
    team.take(2, JANUARY_15)

    assert [Decimal("5483.871")] == [round(each.line.exact_minor, 3) for each in team.held_lines]
    assert 17484 == team.renewal()


def test_fewer_with_the_next_invoice() -> None:
    """3 to 2 on 15 January after two more at the start: 70 + 100 - 27.42 = $142.58 at the renewal."""
    team = Team(WITH_THE_NEXT)
    team.take(3)
    team.take(-1, JANUARY_15)

    assert 14258 == team.renewal()


def test_more_and_fewer_with_the_next_invoice() -> None:
    """Two more on the 15th, one fewer on the 22nd: 20 + 50 + 38.71 = $108.71 (§20.1)."""
    team = Team(WITH_THE_NEXT)
    team.take(1)
    team.take(2, JANUARY_15)
    team.take(-1, JANUARY_22)

    assert 3871 == round_sum([each.line.exact_minor for each in team.held_lines])
    assert 10871 == team.renewal()


def test_seats_that_stay_paid_for() -> None:
    """Three cost $100, two given up cost nothing and stay, one is taken again for nothing, two more cost $50."""
    team = Team(KEPT)
    story = [(cents(team.take(units)), team.seats.replaceables, team.seats.remaining) for units in (3, -2, 1, 2)]

    assert [(10000, 0, 0), (0, 2, 2), (0, 1, 1), (5000, 0, 0)] == story


def test_seats_that_stay_are_gone_at_the_renewal() -> None:
    """The next period is for the seats that are held: 3 - 2 = 1, the included one, so $20."""
    team = Team(KEPT)
    team.take(3)
    team.take(-2, HALF)
    decision = decide_turn(team.state(), at=FEBRUARY)

    assert 2000 == cents(decision)
    (changed,) = [action for action in decision.actions if isinstance(action, ChangePlan)]
    assert [0] == [each.replaceables for each in changed.grants]


def test_below_the_included_seat() -> None:
    """3 to 0 with one included: two seats stay paid for, and three may be taken for nothing."""
    team = Team(KEPT)
    team.take(3)
    team.take(-3)

    assert (2, 3) == (team.seats.replaceables, team.seats.remaining)


def test_while_trialing() -> None:
    """Seats are free on a trial, and billed from its end."""
    team = Team(AT_ONCE, trial_ends_at=FEBRUARY)

    assert (0, Payment.NONE) == (cents(team.take(3)), team.take(1).payment)
    assert 2000 + 15000 == team.renewal()


def test_held_seats_renew_in_advance() -> None:
    """Two seats beyond the included one are on the renewal: 20 + 100 = $120."""
    team = Team(AT_ONCE)
    team.take(3)

    assert 12000 == team.renewal()


def test_past_due_gives_nothing_back() -> None:
    """What is still owed for the period is not given back."""
    team = Team(AT_ONCE)
    team.take(2)
    team.holding = Holding(replace(team.holding.held, status=PlanStatus.PAST_DUE), team.holding.plan)

    assert 0 == cents(team.take(-1, HALF))


def test_leaving_gives_seats_back() -> None:
    """Left at half of the month, half of $20 and of $50 is given back, whether another plan follows or not."""
    team = Team(AT_ONCE)
    team.take(2)
    cancelled = decide_cancel(team.state(), CancelRequest("acme", CancelAction.CANCEL_IMMEDIATELY), now=HALF)
    flat = plan("flat", 100, item("seats", 10))

    assert -1000 - 2500 == cents(cancelled)
    assert 5000 - 1000 - 2500 == cents(attach(team.state(), flat, HALF))


def test_a_plan_that_starts_with_seats() -> None:
    """Seats that are held already are paid for with the new plan, to the end of its period."""
    free = held(plan("free", None, item("seats", 5)))
    used = grant("seats", 5, 3, customer_plan_id="held-free", reset=None)

    assert 2000 + 10000 == cents(attach(snapshot(free, grants=[used]), pro(AT_ONCE)))


def test_counted_anew() -> None:
    """Where periods begin at another day, the part of the new one that is not paid is due, for seats as well."""
    team = Team(AT_ONCE)
    team.take(2)
    team.holding = Holding(replace(team.holding.held, next_anchor_at=at("2026-01-11")), team.holding.plan)

    assert round_sum([Decimal(7000) * 10 / 31]) == cents(decide_turn(team.state(), at=at("2026-01-11")))


def test_an_invoice_that_is_sent() -> None:
    """With invoices that are sent seats come at once, on terms of their own."""
    team = Team(AT_ONCE)
    team.holding = Holding(replace(team.holding.held, net_terms_days=30), team.holding.plan)
    decision = team.take(2, HALF)

    assert decision.invoice is not None
    assert (Payment.NONE, 30, 2500) == (decision.payment, decision.invoice.net_terms_days, cents(decision))


def test_seats_of_a_plan_on_trial_are_not_charged() -> None:
    """A plan that starts on a trial bills the seats it starts with from the trial's end."""
    free = held(plan("free", None, item("seats", 5)))
    used = grant("seats", 5, 3, customer_plan_id="held-free", reset=None)

    assert 0 == cents(attach(snapshot(free, grants=[used]), replace(pro(AT_ONCE), free_trial=TRIAL)))


def test_seats_that_cost_nothing() -> None:
    """A price of 0 is on no invoice, whatever is taken or given up."""
    team = Team(AT_ONCE)
    team.seats = replace(team.seats, price=usage_based("0"))

    assert [None, None] == [team.take(units).invoice for units in (3, -1)]


def test_seats_of_a_year() -> None:
    """Seats that are billed once a year are on no renewal of a month."""
    yearly = usage_based("50", cadence=YEARLY)
    team = Team(AT_ONCE)
    offered = replace(team.holding.plan, items=(item("seats", 1, price=yearly, proration=AT_ONCE),))
    team.holding, team.seats = Holding(team.holding.held, offered), replace(team.seats, price=yearly)
    team.take(2)

    assert 2000 == team.renewal()
