"""When phases begin, and what cannot be scheduled (billing.md §13.2)."""

# `changes` are fields of the value being made, of any type

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.model import (
    Payment,
    Snapshot,
)
from sumac.billing.requests import InvoiceMode, Phase, PlanWish, RedirectMode
from sumac.catalog.model import Customization, Plan
from sumac.core.errors import BadRequest
from sumac.core.time import Cadence, Interval
from tests.rules.decisions import FEBRUARY, amounts, cents
from tests.rules.offers import (
    ADD_ON,
    FREE,
    GROWTH,
    JANUARY,
    ONE_OFF,
    PREMIUM,
    PRO,
    TRIAL,
    at,
    held,
    snapshot,
)
from tests.rules.reverts import TRIED, trying
from tests.rules.schedules import ends, later, months, phase, schedule, starts

PAST = JANUARY - timedelta(days=40)


@pytest.mark.parametrize(
    ("first", "offset", "begins"),
    [
        ("2026-01-31", months(1), "2026-02-28"),
        ("2026-01-31", months(2), "2026-03-31"),
        ("2026-01-31", Cadence(Interval.YEAR), "2027-01-31"),
        ("2024-02-29", Cadence(Interval.YEAR), "2025-02-28"),
        ("2024-02-29", Cadence(Interval.YEAR, 4), "2028-02-29"),
    ],
)
def test_offsets_count_from_the_first_phase(first: str, offset: Cadence, begins: str) -> None:
    """Months and years of the calendar, never chained: two months after 31 January is 31 March."""
    decision = schedule(snapshot(), phase(None, PRO), phase(offset, PREMIUM), now=at(first))

    assert [("premium", at(begins), None)] == later(decision)


def test_offsets_are_not_chained() -> None:
    """From 31 January: 28 February, then 31 March, and not 28 March."""
    phases = [phase(None, PRO), phase(months(1), PREMIUM), phase(months(2), GROWTH)]
    decision = schedule(snapshot(), *phases, now=at("2026-01-31"))

    assert [at("2026-02-28"), at("2026-03-31")] == [starts_at for _, starts_at, _ in later(decision)]


@pytest.mark.parametrize("minutes", [-15, -1, 0, 1, 15])
def test_now_is_a_quarter_of_an_hour_wide(minutes: int) -> None:
    """A first phase within 15 minutes begins now, to the millisecond."""
    decision = schedule(snapshot(), phase(JANUARY + timedelta(minutes=minutes), PRO))

    assert (JANUARY, JANUARY) == (starts(decision)["pro"].starts_at, starts(decision)["pro"].anchor_at)
    assert 2000 == cents(decision)


def test_the_past_is_charged_by_whole_cycles() -> None:
    """Begun 40 days ago, two plans at $20: two cycles x (20 + 20) = $80, renewal two months after the start."""
    begun = JANUARY - timedelta(days=40)
    decision = schedule(snapshot(), phase(begun, PRO, ADD_ON), phase(months(3), PRO))

    assert [2000, 2000, 2000, 2000] == amounts(decision)
    pro = starts(decision)["pro"]
    assert (begun, begun, at("2026-01-22")) == (pro.starts_at, pro.anchor_at, pro.period_end)
    assert {"pro": None, "add-on": at("2026-02-22")} == ends(decision)


