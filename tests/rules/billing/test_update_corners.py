"""Corners of updates: volume with included units, what waits, a plan attached again (billing.md §12, §20.1)."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from sumac.billing.model import (
    ChangePlan,
    CustomerPlan,
    Decision,
    Holding,
    IssueInvoice,
    Payment,
    ReplaceTerms,
    SchedulePlan,
    Snapshot,
)
from sumac.billing.requests import CarryOver, CustomLine, InvoiceMode, PlanTiming, RedirectMode
from sumac.billing.rules.lines import advance_lines
from sumac.billing.rules.preview import compute_next_cycle
from sumac.catalog.model import BasePrice, ItemPrice, Plan, Proration, Tier, TierBehavior
from sumac.core.errors import BadRequest, Conflict
from tests.rules.decisions import FEBRUARY, HALF, MARCH, attach, cents, kinds, turn
from tests.rules.offers import (
    FEATURES,
    FREE,
    JANUARY,
    MONTHLY,
    ONCE,
    ONE_OFF,
    PREMIUM,
    PRO,
    TRIAL,
    at,
    canceling,
    held,
    item,
    plan,
    prepaid,
    usage_based,
)
from tests.rules.updates import applied, balances, custom, customer, goes_on, update

FEBRUARY_HALF = at("2026-02-15")
LATER = Proration("prorate_next_cycle", "none")


def tiered(behavior: TierBehavior, included: int) -> ItemPrice:
    """$10 for each of the first five packs of 100 bought, $5 for those above; shown with what is included."""
    tiers = (Tier(Decimal(500 + included), Decimal(10)), Tier(None, Decimal(5)))
    return replace(prepaid("1", units=100), amount=None, tiers=tiers, tier_behavior=behavior)


def words(behavior: TierBehavior, included: int, quantity: int) -> Snapshot:
    """A customer who chose so many words in January."""
    offer = plan("words", None, item("words", included, price=tiered(behavior, included)))
    return customer(held(offer, quantities={"words": Decimal(quantity)}))


@pytest.mark.parametrize(
    ("before", "after", "total"),
    [
        pytest.param(200, 800, 4000, id="800-at-the-rate-above"),
        pytest.param(200, 700, 7000, id="700-is-the-boundary-itself"),
        pytest.param(200, 200, 0, id="no-more-than-is-included"),
        pytest.param(200, 201, 3000, id="201-are-three-packs"),
        pytest.param(800, 200, -4000, id="back-to-what-is-included"),
        pytest.param(800, 700, 3000, id="fewer-may-cost-more"),
        pytest.param(201, 150, -3000, id="below-what-is-included"),
    ],
)
def test_volume_with_included_units(before: int, after: int, total: int) -> None:
    """200 included and the whole total priced at the rate it reaches, nothing at or below them (§20.1 case 14)."""
    state = words(TierBehavior.VOLUME, 200, before)
    decision = update(state, now=JANUARY, quantities={"words": after})
    granted = max(200, -(-after // 100) * 100)

    assert total == cents(decision)
    assert [granted] == [each.balance for each in applied(state, decision).grants]


@pytest.mark.parametrize(
    ("before", "after", "by_volume", "by_bands"), [(300, 800, 1000, 3500), (800, 300, -1000, -3500)]
)
def test_volume_and_bands(before: int, after: int, by_volume: int, by_bands: int) -> None:
    """300 to 800 cost $10 more where the total is priced, $35 where each band is, and the same back (§2.4)."""
    volume, bands = words(TierBehavior.VOLUME, 0, before), words(TierBehavior.GRADUATED, 0, before)

    assert (by_volume, by_bands) == tuple(
        cents(update(state, now=JANUARY, quantities={"words": after})) for state in (volume, bands)
    )


class TestTheNextCycle:
    """What the next cycle will cost after changes that wait for it (api.md §2.5 `next_cycle`)."""

    @staticmethod
    def team(packs: int) -> Snapshot:
        """Words in packs of 12 at $8; more are billed with the next invoice, fewer come with it."""
        offer = plan("team", 20, item("words", 0, reset=None, price=prepaid("8", units=12), proration=LATER))
        return customer(held(offer, quantities={"words": Decimal(packs * 12)}))

    @staticmethod
    def next_cents(state: Snapshot) -> list[int]:
        """The lines of the next cycle, in cents."""
        (holding,) = state.holdings
        waiting = [each.line for each in state.held_lines]
        upcoming = compute_next_cycle(holding, FEATURES, currency="usd", held_lines=waiting)
        assert upcoming is not None
        assert FEBRUARY == upcoming.starts_at
        return [round(line.exact_minor) for line in upcoming.lines]

    @pytest.mark.parametrize(
        ("steps", "expected"),
        [
            pytest.param((20,), [2000, 16000, -4000, 8000], id="more-waits-as-lines"),
            pytest.param((5,), [2000, 4000], id="fewer-waits-as-a-quantity"),
            pytest.param((20, 5), [2000, 4000, -4000, 8000], id="more-and-then-fewer"),
            pytest.param((5, 10), [2000, 8000], id="fewer-and-the-same-again"),
            pytest.param((0,), [2000], id="none-at-all"),
        ],
    )
    def test_what_waits_is_in_it(self, steps: tuple[int, ...], expected: list[int]) -> None:
        """From ten packs: the quantities of the next period whole, and the lines that wait beside them."""
        state = self.team(10)
        for packs in steps:
            state = applied(state, update(state, quantities={"words": packs * 12}))

        assert expected == self.next_cents(state)

    @pytest.mark.parametrize(
        ("anchor", "starts_at", "expected"),
        [
            pytest.param(at("2026-01-11"), at("2026-01-11"), 1613, id="within-the-cycle"),
            pytest.param(FEBRUARY, FEBRUARY, 5000, id="at-its-end"),
            pytest.param(at("2026-02-20"), FEBRUARY, 5000, id="after-a-renewal"),
        ],
    )
    def test_periods_counted_from_a_later_day(self, anchor: datetime, starts_at: datetime, expected: int) -> None:
        """Where they are counted anew before the cycle ends, what is not paid of the new period comes then (§10.10)."""
        upcoming = compute_next_cycle(held(PREMIUM, next_anchor_at=anchor), FEATURES, currency="usd")
        assert upcoming is not None

        assert (starts_at, [expected]) == (upcoming.starts_at, [round(line.exact_minor) for line in upcoming.lines])
        assert [starts_at] == [each.period.start for each in upcoming.usage]

    def test_nothing_follows_a_plan_that_ends(self) -> None:
        """Neither for what waits as a quantity, nor for lines."""
        state = self.team(10)
        state = applied(state, update(state, quantities={"words": 240}))
        ending = canceling(state.holdings[0], FEBRUARY)

        assert compute_next_cycle(ending, FEATURES, currency="usd", held_lines=()) is None


SEATS = held(plan("team", 20, item("seats", 0, price=prepaid("8"))), quantities={"seats": Decimal(5)})
DESKS = held(
    plan("desks", 10, item("seats", 0, reset=None, price=prepaid("8", cadence=ONCE)), cadence=ONCE),
    quantities={"seats": Decimal(5)},
)
COSTS, TRIED = custom(price=PRO.price), custom(price=PRO.price, free_trial=TRIAL)
NEVER = {"redirect_mode": RedirectMode.NEVER}


@pytest.mark.parametrize(
    ("holding", "changes", "card", "payment"),
    [
        pytest.param(held(FREE), {"customize": COSTS}, True, Payment.CHARGE, id="free-to-paid-with-card"),
        pytest.param(held(FREE), {"customize": COSTS}, False, Payment.CHECKOUT, id="free-to-paid-without-card"),
        pytest.param(held(FREE), {"customize": TRIED}, False, Payment.SETUP, id="free-to-trial-without-card"),
        pytest.param(SEATS, {"quantities": {"seats": 9}}, False, Payment.CHARGE, id="more-seats-without-card"),
        pytest.param(SEATS, {"quantities": {"seats": 2}, **NEVER}, False, Payment.NONE, id="fewer-seats-without-card"),
        pytest.param(DESKS, {"quantities": {"seats": 2}}, True, Payment.CHARGE, id="a-purchase-with-card"),
        pytest.param(DESKS, {"quantities": {"seats": 2}}, False, Payment.CHECKOUT, id="a-purchase-without-card"),
    ],
)
def test_where_the_payer_is_sent(holding: Holding, changes: dict[str, Any], payment: Payment, *, card: bool) -> None:
    """As when attaching: to a page for a first subscription or a purchase without a card, else the card is charged."""
    assert payment is update(customer(holding, card=card), **changes).payment


class TestAtTheEndOfTheCycle:
    """Other terms that wait for the renewal (`plan_schedule: end_of_cycle`)."""

    END: ClassVar[dict[str, Any]] = {"timing": PlanTiming.END_OF_CYCLE}
    DEARER = custom(price=BasePrice(Decimal(30), MONTHLY))

    @staticmethod
    def scheduled(decision: Decision) -> CustomerPlan:
        """The plan that will start."""
        (waiting,) = [each.held for each in decision.actions if isinstance(each, SchedulePlan)]
        return waiting

    def test_bought_units_go_along(self) -> None:
        """As many as there will be then, unless others are chosen; what is bought once is not bought again."""
        once = item("messages", 0, reset=None, price=prepaid("10", cadence=ONCE, units=100))
        offer = plan("team", 20, item("seats", 0, price=prepaid("8"), proration=LATER), once)
        state = customer(held(offer, quantities={"seats": Decimal(20), "messages": Decimal(100)}))
        state = applied(state, update(state, quantities={"seats": 10}))
        plain = update(state, customize=self.DEARER, **self.END)
        chosen = update(state, customize=self.DEARER, quantities={"seats": 12}, **self.END)

        assert [{"seats": 10}, {"seats": 12}] == [self.scheduled(each).quantities for each in (plain, chosen)]
        with pytest.raises(BadRequest, match="bought once"):
            update(state, customize=self.DEARER, quantities={"messages": 100}, **self.END)

    @pytest.mark.parametrize("seats", [25, 10])
    def test_quantities_wait_too(self, seats: int) -> None:
        """More or fewer units: nothing is billed or changes before the renewal, which is of the new total."""
        state = customer(
            held(plan("team", 20, item("seats", 0, price=prepaid("8"))), quantities={"seats": Decimal(20)})
        )
        decision = update(state, quantities={"seats": seats}, **self.END)
        after = applied(state, decision)

        assert ([ChangePlan], {"seats": 20}) == (kinds(decision), goes_on(decision).quantities)
        assert 2000 + seats * 800 == cents(turn(*after.holdings, grants=after.grants))
        same = update(after, quantities={"seats": 20}, **self.END)
        assert {} == goes_on(same).upcoming_quantities

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"quantities": {"messages": 100}}, id="what-is-bought-once"),
            pytest.param({"quantities": {"seats": 3}, "invoice_mode": InvoiceMode()}, id="an-invoice"),
            pytest.param({"anchor": "now"}, id="the-anchor"),
        ],
    )
    def test_what_is_about_now(self, changes: dict[str, Any]) -> None:
        """A top-up, an invoice to send and a period that begins now cannot wait."""
        packs = item("messages", 0, reset=None, price=prepaid("10", cadence=ONCE, units=100))
        with pytest.raises(BadRequest):
            update(customer(held(plan("team", 20, packs, item("seats", 0, price=prepaid("8"))))), **changes, **self.END)

    @pytest.mark.parametrize("offer", [FREE, replace(ONE_OFF, items=())])
    def test_no_cycle_to_wait_for(self, offer: Plan) -> None:
        """A plan that is free, or bought once, changes at once."""
        price = BasePrice(Decimal(30), MONTHLY if offer is FREE else ONCE)
        decision = update(customer(held(offer)), customize=custom(price=price), **self.END)

        assert ([IssueInvoice, ReplaceTerms], 3000) == (kinds(decision), cents(decision))

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            pytest.param({"carry_usages": CarryOver(enabled=True)}, "carry_over_usages", id="usage"),
            pytest.param({"custom_lines": (CustomLine(Decimal(5), "Agreed"),)}, "custom_line_items", id="stated-lines"),
            pytest.param({"invoice_mode": InvoiceMode()}, "invoice_mode", id="an-invoice"),
            pytest.param({"anchor": "now"}, "billing_cycle_anchor", id="the-anchor"),
            pytest.param({"customize": custom(price=PRO.price)}, "on these terms already", id="the-same-terms"),
            pytest.param({"customize": custom(price=BasePrice(Decimal(20), ONCE), items=())}, "bought once", id="once"),
            pytest.param({"customize": custom(items=(item("words", price=prepaid("1")),))}, "how much", id="no-number"),
        ],
    )
    def test_what_cannot_wait(self, changes: dict[str, Any], problem: str) -> None:
        """What is about a change at once, and terms that would be refused at once (§10.9, §10.10, §12.3)."""
        with pytest.raises(BadRequest, match=problem):
            update(customer(held(PRO)), **{"customize": self.DEARER, **self.END, **changes})


class TestAttachedAgainMadeToMeasure:
    """A customised plan attached to who has it: the readings of §12.3 that attaching follows."""

    @staticmethod
    def in_february() -> Snapshot:
        """Pro since January, renewed in February: 30 messages and 4 words used, that reset in March and next year."""
        offer = plan("pro", 20, item("messages", 100), item("words", 50, reset=None), item("seats", 5))
        holding = held(offer, period_start=FEBRUARY, period_end=MARCH)
        state = customer(holding, {"messages": 30, "words": 4, "seats": 2})
        grants = tuple(replace(each, resets_at=MARCH if each.reset else None) for each in state.grants)
        paid = tuple(advance_lines(holding, FEATURES, currency="usd", now=FEBRUARY))
        return replace(state, grants=grants, charges=paid)

    def test_features_only(self) -> None:
        """At once and for nothing; reset dates, period, start and all usage stay."""
        state = self.in_february()
        items = (item("messages", 300), item("words", 20, reset=None), item("seats", 8))
        decision = attach(state, plan("pro", 20, *items), FEBRUARY_HALF, customize=custom(items=items))
        (replaced,) = [each for each in decision.actions if isinstance(each, ReplaceTerms)]

        assert ([ReplaceTerms], {"messages": 270, "words": 16, "seats": 6}) == (kinds(decision), balances(decision))
        assert [MARCH, None, None] == [each.resets_at for each in replaced.provisions]
        held_before, held_after = state.holdings[0].held, goes_on(decision)
        assert replace(held_before, terms=held_after.terms) == held_after
        assert items == held_after.terms.items

    def test_a_feature_that_is_new(self) -> None:
        """It resets with the plan's periods, like everything else of the plan."""
        state = customer(held(PRO), {"messages": 30})
        items = (*PRO.items, item("words", 50))
        decision = attach(state, replace(PRO, items=items), HALF, customize=custom(items=items))
        (replaced,) = [each for each in decision.actions if isinstance(each, ReplaceTerms)]

        assert {"messages": 70, "words": 50} == balances(decision)
        assert [FEBRUARY, FEBRUARY] == [each.resets_at for each in replaced.provisions]

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"price": BasePrice(Decimal(60), MONTHLY)}, id="a-price"),
            pytest.param({"items": (item("messages", 300),)}, id="features"),
            pytest.param({"items": PRO.items}, id="what-the-catalog-has"),
        ],
    )
    def test_the_same_terms_again(self, changes: dict[str, Any]) -> None:
        """A customised plan attached twice is a conflict, like any plan that runs already without a change."""
        sold = replace(PRO, **changes)
        mine = held(sold, terms=sold.terms)
        with pytest.raises(Conflict) as caught:
            attach(customer(mine), sold, HALF, customize=custom(**changes))

        assert "plan_already_attached" == caught.value.code

    def test_the_catalog_plan_again(self) -> None:
        """Attached without a customisation, the plan that was made to measure stays as it is: a conflict, too."""
        mine = held(replace(PRO, items=(item("messages", 300),)))
        with pytest.raises(Conflict, match="is already attached"):
            attach(customer(Holding(replace(mine.held, terms=mine.plan.terms), mine.plan)), PRO, HALF)


def test_a_decrease_that_waits_outlives_other_terms() -> None:
    """Fewer seats from the renewal on stay so on other terms of the plan; a quantity named anew replaces them."""
    offer = plan("team", 20, item("seats", 0, price=prepaid("8"), proration=LATER))
    state = customer(held(offer, quantities={"seats": Decimal(20)}))
    state = applied(state, update(state, quantities={"seats": 10}))
    dearer = custom(price=BasePrice(Decimal(30), MONTHLY))

    assert {"seats": 10} == goes_on(update(state, customize=dearer)).upcoming_quantities
    assert {} == goes_on(update(state, customize=dearer, quantities={"seats": 15})).upcoming_quantities
    without = custom(items=(item("seats", 3, price=usage_based("8")),))
    assert {} == goes_on(update(state, customize=without)).upcoming_quantities
