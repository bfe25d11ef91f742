"""Who is calling, for which tenant, and what they may do."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeVar

from sumac.api.services import Services
from sumac.core.errors import Forbidden
from sumac.core.tenant import Env, Tenant
from sumac.organizations.rules.scopes import is_permitted
from sumac.storage.work import Work

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Context:
    """One request's caller: the tenant it is bound to, its scopes (none means all), and an actor for the books."""

    services: Services
    tenant: Tenant
    scopes: tuple[str, ...]
    actor: str
    version: str

    def work(self) -> AbstractAsyncContextManager[Work]:
        """A writing transaction of the tenant."""
        return self.services.database.work(self.tenant)

    def reading(self) -> AbstractAsyncContextManager[Work]:
        """A consistent view of the tenant."""
        return self.services.database.reading(self.tenant)

    def rehearsal(self) -> AbstractAsyncContextManager[Work]:
        """A writing transaction of the tenant of which nothing is kept."""
        return self.services.database.rehearsal(self.tenant)

    def require(self, scope: str) -> None:
        """Raises Forbidden `insufficient_scopes` unless the caller has the scope."""
        if not is_permitted(self.scopes, scope):
            message = f"This needs the scope {scope}"
            raise Forbidden(message, code="insufficient_scopes")

    def require_sandbox(self) -> None:
        """Raises Forbidden `sandbox_only` in the live environment."""
        if self.tenant.env is not Env.SANDBOX:
            message = "This is possible in the sandbox only; use a sandbox key"
            raise Forbidden(message, code="sandbox_only")

    async def settled(self, step: Callable[[Work], Awaitable[Answer]], *, writes: bool) -> Answer:
        """Runs a step in a work; whatever it finds due for its customer is settled first, and then it is run again."""

        async def run() -> Answer:
            async with self.work() if writes else self.reading() as work:
                return await step(work)

        return await self.services.billing.due.settled(self.tenant, run)
