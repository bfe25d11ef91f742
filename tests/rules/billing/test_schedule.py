"""Schedules: what the first phase does now, and what it prepares (billing.md §13.2)."""

# `changes` are fields of the value being made, of any type

from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.billing.model import (
    DropScheduled,
    GiveUnits,
    Holding,
    IssueInvoice,
    KeepPlan,
    Payment,
    PlaceSchedule,
    SchedulePlan,
    StartPlan,
)
from sumac.billing.requests import InvoiceMode, PlanWish, RedirectMode
from sumac.catalog.model import BasePrice, Customization, Plan
from sumac.core.errors import Conflict
from tests.rules.decisions import FEBRUARY, HALF, MARCH, amounts, cents, kinds
from tests.rules.offers import (
    ADD_ON,
    FREE,
    GROWTH,
    JANUARY,
    MONTHLY,
    ONCE,
    ONE_OFF,
    PREMIUM,
    PRO,
    PRO_ANNUAL,
    PRO_TRIAL,
    TRIAL,
    at,
    canceling,
    grant,
    held,
    item,
    plan,
    prepaid,
    scheduled,
    snapshot,
)
from tests.rules.schedules import PRO_EU, ended, ends, later, members, months, phase, placed, schedule, starts

APRIL = at("2026-04-01")
TEAM = plan("team", 20, item("seats", 0, price=prepaid("10")))
NO_TRIAL = Customization(sets_trial=True)
CHEAP = Customization(price=BasePrice(Decimal(15), MONTHLY), sets_price=True)
CHEAP_PRO = replace(PRO, price=BasePrice(Decimal(15), MONTHLY))


def test_the_first_phase_is_one_invoice() -> None:
    """Pro and an add-on now, one that no phase ends along with them: $60 on one invoice, each plan on its own row."""
    decision = schedule(snapshot(), phase(None, PRO, ADD_ON), unscheduled=[PRO_EU])

    assert [IssueInvoice, StartPlan, StartPlan, StartPlan, PlaceSchedule] == kinds(decision)
    assert [2000, 2000, 2000] == amounts(decision)
    assert Payment.CHARGE == decision.payment
    assert {"pro": "sched_new", "add-on": "sched_new", "pro-eu": None} == {
        plan_id: each.schedule_id for plan_id, each in starts(decision).items()
    }
    assert [(JANUARY, ("new-1", "new-2"))] == members(decision)


def test_phases_follow_each_other() -> None:
    """Each plan ends where the next phase lacks it; one that both name is one plan and goes on."""
    decision = schedule(
        snapshot(),
        phase(None, PRO, ADD_ON),
        phase(months(1), PREMIUM, ADD_ON),
        phase(months(3), GROWTH),
    )

    assert {"pro": FEBRUARY, "add-on": APRIL} == ends(decision)
    assert [("premium", FEBRUARY, APRIL), ("growth", APRIL, None)] == later(decision)
    assert [
        (JANUARY, ("new-1", "new-2")),
        (FEBRUARY, ("new-3", "new-2")),
        (APRIL, ("new-4",)),
    ] == members(decision)
    assert decision.schedule is not None
    assert ["sched_new_1", "sched_new_2", "sched_new_3"] == [each.id for each in decision.schedule.phases]
    assert None is starts(decision)["pro"].canceled_at


def test_a_place_taken_now_is_credited() -> None:
    """Pro since the first, Premium by phase one at half: -10 + 25 on one invoice, and the old plan is over."""
    decision = schedule(snapshot(held(PRO)), phase(None, PREMIUM), now=HALF)

    assert [-1000, 2500] == amounts(decision)
    assert ["pro"] == ended(decision)
    assert (JANUARY, FEBRUARY) == (starts(decision)["premium"].anchor_at, starts(decision)["premium"].period_end)


def test_a_downgrade_by_phase_one_is_immediate() -> None:
    """Premium to Pro at half: -25 + 10 = -$15, credit for what comes."""
    decision = schedule(snapshot(held(PREMIUM)), phase(None, PRO), now=HALF)

    assert (-1500, Payment.NONE) == (cents(decision), decision.payment)


