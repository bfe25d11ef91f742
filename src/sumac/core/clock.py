"""The only place that asks the machine for the time."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Something that knows the present instant."""

    def now(self) -> datetime:
        """The present instant: aware, UTC, whole milliseconds."""
        ...


def _whole_milliseconds(instant: datetime) -> datetime:
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The machine's time in UTC."""
        return _whole_milliseconds(datetime.now(UTC))


class ManualClock:
    """A clock that stands still until it is moved; for tests and simulations."""

    def __init__(self, start: datetime) -> None:
        self._now = _whole_milliseconds(start)

    def now(self) -> datetime:
        """The instant the clock was last moved to."""
        return self._now

    def move_to(self, instant: datetime) -> None:
        """Sets the clock. Raises ValueError when that would go back."""
        if instant < self._now:
            message = "a clock does not go back"
            raise ValueError(message)
        self._now = _whole_milliseconds(instant)

    def advance(self, step: timedelta) -> None:
        """Moves the clock forward by a step."""
        self.move_to(self._now + step)
