"""More of what is bought once, on top of what is there (billing.md §12.4, §10.9)."""

# ruff: noqa: ANN401  # `request` are fields of the request, of any type

from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.model import ChangePlan, Snapshot
from sumac.billing.requests import CustomLine, InvoiceMode
from sumac.catalog.model import Tier, TierBehavior
from sumac.core.errors import BadRequest
from sumac.invoices.model import InvoiceKind
from tests.rules.decisions import amounts, cents, kinds
from tests.rules.offers import ONCE, held, item, plan, prepaid
from tests.rules.updates import applied, balances, custom, customer, goes_on, update

TIERS = (Tier(Decimal(200), Decimal(10)), Tier(None, Decimal(5)))
PACKS = item("messages", 0, reset=None, price=prepaid("10", cadence=ONCE, units=100))
TEAM = plan("team", 20, PACKS, item("seats", 0, price=prepaid("8")))


def bought(used: int = 0, units: int = 100) -> Snapshot:
    """A customer with a plan, seats, and messages that were bought once."""
    quantities = {"messages": Decimal(units), "seats": Decimal(2)}
    return customer(held(TEAM, quantities=quantities), {"messages": used})


@pytest.mark.parametrize(
    ("asked", "price", "total"),
    [
        pytest.param(100, 1000, 200, id="a-pack"),
        pytest.param(300, 3000, 400, id="three-packs"),
        pytest.param(150, 2000, 300, id="a-pack-that-is-begun-is-a-whole-one"),
        pytest.param(1, 1000, 200, id="one-unit"),
    ],
)
def test_units_are_added(asked: int, price: int, total: int) -> None:
    """The quantity is what is added, in whole packs at their whole price; the invoice stands by itself."""
    decision = update(bought(), quantities={"messages": asked})

    assert (price, {"messages": total}) == (cents(decision), balances(decision))
    assert {"messages": total, "seats": 2} == goes_on(decision).quantities
    assert decision.invoice is not None
    assert InvoiceKind.TOP_UP is decision.invoice.kind


def test_what_was_used_beyond_is_paid_first() -> None:
    """150 used of 100: 100 more leave 50."""
    assert {"messages": 50} == balances(update(bought(150), quantities={"messages": 100}))


def test_twice() -> None:
    """Quantities only grow."""
    state = bought()
    state = applied(state, update(state, quantities={"messages": 100}))

    assert {"messages": 400, "seats": 2} == goes_on(update(state, quantities={"messages": 200})).quantities


def test_volume_tiers_count_what_is_bought_now() -> None:
    """300 more at the price of the band they reach by themselves."""
    tiered = prepaid("1", cadence=ONCE, units=100, tiers=TIERS, tier_behavior=TierBehavior.VOLUME)
    packs = item("messages", 0, reset=None, price=_without_amount(tiered))
    state = customer(held(plan("team", 20, packs), quantities={"messages": Decimal(0)}))

    assert (2000, 1500) == tuple(cents(update(state, quantities={"messages": units})) for units in (200, 300))


def _without_amount(price: Any) -> Any:
    return type(price)(price.cadence, price.billing_method, None, tiers=price.tiers, billing_units=price.billing_units,
                       tier_behavior=price.tier_behavior)  # fmt: skip


def test_for_nothing_or_as_stated() -> None:
    """Without billing the units are a gift; stated lines are the price."""
    assert [ChangePlan] == kinds(update(bought(), quantities={"messages": 100}, bill=False))
    stated = (CustomLine(Decimal(4), "Agreed"),)
    assert [400] == amounts(update(bought(), quantities={"messages": 100}, custom_lines=stated))


def test_sent() -> None:
    """It can be sent as an invoice like any other change."""
    decision = update(bought(), quantities={"messages": 100}, invoice_mode=InvoiceMode(net_terms_days=7))

    assert decision.invoice is not None
    assert 7 == decision.invoice.net_terms_days


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param({"quantities": {"messages": 0}}, id="none"),
        pytest.param({"quantities": {"messages": -100}}, id="fewer"),
        pytest.param({"quantities": {"messages": 100, "seats": 3}}, id="with-another-feature"),
        pytest.param({"quantities": {"messages": 100}, "uncancel": True}, id="with-keeping"),
        pytest.param({"quantities": {"messages": 100}, "anchor": "now"}, id="with-the-anchor"),
    ],
)
def test_too_much_at_once(request_: dict[str, Any]) -> None:
    """A top-up is of one feature, by a number above zero, and nothing else."""
    with pytest.raises(BadRequest) as refused:
        update(bought(), **request_)

    assert "invalid_options" == refused.value.code


def test_with_other_terms_it_is_a_total() -> None:
    """Together with a customisation quantities are totals of the new terms, and charged whole (§12.3)."""
    decision = update(bought(), customize=custom(price=None), quantities={"messages": 200})

    assert {"messages": 200, "seats": 2} == goes_on(decision).quantities
