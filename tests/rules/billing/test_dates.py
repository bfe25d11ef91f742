"""When plans start, end and are billed: anchors and dates (billing.md §10.8, §10.10, §20.1, §22)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.model import (
    CancelPlan,
    ChangePlan,
    Decision,
    EndPlan,
    Holding,
    IssueInvoice,
    Payment,
    RenewPlan,
    SchedulePlan,
    StartPlan,
)
from sumac.billing.requests import CustomLine, InvoiceMode, PlanTiming
from sumac.billing.rules.turn import decide_turn
from sumac.catalog.model import Customization, Plan
from sumac.core.errors import BadRequest, NotFound
from tests.rules.decisions import FEBRUARY, HALF, MARCH, TRIAL_END, amounts, attach, cents, kinds, started, turn
from tests.rules.offers import (
    ADD_ON,
    FREE,
    JANUARY,
    ONE_OFF,
    PREMIUM,
    PRO,
    PRO_TRIAL,
    at,
    grant,
    held,
    item,
    plan,
    prepaid,
    snapshot,
)

ELEVENTH, TWENTIETH = at("2026-01-11"), at("2026-01-20")
MIXED = plan("mixed", 20, *ONE_OFF.items)
PACK = {"messages": 100}
SUPPORT = plan("support", 30, group="support")
ON_TRIAL = held(PRO_TRIAL, anchor_at=TRIAL_END, trial_ends_at=TRIAL_END, period_end=TRIAL_END)
STATED = (CustomLine(Decimal("12.34"), "Agreed by phone"),)


def waiting(decision: Decision) -> list[SchedulePlan]:
    """The plans that will start later."""
    return [action for action in decision.actions if isinstance(action, SchedulePlan)]


def started_provisions(decision: Decision) -> list[Any]:
    """First resets of the plan that starts."""
    return [
        each.resets_at for action in decision.actions if isinstance(action, StartPlan) for each in action.provisions
    ]


def changed(decision: Decision) -> list[ChangePlan]:
    """The plans that go on in another state."""
    return [action for action in decision.actions if isinstance(action, ChangePlan)]


def test_a_cycle_that_begins_now() -> None:
    """Pro to Premium at half cycle, from now on: 50 - 10 = $40, and everything counts from now."""
    decision = attach(snapshot(held(PRO)), PREMIUM, HALF, anchor="now")

    assert [-1000, 5000] == amounts(decision)
    assert (HALF, at("2026-02-16 12:00")) == (started(decision).anchor_at, started(decision).period_end)
    assert [at("2026-02-16 12:00")] == started_provisions(decision)


def test_what_is_billed_along_begins_now_too() -> None:
    """The add-on's rest is given back and its whole period charged: 40 - 10 + 20 = $50; its units move with it."""
    words = grant("words", 50, 10, customer_plan_id="held-add-on")
    decision = attach(snapshot(held(PRO), held(ADD_ON), grants=[words]), PREMIUM, HALF, anchor="now")

    assert [-1000, 5000, -1000, 2000] == amounts(decision)
    (along,) = changed(decision)
    assert ("held-add-on", HALF, at("2026-02-16 12:00")) == (
        along.held.id, along.held.anchor_at, along.held.period_end,
    )  # fmt: skip
    assert [(at("2026-02-16 12:00"), Decimal(40))] == [(each.resets_at, each.balance) for each in along.grants]


def test_a_cycle_that_begins_on_a_later_day() -> None:
    """Premium until 1 February, from 11 January counted there: 50 x 10 / 31 = $16.13 then, with full units."""
    decision = attach(snapshot(held(PRO)), PREMIUM, anchor=ELEVENTH)
    premium = Holding(started(decision), PREMIUM)
    units = grant("messages", 500, 200, customer_plan_id=premium.held.id, resets_at=ELEVENTH)
    then = turn(premium, at_=ELEVENTH, grants=[units])

    assert 3000 == cents(decision)
    assert [ELEVENTH] == started_provisions(decision)
    assert 1613 == cents(then)
    (renewed,) = [action.held for action in then.actions if isinstance(action, RenewPlan)]
    assert (ELEVENTH, ELEVENTH, at("2026-02-11"), None) == (
        renewed.anchor_at, renewed.period_start, renewed.period_end, renewed.next_anchor_at,
    )  # fmt: skip
    assert 5000 == cents(turn(Holding(renewed, PREMIUM), at_=at("2026-02-11")))


