"""Units that come back, and the next instant at which anything is due (billing.md §9)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from sumac.balances.model import ExpireReservations, Grant, Reservation
from sumac.billing.model import (
    Holding,
    PlanStatus,
    ResetGrants,
)
from sumac.billing.rules.turn import compute_due_at
from sumac.core.time import Cadence, Interval
from tests.rules.decisions import FEBRUARY, MARCH, kinds, metered, resets, turn
from tests.rules.offers import (
    FREE,
    ONE_OFF,
    PRO,
    at,
    canceling,
    grant,
    held,
    scheduled,
)


def test_units_of_a_plan_that_ends_are_not_refilled() -> None:
    """They end with it; other units at the same instant are full again."""
    pro = canceling(held(PRO), FEBRUARY)
    decision = turn(pro, grants=[metered(pro, 100, 50, "0.10"), grant("words", 10, 3)])

    assert {"words-grant": (Decimal(10), MARCH)} == resets(decision)


@pytest.mark.parametrize(
    ("cadence", "due", "following"),
    [
        (Cadence(Interval.HOUR), "2026-01-01 01:00", "2026-01-01 02:00"),
        (Cadence(Interval.DAY), "2026-01-02", "2026-01-03"),
        (Cadence(Interval.WEEK, 2), "2026-01-15", "2026-01-29"),
    ],
)
def test_units_reset_on_their_own(cadence: Cadence, due: str, following: str) -> None:
    """Free units come back at their own interval, above and below zero, with nothing to pay."""
    grants = [grant("messages", 100, 40, id="a", reset=cadence), grant("words", 5, 9, id="b", prepaid=1, reset=cadence)]
    decision = turn(held(FREE), grants=grants, at_=at(due))

    assert [ResetGrants] == kinds(decision)
    assert {"a": (Decimal(100), at(following)), "b": (Decimal(6), at(following))} == resets(decision)


def test_a_reset_long_overdue() -> None:
    """Six months late is one reset, and the next is within one interval (§9.3)."""
    decision = turn(held(FREE), grants=[grant("messages", 100, 40)], at_=at("2026-07-15"))

    assert {"messages-grant": (Decimal(100), at("2026-08-01"))} == resets(decision)


def test_a_month_end_does_not_drift() -> None:
    """A free plan attached on 31 January resets on 28 February and 31 March (§20 case 2, decided by §9.3)."""
    january_31 = at("2026-01-31")
    messages = grant("messages", 100, 40, anchor_at=january_31, resets_at=at("2026-02-28"))
    decision = turn(held(FREE, january_31), grants=[messages], at_=at("2026-02-28"))

    assert {"messages-grant": (Decimal(100), at("2026-03-31"))} == resets(decision)


@pytest.mark.parametrize(
    ("holdings", "grants", "expected"),
    [
        pytest.param([], [], None, id="nothing"),
        pytest.param([held(FREE), held(ONE_OFF)], [grant("seats", 5, reset=None)], None, id="nothing-ever"),
        pytest.param([held(PRO)], [], "2026-02-01", id="renewal"),
        pytest.param([canceling(held(PRO), at("2026-01-20"))], [], "2026-01-20", id="end-before-renewal"),
        pytest.param([canceling(held(PRO), at("2026-05-20"))], [], "2026-02-01", id="renewal-before-end"),
        pytest.param([held(PRO, status=PlanStatus.PAST_DUE)], [], "2026-02-01", id="past-due"),
        pytest.param([held(PRO, status=PlanStatus.EXPIRED)], [], None, id="expired"),
        pytest.param([scheduled(PRO, at("2026-03-01"))], [], "2026-03-01", id="scheduled-start"),
        pytest.param([held(PRO)], [grant("messages", 1, resets_at=at("2026-01-02"))], "2026-01-02", id="reset"),
    ],
)
def test_the_next_instant_due(holdings: Sequence[Holding], grants: Sequence[Grant], expected: str | None) -> None:
    """The earliest of ends, renewals, starts and resets."""
    due_at = compute_due_at([each.held for each in holdings], grants)

    assert (None if expected is None else at(expected)) == due_at


RESERVED = Reservation("rsv_1", "job", "cus_1", "messages", None, Decimal(8), {}, (), at("2026-01-31"), FEBRUARY)


@pytest.mark.parametrize(
    ("reservations", "expected"),
    [
        pytest.param([RESERVED], FEBRUARY, id="expires"),
        pytest.param([replace(RESERVED, expires_at=None)], MARCH, id="never-expires"),
        pytest.param(
            [RESERVED, replace(RESERVED, expires_at=at("2026-01-31 12:00"))], at("2026-01-31 12:00"), id="first"
        ),
    ],
)
def test_reservations_are_due(reservations: Sequence[Reservation], expected: datetime) -> None:
    """The next instant due is that of the earliest expiry, if it lies before everything else (billing.md §7)."""
    assert expected == compute_due_at([], [grant("messages", 1, resets_at=MARCH)], reservations)


def test_reservations_expire_before_anything_else_turns() -> None:
    """At the instant of a renewal they are given back first, alone; what expires later or never is left."""
    pro = held(PRO)
    others = replace(RESERVED, id="rsv_2", expires_at=MARCH), replace(RESERVED, id="rsv_3", expires_at=None)
    used = [metered(pro, 100, 150, "0.10")]

    assert (ExpireReservations((RESERVED,)),) == turn(pro, grants=used, reservations=(RESERVED, *others)).actions
    assert ResetGrants in kinds(turn(pro, grants=used, reservations=others))
