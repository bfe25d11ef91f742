"""Several processes over one database, and what they do at the same moment."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random

from sumac.core.clock import ManualClock
from sumac.core.errors import SumacError
from sumac.core.tenant import Tenant
from sumac.storage.database import Database
from tests.support.services import Services

Call = Callable[[Services], Awaitable[object]]


@asynccontextmanager
async def process(address: str, clock: ManualClock, tenant: Tenant) -> AsyncIterator[Services]:
    """The services of another process: connections of its own, and nothing in memory."""
    database = Database(address, clock)
    yield Services.over(database, clock, tenant)
    await database.close()


@asynccontextmanager
async def processes(address: str, clock: ManualClock, tenant: Tenant) -> AsyncIterator[Sequence[Services]]:
    """Three of them."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(process(address, clock, tenant)) for _ in range(3)]


async def at_once(crowd: Sequence[Services], seed: int, calls: Sequence[Call]) -> list[object]:
    """Makes the calls at the same moment, in some order, through some process; refusals are answers too."""
    random = Random(seed)  # noqa: S311  # a seed replays the order
    shuffled = random.sample(list(calls), len(calls))
    answers = await asyncio.gather(*(call(random.choice(crowd)) for call in shuffled), return_exceptions=True)

    assert [] == [each for each in answers if isinstance(each, BaseException) and not isinstance(each, SumacError)]

    return list(answers)
