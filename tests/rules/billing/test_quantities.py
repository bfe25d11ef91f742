"""Quantities that are chosen with a plan, and those left out (billing.md §1.6, §10.9, §10.10)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.model import (
    CancelPlan,
    CustomerPlan,
    Decision,
    Holding,
    SchedulePlan,
)
from sumac.billing.requests import PlanTiming
from sumac.catalog.model import BasePrice, Customization, Plan
from sumac.catalog.rules.custom import customized
from sumac.core.errors import BadRequest
from tests.rules.decisions import FEBRUARY, HALF, MARCH, TRIAL_END, attach, cents, kinds, started
from tests.rules.offers import (
    MONTHLY,
    ONE_OFF,
    PREMIUM,
    PRO,
    YEARLY,
    at,
    held,
    item,
    plan,
    prepaid,
    snapshot,
    usage_based,
)
from tests.rules.schedules import phase, schedule


@pytest.mark.parametrize(
    ("offer", "quantities", "problem"),
    [
        (PRO, {"messages": 5}, "messages is not a prepaid feature of plan pro"),
        (PRO, {"lights": 5}, "lights is not a prepaid feature"),
        (ONE_OFF, {"messages": -1}, "must be between 0 and 10000000000000"),
        (ONE_OFF, {"messages": 10**13 + 1}, "must be between 0 and 10000000000000"),
    ],
)
def test_quantities_that_cannot_be_chosen(offer: Plan, quantities: dict[str, int], problem: str) -> None:
    """Only prepaid features are chosen by quantity."""
    with pytest.raises(BadRequest, match=problem) as caught:
        attach(snapshot(), offer, quantities=quantities)

    assert "invalid_options" == caught.value.code


def test_a_feature_both_billed_after_use_and_bought() -> None:
    """Where one item of the feature is prepaid, its quantity may be chosen."""
    both = plan("both", 20, item("messages", 100, price=usage_based("0.10")), item("messages", 0, price=prepaid("1")))

    assert 2500 == cents(attach(snapshot(), both, quantities={"messages": 5}))


def test_one_off_units_cannot_be_chosen_for_later() -> None:
    """A scheduled switch with a quantity that is bought once is refused; 0 is fine (§10.10)."""
    small = plan("small", 10, *ONE_OFF.items)

    with pytest.raises(BadRequest, match="cannot be chosen for a later switch"):
        attach(snapshot(held(PREMIUM)), small, quantities={"messages": 100})
    assert [CancelPlan, SchedulePlan] == kinds(attach(snapshot(held(PREMIUM)), small, quantities={"messages": 0}))


class TestInheritedQuantities:
    """Prepaid quantities that are left out (billing.md §10.9)."""

    @staticmethod
    def words(plan_id: str, amount: int, *, units: int, included: int = 0) -> Plan:
        """A plan whose words are bought in packs."""
        return plan(plan_id, amount, item("words", included, price=prepaid("10", units=units)))

    @pytest.mark.parametrize(("bought", "total"), [(300, 500), (500, 500), (0, None)])
    def test_units_are_packed_anew(self, bought: int, total: int | None) -> None:
        """3 or 5 packs of 100 are 2 packs of 250; nothing bought is nothing inherited."""
        small, big = self.words("small", 20, units=100), self.words("big", 50, units=250)
        decision = attach(snapshot(held(small, quantities={"words": Decimal(bought)})), big)

        assert ({} if total is None else {"words": total}) == started(decision).quantities

    def test_included_units_come_on_top(self) -> None:
        """300 bought beyond 100 included are 300 bought beyond 50 included."""
        old, new = self.words("old", 20, units=100, included=100), self.words("new", 50, units=50, included=50)
        decision = attach(snapshot(held(old, quantities={"words": Decimal(400)})), new)

        assert {"words": 350} == started(decision).quantities

    def test_a_chosen_quantity_wins(self) -> None:
        """What is asked for is what is given."""
        old, new = self.words("old", 20, units=100), self.words("new", 50, units=100)
        decision = attach(snapshot(held(old, quantities={"words": Decimal(300)})), new, quantities={"words": 100})

        assert {"words": 100} == started(decision).quantities

    def test_they_wait_with_a_scheduled_plan(self) -> None:
        """A downgrade takes them along."""
        old, new = self.words("old", 50, units=100), self.words("new", 20, units=100)
        decision = attach(snapshot(held(old, quantities={"words": Decimal(300)})), new)

        assert {"words": 300} == decision.actions[1].held.quantities  # type: ignore[union-attr]  # a scheduled plan

    def test_one_off_units_are_not_inherited(self) -> None:
        """Neither from nor to a price that is paid once."""
        once, dear_once = plan("once", 20, *ONE_OFF.items), plan("dear-once", 90, *ONE_OFF.items)
        monthly = plan("monthly", 50, item("messages", 0, price=prepaid("10", units=100)))
        chosen = {"messages": Decimal(100)}

        assert {} == started(attach(snapshot(held(once, quantities=chosen)), monthly)).quantities
        assert {} == started(attach(snapshot(held(monthly, quantities=chosen)), dear_once)).quantities


def waiting(decision: Decision) -> CustomerPlan:
    """The plan that starts later."""
    (later,) = [action.held for action in decision.actions if isinstance(action, SchedulePlan)]
    return later


class TestUnitsOfALaterStart:
    """A plan that starts later brings along the units that there are by then (§10.9, §12.2)."""

    TEAM = plan("team", 50, item("seats", 0, price=prepaid("8")))
    SMALL = plan("small", 20, item("seats", 0, price=prepaid("8")))
    BIG = plan("big", 90, item("seats", 0, price=prepaid("8")))
    YEAR = plan("team", 50, item("seats", 0, price=prepaid("80", cadence=YEARLY)))
    CHEAPER = Customization(price=BasePrice(Decimal(30), MONTHLY), sets_price=True)

    @staticmethod
    def team(offer: Plan = TEAM, **changes: Any) -> Holding:  # noqa: ANN401  # fields of a customer plan
        """Twenty seats, ten of them only until the renewal."""
        twenty, ten = {"seats": Decimal(20)}, {"seats": Decimal(10)}
        return held(offer, **{"quantities": twenty, "upcoming_quantities": ten, **changes})

    @pytest.mark.parametrize(
        ("upcoming", "asked", "seats"),
        [({}, {}, 20), ({"seats": Decimal(10)}, {}, 10), ({"seats": Decimal(10)}, {"seats": 12}, 12)],
    )
    def test_the_plan_itself_on_cheaper_terms(
        self, upcoming: Mapping[str, Decimal], asked: Mapping[str, int], seats: int
    ) -> None:
        """Attached again it begins anew with its next cycle, and its seats with it."""
        offer = customized(self.TEAM, self.CHEAPER)
        state = snapshot(self.team(upcoming_quantities=upcoming))
        decision = attach(state, offer, HALF, customize=self.CHEAPER, quantities=dict(asked))

        assert ([CancelPlan, SchedulePlan], FEBRUARY) == (kinds(decision), waiting(decision).starts_at)
        assert {"seats": seats} == waiting(decision).quantities

    @pytest.mark.parametrize(
        ("offer", "held_as", "changes", "starts_at", "seats"),
        [
            pytest.param(TEAM, {}, {}, FEBRUARY, 10, id="with-the-cycle"),
            pytest.param(TEAM, {}, {"quantities": {"seats": 12}}, FEBRUARY, 12, id="a-number-asked-for"),
            pytest.param(TEAM, {}, {"starts_at": FEBRUARY}, FEBRUARY, 10, id="at-the-renewal"),
            pytest.param(TEAM, {}, {"starts_at": at("2026-01-20")}, at("2026-01-20"), 20, id="before-the-renewal"),
            pytest.param(YEAR, {}, {"starts_at": MARCH}, MARCH, 20, id="seats-of-a-year"),
            pytest.param(
                YEAR, {"next_anchor_at": at("2026-02-10")}, {"starts_at": MARCH}, MARCH, 10, id="periods-begin-anew"
            ),
            pytest.param(
                TEAM,
                {"anchor_at": TRIAL_END, "trial_ends_at": TRIAL_END, "period_end": TRIAL_END},
                {},
                TRIAL_END,
                10,
                id="with-the-trial",
            ),
        ],
    )  # fmt: skip
    def test_a_decrease_that_waits(
        self, offer: Plan, held_as: dict[str, Any], changes: dict[str, Any], starts_at: datetime, seats: int
    ) -> None:
        """Fewer seats from a renewal on are fewer on the plan that takes its place then, and not before."""
        decision = attach(snapshot(self.team(offer, **held_as)), self.SMALL, at("2026-01-10"), **changes)
        later = waiting(decision)

        assert (starts_at, {"seats": seats}) == (later.starts_at, later.quantities)

    def test_at_once(self) -> None:
        """What takes the place now has what is paid for now."""
        upgrade = attach(snapshot(self.team()), self.BIG, HALF)
        at_once = attach(snapshot(self.team()), self.BIG, HALF, starts_at=FEBRUARY, enable_immediately=True)
        now = attach(snapshot(self.team()), self.SMALL, HALF, timing=PlanTiming.IMMEDIATE)

        assert [{"seats": 20}] * 3 == [started(each).quantities for each in (upgrade, at_once, now)]

    def test_a_later_phase(self) -> None:
        """The plan of a phase that begins with the renewal, or before it."""
        state = snapshot(self.team(), plan_ids=tuple("abcdef"))
        for begins_at, seats in ((FEBRUARY, 10), (at("2026-01-20"), 20)):
            decision = schedule(state, phase(None, self.TEAM), phase(begins_at, self.SMALL), now=HALF)

            assert {"seats": seats} == waiting(decision).quantities
