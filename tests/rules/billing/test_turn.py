"""What turns at an instant: renewals, resets, trial ends, starts and ends (billing.md §5.9, §9, §10.3, §11)."""

from dataclasses import replace
from decimal import Decimal

from sumac.billing.model import (
    EndPlan,
    Holding,
    IssueInvoice,
    PlanStatus,
    RenewPlan,
    ResetGrants,
    StartPlan,
)
from sumac.core.money import round_sum
from sumac.invoices.model import InvoiceKind
from tests.rules.decisions import FEBRUARY, MARCH, amounts, kinds, metered, resets, turn
from tests.rules.offers import (
    ADD_ON,
    FREE,
    JANUARY,
    ONCE,
    ONE_OFF,
    PREMIUM,
    PRO,
    QUARTERLY,
    YEARLY,
    at,
    canceling,
    grant,
    held,
    item,
    plan,
    prepaid,
    scheduled,
    usage_based,
)


def test_renewal() -> None:
    """T1, 1 February: 20 + 50 x 0.10 = $25, a new period, and the units are full again."""
    pro = held(PRO)
    decision = turn(pro, grants=[metered(pro, 100, 150, "0.10")])

    assert [RenewPlan, ResetGrants, IssueInvoice] == kinds(decision)
    assert [2000, 500] == amounts(decision)
    renewed = decision.actions[0]
    assert isinstance(renewed, RenewPlan)
    assert replace(pro.held, period_start=FEBRUARY, period_end=MARCH) == renewed.held
    assert {"messages-grant": (Decimal(100), MARCH)} == resets(decision)
    assert decision.invoice is not None
    assert (InvoiceKind.RENEWAL, ("pro",), "held-pro", FEBRUARY) == (
        decision.invoice.kind,
        decision.invoice.plan_ids,
        decision.invoice.customer_plan_id,
        decision.invoice.period_start,
    )


def test_a_renewal_keeps_the_day_of_the_month() -> None:
    """From 31 January: 28 February, 31 March, 30 April."""
    holding, ends = held(PRO, at("2026-01-31")), []
    for _ in range(3):
        assert holding.held.period_end is not None
        renewed = turn(holding, at_=holding.held.period_end).actions[0]
        assert isinstance(renewed, RenewPlan)
        holding = Holding(renewed.held, PRO)
        ends.append(renewed.held.period_end)

    assert [at("2026-03-31"), at("2026-04-30"), at("2026-05-31")] == ends


def test_nothing_is_due() -> None:
    """At any other instant nothing happens."""
    assert () == turn(held(PRO), held(FREE), held(ONE_OFF), at_=at("2026-01-20")).actions


def test_prepaid_units_renew() -> None:
    """T2: base $49 and 5 seats beyond 5 included at $10 are $99; one-off prices are not charged again."""
    team = plan("team", 49, item("seats", 5, price=prepaid("10")), *ONE_OFF.items)
    chosen = {"seats": Decimal(10), "messages": Decimal(100)}

    assert [4900, 5000] == amounts(turn(held(team, quantities=chosen)))


def test_seats_billed_after_use_are_billed_every_month() -> None:
    """Base 20, 2 included at $10, 5 held: $50, and again, with no reset (§5.9)."""
    team = held(plan("team", 20, item("seats", 2, price=usage_based("10"))))
    seats = grant(
        "seats", 2, 5, customer_plan_id="held-team", reset=None, overage_allowed=True, price=usage_based("10")
    )
    first = turn(team, grants=[seats])
    again = turn(held(team.plan, period_start=FEBRUARY, period_end=MARCH), grants=[seats], at_=MARCH)

    assert [RenewPlan, IssueInvoice] == kinds(first)
    assert [[2000, 3000], [2000, 3000]] == [amounts(first), amounts(again)]


def test_each_price_at_its_own_boundary() -> None:
    """Seats monthly, workflows quarterly: months 1 and 2 are $50, month 3 is 20 + 30 + 25 = $75 (§5.9)."""
    mixed = plan(
        "mixed",
        20,
        item("seats", 2, price=usage_based("10")),
        item("words", 0, price=usage_based("5"), reset=QUARTERLY),
    )
    seats = grant(
        "seats", 2, 5, customer_plan_id="held-mixed", reset=None, overage_allowed=True, price=usage_based("10")
    )
    words = grant(
        "words",
        0,
        5,
        customer_plan_id="held-mixed",
        reset=QUARTERLY,
        overage_allowed=True,
        price=usage_based("5", cadence=QUARTERLY),
    )
    bills = [
        amounts(turn(held(mixed, period_end=at(end)), grants=[seats, words], at_=at(end)))
        for end in ("2026-02-01", "2026-03-01", "2026-04-01")
    ]

    assert [[2000, 3000], [2000, 3000], [2000, 3000, 2500]] == bills


def test_a_year_is_charged_once_a_year() -> None:
    """Yearly seats of a monthly plan are left out until their own year is over."""
    mixed = plan("mixed", 20, item("seats", 0, price=prepaid("120", cadence=YEARLY)))
    chosen = {"seats": Decimal(2)}

    assert [2000] == amounts(turn(held(mixed, quantities=chosen)))
    year = at("2027-01-01")
    assert [2000, 24000] == amounts(turn(held(mixed, quantities=chosen, period_end=year), at_=year))


