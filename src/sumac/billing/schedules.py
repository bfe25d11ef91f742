"""Rows of schedules: the one a customer follows, and those it has replaced (billing.md §13.2)."""

from datetime import datetime

from pydantic import TypeAdapter

from sumac.billing.phases import Schedule, SchedulePhase
from sumac.storage.schema import schedules
from sumac.storage.work import Work

PHASES = TypeAdapter(tuple[SchedulePhase, ...])


async def place_schedule(work: Work, customer_key: str, schedule: Schedule, *, at: datetime) -> None:
    """Adds the customer's schedule; the one it takes the place of stays on record as replaced at this instant."""
    followed = (schedules.c.customer_key == customer_key, schedules.c.replaced_at.is_(None))
    await work.update(schedules, *followed, values={"replaced_at": at})
    phases = PHASES.dump_python(schedule.phases, mode="json")
    await work.insert(schedules, id=schedule.id, customer_key=customer_key, phases=phases, created_at=at)


async def find_schedule(work: Work, customer_key: str) -> Schedule | None:
    """The schedule that the customer follows, or None."""
    followed = (schedules.c.customer_key == customer_key, schedules.c.replaced_at.is_(None))
    row = await work.find(work.select(schedules).where(*followed))
    return None if row is None else Schedule(row.id, PHASES.validate_python(row.phases))
