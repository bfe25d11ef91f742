"""Calendar arithmetic: boundaries are `anchor + n x interval`, never chained (billing.md §2.1).

Instants are aware UTC datetimes with millisecond precision; periods are half-open, [start, end).
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


class Interval(StrEnum):
    """How often something recurs; `one_off` never does."""

    ONE_OFF = "one_off"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    SEMI_ANNUAL = "semi_annual"
    YEAR = "year"


MONTHS = {Interval.MONTH: 1, Interval.QUARTER: 3, Interval.SEMI_ANNUAL: 6, Interval.YEAR: 12}
SPANS = {
    Interval.MINUTE: timedelta(minutes=1),
    Interval.HOUR: timedelta(hours=1),
    Interval.DAY: timedelta(days=1),
    Interval.WEEK: timedelta(weeks=1),
}
RANK_MINUTES = {
    Interval.MINUTE: 1,
    Interval.HOUR: 60,
    Interval.DAY: 1_440,
    Interval.WEEK: 10_080,
    Interval.MONTH: 43_200,
    Interval.QUARTER: 129_600,
    Interval.SEMI_ANNUAL: 259_200,
    Interval.YEAR: 525_600,
    Interval.ONE_OFF: 1_000_000_000,
}


@dataclass(frozen=True, slots=True)
class Cadence:
    """`count` intervals at a time: (month, 3) is every three months."""

    interval: Interval
    count: int = 1

    @property
    def recurs(self) -> bool:
        """Whether there is a next time at all."""
        return self.interval is not Interval.ONE_OFF

    @property
    def rank_minutes(self) -> int:
        """Nominal length in minutes, for comparing cadences only (billing.md §1.3)."""
        return RANK_MINUTES[self.interval] * (self.count if self.recurs else 1)


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open stretch of time: `start` belongs to it, `end` does not."""

    start: datetime
    end: datetime


def from_ms(milliseconds: int) -> datetime:
    """An instant from milliseconds since the Unix epoch. Raises OverflowError beyond year 9999."""
    return EPOCH + milliseconds * MILLISECOND


def to_ms(instant: datetime) -> int:
    """Milliseconds since the Unix epoch, rounded down."""
    return (instant - EPOCH) // MILLISECOND


def add_months(anchor: datetime, months: int) -> datetime:
    """The same day and time `months` later, or the month's last day where it is too short."""
    index = anchor.year * 12 + anchor.month - 1 + months
    year, month = divmod(index, 12)
    last_day = calendar.monthrange(year, month + 1)[1]
    return anchor.replace(year=year, month=month + 1, day=min(anchor.day, last_day))


def boundary(anchor: datetime, cadence: Cadence, number: int) -> datetime:
    """The boundary `number` cycles after the anchor (before it, when negative). The cadence must recur."""
    if cadence.interval in MONTHS:
        return add_months(anchor, number * cadence.count * MONTHS[cadence.interval])
    return anchor + number * cadence.count * SPANS[cadence.interval]


def cycle_number(anchor: datetime, cadence: Cadence, now: datetime) -> int:
    """The number of the last boundary at or before `now`."""
    if cadence.interval in MONTHS:
        elapsed_months = (now.year - anchor.year) * 12 + now.month - anchor.month
        number = elapsed_months // (cadence.count * MONTHS[cadence.interval])
    else:
        number = (now - anchor) // (cadence.count * SPANS[cadence.interval])
    return number if boundary(anchor, cadence, number) <= now else number - 1


def cycle(anchor: datetime, cadence: Cadence, now: datetime) -> Period:
    """The cycle that contains `now`; a moment equal to a boundary belongs to the new one."""
    number = cycle_number(anchor, cadence, now)
    return Period(boundary(anchor, cadence, number), boundary(anchor, cadence, number + 1))


def cycle_start(anchor: datetime, cadence: Cadence, now: datetime) -> datetime:
    """The greatest boundary at or before `now`."""
    return cycle(anchor, cadence, now).start


def cycle_end(anchor: datetime, cadence: Cadence, now: datetime, *, floor: datetime | None = None) -> datetime:
    """The smallest boundary after `now`, never earlier than `floor`."""
    end = cycle(anchor, cadence, now).end
    return end if floor is None else max(end, floor)
