"""Stretches of time cut into bins of a calendar (api.md §2.7).

Days, weeks and months are those of a time zone: a day in which its clocks change has 23 or 25 hours. Weeks begin on
Monday. Hours are counted from midnight, so that each is an hour long also where clocks change by half of one.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sumac.core.errors import BadRequest
from sumac.core.time import MILLISECOND, Cadence, Interval, Period, add_months, boundary, cycle_number

BINS_MAX = 10_000
HOUR = timedelta(hours=1)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)


class BinSize(StrEnum):
    """How long a bin is."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


SHORTEST = {
    BinSize.HOUR: HOUR,
    BinSize.DAY: timedelta(days=1),
    BinSize.WEEK: timedelta(weeks=1),
    BinSize.MONTH: timedelta(days=28),
}


class Span(StrEnum):
    """A stretch of time that is named by how far it reaches back from now."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"
    LAST_CYCLE = "last_cycle"
    ONE_CYCLE = "1bc"
    THREE_CYCLES = "3bc"


REACH = {
    Span.DAY: timedelta(days=1),
    Span.WEEK: timedelta(days=7),
    Span.MONTH: timedelta(days=30),
    Span.QUARTER: timedelta(days=90),
}
CYCLES_BACK = {Span.LAST_CYCLE: 1, Span.ONE_CYCLE: 0, Span.THREE_CYCLES: 2}
CALENDAR_MONTH = Cadence(Interval.MONTH)


def cut(period: Period, size: BinSize, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Where the bins that share an instant with the period begin, in order, and at last where the last one ends.

    Raises BadRequest for a period that is empty, too long for bins of this size, or beyond every calendar.
    """
    if period.start >= period.end:
        message = "custom_range: must end after it starts"
        raise BadRequest(message, code="invalid_inputs")
    if (period.end - period.start) // SHORTEST[size] >= BINS_MAX or period.end > LATEST:
        message = f"bin_size: the range has more than {BINS_MAX} bins of one {size}"
        raise BadRequest(message, code="invalid_inputs")
    edges = [min(bin_start(period.start, size, zone), period.start)]
    for edge in _edges(period.start, size, zone):
        if edge > edges[-1]:
            edges.append(edge)
        if edge >= period.end:
            break
    while edges[1] <= period.start:  # clocks set back over midnight: the day of the instant ended before it
        edges.pop(0)
    return tuple(edges)


def bin_start(instant: datetime, size: BinSize, zone: ZoneInfo) -> datetime:
    """When the bin began that the instant lies in."""
    midnight = _midnight(_first_date(instant, size, zone), zone)
    return midnight + (instant - midnight) // HOUR * HOUR if size is BinSize.HOUR else midnight


def reach_back(
    span: Span, *, now: datetime, size: BinSize, zone: ZoneInfo, billed: tuple[datetime, Cadence] | None
) -> Period:
    """The stretch of time up to and with now, or for `last_cycle` the billing cycle before the present one.

    It begins with the day of the zone (with hours for bins, and for 24h, with the hour) that is so long ago.
    `billed` is the anchor and the cadence of the customer's billing cycles; without it they are the zone's months.
    """
    end = now + MILLISECOND
    if span in REACH:
        by_hour = size is BinSize.HOUR or span is Span.DAY
        return Period(bin_start(now - REACH[span], BinSize.HOUR if by_hour else BinSize.DAY, zone), end)
    if billed is None:
        month = _first_date(now, BinSize.MONTH, zone)
        first = _midnight(_months_before(month, CYCLES_BACK[span]), zone)
        return Period(first, _midnight(month, zone) if span is Span.LAST_CYCLE else end)
    anchor, cadence = billed
    number = cycle_number(anchor, cadence, now)
    first = boundary(anchor, cadence, number - CYCLES_BACK[span])
    return Period(first, boundary(anchor, cadence, number) if span is Span.LAST_CYCLE else end)


def _edges(start: datetime, size: BinSize, zone: ZoneInfo) -> Iterator[datetime]:
    """Every edge after the first one, and maybe some before; without an end."""
    day = _first_date(start, size, zone)
    while True:
        if size is BinSize.HOUR:
            following = day + timedelta(days=1)
            midnight, next_midnight = _midnight(day, zone), _midnight(following, zone)
            hours = -((midnight - next_midnight) // HOUR)
            yield from (midnight + number * HOUR for number in range(1, hours))
        elif size is BinSize.MONTH:
            following = _months_before(day, -1)
        else:
            following = day + SHORTEST[size]
        day = following
        yield _midnight(day, zone)


def _first_date(instant: datetime, size: BinSize, zone: ZoneInfo) -> date:
    """The day on which the bin began; the instant's own one for hours and days."""
    day = instant.astimezone(zone).date()
    match size:
        case BinSize.WEEK:
            return day - timedelta(days=day.weekday())
        case BinSize.MONTH:
            return day.replace(day=1)
        case _:
            return day


def _months_before(day: date, months: int) -> date:
    return add_months(datetime.combine(day, time(), UTC), -months).date()


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """When the day begins; where clocks skip midnight, when they do."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