def test_a_place_taken_later_runs_until_then() -> None:
    """Pro runs on and ends when the phase that takes its place begins; nothing is billed for it now."""
    decision = schedule(snapshot(held(PRO)), phase(None, ADD_ON), phase(months(1), PREMIUM))

    assert [2000] == amounts(decision)
    assert [] == ended(decision)
    assert {"add-on": FEBRUARY, "pro": FEBRUARY} == ends(decision)
    assert [("premium", FEBRUARY, None)] == later(decision)


def test_what_nobody_claims_stays() -> None:
    """A plan of another group and another add-on are not touched, and do not end later."""
    other = held(replace(ADD_ON, id="other"))
    decision = schedule(snapshot(held(PRO_EU), other), phase(None, PREMIUM), phase(months(1), GROWTH))

    assert [IssueInvoice, StartPlan, SchedulePlan, PlaceSchedule] == kinds(decision)
    assert {"premium": FEBRUARY} == ends(decision)


def test_the_same_plan_goes_on_untouched() -> None:
    """Named again on the same terms it is not billed, and belongs to the schedule; a cancellation is undone."""
    pro = canceling(held(PRO), FEBRUARY)
    decision = schedule(snapshot(pro), phase(None, PRO), phase(months(2), PREMIUM), now=HALF)

    assert [KeepPlan, SchedulePlan, PlaceSchedule] == kinds(decision)
    kept = decision.actions[0]
    assert isinstance(kept, KeepPlan)
    assert replace(pro.held, canceled_at=None, ends_at=at("2026-03-16 12:00"), schedule_id="sched_new") == kept.held
    assert ["held-pro"] == list(members(decision)[0][1])


@pytest.mark.parametrize(
    ("holding", "named", "wish", "same"),
    [
        (held(PRO), PRO, PlanWish("pro"), True),
        (held(PRO), replace(PRO, version=2), PlanWish("pro"), True),
        (held(PRO), replace(PRO, version=2), PlanWish("pro", version=2), False),
        (held(PRO), PRO, PlanWish("pro", version=1), True),
        (held(PRO), CHEAP_PRO, PlanWish("pro", customize=CHEAP), False),
        (held(CHEAP_PRO, terms=CHEAP_PRO.terms), CHEAP_PRO, PlanWish("pro", customize=CHEAP), True),
        (held(CHEAP_PRO, terms=CHEAP_PRO.terms), PRO, PlanWish("pro"), False),
        (held(TEAM, quantities={"seats": Decimal(5)}), TEAM, PlanWish("team"), True),
        (held(TEAM, quantities={"seats": Decimal(5)}), TEAM, PlanWish("team", quantities={"seats": Decimal(5)}), True),
        (held(TEAM, quantities={"seats": Decimal(5)}), TEAM, PlanWish("team", quantities={"seats": Decimal(6)}), False),
    ],
)
def test_what_is_the_same(holding: Holding, named: Plan, wish: PlanWish, same: bool) -> None:  # noqa: FBT001  # a column
    """A version that is not named, terms and units decide whether a plan goes on or is replaced."""
    decision = schedule(snapshot(holding), phase(None, (named, wish)))

    assert same == (not ended(decision))
    assert same == (not starts(decision))


def test_bought_units_go_along() -> None:
    """Five seats bought on the plan before are bought on the next one, now and in a later phase."""
    big = replace(TEAM, id="big", price=BasePrice(Decimal(50), MONTHLY))
    bigger = replace(TEAM, id="bigger", price=BasePrice(Decimal(90), MONTHLY))
    team = held(TEAM, quantities={"seats": Decimal(5)})
    decision = schedule(snapshot(team), phase(None, big), phase(months(2), bigger))

    quantities = [each.held.quantities for each in decision.actions if isinstance(each, StartPlan | SchedulePlan)]
    assert [{"seats": 5}, {"seats": 5}] == quantities