def test_a_canceled_plan_ends_with_its_last_usage() -> None:
    """500 of 100 used: the end bills 400 x 0.10 = $40 and no new period (§12.5)."""
    pro = canceling(held(PRO), FEBRUARY)
    decision = turn(pro, grants=[metered(pro, 100, 500, "0.10")])

    assert [EndPlan, IssueInvoice] == kinds(decision)
    assert [4000] == amounts(decision)
    ended = decision.actions[0]
    assert isinstance(ended, EndPlan)
    assert replace(pro.held, status=PlanStatus.EXPIRED) == ended.held


def test_a_plan_that_ends_later_renews_until_then() -> None:
    """An annual plan with monthly units is billed for them every month up to its end."""
    annual = plan("annual", 600, item("messages", 100, price=usage_based("0.10")), cadence=YEARLY)
    leaving = canceling(held(annual), at("2027-01-01"))
    decision = turn(leaving, grants=[metered(leaving, 100, 150, "0.10")])

    assert [RenewPlan, ResetGrants, IssueInvoice] == kinds(decision)
    assert [500] == amounts(decision)


def test_a_scheduled_plan_takes_over() -> None:
    """The old plan's last usage and the new plan's first price are one invoice: 20 + 10 = $30 (§9.4)."""
    premium = canceling(held(PREMIUM), FEBRUARY)
    waiting = scheduled(PRO, FEBRUARY, anchor_at=JANUARY)
    decision = turn(premium, waiting, grants=[metered(premium, 500, 700, "0.05")])

    assert [EndPlan, StartPlan, IssueInvoice] == kinds(decision)
    assert [1000, 2000] == amounts(decision)
    start = decision.actions[1]
    assert isinstance(start, StartPlan)
    assert replace(waiting.held, status=PlanStatus.ACTIVE, period_start=FEBRUARY, period_end=MARCH) == start.held
    assert [(Decimal(100), MARCH)] == [(each.balance, each.resets_at) for each in start.provisions]
    assert decision.invoice is not None
    assert (("premium", "pro"), "held-premium") == (decision.invoice.plan_ids, decision.invoice.customer_plan_id)


def test_a_scheduled_plan_charges_what_is_paid_once() -> None:
    """One-off prices of a scheduled plan are charged when it starts (§10.10)."""
    mixed = plan("mixed", 20, *ONE_OFF.items)
    waiting = scheduled(mixed, FEBRUARY, quantities={"messages": Decimal(100)})

    assert [2000, 1000] == amounts(turn(waiting))
    assert [1000] == amounts(turn(scheduled(plan("once", 10, cadence=ONCE), FEBRUARY)))


def test_seats_move_to_the_scheduled_plan() -> None:
    """Premium (5 seats) to Pro (2) with 4 held: only $20 now, 2 beyond from the start (§5.9)."""
    team5 = canceling(held(plan("team5", 50, item("seats", 5, price=usage_based("10")))), FEBRUARY)
    team2 = scheduled(plan("team2", 20, item("seats", 2, price=usage_based("10"))), FEBRUARY)
    seats = grant(
        "seats", 5, 4, customer_plan_id="held-team5", reset=None, overage_allowed=True, price=usage_based("10")
    )
    decision = turn(team5, team2, grants=[seats])
    start = decision.actions[1]

    assert [2000] == amounts(decision)
    assert isinstance(start, StartPlan)
    assert [-2] == [each.balance for each in start.provisions]


def test_an_add_on_stays_with_its_own_renewal() -> None:
    """A12: the plan becomes Free, the add-on renews beside it."""
    decision = turn(canceling(held(PRO), FEBRUARY), held(ADD_ON), scheduled(FREE, FEBRUARY))

    assert [EndPlan, RenewPlan, StartPlan, IssueInvoice] == kinds(decision)
    assert [2000] == amounts(decision)
    assert decision.invoice is not None
    assert ("add-on",) == decision.invoice.plan_ids


def test_a_plan_in_another_group_is_not_replaced() -> None:
    """Seats of a plan of another group that ends at the same instant stay behind."""
    support = canceling(held(plan("support", 5, item("seats", 9), group="support")), FEBRUARY)
    seats = grant("seats", 9, 4, customer_plan_id="held-support", reset=None)
    start = turn(support, scheduled(plan("team", None, item("seats", 2)), FEBRUARY), grants=[seats]).actions[1]

    assert isinstance(start, StartPlan)
    assert [2] == [each.balance for each in start.provisions]


def test_everything_at_one_instant_is_one_invoice() -> None:
    """A renewal, an end with overage and a start land on one invoice, under the oldest paying plan."""
    leaving = replace(PREMIUM, id="old", group="support")
    pro, old = held(PRO), canceling(held(leaving, at("2025-12-01"), period_end=FEBRUARY), FEBRUARY)
    new = scheduled(replace(PRO, id="new", group="support"), FEBRUARY)
    decision = turn(pro, old, new, grants=[metered(pro, 100, 150, "0.10"), metered(old, 500, 520, "0.05", id="old")])

    assert [EndPlan, RenewPlan, StartPlan, ResetGrants, IssueInvoice] == kinds(decision)
    assert [100, 2000, 500, 2000] == amounts(decision)
    assert 4600 == round_sum(amounts(decision))
    assert decision.invoice is not None
    assert (("old", "pro", "new"), "held-old") == (decision.invoice.plan_ids, decision.invoice.customer_plan_id)