def test_a_later_day_beyond_the_cycle() -> None:
    """The renewal of 1 February comes first, whole; on 20 February the part that is not paid: 50 x 19 / 28."""
    decision = attach(snapshot(held(PRO)), PREMIUM, anchor=at("2026-02-20"))
    premium = Holding(started(decision), PREMIUM)
    units = grant("messages", 500, 200, customer_plan_id=premium.held.id)
    renewal = turn(premium, at_=FEBRUARY, grants=[units])
    (renewed,) = [action.held for action in renewal.actions if isinstance(action, RenewPlan)]
    (units,) = next(action.grants for action in renewal.actions if action.kind == "balances_reset")
    then = turn(Holding(renewed, PREMIUM), at_=at("2026-02-20"), grants=[units])

    assert (3000, 5000, 3393) == (cents(decision), cents(renewal), cents(then))
    (full,) = next(action.grants for action in then.actions if action.kind == "balances_reset")
    assert (Decimal(500), at("2026-03-20")) == (full.balance, full.resets_at)


def test_what_is_billed_along_moves_on_the_later_day() -> None:
    """An add-on of the same subscription is counted from that day, too: 20 x 10 / 31 = $6.45 beside $16.13."""
    words = grant("words", 50, 10, customer_plan_id="held-add-on")
    decision = attach(snapshot(held(PRO), held(ADD_ON), grants=[words]), PREMIUM, anchor=ELEVENTH)
    (along,) = changed(decision)
    then = turn(Holding(started(decision), PREMIUM), Holding(along.held, ADD_ON), at_=ELEVENTH, grants=[*along.grants])

    assert [ELEVENTH] == [each.resets_at for each in along.grants]
    assert [50 * 1000 / Decimal(31), 20 * 1000 / Decimal(31)] == pytest.approx(amounts(then))
    assert 2258 == cents(then)


def test_backdated() -> None:
    """40 days back: two periods of $20, and both the renewal and the reset come two months after the start."""
    decision = attach(snapshot(), PRO, at("2026-02-10"), starts_at=JANUARY)

    assert [2000, 2000] == amounts(decision)
    assert (JANUARY, JANUARY, MARCH) == (
        started(decision).starts_at, started(decision).anchor_at, started(decision).period_end,
    )  # fmt: skip
    assert [MARCH] == started_provisions(decision)
    assert Payment.CHARGE is decision.payment


@pytest.mark.parametrize("offset", ["2025-12-31 23:59:30", "2026-01-01 00:00:30"])
def test_a_start_within_a_minute_is_now(offset: str) -> None:
    """Clocks differ a little: the plan joins what is billed already, as without a start."""
    assert attach(snapshot(held(PRO)), ADD_ON) == attach(snapshot(held(PRO)), ADD_ON, starts_at=at(offset))


def test_a_backdated_plan_has_a_bounded_invoice() -> None:
    """Two hundred and fifty lines at most."""
    with pytest.raises(BadRequest, match="starts_at"):
        attach(snapshot(), PRO, starts_at=at("1990-01-01"))


def test_a_later_start() -> None:
    """Scheduled: nothing is charged, and its periods are counted from there, where its one-off fee is charged."""
    decision = attach(snapshot(), MIXED, starts_at=ELEVENTH, quantities=PACK)
    (later,) = waiting(decision)

    assert ([SchedulePlan], Payment.NONE) == (kinds(decision), decision.payment)
    assert (ELEVENTH, ELEVENTH, None) == (later.held.starts_at, later.held.anchor_at, later.held.net_terms_days)
    assert [2000, 1000] == amounts(turn(Holding(later.held, MIXED), at_=ELEVENTH))


def test_a_later_start_without_a_card() -> None:
    """Nobody is sent to a page: the invoices are sent, to be paid within thirty days."""
    table: tuple[dict[str, Any], ...] = ({}, {"enable_immediately": True})
    for changes in table:
        decision = attach(snapshot(card=False), PRO, starts_at=ELEVENTH, **changes)
        holdings = [*(each.held for each in waiting(decision)), *([started(decision)] if changes else [])]

        assert ([30], Payment.NONE) == ([each.net_terms_days for each in holdings], decision.payment)


def test_a_later_start_with_access_at_once() -> None:
    """Active now; the first charge comes on the day, counted from there; the one-off fee is charged now."""
    decision = attach(snapshot(), MIXED, starts_at=ELEVENTH, enable_immediately=True, quantities=PACK)
    held_now = started(decision)

    assert [1000] == amounts(decision)
    assert (JANUARY, ELEVENTH, ELEVENTH) == (held_now.starts_at, held_now.anchor_at, held_now.period_end)
    assert [2000] == amounts(turn(Holding(held_now, MIXED), at_=ELEVENTH))


