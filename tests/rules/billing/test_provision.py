"""Which units a plan gives (billing.md §1.5, §3.1, §9.1, §10.9)."""

# ruff: noqa: ANN401  # `changes` are fields of the value being made, of any type

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.model import Grant
from sumac.billing.rules.carry import carried_usage
from sumac.billing.rules.provision import provisions_of
from sumac.billing.units import Provision
from sumac.catalog.model import PlanItem
from sumac.core.time import Cadence, Interval
from tests.rules.offers import (
    FEATURES,
    JANUARY,
    MONTHLY,
    ONCE,
    YEARLY,
    at,
    grant,
    held,
    item,
    plan,
    prepaid,
    snapshot,
    usage_based,
)


def provide(*items: PlanItem, quantities: dict[str, int] | None = None, **more: Any) -> tuple[Provision, ...]:
    chosen = {feature_id: Decimal(quantity) for feature_id, quantity in (quantities or {}).items()}
    replaced, floor = more.pop("replaced", ()), more.pop("floor", None)
    holding = held(
        plan("team", 20, *items), anchor_at=more.pop("anchor", JANUARY), quantities=chosen, trial_ends_at=floor
    )
    usage = carried_usage(replaced, FEATURES)
    return provisions_of(holding, snapshot(grants=replaced), now=more.pop("now", JANUARY), usage=usage)


def balances(provisions: Sequence[Provision]) -> list[Decimal]:
    return [each.balance for each in provisions]


def test_included_units() -> None:
    """Units per month, full, and the next instant they are full again."""
    (messages,) = provide(item("messages", 100), now=at("2026-01-10"))

    assert (
        Provision(
            feature_id="messages",
            included=Decimal(100),
            prepaid=Decimal(0),
            balance=Decimal(100),
            unlimited=False,
            overage_allowed=False,
            max_purchase=None,
            reset=MONTHLY,
            resets_at=at("2026-02-01"),
            price=None,
        )
        == messages
    )


def test_bought_units() -> None:
    """Whole packs beyond the included units; chosen totals count the included ones."""
    price = prepaid("10", units=100, max_purchase=Decimal(500))
    (words,) = provide(item("words", 100, price=price), quantities={"words": 250})
    (nothing,) = provide(item("words", 100, price=price))

    assert (100, 200, 300) == (words.included, words.prepaid, words.balance)
    assert (100, 0, 100) == (nothing.included, nothing.prepaid, nothing.balance)
    assert (False, 500, price) == (words.overage_allowed, words.max_purchase, words.price)


def test_unlimited_units_are_not_counted() -> None:
    """Nothing is granted that could be given back: the balance only counts what is used."""
    (seats_,) = provide(item("seats", 5, unlimited=True, price=prepaid("10")), quantities={"seats": 8})

    assert (0, 0, 0) == (seats_.included, seats_.prepaid, seats_.balance)
    assert seats_.unlimited


def test_units_paid_for_after_use() -> None:
    """They may go below zero, down to the limit of what may be bought."""
    (messages,) = provide(item("messages", 100, price=usage_based("0.10", max_purchase=Decimal(300))))

    assert (True, 300, 100) == (messages.overage_allowed, messages.max_purchase, messages.balance)


@pytest.mark.parametrize(
    ("each", "included"),
    [
        pytest.param(item("sso"), 0, id="boolean"),
        pytest.param(PlanItem("sso", Decimal(5), reset=MONTHLY), 0, id="boolean-with-units-by-mistake"),
        pytest.param(item("messages", 100, unlimited=True), 0, id="unlimited"),
        pytest.param(item("seats", 5), 5, id="held"),
        pytest.param(item("seats", 5, reset=MONTHLY), 5, id="held-with-a-reset-by-mistake"),
        pytest.param(item("messages", 100, reset=None), 100, id="lasting"),
        pytest.param(item("messages", 100, reset=ONCE), 100, id="once"),
    ],
)
def test_what_never_resets(each: PlanItem, included: int) -> None:
    """Boolean, unlimited, held and lasting units have no next reset (§9.1)."""
    (provision,) = provide(each)

    assert (None, None) == (provision.reset, provision.resets_at)
    assert (included, included) == (provision.included, provision.balance)


