"""Runs the chores until it is told to stop; one that fails is logged and tried again at its next turn."""

import asyncio
from collections.abc import Sequence

import structlog

from sumac.jobs.calendar import Chore

log = structlog.get_logger("sumac.jobs")

ROUNDS_MAX = 100


class Worker:
    """Runs each chore at its own pace."""

    def __init__(self, chores: Sequence[Chore]) -> None:
        self._chores = chores
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Runs until `stop`; a chore in progress is finished first."""
        async with asyncio.TaskGroup() as group:
            for chore in self._chores:
                group.create_task(self._repeat(chore), name=chore.name)

    def stop(self) -> None:
        """Asks every chore to end after what it is doing."""
        self._stopping.set()

    async def _repeat(self, chore: Chore) -> None:
        while not self._stopping.is_set():
            try:
                await self._run_out(chore)
            except Exception:
                log.exception("chore_failed", chore=chore.name)
            try:
                await asyncio.wait_for(self._stopping.wait(), chore.every.total_seconds())
            except TimeoutError:
                continue

    async def _run_out(self, chore: Chore) -> None:
        for _ in range(ROUNDS_MAX):
            if self._stopping.is_set() or not await chore.run():
                return
