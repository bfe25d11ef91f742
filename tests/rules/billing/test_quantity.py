"""More or fewer bought units: when they come, and when they are billed (billing.md §12.2, §14.3, §20.1)."""

# ruff: noqa: ANN401  # `request` are fields of the request, of any type

from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.model import ChangePlan, Decision, Holding, Snapshot
from sumac.billing.requests import CustomLine
from sumac.catalog.model import Plan, Proration
from tests.rules.decisions import FEBRUARY, HALF, TRIAL_END, amounts, cents, kinds, turn
from tests.rules.offers import JANUARY, at, canceling, held, item, plan, prepaid
from tests.rules.updates import applied, balances, customer, goes_on, update, waiting_cents

LAST_HOUR = at("2026-01-31 23:00")


def offer(*modes: str, included: int = 0) -> Plan:
    """Words in packs of 12 for $8 a month."""
    rule = Proration(*(*modes, "prorate_immediately")[:2]) if modes else None
    return plan("team", None, item("words", included, reset=None, price=prepaid("8", units=12), proration=rule))


def bought(packs: int, *modes: str, **changes: Any) -> Snapshot:
    """A customer who bought so many packs on 1 January."""
    return customer(held(offer(*modes), quantities={"words": Decimal(packs * 12)}, **changes))


def change(state: Snapshot, packs: int, now: Any = HALF, **request: Any) -> Decision:
    return update(state, now=now, quantities={"words": packs * 12}, **request)


def renewal(state: Snapshot) -> Decision:
    """What is billed on 1 February."""
    return turn(*state.holdings, grants=state.grants, held_lines=state.held_lines)


@pytest.mark.parametrize(
    ("before", "after", "modes", "now", "cents_now", "gained", "cents_at_renewal"),
    [
        pytest.param(10, 20, (), JANUARY, 8000, 120, 16000, id="more-at-the-start"),
        pytest.param(10, 20, (), HALF, 4000, 120, 16000, id="more-at-half"),
        pytest.param(10, 20, ("prorate_immediately",), HALF, 4000, 120, 16000, id="more-prorated-now"),
        pytest.param(10, 20, ("bill_immediately",), HALF, 4000, 120, 16000, id="more-billed-now"),
        pytest.param(10, 20, ("prorate_next_cycle",), HALF, 0, 120, 20000, id="more-with-the-next"),
        pytest.param(10, 20, ("bill_next_cycle",), HALF, 0, 120, 16000, id="more-free-until-the-next"),
        pytest.param(20, 5, (), JANUARY, -12000, -180, 4000, id="fewer-at-the-start"),
        pytest.param(20, 10, (), HALF, -4000, -120, 8000, id="fewer-at-half"),
        pytest.param(20, 10, ("prorate_next_cycle", "prorate_next_cycle"), HALF, 0, -120, 4000, id="fewer-next"),
        pytest.param(20, 10, ("prorate_immediately", "none"), HALF, 0, 0, 8000, id="fewer-later"),
        pytest.param(20, 10, ("prorate_immediately", "no_prorations"), HALF, 0, 0, 8000, id="fewer-no-prorations"),
        pytest.param(10, 10, (), HALF, 0, 0, 8000, id="the-same"),
        pytest.param(10, 0, (), HALF, -4000, -120, 0, id="none-at-all"),
        pytest.param(0, 10, (), HALF, 4000, 120, 8000, id="the-first-ones"),
    ],
)
def test_each_way_of_billing(  # noqa: PLR0917  # a row of the table
    before: int, after: int, modes: tuple[str, ...], now: Any, cents_now: int, gained: int, cents_at_renewal: int
) -> None:
    """The table of §12.2: what is billed now, what changes now, and what is billed at the renewal."""
    state = bought(before, *modes)
    decision = change(state, after, now)
    done = applied(state, decision)

    assert cents_now == cents(decision)
    assert gained == sum(each.balance for each in done.grants) - before * 12
    assert cents_at_renewal == cents(renewal(done))


def test_a_later_decrease_is_taken_back() -> None:
    """20 to 10 and to 20 again in one cycle: nothing is billed, and nothing waits any more."""
    state = bought(20, "prorate_immediately", "none")
    fewer = change(state, 10)
    assert {"words": 120} == goes_on(fewer).upcoming_quantities
    back = change(applied(state, fewer), 20)

    assert ([], {}) == (amounts(back), goes_on(back).upcoming_quantities)
    assert 16000 == cents(renewal(applied(applied(state, fewer), back)))


def test_more_after_a_later_decrease() -> None:
    """20, then 10 from the renewal on, then 25: five more are charged now, and nothing waits."""
    state = bought(20, "prorate_immediately", "none")
    state = applied(state, change(state, 10))
    more = change(state, 25)

    assert (2000, {}) == (cents(more), goes_on(more).upcoming_quantities)


