"""Plans that follow each other by a schedule (billing.md §13.2)."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SchedulePhase:
    """The plans that run from an instant on, each by the id of its customer plan."""

    id: str
    starts_at: datetime
    customer_plan_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Phases that follow each other; a customer has at most one schedule (billing.md §13.2)."""

    id: str
    phases: tuple[SchedulePhase, ...]
