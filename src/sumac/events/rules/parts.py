"""How the sums of a period are read: in which parts, by which steps, from roll-ups or from the events themselves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from math import gcd

from sumac.core.time import EPOCH, MILLISECOND, Period, to_ms
from sumac.events.rules.rollup import QUARTER, quarter_of

RUNS_MAX = 32
NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Steps:
    """Time from one edge to a later one, in steps of one length that meet every edge between them."""

    start: datetime
    end: datetime
    length: timedelta


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a period, the steps it is summed by, and whether its roll-ups say all of it."""

    period: Period
    steps: Steps
    rolled_up: bool


def parts_of(period: Period, edges: Sequence[datetime]) -> Iterator[Part]:
    """The whole quarters of the period from the roll-ups; what is before and after them, less than one, from events.

    Everything from events where an edge is not on a quarter: so it was where the clocks of a zone differed from others
    by a number of seconds (the last to end that was Liberia, in 1972).
    """
    for steps in steps_of(edges):
        within = Period(max(period.start, steps.start), min(period.end, steps.end))
        if within.start >= within.end:
            continue
        first = quarter_of(within.start + QUARTER - MILLISECOND)
        last = quarter_of(within.end)
        if (steps.start - EPOCH) % QUARTER != NOTHING or steps.length % QUARTER != NOTHING or first >= last:
            yield Part(within, steps, rolled_up=False)
            continue
        if within.start < first:
            yield Part(Period(within.start, first), steps, rolled_up=False)
        yield Part(Period(first, last), steps, rolled_up=True)
        if last < within.end:
            yield Part(Period(last, within.end), steps, rolled_up=False)


def steps_of(edges: Sequence[datetime]) -> list[Steps]:
    """The edges in steps as long as can be: those of days are days, but for the day on which the clocks change.

    Where that would be too many different ones, as for the months of many years, one length that meets them all.
    """
    runs: list[Steps] = []
    for length, bins in groupby(pairwise(edges), key=lambda each: each[1] - each[0]):
        run = list(bins)
        runs.append(Steps(run[0][0], run[-1][1], length))
    if len(runs) <= RUNS_MAX:
        return runs
    length = gcd(*(to_ms(edge) - to_ms(edges[0]) for edge in edges[1:])) * MILLISECOND
    return [Steps(edges[0], edges[-1], length)]


def around(period: Period) -> Period:
    """The period with the whole of each quarter that it shares an instant with."""
    return Period(quarter_of(period.start), quarter_of(period.end - MILLISECOND) + QUARTER)
