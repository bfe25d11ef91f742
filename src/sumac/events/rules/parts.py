"""What of a period is read from roll-ups, and what from the events themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sumac.core.time import EPOCH, Period
from sumac.events.rules.bins import step_of
from sumac.events.rules.rollup import QUARTER, quarter_of


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a period, and whether its roll-ups say all of it."""

    period: Period
    rolled_up: bool


def parts_of(period: Period, edges: tuple[datetime, ...]) -> Iterator[Part]:
    """The whole quarters of the period from the roll-ups; what is before and after them, less than one, from events.

    Everything from events when an edge is not on a quarter: so it was where the clocks of a zone differed from others
    by a number of seconds (the last to end that was Liberia, in 1972).
    """
    first = quarter_of(period.start + QUARTER - timedelta(milliseconds=1))
    last = quarter_of(period.end)
    aligned = (edges[0] - EPOCH) % QUARTER == step_of(edges) % QUARTER == timedelta(0)
    if not aligned or first >= last:
        yield Part(period, rolled_up=False)
        return
    if period.start < first:
        yield Part(Period(period.start, first), rolled_up=False)
    yield Part(Period(first, last), rolled_up=True)
    if last < period.end:
        yield Part(Period(last, period.end), rolled_up=False)


def around(period: Period) -> Period:
    """The period with the whole of each quarter that it shares an instant with."""
    return Period(quarter_of(period.start), quarter_of(period.end - timedelta(milliseconds=1)) + QUARTER)