@pytest.mark.parametrize(
    ("steps", "total"),
    [
        pytest.param((20, 10), 0, id="more-and-fewer"),
        pytest.param((5, 10), 0, id="fewer-and-more"),
        pytest.param((20, 30), 8000, id="more-and-more"),
        pytest.param((5, 0), -4000, id="fewer-and-fewer"),
    ],
)
def test_changes_of_one_instant_net(steps: tuple[int, ...], total: int) -> None:
    """Each change gives back what the ones before it charged (§14.3)."""
    state, billed = bought(10), 0
    for packs in steps:
        decision = change(state, packs)
        billed += cents(decision)
        state = applied(state, decision)

    assert total == billed


def test_with_the_next_invoice_twice() -> None:
    """Two more seats on 15 January and one fewer on 22 January wait for the renewal of $108.71 (§20.1 case 18)."""
    rule = Proration("prorate_next_cycle", "prorate_next_cycle")
    team = plan("team", 20, item("seats", 0, price=prepaid("50"), proration=rule))
    state = customer(held(team, quantities={"seats": Decimal(0)}))
    more = update(state, now=at("2026-01-15"), quantities={"seats": 2})
    state = applied(state, more)
    fewer = update(state, now=at("2026-01-22"), quantities={"seats": 1})
    state = applied(state, fewer)

    assert (5484, -1613) == (waiting_cents(more), waiting_cents(fewer))
    assert 10871 == cents(renewal(state))


def test_volume_beyond_what_is_included() -> None:
    """No more than is included costs nothing, and is still all there is."""
    team = offer(included=120)
    state = customer(held(team, quantities={"words": Decimal(240)}))
    decision = update(state, quantities={"words": 60})

    assert (-4000, {"words": 120}) == (cents(decision), balances(decision))
    assert 0 == cents(renewal(applied(state, decision)))


def test_several_features_on_one_invoice() -> None:
    """Five messages more at $5 and ten words fewer at $1 come to $15; what is not named stays."""
    both = plan(
        "both",
        None,
        item("words", 0, price=prepaid("1")),
        item("messages", 0, price=prepaid("5")),
        item("seats", 0, price=prepaid("9")),
    )
    chosen = {"words": Decimal(20), "messages": Decimal(10), "seats": Decimal(3)}
    decision = update(customer(held(both, quantities=chosen)), now=JANUARY, quantities={"messages": 15, "words": 10})

    assert (1500, {"messages": 15, "words": 10}) == (cents(decision), balances(decision))
    assert {"messages": 15, "words": 10, "seats": 3} == goes_on(decision).quantities


def test_usage_stays_counted() -> None:
    """100 of 120 used: 120 more leave 140, 60 fewer leave 40 below zero."""
    state = customer(held(offer(), quantities={"words": Decimal(120)}), {"words": 100})

    assert {"words": 140} == balances(change(state, 20))
    assert {"words": -40} == balances(change(state, 5))


@pytest.mark.parametrize("request_", [{"prorate": False}, {"bill": False}])
def test_without_proration(request_: dict[str, bool]) -> None:
    """Nothing is billed before the renewal; the units are there at once."""
    state = bought(10)
    decision = change(state, 20, **request_)

    assert ([], {"words": 240}) == (amounts(decision), balances(decision))
    assert 16000 == cents(renewal(applied(state, decision)))


def test_while_on_trial() -> None:
    """Nothing is billed before the trial ends; then all of them are."""
    state = bought(10, trial_ends_at=TRIAL_END, anchor_at=TRIAL_END, period_end=TRIAL_END)
    decision = change(state, 20, at("2026-01-10"))
    state = applied(state, decision)

    assert ([], {"words": 240}) == (amounts(decision), balances(decision))
    assert 16000 == cents(turn(*state.holdings, at_=TRIAL_END, grants=state.grants))


def test_while_canceling() -> None:
    """It goes on to its end only, with the units for the time until then."""
    holding: Holding = canceling(bought(10).holdings[0], FEBRUARY)
    decision = change(customer(holding), 20)

    assert (4000, holding.held.canceled_at, FEBRUARY) == (
        cents(decision), goes_on(decision).canceled_at, goes_on(decision).ends_at,
    )  # fmt: skip


def test_stated_lines_take_the_place_of_counted_ones() -> None:
    """What the caller states is billed now, whatever the item says about the next invoice; not when nothing is."""
    stated = (CustomLine(Decimal(7), "Agreed by telephone"),)
    decision = change(bought(10, "prorate_next_cycle"), 20, custom_lines=stated)

    assert ([700], 0) == (amounts(decision), waiting_cents(decision))
    assert [ChangePlan] == kinds(change(bought(10), 20, custom_lines=stated, bill=False))


def test_what_was_really_paid_is_given_back() -> None:
    """Units that were free until the renewal are not given back for money (§14.3)."""
    state = bought(10, "bill_next_cycle", "prorate_next_cycle")
    more = change(state, 20)
    fewer = change(applied(state, more), 10, HALF)

    assert (0, 0, 0) == (cents(more), cents(fewer), waiting_cents(fewer))


def test_the_last_hour() -> None:
    """A change an hour before the renewal costs that hour: 10 packs, $80 / 744."""
    assert 11 == cents(change(bought(10), 20, LAST_HOUR))
