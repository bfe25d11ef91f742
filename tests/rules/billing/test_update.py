"""What an update is about, and what it cannot be (billing.md §12.1, §12.6, §22)."""

from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.model import CancelPlan, ChangePlan, DropScheduled, IssueInvoice, KeepPlan, Payment, SchedulePlan
from sumac.billing.requests import InvoiceMode, PlanTiming, RedirectMode, UpdateRequest
from sumac.billing.rules.update import UpdateIntent, intent_of
from sumac.catalog.model import BasePrice
from sumac.core.errors import BadRequest, NotFound
from tests.rules.decisions import FEBRUARY, HALF, attach, cents, kinds
from tests.rules.offers import (
    ADD_ON,
    FREE,
    JANUARY,
    MONTHLY,
    ONE_OFF,
    PREMIUM,
    PRO,
    at,
    canceling,
    held,
    item,
    plan,
    prepaid,
    scheduled,
    snapshot,
)
from tests.rules.updates import balances, custom, customer, goes_on, update

TEAM = plan("team", 49, item("seats", 5, price=prepaid("10")))
TEN = {"seats": Decimal(10)}
WHICH: list[dict[str, Any]] = [{"plan_id": "team"}, {"subscription_id": "sub-1"}, {"subscription_id": "old"}]
DEARER, CHEAPER = BasePrice(Decimal(60), MONTHLY), BasePrice(Decimal(10), MONTHLY)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"version": 2, "quantities": TEN}, UpdateIntent.UPDATE_PLAN),
        ({"customize": custom(price=DEARER), "uncancel": True}, UpdateIntent.UPDATE_PLAN),
        ({"quantities": TEN, "uncancel": True}, UpdateIntent.UPDATE_QUANTITY),
        ({"uncancel": True}, UpdateIntent.UNCANCEL),
        ({"anchor": "now"}, UpdateIntent.NONE),
    ],
)
def test_intents(changes: dict[str, Any], expected: UpdateIntent) -> None:
    """Other terms before quantities before keeping the plan."""
    assert expected is intent_of(UpdateRequest("acme", **changes))


class TestWhichPlan:
    """The plan that is meant (§12.1)."""

    def test_the_main_one_that_is_paid(self) -> None:
        """Without an id it is the only main plan that is paid again and again, whatever stands beside it."""
        state = snapshot(held(FREE), held(ADD_ON), held(ONE_OFF), held(TEAM, quantities=TEN))

        assert "held-team" == goes_on(update(state, quantities={"seats": 12})).id

    def test_by_id(self) -> None:
        """By the plan's id or the subscription's, the caller's or ours; the newest of several."""
        older = held(TEAM, quantities=TEN, id="old", subscription_id="sub-1")
        newer = held(TEAM, at("2026-01-05"), quantities=TEN, id="new")
        state = snapshot(older, newer)

        assert ["new", "old", "old"] == [
            goes_on(update(state, TEAM, quantities={"seats": 12}, **which)).id for which in WHICH
        ]

    def test_several_or_none(self) -> None:
        """What is not clear is asked about; what is not there is not found."""
        with pytest.raises(BadRequest, match="say which"):
            update(snapshot(held(TEAM), held(PREMIUM)), quantities={"seats": 12})
        for which in (*WHICH, {}):
            with pytest.raises(NotFound) as missing:
                update(snapshot(), TEAM, quantities={"seats": 12}, **which)
            assert "customer_product_not_found" == missing.value.code


class TestScheduled:
    """A plan that has not started (§12.1)."""

    def test_quantities(self) -> None:
        """What it will start with can be chosen; nothing is billed."""
        decision = update(snapshot(scheduled(TEAM, FEBRUARY, quantities=TEN)), quantities={"seats": 7})

        assert ([ChangePlan], {"seats": 7}) == (kinds(decision), goes_on(decision).quantities)

    @pytest.mark.parametrize(
        "changes",
        [{"customize": custom(price=DEARER)}, {"version": 2}, {"quantities": {"seats": 7}, "uncancel": True}],
    )
    def test_nothing_else(self, changes: dict[str, Any]) -> None:
        """Anything else is refused."""
        with pytest.raises(BadRequest, match="has not started"):
            update(snapshot(scheduled(TEAM, FEBRUARY, quantities=TEN)), **changes)


class TestUncancel:
    """Keeping a plan together with a change of it (§12.6)."""

    def test_with_more_seats(self) -> None:
        """What was to follow goes, the plan stays, and the seats are charged."""
        state = snapshot(canceling(held(TEAM, quantities=TEN), FEBRUARY), scheduled(FREE, FEBRUARY))
        decision = update(state, quantities={"seats": 12}, uncancel=True)

        assert [DropScheduled, KeepPlan, IssueInvoice, ChangePlan] == kinds(decision)
        assert (1000, None) == (cents(decision), goes_on(decision).ends_at)

    def test_alone(self) -> None:
        """By itself it bills nothing; on a plan that is not canceling it does nothing."""
        assert [KeepPlan] == kinds(update(snapshot(canceling(held(PRO), FEBRUARY)), uncancel=True))
        assert [] == kinds(update(snapshot(held(PRO)), uncancel=True))

    def test_a_change_leaves_what_follows(self) -> None:
        """Without it the plan that waits stays where it is."""
        state = snapshot(canceling(held(TEAM, quantities=TEN), FEBRUARY), scheduled(FREE, FEBRUARY))

        assert [IssueInvoice, ChangePlan] == kinds(update(state, quantities={"seats": 12}))


