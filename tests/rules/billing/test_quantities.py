"""Quantities that are chosen with a plan, and those left out (billing.md §1.6, §10.9, §10.10)."""

from decimal import Decimal

import pytest

from sumac.billing.model import (
    CancelPlan,
    SchedulePlan,
)
from sumac.catalog.model import Plan
from sumac.core.errors import BadRequest
from tests.rules.decisions import attach, cents, kinds, started
from tests.rules.offers import (
    ONE_OFF,
    PREMIUM,
    PRO,
    held,
    item,
    plan,
    prepaid,
    snapshot,
    usage_based,
)


@pytest.mark.parametrize(
    ("offer", "quantities", "problem"),
    [
        (PRO, {"messages": 5}, "messages is not a prepaid feature of plan pro"),
        (PRO, {"lights": 5}, "lights is not a prepaid feature"),
        (ONE_OFF, {"messages": -1}, "must not be below 0"),
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