@pytest.mark.parametrize(
    ("anchor", "cadence", "now", "resets_at"),
    [
        ("2026-01-31", MONTHLY, "2026-01-31", "2026-02-28"),
        ("2026-01-31", MONTHLY, "2026-02-28", "2026-03-31"),
        ("2026-01-01", MONTHLY, "2026-02-15", "2026-03-01"),
        ("2026-01-01", YEARLY, "2026-02-15", "2027-01-01"),
        ("2026-01-01", Cadence(Interval.HOUR), "2026-01-01 00:30", "2026-01-01 01:00"),
        ("2026-01-15", MONTHLY, "2026-01-01", "2026-01-15"),
    ],
)
def test_the_first_reset(anchor: str, cadence: Cadence, now: str, resets_at: str) -> None:
    """The end of the interval's own cycle, counted from the anchor."""
    (provision,) = provide(item("messages", 1, reset=cadence), anchor=at(anchor), now=at(now))

    assert at(resets_at) == provision.resets_at


def test_no_reset_before_the_trials_end() -> None:
    """A trial of three months holds a monthly reset back."""
    end = at("2026-04-01")
    (provision,) = provide(item("messages", 1), anchor=end, now=JANUARY, floor=end)

    assert end == provision.resets_at


def test_an_unknown_feature_gives_nothing() -> None:
    """A feature deleted since then is left out."""
    assert () == provide(PlanItem("lights", Decimal(5)))


def seats(included: int, used: int, **changes: Any) -> Grant:
    return grant("seats", included, used, reset=None, **changes)


@pytest.mark.parametrize(
    ("replaced", "items", "expected"),
    [
        pytest.param([seats(5, 3)], [item("seats", 10)], [7], id="more-room"),
        pytest.param([seats(30, 25)], [item("seats", 5)], [-20], id="25-used-in-a-plan-of-5"),
        pytest.param([seats(5, 0)], [item("seats", 5)], [5], id="nothing-used"),
        pytest.param([seats(5, -2)], [item("seats", 5)], [7], id="raised-above-the-grant"),
        pytest.param([seats(5, 3, id="a"), seats(5, 4, id="b")], [item("seats", 10)], [3], id="from-two-grants"),
        pytest.param([seats(0, 9, unlimited=True)], [item("seats", 10)], [1], id="from-unlimited"),
        pytest.param([seats(5, 3)], [item("seats", 0, unlimited=True)], [-3], id="to-unlimited"),
        pytest.param([seats(5, 3)], [item("messages", 10)], [10], id="no-seats-in-the-new-plan"),
        pytest.param([grant("messages", 100, 60)], [item("messages", 10)], [10], id="used-up-units-begin-afresh"),
        pytest.param([grant("lights", 1, 1)], [item("seats", 5)], [5], id="an-unknown-feature"),
        pytest.param(
            [seats(5, 3)],
            [item("seats", 2, price=usage_based("10")), item("seats", 2, price=prepaid("8"))],
            [1, 0],
            id="prepaid-room-first",
        ),
        pytest.param(
            [seats(9, 9)],
            [item("seats", 2, price=usage_based("10")), item("seats", 2, price=prepaid("8"))],
            [-5, 0],
            id="the-rest-where-it-may-be-bought",
        ),
        pytest.param(
            [seats(9, 9)],
            [item("seats", 0, unlimited=True), item("seats", 2, price=prepaid("8"))],
            [-7, 0],
            id="the-rest-where-there-is-no-end",
        ),
    ],
)
def test_held_units_are_carried_over(replaced: Sequence[Grant], items: Sequence[PlanItem], expected: list[int]) -> None:
    """What is held stays held, even beyond the new plan; what is used up begins afresh (§10.9)."""
    assert expected == balances(provide(*items, replaced=replaced))


def test_carrying_over_changes_only_the_balance() -> None:
    """Granted stays what the plan gives."""
    (provision,) = provide(item("seats", 5), replaced=[seats(5, 3)])

    assert replace(provide(item("seats", 5))[0], balance=Decimal(2)) == provision