def test_a_schedule_is_replaced_wholesale() -> None:
    """What waited for its phases is dropped, what it placed and nobody names is credited, what it ended runs on."""
    old = snapshot(
        placed(ADD_ON),
        canceling(held(PRO), MARCH),
        Holding(replace(scheduled(PREMIUM, MARCH).held, schedule_id="sched_old"), PREMIUM),
        scheduled(PRO_EU, MARCH),
    )
    decision = schedule(old, phase(None, replace(ADD_ON, id="other")), now=HALF)

    assert ["premium"] == [each.held.plan_id for each in decision.actions if isinstance(each, DropScheduled)]
    assert ["add-on"] == ended(decision)
    assert [-1000, 1000] == amounts(decision)
    assert None is ends(decision)["pro"]
    assert None is next(each.held.canceled_at for each in decision.actions if isinstance(each, KeepPlan))


def test_a_cancellation_survives_a_schedule_that_does_not_name_the_plan() -> None:
    """Only an end that the replaced schedule gave is taken away again."""
    waiting = Holding(replace(scheduled(PREMIUM, MARCH).held, schedule_id="sched_old"), PREMIUM)
    decision = schedule(snapshot(canceling(held(PRO), FEBRUARY), waiting), phase(None, ADD_ON))

    assert {"add-on": None} == ends(decision)


def test_the_plan_of_the_replaced_schedule_may_be_named_later() -> None:
    """Its end moves to the new phase; it is not over before."""
    pro = placed(PRO, ends_at=FEBRUARY)
    waiting = Holding(replace(scheduled(PREMIUM, FEBRUARY).held, schedule_id="sched_old"), PREMIUM)
    decision = schedule(snapshot(pro, waiting), phase(None, ADD_ON), phase(months(2), GROWTH))

    assert [] == ended(decision)
    assert {"pro": MARCH, "add-on": MARCH} == ends(decision)


def test_left_over_alone() -> None:
    """A new schedule that only goes on with one plan gives back the other one: an invoice of credit alone."""
    state = snapshot(placed(PRO), placed(ADD_ON))
    decision = schedule(state, phase(None, PRO), now=HALF)

    assert ([-1000], ["add-on"], Payment.NONE) == (amounts(decision), ended(decision), decision.payment)
    assert decision.invoice is not None
    assert ("held-add-on", ("add-on",)) == (decision.invoice.customer_plan_id, decision.invoice.plan_ids)


def test_a_waiting_plan_gives_way() -> None:
    """A downgrade that waits is dropped where phase one takes its place, or a later phase does before it begins."""
    waiting = scheduled(PRO, FEBRUARY)
    now = schedule(snapshot(canceling(held(PREMIUM), FEBRUARY), waiting), phase(None, GROWTH))
    before = schedule(
        snapshot(canceling(held(PREMIUM), FEBRUARY), waiting), phase(None, ADD_ON), phase(at("2026-01-20"), GROWTH)
    )
    after = schedule(snapshot(canceling(held(PREMIUM), FEBRUARY), waiting), phase(None, ADD_ON), phase(MARCH, GROWTH))

    dropped = [[each.held.plan_id for each in one.actions if isinstance(each, DropScheduled)] for one in (now, before)]
    assert [["pro"], ["pro"]] == dropped
    assert at("2026-01-20") == ends(before)["premium"]
    assert DropScheduled not in kinds(after)


def test_one_off_plans_are_bought_and_stay() -> None:
    """A pack is charged whole, never credited and never ended; the schedule that bought it does not buy it again."""
    first = schedule(snapshot(held(ONE_OFF)), phase(None, PRO, ONE_OFF), phase(months(1), PREMIUM, ONE_OFF))
    again = schedule(snapshot(placed(PRO), placed(ONE_OFF)), phase(None, PRO, ONE_OFF))

    assert [2000, 1000] == amounts(first)
    assert [] == ended(first)
    assert {"pro": FEBRUARY, "one-off": None} == ends(first)
    assert [("premium", FEBRUARY, None), ("one-off", FEBRUARY, None)] == later(first)
    assert [KeepPlan, KeepPlan, PlaceSchedule] == kinds(again)