@pytest.mark.parametrize(
    ("state", "phases", "changes", "sentence"),
    [
        (snapshot(), [phase(PAST, FREE)], {}, "free is none"),
        (snapshot(), [phase(PAST, PRO, ONE_OFF)], {}, "one-off is none"),
        (snapshot(held(ADD_ON)), [phase(PAST, PRO)], {}, "nothing else is billed"),
        (snapshot(card=False), [phase(PAST, PRO)], {}, "without a hosted page"),
        (snapshot(), [phase(PAST, PRO)], {"redirect_mode": RedirectMode.ALWAYS}, "without a hosted page"),
        (snapshot(), [phase(PAST, PRO)], {"trial": Customization(free_trial=TRIAL, sets_trial=True)}, "free trial"),
        (snapshot(), [phase(PAST, PRO), phase(months(1), PREMIUM)], {}, "in the future"),
        (snapshot(), [phase(JANUARY + timedelta(minutes=16), PRO)], {}, "now or in the past"),
        (snapshot(), [phase(months(1), PRO)], {}, "now or in the past"),
        (snapshot(), [phase(None, PRO), phase(None, PREMIUM)], {}, "only the first phase"),
        (snapshot(), [phase(None, PRO), phase(months(2), PREMIUM), phase(months(2), GROWTH)], {}, "phases[2]"),
        (snapshot(), [phase(None, PRO), phase(months(2), PREMIUM), phase(months(1), GROWTH)], {}, "phases[2]"),
        (snapshot(), [phase(None, PRO, PREMIUM)], {}, "cannot be held together"),
        (snapshot(), [phase(None, PRO), phase(months(1), PRO, PREMIUM)], {}, "phases[1]"),
        (snapshot(), [phase(None, ADD_ON, ADD_ON)], {}, "stands twice"),
        (snapshot(), [phase(None, PRO), phase(months(1), ADD_ON)], {"unscheduled": [ADD_ON]}, "stands twice"),
        (snapshot(), [phase(None, ADD_ON), phase(months(1), PRO)], {"unscheduled": [PREMIUM]}, "held together"),
        (snapshot(), [phase(None, *[replace(ADD_ON, id=f"a{n}") for n in range(21)])], {}, "at most 20"),
        (snapshot(), [phase(None, (PRO, PlanWish("pro", quantities={"words": Decimal(1)})))], {}, "prepaid"),
        (
            snapshot(),
            [phase(None, PRO)],
            {"trial": Customization(free_trial=replace(TRIAL, on_end="revert"), sets_trial=True)},
            "reverts",
        ),
        (snapshot(), [phase(None, PRO), phase(months(1), TRIED)], {}, "the trial of plan tried reverts"),
        (trying(), [phase(None, GROWTH)], {}, "pro is paused for a trial"),
        (snapshot(card=False), [phase(None, PRO)], {"redirect_mode": RedirectMode.NEVER}, "no payment method"),
    ],
)
def test_what_cannot_be(
    state: Snapshot, phases: list[tuple[Phase, list[Plan]]], changes: dict[str, Any], sentence: str
) -> None:
    """Each is refused with a sentence that says what is wrong, and where."""
    with pytest.raises(BadRequest) as refused:
        schedule(state, *phases, **changes)

    assert sentence in str(refused.value)


def test_the_past_may_be_invoiced() -> None:
    """Without a card the elapsed cycles can be sent as an invoice."""
    decision = schedule(snapshot(card=False), phase(PAST, PRO), invoice_mode=InvoiceMode())

    assert (4000, Payment.SEND) == (cents(decision), decision.payment)


@pytest.mark.parametrize(
    ("begins", "snaps"),
    [
        ("2026-01-31 12:00", True),
        ("2026-02-01 12:00", True),
        ("2026-01-31 11:59", False),
        ("2026-02-01 12:01", False),
        ("2026-03-01 01:00", False),
    ],
)
def test_half_a_day_around_the_next_boundary(begins: str, snaps: bool) -> None:  # noqa: FBT001  # a column of the table
    """A phase within 12 hours of the end of the running cycle begins with the next one; no other boundary attracts."""
    decision = schedule(snapshot(), phase(None, PRO), phase(at(begins), PREMIUM))

    assert [("premium", FEBRUARY if snaps else at(begins), None)] == later(decision)


def test_only_the_nearest_phase_snaps() -> None:
    """Of two phases near the boundary one moves to it, and they stay in order."""
    near, nearer = at("2026-01-31 20:00"), at("2026-02-01 03:00")
    decision = schedule(snapshot(), phase(None, PRO), phase(near, PREMIUM), phase(nearer, GROWTH))

    assert [("premium", near, FEBRUARY), ("growth", FEBRUARY, None)] == later(decision)


def test_the_boundary_of_what_runs_already() -> None:
    """A subscription of the 20th is the cycle a new schedule keeps to."""
    pro = held(PRO, at("2025-12-20"))
    decision = schedule(snapshot(pro), phase(None, PRO), phase(at("2026-01-20 07:00"), PREMIUM))

    assert [("premium", at("2026-01-20"), None)] == later(decision)
    assert () == tuple(amounts(decision))