class TestAtTheEndOfTheCycle:
    """`plan_schedule: end_of_cycle` on a change of terms (issue's reading of §12.3)."""

    def test_other_terms_wait(self) -> None:
        """The plan ends with its cycle and starts then on the other terms, in the same rhythm."""
        decision = update(customer(held(PRO)), customize=custom(price=CHEAPER), timing=PlanTiming.END_OF_CYCLE)
        (waiting,) = [each.held for each in decision.actions if isinstance(each, SchedulePlan)]

        assert [CancelPlan, SchedulePlan] == kinds(decision)
        assert (FEBRUARY, JANUARY, True) == (waiting.starts_at, waiting.anchor_at, waiting.terms is not None)

    def test_in_place_of_what_was_to_follow(self) -> None:
        """A plan that waited already goes."""
        state = snapshot(canceling(held(PRO), FEBRUARY), scheduled(FREE, FEBRUARY))
        decision = update(state, customize=custom(price=CHEAPER), timing=PlanTiming.END_OF_CYCLE)

        assert DropScheduled in kinds(decision)


class TestAttachedAgain:
    """A customised plan attached to who has it (issue's reading of §12.3)."""

    def test_only_features(self) -> None:
        """At once, usage kept, nothing billed."""
        offer = plan("pro", 20, item("messages", 300))
        decision = attach(customer(held(PRO), {"messages": 30}), offer, HALF, customize=custom(items=offer.items))

        assert (0, {"messages": 270}) == (cents(decision), balances(decision))

    def test_dearer(self) -> None:
        """Prorated and charged now."""
        offer = plan("pro", 60, *PRO.items)

        assert 2000 == cents(attach(customer(held(PRO)), offer, HALF, customize=custom(price=DEARER)))

    def test_cheaper(self) -> None:
        """From the end of the cycle on."""
        offer = plan("pro", 10, *PRO.items)
        decision = attach(customer(held(PRO)), offer, HALF, customize=custom(price=CHEAPER))

        assert [CancelPlan, SchedulePlan] == kinds(decision)


class TestFromNowOn:
    """`billing_cycle_anchor: now` by itself."""

    def test_a_new_period(self) -> None:
        """The rest of the old period is given back, a whole one charged."""
        decision = update(customer(held(PRO)), anchor="now")

        assert (1000, HALF) == (cents(decision), goes_on(decision).anchor_at)

    def test_nothing_to_move(self) -> None:
        """A plan without a cycle has no anchor."""
        with pytest.raises(BadRequest, match="billing_cycle_anchor"):
            update(snapshot(held(ONE_OFF)), anchor="now")


@pytest.mark.parametrize(
    ("card", "changes", "expected"),
    [
        (True, {}, Payment.CHARGE),
        (True, {"redirect_mode": RedirectMode.ALWAYS}, Payment.CONFIRM),
        (False, {}, Payment.CHARGE),
        (True, {"bill": False}, Payment.NONE),
        (True, {"invoice_mode": InvoiceMode()}, Payment.SEND),
        (True, {"invoice_mode": InvoiceMode(enable_immediately=True)}, Payment.NONE),
    ],
)
def test_what_it_needs_of_the_payer(card: bool, changes: dict[str, Any], expected: Payment) -> None:  # noqa: FBT001  # a column
    """More seats are charged, confirmed or sent before they come (§10.6, §10.7)."""
    state = customer(held(TEAM, quantities=TEN), card=card)

    assert expected is update(state, quantities={"seats": 12}, **changes).payment


def test_no_card_and_no_page() -> None:
    """Where nobody may be sent to a page, a card is needed first."""
    with pytest.raises(BadRequest) as refused:
        update(customer(held(TEAM, quantities=TEN), card=False), quantities={"seats": 12},
               redirect_mode=RedirectMode.NEVER)  # fmt: skip
    assert "customer_has_no_payment_method" == refused.value.code


def test_nothing_is_asked() -> None:
    """A request without a change is refused."""
    with pytest.raises(BadRequest, match="Nothing to update"):
        update(snapshot(held(PRO)))


@pytest.mark.parametrize("mode", [InvoiceMode(), InvoiceMode(finalize=False), InvoiceMode(enable_immediately=True)])
def test_no_invoice_for_units_alone(mode: InvoiceMode) -> None:
    """A change of units only makes no invoice, so none can be sent (§10.7)."""
    with pytest.raises(BadRequest, match="invoice_mode"):
        update(customer(held(PRO)), customize=custom(items=(item("messages", 300),)), invoice_mode=mode)


@pytest.mark.parametrize("finalize", [True, False])
def test_a_decrease_does_not_wait_to_be_paid(finalize: bool) -> None:  # noqa: FBT001  # a column
    """Given at once it may be sent; deferred it is refused (§10.7)."""
    state = customer(held(TEAM, quantities=TEN))
    with pytest.raises(BadRequest, match="enable_plan_immediately"):
        update(state, quantities={"seats": 7}, invoice_mode=InvoiceMode(finalize=finalize))
    now = update(state, quantities={"seats": 7}, invoice_mode=InvoiceMode(finalize=finalize, enable_immediately=True))

    assert (-1500, Payment.NONE) == (cents(now), now.payment)


def test_unknown_features_and_negative_numbers() -> None:
    """Only what is bought in advance has a quantity, and it is not below zero."""
    for quantities in ({"messages": 1}, {"nothing": 1}, {"seats": -1}):
        with pytest.raises(BadRequest) as refused:
            update(snapshot(held(TEAM)), quantities=quantities)
        assert "invalid_options" == refused.value.code
