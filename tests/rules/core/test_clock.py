"""Clocks: whole milliseconds, UTC, and never back."""

from datetime import UTC, datetime, timedelta

import pytest

from sumac.core.clock import ManualClock, SystemClock

START = datetime(2026, 1, 1, 12, 0, 0, 123_456, tzinfo=UTC)


def test_the_machine_tells_whole_milliseconds() -> None:
    """The system clock is in UTC and does not go back between two readings."""
    clock = SystemClock()
    first, second = clock.now(), clock.now()

    assert first <= second
    assert timedelta(0) == first.utcoffset()
    assert 0 == first.microsecond % 1000


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    """It shows what it was set to, in whole milliseconds."""
    clock = ManualClock(START)

    assert START.replace(microsecond=123_000) == clock.now()
    assert clock.now() == clock.now()

    clock.advance(timedelta(hours=1))
    assert START.replace(hour=13, microsecond=123_000) == clock.now()

    clock.move_to(START + timedelta(days=1))
    assert START.replace(day=2, microsecond=123_000) == clock.now()


def test_a_clock_does_not_go_back() -> None:
    """Neither by a step nor by an instant."""
    clock = ManualClock(START)

    with pytest.raises(ValueError, match="does not go back"):
        clock.move_to(START - timedelta(seconds=1))
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(timedelta(seconds=-1))
    clock.move_to(clock.now())

    assert START.replace(microsecond=123_000) == clock.now()
