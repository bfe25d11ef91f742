"""Callers that are remembered by their key, each at a version of its tenant, which a revoked key raises."""

from dataclasses import dataclass

from sumac.api.auth import Caller, by_key
from sumac.api.services import Services

KEYS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class KnownCaller:
    """A caller, and the tenant's version at which the key was good."""

    caller: Caller
    tenant_version: int


class KnownKeys:
    """The callers by the header that they sent."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[bytes, KnownCaller] = {}

    async def find(self, header: bytes) -> KnownCaller | None:
        """Whoever sends `Bearer am_sk_…`; None for a header of another kind. Raises Unauthenticated."""
        known = self._known.get(header)
        return await self.learn(header) if known is None else known

    async def learn(self, header: bytes) -> KnownCaller | None:
        """As `find`, from the database."""
        scheme, _, secret = header.partition(b" ")
        if scheme != b"Bearer" or not secret.isascii():
            return None
        async with self._services.database.system_reading() as system:
            caller = await by_key(secret.decode().strip(), system)
            known = KnownCaller(caller, await system.tenant_version(caller.tenant))
        if len(self._known) >= KEYS_MAX:
            self._known.clear()
        self._known[header] = known
        return known
