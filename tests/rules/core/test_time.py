"""Boundaries of cycles: the table and the series of billing.md §2.1."""

from datetime import UTC, datetime, timedelta

import pytest

from sumac.core.time import (
    Cadence,
    Interval,
    Period,
    add_months,
    boundary,
    cycle,
    cycle_end,
    cycle_number,
    cycle_start,
    from_ms,
    to_ms,
)

HOURLY, DAILY, WEEKLY = Cadence(Interval.HOUR), Cadence(Interval.DAY), Cadence(Interval.WEEK)
MONTHLY, QUARTERLY, YEARLY = Cadence(Interval.MONTH), Cadence(Interval.QUARTER), Cadence(Interval.YEAR)
HALF_YEARLY, ONCE = Cadence(Interval.SEMI_ANNUAL), Cadence(Interval.ONE_OFF)


def at(text: str) -> datetime:
    """An instant from a day, or a day and a time, such as 2026-01-31 10:00."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("anchor", "cadence", "now", "start", "end"),
    [
        ("2026-01-31 10:00", MONTHLY, "2026-04-30 09:00", "2026-03-31 10:00", "2026-04-30 10:00"),
        ("2026-01-31 10:00", MONTHLY, "2026-04-30 10:00", "2026-04-30 10:00", "2026-05-31 10:00"),
        ("2026-01-31 10:00", Cadence(Interval.MONTH, 3), "2026-04-30 11:00", "2026-04-30 10:00", "2026-07-31 10:00"),
        ("2026-03-31", Cadence(Interval.MONTH, 2), "2026-04-15", "2026-03-31", "2026-05-31"),
        ("2026-05-31", MONTHLY, "2026-03-15", "2026-02-28", "2026-03-31"),
        ("2026-05-31", MONTHLY, "2026-04-15", "2026-03-31", "2026-04-30"),
        ("2026-04-28", Cadence(Interval.MONTH, 3), "2026-01-15", "2025-10-28", "2026-01-28"),
        ("2026-05-31", Cadence(Interval.MONTH, 2), "2026-02-15", "2026-01-31", "2026-03-31"),
        ("2024-02-29 12:00", YEARLY, "2025-02-28 22:00", "2025-02-28 12:00", "2026-02-28 12:00"),
        ("2024-02-29", YEARLY, "2027-06-20", "2027-02-28", "2028-02-29"),
        ("2026-01-31", QUARTERLY, "2026-03-15", "2026-01-31", "2026-04-30"),
        ("2026-01-01 15:00", HOURLY, "2026-01-01 10:00", "2026-01-01 10:00", "2026-01-01 11:00"),
        ("2026-01-01 10:00", Cadence(Interval.HOUR, 4), "2026-01-01 15:30", "2026-01-01 14:00", "2026-01-01 18:00"),
        ("2026-08-04", MONTHLY, "2026-01-16", "2026-01-04", "2026-02-04"),
    ],
)
def test_cycle_that_contains_an_instant(anchor: str, cadence: Cadence, now: str, start: str, end: str) -> None:
    """The last boundary at or before the instant, and the first after it."""
    assert Period(at(start), at(end)) == cycle(at(anchor), cadence, at(now))
    assert at(start) == cycle_start(at(anchor), cadence, at(now))
    assert at(end) == cycle_end(at(anchor), cadence, at(now))


def test_series_of_month_ends() -> None:
    """Each boundary is counted from the anchor, so a short month does not shorten the next."""
    expected = ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31", "2026-08-31"]

    assert [at(day) for day in expected] == [boundary(at("2026-01-31"), MONTHLY, number) for number in range(1, 8)]


def test_series_of_leap_days() -> None:
    """29 February comes back every fourth year."""
    expected = ["2020-02-29", "2021-02-28", "2022-02-28", "2023-02-28", "2024-02-29", "2025-02-28"]

    assert [at(day) for day in expected] == [boundary(at("2024-02-29"), YEARLY, number) for number in range(-4, 2)]


@pytest.mark.parametrize(
    ("cadence", "number", "expected"),
    [
        (Cadence(Interval.MINUTE, 5), 3, "2026-01-31 00:15"),
        (HOURLY, -1, "2026-01-30 23:00"),
        (Cadence(Interval.HOUR, 36), 2, "2026-02-03"),
        (DAILY, 1, "2026-02-01"),
        (Cadence(Interval.DAY, 10), -4, "2025-12-22"),
        (WEEKLY, 1, "2026-02-07"),
        (Cadence(Interval.WEEK, 2), 2, "2026-02-28"),
        (MONTHLY, 0, "2026-01-31"),
        (MONTHLY, -2, "2025-11-30"),
        (MONTHLY, 25, "2028-02-29"),
        (QUARTERLY, -1, "2025-10-31"),
        (HALF_YEARLY, 1, "2026-07-31"),
        (HALF_YEARLY, -3, "2024-07-31"),
        (Cadence(Interval.YEAR, 3), -1, "2023-01-31"),
    ],
)
def test_boundary_of_a_number(cadence: Cadence, number: int, expected: str) -> None:
    """Anchor and number, forwards and backwards; weeks, days and hours are exact multiples."""
    assert at(expected) == boundary(at("2026-01-31"), cadence, number)


@pytest.mark.parametrize("cadence", [HOURLY, DAILY, WEEKLY, MONTHLY, QUARTERLY, HALF_YEARLY, YEARLY])
@pytest.mark.parametrize("number", [-25, -1, 0, 1, 25])
def test_a_boundary_belongs_to_the_cycle_it_begins(cadence: Cadence, number: int) -> None:
    """One millisecond earlier is still the cycle before."""
    anchor = at("2026-01-31 10:00")
    instant = boundary(anchor, cadence, number)

    assert number == cycle_number(anchor, cadence, instant)
    assert number - 1 == cycle_number(anchor, cadence, instant - timedelta(milliseconds=1))
    assert Period(instant, boundary(anchor, cadence, number + 1)) == cycle(anchor, cadence, instant)


def test_an_end_comes_no_earlier_than_its_floor() -> None:
    """A running trial holds the first end back."""
    anchor, now = at("2026-08-04"), at("2026-01-16")

    assert at("2026-08-04") == cycle_end(anchor, MONTHLY, now, floor=at("2026-08-04"))
    assert at("2026-02-04") == cycle_end(anchor, MONTHLY, now, floor=at("2026-01-20"))


@pytest.mark.parametrize(
    ("months", "expected"),
    [
        (0, "2024-03-31"),
        (-1, "2024-02-29"),
        (-13, "2023-02-28"),
        (9, "2024-12-31"),
        (10, "2025-01-31"),
        (3, "2024-06-30"),
    ],
)
def test_adding_months(months: int, expected: str) -> None:
    """The same day, or the last one of a month that is too short."""
    assert at(expected) == add_months(at("2024-03-31"), months)


def test_milliseconds_there_and_back() -> None:
    """Epoch milliseconds name the same instant on both sides; below a millisecond is rounded down."""
    instant = datetime(2026, 1, 31, 10, 0, 0, 123_000, tzinfo=UTC)

    assert 1_769_853_600_123 == to_ms(instant)
    assert instant == from_ms(1_769_853_600_123)
    assert to_ms(instant) == to_ms(instant + timedelta(microseconds=999))
    assert -1 == to_ms(datetime(1969, 12, 31, 23, 59, 59, 999_500, tzinfo=UTC))


def test_milliseconds_beyond_the_calendar() -> None:
    """There is no instant after the year 9999."""
    with pytest.raises(OverflowError):
        from_ms(10**15)


def test_ranks_compare_cadences() -> None:
    """Nominal lengths order cadences; what never recurs is longest, however often it is counted."""
    rising = [
        Cadence(Interval.MINUTE), HOURLY, DAILY, WEEKLY, MONTHLY, Cadence(Interval.MONTH, 2), QUARTERLY, HALF_YEARLY,
        YEARLY, ONCE,
    ]  # fmt: skip
    ranks = [cadence.rank_minutes for cadence in rising]

    assert sorted(ranks) == ranks
    assert len(set(ranks)) == len(ranks)
    assert ONCE.rank_minutes == Cadence(Interval.ONE_OFF, 5).rank_minutes
    assert [False, True] == [ONCE.recurs, MONTHLY.recurs]
