"""Boundaries are monotone and never chained (billing.md §2.1)."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sumac.core.time import (
    MONTHS,
    Cadence,
    Interval,
    add_months,
    boundary,
    cycle,
    cycle_end,
    cycle_number,
    from_ms,
    to_ms,
)
from tests.laws.strategies import LAW, cadences, instants


@LAW
@given(instants, cadences, st.integers(-40, 40))
def test_boundaries_rise(anchor: datetime, cadence: Cadence, number: int) -> None:
    """Each boundary lies after the one before, and the anchor is boundary zero."""
    assert boundary(anchor, cadence, number) < boundary(anchor, cadence, number + 1)
    assert anchor == boundary(anchor, cadence, 0)


@LAW
@given(instants, cadences, instants)
def test_a_cycle_contains_its_instant(anchor: datetime, cadence: Cadence, now: datetime) -> None:
    """It lies between two boundaries that follow each other, and may be the first of them."""
    period, number = cycle(anchor, cadence, now), cycle_number(anchor, cadence, now)

    assert period.start <= now < period.end
    assert (boundary(anchor, cadence, number), boundary(anchor, cadence, number + 1)) == (period.start, period.end)


@LAW
@given(instants, cadences, st.integers(-30, 30))
def test_a_boundary_is_found_again(anchor: datetime, cadence: Cadence, number: int) -> None:
    """The cycle that begins at a boundary has the boundary's number."""
    assert number == cycle_number(anchor, cadence, boundary(anchor, cadence, number))


@LAW
@given(instants, st.sampled_from(sorted(MONTHS)), st.integers(1, 4), st.integers(-30, 30))
def test_boundaries_are_counted_from_the_anchor(anchor: datetime, interval: Interval, count: int, number: int) -> None:
    """A month that is too short never moves a later boundary: the day is the anchor's wherever the month has it."""
    found = boundary(anchor, Cadence(interval, count), number)
    last_day = (add_months(found.replace(day=1), 1) - timedelta(days=1)).day

    assert min(anchor.day, last_day) == found.day
    assert anchor.timetz() == found.timetz()


@LAW
@given(instants, cadences, instants, st.integers(1, 10**9))
def test_ends_never_go_back(anchor: datetime, cadence: Cadence, now: datetime, step: int) -> None:
    """Later instants have later or equal ends; walking from end to end misses no boundary."""
    end = cycle_end(anchor, cadence, now)

    assert end <= cycle_end(anchor, cadence, now + timedelta(milliseconds=step))
    assert boundary(anchor, cadence, cycle_number(anchor, cadence, now) + 2) == cycle_end(anchor, cadence, end)


@LAW
@given(instants)
def test_milliseconds_name_the_instant(instant: datetime) -> None:
    """There and back is the same instant."""
    assert instant == from_ms(to_ms(instant))