def test_a_later_start_ends_the_plan_before_it() -> None:
    """Pro runs until then and is given back from there on, on the invoice of the plan that follows."""
    decision = attach(snapshot(held(PRO)), PREMIUM, starts_at=HALF)
    canceled, later = decision.actions

    assert isinstance(canceled, CancelPlan)
    assert isinstance(later, SchedulePlan)
    assert HALF == canceled.held.ends_at
    then = decide_turn(snapshot(Holding(canceled.held, PRO), Holding(later.held, PREMIUM)), at=HALF)
    assert [-1000, 5000] == amounts(then)


def test_sold_until_a_day() -> None:
    """The plan ends then, and the auto-enabled free plan of its group follows."""
    ids = ("first", "second")
    decision = attach(snapshot(auto_enabled=(FREE,), plan_ids=ids), PRO, ends_at=TWENTIETH)
    (free,) = waiting(decision)

    assert (TWENTIETH, None) == (started(decision).ends_at, started(decision).canceled_at)
    assert ("second", "free", TWENTIETH) == (free.held.id, free.held.plan_id, free.held.starts_at)
    then = turn(Holding(started(decision), PRO), Holding(free.held, FREE), at_=TWENTIETH)
    assert [EndPlan, StartPlan] == kinds(then)


def test_a_later_start_that_is_sold_until_a_day() -> None:
    """Both plans wait: the one bought, and the free plan that follows it."""
    ids = ("first", "second")
    state = snapshot(held(FREE), auto_enabled=(FREE,), plan_ids=ids)
    decision = attach(state, PRO, starts_at=ELEVENTH, ends_at=TWENTIETH)

    assert [("pro", ELEVENTH), ("free", TWENTIETH)] == [
        (each.held.plan_id, each.held.starts_at) for each in waiting(decision)
    ]


def test_a_purchase_until_a_day() -> None:
    """What was bought once ends then, with the units that are left."""
    decision = attach(snapshot(plan_ids=("new-plan", "unused")), ONE_OFF, ends_at=TWENTIETH, quantities=PACK)
    left = grant("messages", prepaid=100, customer_plan_id="new-plan", reset=None, price=ONE_OFF.items[0].price)

    assert 2000 == cents(decision)
    assert [EndPlan] == kinds(turn(Holding(started(decision), ONE_OFF), at_=TWENTIETH, grants=[left]))


def test_plans_that_go_along() -> None:
    """Their unused time is given back on the same invoice; a plan named twice, or replaced anyway, ends once."""
    state = snapshot(held(PRO), held(ADD_ON))
    decision = attach(state, PREMIUM, HALF, remove_plan_ids=("add-on", "add-on", "pro"))

    assert [IssueInvoice, EndPlan, EndPlan, StartPlan] == kinds(decision)
    assert [-1000, -1000, 2500] == amounts(decision)
    assert 500 == cents(attach(snapshot(held(PRO)), SUPPORT, HALF, remove_plan_ids=("pro",)))
    assert 2000 == cents(attach(snapshot(held(FREE)), replace(ADD_ON, id="extra"), HALF, remove_plan_ids=("free",)))


def test_usage_comes_from_the_plan_that_goes() -> None:
    """Held seats of the only removed plan that has some go on; two such plans are ambiguous."""
    team, crew = plan("team", 20, item("seats", 5), group="team"), plan("crew", 20, item("seats", 5), group="crew")
    club = plan("club", 20, item("seats", 8), group="club")
    seats = [
        grant("seats", 5, 3, id=f"{each}-seats", customer_plan_id=f"held-{each}", reset=None)
        for each in ("team", "crew")
    ]
    unused = grant("seats", 5, 0, customer_plan_id="held-crew", reset=None)
    removed = ("team", "crew")
    alone = attach(snapshot(held(team), held(crew), grants=[seats[0], unused]), club, remove_plan_ids=removed)

    (start,) = [action for action in alone.actions if isinstance(action, StartPlan)]
    assert [Decimal(5)] == [each.balance for each in start.provisions]
    with pytest.raises(BadRequest, match="remove_plan_ids"):
        attach(snapshot(held(team), held(crew), grants=seats), club, remove_plan_ids=removed)


