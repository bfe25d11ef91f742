"""One transaction shared by many requests of many tenants: begun, written and committed in as few steps as possible.

Between `begin` and the end of the block nobody else changes the customers it names, and what is read of them is what
will be committed on. Every statement carries the tenant of each of its rows (group commit, design §5).
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from sumac.core.tenant import Tenant
from sumac.storage.changes import Owner
from sumac.storage.prepared import Prepared, Row
from sumac.storage.work import Work

Write = tuple[Prepared, Sequence[Row]]
Versions = Mapping[Owner, int]


class Journal(Protocol):
    """A transaction that is under way."""

    now: datetime

    async def begin(self, owners: Collection[Owner]) -> Versions | None:
        """Takes the customers for oneself; answers `versions` of them. From then on `now` is when it got them.

        None says that nobody but the journal has written anything since the last time.
        """
        ...

    async def versions(self, owners: Collection[Owner]) -> Versions:
        """The versions of those of the customers that exist, and of their tenants."""
        ...

    def reading(self, tenant: Tenant) -> AbstractAsyncContextManager[Work]:
        """A work to read a tenant's rows with, as they are now."""
        ...

    async def post(self, writes: Sequence[Write]) -> None:
        """Writes the rows, each statement with all of its rows, and makes them durable."""
        ...


class JournalBook(Protocol):
    """Opens journals, one at a time."""

    def open(self, clock: Callable[[], datetime]) -> AbstractAsyncContextManager[Journal]:
        """A transaction; it is rolled back unless it was committed."""
        ...

    async def close(self) -> None:
        """Gives up what it holds open."""
        ...


Opened = AsyncIterator[Journal]
