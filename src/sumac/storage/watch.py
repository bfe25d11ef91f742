"""How memory learns that somebody wrote: each engine in its own way."""

from collections.abc import Collection
from typing import Protocol

from sumac.storage.changes import Owner
from sumac.storage.journal import Versions


class Watch(Protocol):
    """Tells whether what is in memory may be used as it is."""

    def mark(self) -> int | None:
        """Changes when somebody may have written unheard; None while that is not known, and nothing is sure."""
        ...

    async def versions(self, owners: Collection[Owner]) -> Versions:
        """The versions of those of the customers that exist, and of their tenants."""
        ...

    async def close(self) -> None:
        """Stops watching."""
        ...