def test_a_subscription_of_its_own() -> None:
    """Billed whole, from now, and no other plan moves; a switch stays on the subscription it has."""
    decision = attach(snapshot(held(PRO)), ADD_ON, HALF, new_subscription=True)

    assert [IssueInvoice, StartPlan] == kinds(decision)
    assert ([2000], HALF) == (amounts(decision), started(decision).anchor_at)
    assert [1000] == amounts(attach(snapshot(held(PRO)), ADD_ON, HALF, new_subscription=False))
    switched = attach(snapshot(held(PRO), held(ADD_ON)), PREMIUM, HALF, new_subscription=True)
    assert ([-1000, 2500], JANUARY) == (amounts(switched), started(switched).anchor_at)
    beside = attach(snapshot(held(SUPPORT), held(FREE)), PRO, HALF, new_subscription=True)
    assert ([2000], HALF) == (amounts(beside), started(beside).anchor_at)


@pytest.mark.parametrize(
    ("state", "offer", "changes", "expected"),
    [
        pytest.param([held(PRO)], PREMIUM, {}, [], id="a-switch-costs-nothing-before-the-renewal"),
        pytest.param([held(PRO)], ADD_ON, {}, [], id="nor-does-what-joins"),
        pytest.param([], PRO, {}, [2000], id="a-new-subscription-is-charged"),
        pytest.param([held(FREE)], PRO, {}, [2000], id="after-free-too"),
        pytest.param([held(PRO)], ADD_ON, {"new_subscription": True}, [2000], id="one-of-its-own-too"),
        pytest.param([held(PRO)], ONE_OFF, {"quantities": PACK}, [1000, 1000], id="what-is-bought-once-is-charged"),
        pytest.param([held(PRO)], PREMIUM, {"anchor": "now"}, [5000], id="from-now-on-the-whole-new-price"),
        pytest.param([held(PRO), held(ADD_ON)], PREMIUM, {"anchor": "now"}, [5000, 2000], id="and-what-moves-along"),
        pytest.param([ON_TRIAL], replace(ADD_ON, price=None), {}, [], id="free-stays-free"),
    ],
)
def test_without_proration(state: list[Holding], offer: Plan, changes: dict[str, Any], expected: list[int]) -> None:
    """No lines at all, except where a subscription is created, begins now, or something is bought once (§10.8)."""
    assert expected == amounts(attach(snapshot(*state), offer, HALF, prorate=False, **changes))


def test_without_proration_the_renewal_is_whole() -> None:
    """The new price comes with the next renewal."""
    decision = attach(snapshot(held(PRO)), PREMIUM, HALF, prorate=False)

    assert [5000] == amounts(turn(Holding(started(decision), PREMIUM)))


def test_stated_lines() -> None:
    """They take the place of what would be billed, on a switch and beside a running subscription."""
    assert [1234] == amounts(attach(snapshot(held(PRO)), PREMIUM, HALF, custom_lines=STATED))
    assert [1234] == amounts(attach(snapshot(held(PRO)), ADD_ON, HALF, custom_lines=STATED))


GROWN = held(PREMIUM)
NO_TRIAL = Customization(free_trial=None, sets_trial=True)
WITH_TRIAL = Customization(free_trial=PRO_TRIAL.free_trial, sets_trial=True)
LATER = {"starts_at": FEBRUARY}