def test_bought_units_outlive_the_plan() -> None:
    """150 left of a pack inside the replaced plan are kept for good (§10.9)."""
    mixed = plan("mixed", 20, *ONE_OFF.items)
    units = grant(
        "messages",
        0,
        50,
        prepaid=200,
        customer_plan_id="held-mixed",
        reset=None,
        price=prepaid("10", cadence=ONCE, units=100),
    )
    decision = schedule(snapshot(held(mixed), grants=[units]), phase(None, PREMIUM))

    (kept,) = [each.provisions for each in decision.actions if isinstance(each, GiveUnits)]
    assert [(Decimal(150), None)] == [(each.balance, each.expires_at) for each in kept]


def test_last_usage_is_on_the_invoice() -> None:
    """50 over at $0.10 of the plan that goes, -10, +25: $20 (§10.8)."""
    pro = held(PRO)
    used = grant("messages", 100, 150, customer_plan_id="held-pro", overage_allowed=True, price=PRO.items[0].price)
    decision = schedule(snapshot(pro, grants=[used]), phase(None, PREMIUM), now=HALF)

    assert [500, -1000, 2500] == amounts(decision)


def test_a_trial_is_of_phase_one() -> None:
    """Nothing now, the first charge at its end; a phase that begins within it ends it and counts from there."""
    trial = Customization(free_trial=TRIAL, sets_trial=True)
    decision = schedule(
        snapshot(), phase(None, PRO, ADD_ON), phase(at("2026-01-08"), PREMIUM), phase(MARCH, GROWTH), trial=trial
    )

    assert [] == amounts(decision)
    assert {at("2026-01-15")} == {each.trial_ends_at for each in starts(decision).values()}
    waiting = [each.held for each in decision.actions if isinstance(each, SchedulePlan)]
    assert [at("2026-01-08"), at("2026-01-08")] == [each.anchor_at for each in waiting]


def test_trials_of_the_catalog() -> None:
    """A plan's own trial begins, unless null takes it away; one that runs goes on, and null ends it."""
    own = schedule(snapshot(), phase(None, PRO_TRIAL))
    without = schedule(snapshot(), phase(None, PRO_TRIAL), trial=NO_TRIAL)
    running = held(PRO_TRIAL, anchor_at=at("2026-01-15"), trial_ends_at=at("2026-01-15"), period_end=at("2026-01-15"))
    goes_on = schedule(snapshot(running), phase(None, PRO_TRIAL))
    over = schedule(snapshot(running), phase(None, PRO_TRIAL), trial=NO_TRIAL)

    assert [0, 2000, 0, 2000] == [cents(each) for each in (own, without, goes_on, over)]
    assert [KeepPlan, PlaceSchedule] == kinds(goes_on)


def test_a_phase_may_begin_anew() -> None:
    """`phase_start`: the plan's rest is given back and a whole period begins there, for that phase only."""
    half = at("2026-02-15")
    plain = schedule(snapshot(), phase(None, PRO), phase(half, PREMIUM))
    anew = schedule(snapshot(), phase(None, PRO), phase(half, PREMIUM, anchor_here=True))
    same = schedule(snapshot(), phase(None, PRO), phase(half, PRO, anchor_here=True))
    first = schedule(snapshot(held(PRO)), phase(None, PRO, anchor_here=True), now=HALF)

    anchors = [[each.held.anchor_at for each in one.actions if isinstance(each, SchedulePlan)] for one in (plain, anew)]
    assert [[JANUARY], [half]] == anchors
    assert [("pro", half, None)] == later(same)
    assert {"pro": half} == ends(same)
    assert ([-1000, 2000], HALF) == (amounts(first), starts(first)["pro"].anchor_at)


def test_now_as_anchor_moves_what_is_billed_along() -> None:
    """Everything that is billed together begins anew; a plan that is named again and alone stays as it is."""
    joined = schedule(snapshot(held(PRO)), phase(None, PRO, ADD_ON), now=HALF, anchor="now")
    alone = schedule(snapshot(held(PRO)), phase(None, PRO), now=HALF, anchor="now")

    assert [2000, -1000, 2000] == amounts(joined)
    assert [] == amounts(alone)


