"""What moving a customer to another version comes to (billing.md §16.2)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.balances.model import Grant
from sumac.billing.migration_model import Effect, OverageLine, SkipReason, UnitsChange
from sumac.billing.model import GiveUnits, Holding, HoldLines, IssueInvoice, PlanStatus, ReplaceTerms, Snapshot
from sumac.billing.rules.migrate import Move, compute_effect, decide_move, find_obstacle
from sumac.catalog.model import Plan, PlanItem
from sumac.core.errors import BadRequest
from tests.rules.decisions import FEBRUARY, HALF, kinds
from tests.rules.offers import (
    FREE,
    JANUARY,
    MONTHLY,
    ONCE,
    ONE_OFF,
    PRO_TRIAL,
    at,
    canceling,
    held,
    item,
    plan,
    prepaid,
    scheduled,
    usage_based,
)
from tests.rules.updates import balances, customer, goes_on, waiting_cents

FIRST = plan("pro", 10, item("messages", 10, price=usage_based("1")))


def second(*items: PlanItem, amount: int | None = 12, **changes: object) -> Plan:
    """The next version of the plan."""
    return replace(plan("pro", amount, *items), version=2, **changes)  # type: ignore[arg-type]  # of a plan


SECOND = second(item("messages", 20, price=usage_based("2")))
FEWER = second(item("messages", 5, price=usage_based("2")))


def move(state: Snapshot, to: Plan) -> Move:
    return decide_move(state, state.holdings[0], to, now=HALF)


@pytest.mark.parametrize(
    ("used", "to", "left", "cents"),
    [
        pytest.param(5, SECOND, 15, 0, id="mark"),
        pytest.param(20, SECOND, 0, 1000, id="helly"),
        pytest.param(10, SECOND, 10, 0, id="all-of-it"),
        pytest.param(30, SECOND, 0, 2000, id="beyond-both-and-billed-once"),
        pytest.param(8, FEWER, -3, 0, id="fewer-units-than-used"),
        pytest.param(20, FEWER, -5, 1000, id="what-was-free-before-is-not-on-the-line"),
        pytest.param(20, second(), None, 1000, id="the-feature-goes"),
    ],
)
def test_usage_goes_along(used: int, to: Plan, left: int | None, cents: int) -> None:
    """The worked numbers: what was used counts on the new units; beyond the old ones it is billed at the old price."""
    moved = move(customer(held(FIRST), {"messages": used}), to)

    assert ({} if left is None else {"messages": left}, cents) == (
        balances(moved.decision), waiting_cents(moved.decision),
    )  # fmt: skip
    assert IssueInvoice not in kinds(moved.decision)
    assert (2, None, JANUARY, FEBRUARY) == (
        goes_on(moved.decision).version, goes_on(moved.decision).terms,
        goes_on(moved.decision).period_start, goes_on(moved.decision).period_end,
    )  # fmt: skip


def test_the_effect() -> None:
    """Helly renews at $12 in the place of $10; ten of her messages are billed; she has twenty and none is left."""
    state = customer(held(FIRST), {"messages": 20})
    units = UnitsChange("messages", None, Decimal(10), Decimal(20), Decimal(-10), Decimal(0))
    line = OverageLine("messages", "Messages: 10 used beyond 10", 1000)

    assert Effect(1, 2, False, "usd", FEBRUARY, 1000, 1200, (line,), (units,)) == (
        compute_effect(state, move(state, SECOND))
    )


def test_nothing_to_tell() -> None:
    """Units that stay the same are not in the effect; a free plan renews for nothing, and never."""
    state = customer(held(FREE))
    effect = compute_effect(state, move(state, replace(FREE, version=2)))

    assert ((), (), 0, 0) == (effect.units, effect.lines, effect.charge_before_minor, effect.charge_after_minor)
    flat = customer(held(plan("flat", None, item("sso"))))
    assert None is compute_effect(flat, move(flat, replace(flat.holdings[0].plan, version=2))).renews_at


def test_free_becomes_paid_with_the_next_renewal() -> None:
    """Nobody is charged now: the first period at a price begins in a month."""
    moved = move(customer(held(FREE)), replace(second(), id="free"))

    assert ([ReplaceTerms], HALF, at("2026-02-16 12:00")) == (
        kinds(moved.decision), goes_on(moved.decision).anchor_at, goes_on(moved.decision).period_end
    )  # fmt: skip


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(
            customer(held(FIRST, trial_ends_at=FEBRUARY, anchor_at=FEBRUARY, period_end=FEBRUARY), {"messages": 20}),
            id="on-trial",
        ),
        pytest.param(
            replace(
                (state := customer(held(FIRST), {"messages": 20})), unbilled=frozenset(each.id for each in state.grants)
            ),
            id="not-billed",
        ),
    ],
)  # fmt: skip
def test_overage_that_costs_nothing(state: Snapshot) -> None:
    """It is on no line, and goes along like all usage."""
    moved = move(state, second(item("messages", 15, price=usage_based("2"))))

    assert ({"messages": -5}, 0) == (balances(moved.decision), waiting_cents(moved.decision))


def test_held_seats_are_billed_as_long_as_they_are_held() -> None:
    """Three held and one included: three of five now, and no line for what was not over."""
    first = plan("pro", 10, item("seats", 1, price=usage_based("10")))
    moved = move(customer(held(first), {"seats": 3}), second(item("seats", 5, price=usage_based("10"))))

    assert ({"seats": 2}, 0) == (balances(moved.decision), waiting_cents(moved.decision))


@pytest.mark.parametrize(
    ("first", "quantities", "used", "to", "expected"),
    [
        pytest.param(
            item("seats", 0, price=prepaid("8")), {"seats": 5}, 2, item("seats", 1, price=prepaid("9")), 3, id="kept"
        ),
        pytest.param(item("seats", 3), {}, 2, item("seats", 4, price=prepaid("9")), 2, id="newly-sold"),
    ],
)
def test_bought_units(first: PlanItem, quantities: dict[str, int], used: int, to: PlanItem, expected: int) -> None:
    """What is bought stays bought; of what is newly sold in advance nothing is."""
    chosen = {key: Decimal(quantity) for key, quantity in quantities.items()}
    moved = move(customer(held(plan("pro", 10, first), quantities=chosen), {"seats": used}), second(to))

    assert {"seats": expected} == balances(moved.decision)


def test_what_was_bought_once_lives_on_once() -> None:
    """The hundred words outlive the move and are not given again, nor are those that came with them."""
    pack = item("words", 50, reset=None, price=prepaid("10", cadence=ONCE, units=100))
    state = customer(held(plan("pro", 10, pack), quantities={"words": Decimal(150)}), {"words": 30})
    moved = move(state, second(pack))
    (kept,) = [each for each in moved.decision.actions if isinstance(each, GiveUnits)]

    assert ({"words": 0}, [Decimal(120)]) == (balances(moved.decision), [each.balance for each in kept.provisions])
    assert {"words": 50} == balances(move(customer(held(FIRST)), second(pack)).decision)


def test_every_entity_has_its_own_overage() -> None:
    """One has used more than its ten, the other has not: one line, and only the first owes nothing any more."""
    slots = item("messages", 10, price=usage_based("1"), entity_feature_id="seats")
    state = customer(held(plan("pro", 10, slots)))

    def slot(entity: str, balance: int) -> Grant:
        return replace(state.grants[0], id=entity, entity_key=entity, shared_id="slots", balance=Decimal(balance))

    state = customer(held(FIRST))
    state = replace(state, grants=(slot("one", -4), slot("two", 7)))
    moved = move(state, second(item("messages", 5, price=usage_based("2"))))
    (waits,) = [each for each in moved.decision.actions if isinstance(each, HoldLines)]

    assert [400] == [int(line.exact_minor) for line in waits.lines]


RUNNING = held(FIRST)
OWN_TERMS = Holding(replace(RUNNING.held, terms=FIRST.terms), FIRST)


@pytest.mark.parametrize(
    ("target", "include_custom", "expected"),
    [
        (RUNNING, False, None),
        (held(SECOND), False, SkipReason.ALREADY_THERE),
        (OWN_TERMS, False, SkipReason.CUSTOM),
        (OWN_TERMS, True, None),
        (canceling(RUNNING, FEBRUARY), False, SkipReason.CANCELING),
        (scheduled(FIRST, FEBRUARY), False, SkipReason.NOT_STARTED),
        (held(FIRST, status=PlanStatus.PAUSED, ends_at=HALF), False, SkipReason.PAUSED),
        (held(FIRST, status=PlanStatus.EXPIRED), False, SkipReason.ENDED),
        (held(ONE_OFF), False, SkipReason.BOUGHT_ONCE),
        (None, False, SkipReason.ENDED),
    ],
)
def test_who_stays(target: Holding | None, include_custom: bool, expected: SkipReason | None) -> None:  # noqa: FBT001  # a column
    """Plans that do not simply run stay as they are, and so do special terms unless they are chosen."""
    assert expected == find_obstacle(target, 2, include_custom=include_custom)


def test_a_version_it_cannot_go_on_at() -> None:
    """A plan that recurs does not become one that is bought once."""
    with pytest.raises(BadRequest, match="bought once"):
        move(customer(held(PRO_TRIAL)), replace(ONE_OFF, version=2))
    assert MONTHLY == FIRST.items[0].reset
