"""A process that dies at a chosen point: before or after any of its commits, before or after any call of the bank.

Everything in it is real; it only ends. What it had not committed is gone, what it had is there for the next one.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from sumac.billing.provider import (
    CheckoutRequest,
    CheckoutState,
    Collection,
    CustomerInfo,
    HostedPage,
    InvoiceDocument,
    PaymentMethod,
)
from sumac.core.clock import Clock
from sumac.core.money import Money
from sumac.core.tenant import Tenant
from sumac.providers.sandbox.bank import SandboxBank
from sumac.storage.database import Database
from sumac.storage.work import SystemWork, Work
from tests.support.bank import ReachedBank

Answer = TypeVar("Answer")


class KilledError(BaseException):
    """The process is gone; nothing catches this, as nothing catches the end of a process."""


class Life:
    """Counts the points a process passes, and ends it at one of them; without that it lives on."""

    def __init__(self, dies_at: int | None = None) -> None:
        self.passed: list[str] = []
        self._dies_at = dies_at

    def reach(self, point: str) -> None:
        """Passes a point. Raises KilledError at the chosen one and ever after."""
        self.passed.append(point)
        if self._dies_at is not None and len(self.passed) >= self._dies_at:
            raise KilledError(point)


class MortalDatabase(Database):
    """The database as a process sees it that may die around each of its commits."""

    def __init__(self, url: str, clock: Clock, life: Life) -> None:
        super().__init__(url, clock)
        self._life = life

    @asynccontextmanager
    async def work(self, tenant: Tenant) -> AsyncIterator[Work]:
        """As the database."""
        async with super().work(tenant) as work:
            yield work
            self._life.reach("before a commit")
        self._life.reach("after a commit")

    @asynccontextmanager
    async def system(self) -> AsyncIterator[SystemWork]:
        """As the database."""
        async with super().system() as system:
            yield system
            self._life.reach("before a commit")
        self._life.reach("after a commit")


class MortalBank(ReachedBank):
    """The bank as a process sees it that may die on the way there, or on the way back."""

    def __init__(self, bank: SandboxBank, life: Life) -> None:
        super().__init__(bank)
        self._life = life

    async def ensure_customer(self, tenant: Tenant, existing: str | None, info: CustomerInfo, *, key: str) -> str:
        """As the bank."""
        return await self._call("ensure_customer", lambda: self.bank.ensure_customer(tenant, existing, info, key=key))

    async def payment_methods(self, tenant: Tenant, provider_customer: str) -> Sequence[PaymentMethod]:
        """As the bank."""
        return await self._call("payment_methods", lambda: self.bank.payment_methods(tenant, provider_customer))

    async def open_checkout(self, tenant: Tenant, request: CheckoutRequest, *, key: str) -> HostedPage:
        """As the bank."""
        return await self._call("open_checkout", lambda: self.bank.open_checkout(tenant, request, key=key))

    async def close_checkout(self, tenant: Tenant, checkout: str) -> bool:
        """As the bank."""
        return await self._call("close_checkout", lambda: self.bank.close_checkout(tenant, checkout))

    async def read_checkout(self, tenant: Tenant, checkout: str) -> CheckoutState:
        """As the bank."""
        return await self._call("read_checkout", lambda: self.bank.read_checkout(tenant, checkout))

    async def collect(self, tenant: Tenant, invoice: InvoiceDocument, *, key: str) -> Collection:
        """As the bank."""
        return await self._call("collect", lambda: self.bank.collect(tenant, invoice, key=key))

    async def refund(self, tenant: Tenant, payment: str, amount: Money, *, key: str) -> str:
        """As the bank."""
        return await self._call("refund", lambda: self.bank.refund(tenant, payment, amount, key=key))

    async def _call(self, name: str, call: Callable[[], Awaitable[Answer]]) -> Answer:
        self._life.reach(f"before {name}")
        answer = await call()
        self._life.reach(f"after {name}")
        return answer
