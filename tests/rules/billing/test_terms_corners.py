"""Other terms of a running plan where they meet trials, ends, seats and what is bought once (billing.md §10.8, §12)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.model import (
    DropScheduled,
    Holding,
    IssueInvoice,
    KeepPlan,
    PlanStatus,
    ReleaseLines,
    ReplaceTerms,
    Snapshot,
)
from sumac.billing.requests import CustomLine
from sumac.billing.rules.seats import starting_seat_lines
from sumac.catalog.model import BasePrice, Plan, Proration
from sumac.core.errors import BadRequest
from tests.rules.decisions import FEBRUARY, HALF, TRIAL_END, amounts, attach, cents, kinds
from tests.rules.offers import (
    FREE,
    JANUARY,
    MONTHLY,
    ONCE,
    ONE_OFF,
    PREMIUM,
    PRO,
    PRO_TRIAL,
    TRIAL,
    YEARLY,
    at,
    canceling,
    held,
    item,
    plan,
    prepaid,
    scheduled,
    snapshot,
    usage_based,
)
from tests.rules.updates import applied, balances, custom, customer, goes_on, update

DAY10 = at("2026-01-10")
STATED = (CustomLine(Decimal("3.50"), "Agreed"),)
THIRTY, HUNDRED_A_YEAR = BasePrice(Decimal(30), MONTHLY), BasePrice(Decimal(100), YEARLY)
DEARER, YEAR, NO_TRIAL = custom(price=THIRTY), custom(price=HUNDRED_A_YEAR), custom(free_trial=None)
ON_TRIAL = held(PRO_TRIAL, trial_ends_at=TRIAL_END, anchor_at=TRIAL_END, period_end=TRIAL_END)
PACK = item("words", 0, reset=None, price=prepaid("10", cadence=ONCE, units=100))
MIXED = held(plan("mixed", 20, PACK), quantities={"words": Decimal(100)})
AT_ONCE = Proration("prorate_immediately", "prorate_immediately")


@pytest.mark.parametrize(
    ("holding", "changes", "problem"),
    [
        pytest.param(held(FREE), {"customize": DEARER, "prorate": False}, "proration_behavior", id="free-to-paid"),
        pytest.param(ON_TRIAL, {"customize": NO_TRIAL, "prorate": False}, "proration_behavior", id="a-trials-end"),
        pytest.param(MIXED, {"customize": DEARER, "prorate": False}, "costs once", id="what-is-bought-once"),
        pytest.param(held(FREE), {"customize": DEARER, "custom_lines": STATED}, "custom_line_items", id="new-lines"),
        pytest.param(ON_TRIAL, {"customize": NO_TRIAL, "custom_lines": STATED}, "custom_line_items", id="trial-lines"),
        pytest.param(ON_TRIAL, {"customize": DEARER, "anchor": "now"}, "free trial", id="anew-on-trial"),
        pytest.param(ON_TRIAL, {"anchor": "now"}, "free trial", id="nothing-but-anew-on-trial"),
        pytest.param(held(PRO), {"customize": custom(free_trial=TRIAL), "anchor": "now"}, "free trial", id="both"),
        pytest.param(canceling(held(PRO), FEBRUARY), {"customize": YEAR}, "ends on 01 February 2026", id="a-year"),
        pytest.param(canceling(held(PRO), FEBRUARY), {"anchor": "now"}, "ends on 01 February 2026", id="anew"),
        pytest.param(
            held(plan("team", 20, item("seats", 0, price=prepaid("8"))), quantities={"seats": Decimal(1)}),
            {"quantities": {"seats": 2}, "anchor": "now"},
            "billing_cycle_anchor",
            id="a-quantity-and-the-anchor",
        ),
    ],
)
def test_what_is_refused(holding: Holding, changes: dict[str, Any], problem: str) -> None:
    """What would have to be charged and would not be, and periods that nobody could count (§10.8, §10.10)."""
    with pytest.raises(BadRequest, match=problem):
        update(customer(holding), now=DAY10, **changes)


def test_a_plan_attached_again_follows_the_same_rules() -> None:
    """Taking away its trial has to be charged, however it is asked for."""
    offer = replace(PRO_TRIAL, free_trial=None)
    with pytest.raises(BadRequest, match="proration_behavior"):
        attach(customer(ON_TRIAL), offer, DAY10, customize=NO_TRIAL, prorate=False)


@pytest.mark.parametrize(
    ("holding", "changes", "expected"),
    [
        pytest.param(held(PRO), {"customize": DEARER, "anchor": "now"}, [3000], id="anew-the-whole-new-price"),
        pytest.param(held(FREE), {"customize": DEARER, "anchor": "now"}, [3000], id="from-free-anew"),
        pytest.param(ON_TRIAL, {"customize": NO_TRIAL, "anchor": "now"}, [2000], id="the-trial-ends-anew"),
        pytest.param(held(PRO), {"anchor": "now"}, [2000], id="nothing-but-anew"),
        pytest.param(MIXED, {"customize": DEARER, "custom_lines": STATED}, [350], id="stated-lines"),
        pytest.param(MIXED, {"customize": DEARER, "bill": False}, [], id="no-billing-at-all"),
        pytest.param(
            held(ONE_OFF), {"customize": custom(price=BasePrice(Decimal(15), ONCE))}, [1500], id="a-purchase-is-charged"
        ),
    ],
)
def test_without_proration(holding: Holding, changes: dict[str, Any], expected: list[int]) -> None:
    """Nothing is given back; where a period begins now the new price is whole, and purchases know no proration."""
    assert expected == amounts(update(customer(holding), prorate=False, **changes))


class TestWhatStays:
    """The plan goes on as the same one (§12.3)."""

    @pytest.mark.parametrize(
        "state",
        [
            pytest.param({"status": PlanStatus.PAST_DUE}, id="past-due"),
            pytest.param({"subscription_id": "mine", "schedule_id": "sched"}, id="ids"),
            pytest.param({"canceled_at": DAY10, "ends_at": FEBRUARY}, id="canceling"),
            pytest.param({"net_terms_days": 30, "next_anchor_at": at("2026-01-20")}, id="how-it-is-billed"),
        ],
    )
    def test_the_row(self, state: dict[str, Any]) -> None:
        """Start, periods and state are what they were; the terms are new."""
        holding = held(PRO, **state)
        after = goes_on(update(customer(holding), customize=DEARER))

        assert replace(holding.held, terms=after.terms) == after
        assert THIRTY == after.terms.price

    def test_a_plan_that_costs_nothing_any_more(self) -> None:
        """What is left is given back, and there is no period to be billed for."""
        decision = update(customer(held(plan("pro", 20))), now=JANUARY, customize=custom(price=None))

        assert ([-2000], None) == (amounts(decision), goes_on(decision).period_end)

    @pytest.mark.parametrize(
        ("changes", "billed", "released"),
        [
            pytest.param({}, 4000 - 8000, True, id="billed-and-given-back"),
            pytest.param({"prorate": False}, 0, True, id="forgiven-without-proration"),
            pytest.param({"bill": False}, 0, True, id="forgiven-without-billing"),
            pytest.param({"customize": custom(price=THIRTY, items=())}, 1500 - 8000, False, id="renewed-it-waits-on"),
        ],
    )
    def test_what_waits_for_an_invoice_that_never_comes(
        self, changes: dict[str, Any], billed: int, *, released: bool
    ) -> None:
        """Ten packs for $80 and ten more to be billed with the next invoice: a plan that is free has none."""
        later = Proration("prorate_next_cycle", "prorate_next_cycle")
        offer = plan("team", None, item("words", 0, reset=None, price=prepaid("8", units=12), proration=later))
        state = customer(held(offer, quantities={"words": Decimal(120)}))
        state = applied(state, update(state, quantities={"words": 240}))
        decision = update(state, **{"customize": custom(items=()), **changes})

        assert billed == cents(decision)
        assert released is (ReleaseLines in kinds(decision))

    def test_what_is_to_follow(self) -> None:
        """A plan that waits for its place goes on waiting."""
        state = snapshot(canceling(held(PRO), FEBRUARY), scheduled(FREE, FEBRUARY))

        assert [IssueInvoice, ReplaceTerms] == kinds(update(state, customize=DEARER))

    def test_kept_on_other_terms(self) -> None:
        """Uncancelled in the same call: as a new version, for a year, or on trial (§12.6)."""
        state = snapshot(canceling(held(PRO), FEBRUARY), scheduled(FREE, FEBRUARY))
        second = replace(PRO, version=2, price=THIRTY)
        for plan_, changes in (
            (second, {"version": 2}),
            (None, {"customize": YEAR}),
            (None, {"customize": custom(free_trial=TRIAL)}),
        ):
            decision = update(state, plan_, uncancel=True, **changes)

            assert [DropScheduled, KeepPlan, IssueInvoice, ReplaceTerms] == kinds(decision)
            assert (None, None) == (goes_on(decision).canceled_at, goes_on(decision).ends_at)


class TestSeats:
    """Held units paid for when they are taken, on other terms: $10 for each beyond the included (§12.3)."""

    @staticmethod
    def team(included: int, used: int) -> Snapshot:
        """A team that took and paid so many seats on 1 January."""
        holding = held(plan("team", 20, TestSeats.seats(included)))
        state = customer(holding, {"seats": used})
        state = replace(state, grants=tuple(replace(each, proration=AT_ONCE) for each in state.grants))
        taken = tuple(starting_seat_lines(state, holding, state.grants, now=JANUARY))
        return replace(state, charges=(*state.charges, *taken))

    @staticmethod
    def seats(included: int) -> Any:  # noqa: ANN401  # a plan item
        """Seats of which so many are included."""
        return item("seats", included, price=usage_based("10"), proration=AT_ONCE)

    @pytest.mark.parametrize(
        ("included", "used", "then", "total"),
        [
            pytest.param(2, 10, 5, -3000, id="8-paid-seats-become-5"),
            pytest.param(10, 5, 3, 2000, id="no-paid-seat-becomes-2"),
            pytest.param(2, 2, 5, 0, id="none-before-and-none-after"),
        ],
    )
    def test_another_number_included(self, included: int, used: int, then: int, total: int) -> None:
        """Seats in use stay in use: those no longer paid for are given back, those that now are, charged."""
        decision = update(self.team(included, used), now=JANUARY, customize=custom(items=(self.seats(then),)))

        assert (total, {"seats": then - used}) == (cents(decision), balances(decision))

    @pytest.mark.parametrize(("proration", "total"), [(AT_ONCE, 1000), (None, 0)])
    def test_a_free_plan_that_sells_them(self, proration: Proration | None, total: int) -> None:
        """Two included and three in use are $10 where seats are paid for as they are taken, nothing yet otherwise."""
        state = customer(held(plan("free", None, item("seats", 2))), {"seats": 3})
        sold = item("seats", 2, price=usage_based("10"), proration=proration)

        assert total == cents(update(state, customize=custom(items=(sold,))))


def test_what_is_bought_once_may_have_no_quantity() -> None:
    """Added without one it is offered, not bought; recurring units need one (§12.1, §12.3)."""
    added = custom(add_items=(PACK,))
    decision = update(customer(held(PREMIUM)), customize=added)

    assert ([], {}) == (amounts(decision), goes_on(decision).quantities)
    chosen = update(customer(held(PREMIUM)), customize=added, quantities={"words": 200})
    assert ([2000], {"words": 200}) == (amounts(chosen), goes_on(chosen).quantities)


@pytest.mark.parametrize("order", [("words", "messages"), ("messages", "words")])
def test_features_are_matched_by_id(order: tuple[str, str]) -> None:
    """One pack more of one and one fewer of the other at the same price are four lines, in whatever order (§12.2)."""
    both: Plan = plan("both", None, *(item(each, 0, price=prepaid("5")) for each in ("words", "messages")))
    state = customer(held(both, quantities={"words": Decimal(10), "messages": Decimal(20)}))
    wanted = {"words": 20, "messages": 10}
    decision = update(state, now=JANUARY, quantities={each: wanted[each] for each in order})
    assert decision.invoice is not None

    assert {("words", -5000), ("words", 10000), ("messages", -10000), ("messages", 5000)} == {
        (line.feature_id, int(line.exact_minor)) for line in decision.invoice.lines
    }
    assert {"words": 20, "messages": 10} == balances(decision)


def test_less_than_half_a_cent_is_no_line() -> None:
    """Where the credit for one total and the charge for the other come to nothing, neither is shown (§12.2)."""
    offer = plan("tiny", None, item("words", 0, price=prepaid("0.004")))
    state = customer(held(offer, quantities={"words": Decimal(10)}))

    assert [] == amounts(update(state, now=HALF, quantities={"words": 11}))