@pytest.mark.parametrize(
    ("state", "offer", "changes", "sentence"),
    [
        ([], PRO, {"anchor": JANUARY}, "billing_cycle_anchor: must be in the future"),
        ([], FREE, {"anchor": "now"}, "has no billing cycle"),
        ([], ONE_OFF, {"anchor": ELEVENTH}, "has no billing cycle"),
        ([], PRO_TRIAL, {"anchor": ELEVENTH}, "billing_cycle_anchor: cannot be combined with a free trial"),
        ([], PRO, {"anchor": "now", **LATER}, "billing_cycle_anchor: cannot be combined with a later start"),
        ([held(PRO)], PREMIUM, {"anchor": "now", "timing": PlanTiming.END_OF_CYCLE}, "billing_cycle_anchor"),
        ([GROWN], PRO, {"anchor": ELEVENTH}, "billing_cycle_anchor"),
        ([], PRO, {"anchor": TWENTIETH, "ends_at": TWENTIETH}, "must be before ends_at"),
        ([], FREE, LATER, "starts_at: only a paid, recurring plan"),
        ([], ONE_OFF, LATER, "starts_at: only a paid, recurring plan"),
        ([], PRO_TRIAL, LATER, "starts_at: cannot be combined with a free trial"),
        ([], PRO_TRIAL, {"starts_at": at("2025-11-22")}, "starts_at: cannot be combined with a free trial"),
        ([], PRO, {**LATER, "invoice_mode": InvoiceMode()}, "invoice_mode"),
        ([held(PRO)], PREMIUM, {**LATER, "timing": PlanTiming.END_OF_CYCLE}, "plan_schedule end_of_cycle"),
        ([held(PRO)], PREMIUM, {"starts_at": at("2025-11-22")}, "only where nothing else is billed yet"),
        ([], FREE, {"ends_at": FEBRUARY}, "ends_at: plan free is free"),
        ([], PRO, {"ends_at": JANUARY}, "ends_at: must be in the future"),
        ([], PRO, {**LATER, "ends_at": FEBRUARY}, "after starts_at"),
        ([], PRO, {"new_subscription": False}, "new_billing_subscription"),
        ([held(FREE)], PRO, {"custom_lines": STATED}, "custom_line_items"),
        ([], PRO, {"custom_lines": STATED}, "custom_line_items"),
        ([GROWN], PRO, {"custom_lines": STATED}, "custom_line_items"),
        ([GROWN], PRO, {"custom_lines": STATED, "timing": PlanTiming.IMMEDIATE}, "custom_line_items"),
        ([ON_TRIAL], PREMIUM, {"custom_lines": STATED}, "custom_line_items"),
        ([ON_TRIAL], PREMIUM, {"prorate": False}, "proration_behavior: none"),
        ([held(PRO)], MIXED, {"prorate": False, "quantities": PACK}, "proration_behavior: none"),
        ([GROWN], PRO, {"remove_plan_ids": ("premium",)}, "remove_plan_ids"),
        ([GROWN], MIXED, {"quantities": PACK}, "bought once and cannot be chosen for a later switch"),
        ([GROWN], PRO, {"invoice_mode": InvoiceMode()}, "invoice_mode"),
        (
            [held(PRO), held(SUPPORT, at("2025-12-20"))],
            PREMIUM,
            {"remove_plan_ids": ("support",)},
            "billed at different times",
        ),
        (
            [held(PRO)],
            replace(PRO, price=replace(PRO.price, amount=Decimal(30))),  # type: ignore[type-var]  # it has a price
            {"customize": Customization(), "anchor": "now"},
            "use billing.update",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(state: list[Holding], offer: Plan, changes: dict[str, Any], sentence: str) -> None:
    """Requests that cannot be met, each with a sentence about the field (§22)."""
    with pytest.raises(BadRequest, match=sentence):
        attach(snapshot(*state), offer, **changes)


def test_a_trial_set_with_a_date_is_refused() -> None:
    """Its end would be the anchor; taken away it is in nobody's way."""
    for changes in ({"anchor": ELEVENTH}, LATER):
        with pytest.raises(BadRequest, match="free trial"):
            attach(snapshot(), PRO_TRIAL, customize=WITH_TRIAL, **changes)
        attach(snapshot(), replace(PRO_TRIAL, free_trial=None), customize=NO_TRIAL, **changes)
        attach(snapshot(trials_used=frozenset({"pro-trial"})), PRO_TRIAL, **changes)


def test_backdating_needs_a_card() -> None:
    """Nobody is sent to a page for months gone by; an invoice may be sent."""
    past = at("2025-12-01")
    with pytest.raises(BadRequest, match="payment method"):
        attach(snapshot(card=False), PRO, starts_at=past)

    assert Payment.SEND is attach(snapshot(card=False), PRO, starts_at=past, invoice_mode=InvoiceMode()).payment


def test_a_plan_to_remove_that_is_not_there() -> None:
    """Unknown, or no longer running: not found."""
    with pytest.raises(NotFound) as caught:
        attach(snapshot(held(PRO)), PREMIUM, remove_plan_ids=("add-on",))

    assert "customer_product_not_found" == caught.value.code


def test_prepaid_seats_of_a_backdated_plan() -> None:
    """Every elapsed period costs the seats, too."""
    team = plan("team", 20, item("seats", 0, price=prepaid("5")))

    assert [2000, 2000, 1000, 1000] == amounts(
        attach(snapshot(), team, at("2026-02-10"), starts_at=JANUARY, quantities={"seats": 2})
    )
