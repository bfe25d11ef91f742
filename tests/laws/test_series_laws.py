"""Time is cut into bins without a gap, in every zone (api.md §2.7)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumac.core.time import Period, from_ms
from sumac.events.rules import parts
from sumac.events.rules.bins import BinSize, bin_start, cut
from sumac.events.rules.parts import around, parts_of, steps_of
from sumac.events.rules.rollup import quarter_of
from tests.laws.strategies import LAW

HOUR = timedelta(hours=1)
ZERO = timedelta(0)
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Havana",
    "America/Goose_Bay",
    "America/St_Johns",
    "Africa/Monrovia",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
]
zones = st.sampled_from(ZONES).map(ZoneInfo)
sizes = st.sampled_from(BinSize)
instants = st.integers(0, 2_208_988_800_000).map(from_ms)
"""From 1970 to 2040."""
periods = st.builds(
    lambda start, length: Period(start, start + timedelta(milliseconds=length)),
    instants,
    st.integers(1, 400 * 86_400_000),
)


@LAW
@given(periods, sizes, zones)
def test_bins_cover_the_period(period: Period, size: BinSize, zone: ZoneInfo) -> None:
    """They follow each other, each shares an instant with the period, and no instant of it is outside."""
    edges = cut(period, size, zone)

    assert edges[0] <= period.start < edges[1]
    assert edges[-2] < period.end <= edges[-1]
    assert all(one < other for one, other in pairwise(edges))


@LAW
@given(periods, sizes, zones)
def test_an_edge_is_a_beginning_of_the_calendar(period: Period, size: BinSize, zone: ZoneInfo) -> None:
    """A day begins where its date does, a week on a Monday, a month on a first; an hour is never longer than one."""
    for edge in cut(period, size, zone)[1:]:
        before = (edge - timedelta(milliseconds=1)).astimezone(zone).date()
        day = edge.astimezone(zone).date()
        if size is BinSize.HOUR:
            assert edge - bin_start(edge - timedelta(milliseconds=1), size, zone) <= HOUR
        elif (edge.astimezone(zone).time()).replace(tzinfo=None) == datetime.min.time():
            assert before != day
            assert size is not BinSize.MONTH or 1 == day.day
            assert size is not BinSize.WEEK or 0 == day.weekday()


@LAW
@given(instants, sizes, zones)
def test_a_bin_starts_at_or_before_its_instant(instant: datetime, size: BinSize, zone: ZoneInfo) -> None:
    """And the bins of a period from its start on begin with it."""
    period = Period(instant, instant + timedelta(days=3))

    assert cut(period, size, zone)[0] <= instant
    assert instant < cut(period, size, zone)[1]


@LAW
@given(periods, sizes, zones, st.sampled_from([1, 32]))
def test_steps_meet_every_edge(period: Period, size: BinSize, zone: ZoneInfo, most: int) -> None:
    """They follow each other from the first edge to the last one, and every edge is a whole number of them away."""
    edges = cut(period, size, zone)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "RUNS_MAX", most)
        runs = steps_of(edges)

    assert (edges[0], edges[-1]) == (runs[0].start, runs[-1].end)
    assert all(one.end == other.start for one, other in pairwise(runs))
    assert len(runs) <= 32
    for run in runs:
        within = [edge for edge in edges if run.start <= edge <= run.end]

        assert run.length > ZERO
        assert {ZERO} == {(edge - run.start) % run.length for edge in within}


@LAW
@given(periods, sizes, zones)
def test_the_parts_are_the_period(period: Period, size: BinSize, zone: ZoneInfo) -> None:
    """Without a gap; what comes from roll-ups is whole quarters, and what does not is less than two of them.

    Where the zone's clocks are a number of whole quarters from the others'.
    """
    edges = cut(period, size, zone)
    found = [*parts_of(period, edges)]

    assert period == Period(found[0].period.start, found[-1].period.end)
    assert all(one.period.end == other.period.start for one, other in pairwise(found))
    for part in found:
        assert part.steps.start <= part.period.start
        assert part.period.end <= part.steps.end
        if part.rolled_up:
            assert part.period.start == quarter_of(part.period.start)
            assert part.period.end == quarter_of(part.period.end)
        elif period.start >= datetime(1973, 1, 1, tzinfo=UTC):
            assert part.period.end - part.period.start < 2 * timedelta(minutes=15)
    assert around(period).start <= period.start
    assert period.end <= around(period).end