def test_a_free_plan_counts_from_its_own_start() -> None:
    """Periods of a paid plan keep to what is billed before it, those of a free one begin with it."""
    begins = at("2026-02-10")
    decision = schedule(snapshot(), phase(None, PRO), phase(begins, FREE), phase(MARCH, PRO_ANNUAL))

    anchors = [each.held.anchor_at for each in decision.actions if isinstance(each, SchedulePlan)]
    assert [begins, MARCH] == anchors


def test_a_later_phase_keeps_to_an_anchor_that_moves_before_it() -> None:
    """A subscription that counts from the 20th on from then is what a phase after the 20th joins."""
    moving = held(PRO_EU, at("2025-12-01"), anchor_at=JANUARY, next_anchor_at=at("2026-01-20"))
    before = schedule(snapshot(moving), phase(None, ADD_ON), phase(at("2026-01-18"), PREMIUM))
    after = schedule(snapshot(moving), phase(None, ADD_ON), phase(at("2026-01-25"), PREMIUM))

    anchors = [each.held.anchor_at for one in (before, after) for each in one.actions if isinstance(each, SchedulePlan)]
    assert [JANUARY, at("2026-01-20")] == anchors


def test_the_plan_that_starts_by_itself_fills_the_place() -> None:
    """Where a phase leaves the main place empty the free plan waits for it; where a schedule is dropped it starts."""
    state = snapshot(auto_enabled=(FREE,))
    emptied = schedule(state, phase(None, PRO, ADD_ON), phase(months(1), ADD_ON))
    dropped = schedule(replace(state, holdings=(placed(PRO),)), phase(None, ADD_ON), now=HALF)
    kept = schedule(replace(state, holdings=(placed(FREE),)), phase(None, ADD_ON))

    assert [("free", FEBRUARY, None)] == later(emptied)
    assert {"free", "add-on"} == starts(dropped).keys()
    assert {"add-on"} == starts(kept).keys()
    assert [] == ended(kept)


def test_on_what_terms() -> None:
    """No bill, no proration, an invoice that is sent, a page that is asked for, a card that is missing."""
    state = snapshot(held(PRO))
    bare = schedule(state, phase(None, PREMIUM), now=HALF, bill=False)
    unprorated = schedule(state, phase(None, PREMIUM), now=HALF, prorate=False)
    sent = schedule(state, phase(None, PREMIUM), now=HALF, invoice_mode=InvoiceMode(net_terms_days=7))
    page = schedule(state, phase(None, PREMIUM), now=HALF, redirect_mode=RedirectMode.ALWAYS)
    cardless = schedule(snapshot(card=False), phase(None, PRO), phase(months(1), PREMIUM))

    assert [[], [], [-1000, 2500]] == [amounts(each) for each in (bare, unprorated, sent)]
    assert [Payment.NONE, Payment.NONE, Payment.SEND, Payment.CONFIRM, Payment.CHECKOUT] == [
        each.payment for each in (bare, unprorated, sent, page, cardless)
    ]
    assert 7 == starts(sent)["premium"].net_terms_days


def test_subscription_ids() -> None:
    """One of another plan is taken; the plan that follows in the same place may have it."""
    named = PlanWish("premium", subscription_id="sub_a")
    follows = schedule(
        snapshot(held(PRO, subscription_id="sub_a")),
        phase(None, (PREMIUM, named)),
        phase(months(1), (GROWTH, replace(named, plan_id="growth"))),
    )

    assert "sub_a" == starts(follows)["premium"].subscription_id
    with pytest.raises(Conflict):
        schedule(snapshot(held(ADD_ON, subscription_id="sub_a")), phase(None, (PREMIUM, named)))
    with pytest.raises(Conflict):
        schedule(snapshot(), phase(None, (PREMIUM, named), (ADD_ON, replace(named, plan_id="add-on"))))
