"""Bins of a calendar, and stretches of time that are named (api.md §2.7)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sumac.core.errors import BadRequest
from sumac.core.time import Cadence, Interval, Period
from sumac.events.rules.bins import BinSize, Span, cut, reach_back

UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
BEIRUT = ZoneInfo("Asia/Beirut")
APIA = ZoneInfo("Pacific/Apia")
NOW = datetime(2026, 3, 18, 13, 37, 30, tzinfo=UTC)
"""A Wednesday."""
NOW_AND_ON = NOW + timedelta(milliseconds=1)
MONTH = Cadence(Interval.MONTH)
QUARTER = Cadence(Interval.MONTH, 3)
BILLED = datetime(2025, 1, 31, 9, 30, tzinfo=UTC)


def at(text: str) -> datetime:
    """An instant of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


CUTS = [
    ("2026-03-18T10:20", "2026-03-18T12:00", BinSize.HOUR, UTC_ZONE, ["03-18T10", "03-18T11", "03-18T12"]),
    ("2026-03-18T10:20", "2026-03-19T00:01", BinSize.DAY, UTC_ZONE, ["03-18T00", "03-19T00", "03-20T00"]),
    ("2026-03-18T10:20", "2026-03-23T00:00", BinSize.WEEK, UTC_ZONE, ["03-16T00", "03-23T00"]),
    ("2026-02-28T23:59", "2026-03-01T00:01", BinSize.MONTH, UTC_ZONE, ["02-01T00", "03-01T00", "04-01T00"]),
    # clocks go forward on 29 March, one o'clock UTC: the day has 23 hours
    ("2026-03-28T23:00", "2026-03-30T01:00", BinSize.DAY, BERLIN, ["03-28T23", "03-29T22", "03-30T22"]),
    # and back on 25 October: the hour from two to three comes twice
    (
        "2026-10-25T00:00",
        "2026-10-25T02:10",
        BinSize.HOUR,
        BERLIN,
        ["10-25T00", "10-25T01", "10-25T02", "10-25T03"],
    ),
    ("2026-03-18T00:00", "2026-03-18T00:01", BinSize.HOUR, KATHMANDU, ["03-17T23:15", "03-18T00:15"]),
    # back by half an hour on 5 April, two o'clock: the last hour of the day is half of one
    ("2026-04-05T13:10", "2026-04-05T13:40", BinSize.HOUR, LORD_HOWE, ["04-05T13", "04-05T13:30", "04-05T14:30"]),
    # clocks go forward at midnight: the day begins at one o'clock
    ("2026-03-28T10:00", "2026-03-29T10:00", BinSize.DAY, BEIRUT, ["03-27T22", "03-28T22", "03-29T21"]),
]


@pytest.mark.parametrize(("start", "end", "size", "zone", "expected"), CUTS)
def test_cutting(start: str, end: str, size: BinSize, zone: ZoneInfo, expected: list[str]) -> None:
    """Where the bins begin, and where the last one ends, in UTC."""
    edges = cut(Period(at(start), at(end)), size, zone)

    assert [at(f"2026-{edge}") if ":" in edge else at(f"2026-{edge}:00") for edge in expected] == [*edges]


def test_a_day_that_was_left_out() -> None:
    """Samoa had no 30 December 2011: its neighbours are one after the other."""
    edges = cut(Period(at("2011-12-29T12:00"), at("2012-01-01T00:00")), BinSize.DAY, APIA)

    assert [at("2011-12-29T10:00"), at("2011-12-30T10:00"), at("2011-12-31T10:00"), at("2012-01-01T10:00")] == [*edges]


@pytest.mark.parametrize(
    ("period", "size"),
    [
        (Period(NOW, NOW), BinSize.DAY),
        (Period(NOW, NOW - timedelta(days=1)), BinSize.DAY),
        (Period(NOW, NOW + timedelta(hours=10_001)), BinSize.HOUR),
        (Period(at("1970-01-01"), at("8999-01-01")), BinSize.MONTH),
        (Period(at("9998-12-31"), at("9999-12-31T23:59")), BinSize.MONTH),
    ],
)
def test_what_cannot_be_cut(period: Period, size: BinSize) -> None:
    """Nothing, backwards, into too many bins, or beyond the calendar."""
    with pytest.raises(BadRequest) as refused:
        cut(period, size, UTC_ZONE)

    assert "invalid_inputs" == refused.value.code


REACHES = [
    (Span.DAY, BinSize.HOUR, UTC_ZONE, None, "2026-03-17T13:00", NOW_AND_ON),
    (Span.DAY, BinSize.DAY, UTC_ZONE, None, "2026-03-17T13:00", NOW_AND_ON),
    (Span.DAY, BinSize.HOUR, KATHMANDU, None, "2026-03-17T13:15", NOW_AND_ON),
    (Span.WEEK, BinSize.DAY, UTC_ZONE, None, "2026-03-11T00:00", NOW_AND_ON),
    (Span.WEEK, BinSize.MONTH, UTC_ZONE, None, "2026-03-11T00:00", NOW_AND_ON),
    (Span.WEEK, BinSize.HOUR, UTC_ZONE, None, "2026-03-11T13:00", NOW_AND_ON),
    (Span.MONTH, BinSize.DAY, BERLIN, None, "2026-02-15T23:00", NOW_AND_ON),
    (Span.QUARTER, BinSize.WEEK, UTC_ZONE, None, "2025-12-18T00:00", NOW_AND_ON),
    (Span.ONE_CYCLE, BinSize.DAY, UTC_ZONE, (BILLED, MONTH), "2026-02-28T09:30", NOW_AND_ON),
    (Span.THREE_CYCLES, BinSize.DAY, UTC_ZONE, (BILLED, MONTH), "2025-12-31T09:30", NOW_AND_ON),
    (Span.LAST_CYCLE, BinSize.DAY, UTC_ZONE, (BILLED, MONTH), "2026-01-31T09:30", at("2026-02-28T09:30")),
    (Span.LAST_CYCLE, BinSize.DAY, UTC_ZONE, (BILLED, QUARTER), "2025-10-31T09:30", at("2026-01-31T09:30")),
    (Span.ONE_CYCLE, BinSize.DAY, BERLIN, None, "2026-02-28T23:00", NOW_AND_ON),
    (Span.THREE_CYCLES, BinSize.DAY, UTC_ZONE, None, "2026-01-01T00:00", NOW_AND_ON),
    (Span.LAST_CYCLE, BinSize.DAY, BERLIN, None, "2026-01-31T23:00", at("2026-02-28T23:00")),
]


@pytest.mark.parametrize(("span", "size", "zone", "billed", "start", "end"), REACHES)
def test_reaching_back(
    span: Span, size: BinSize, zone: ZoneInfo, billed: tuple[datetime, Cadence] | None, start: str, end: datetime
) -> None:
    """From the day or the hour so long ago up to and with now; billing cycles from their own first instant."""
    assert Period(at(start), end) == reach_back(span, now=NOW, size=size, zone=zone, billed=billed)
