"""The sandbox bank behind connections that break or make one wait: everything it answers is the real bank's answer."""

import asyncio
from collections.abc import Sequence

from sumac.billing.provider import (
    CheckoutRequest,
    CheckoutState,
    Collection,
    CustomerInfo,
    HostedPage,
    InvoiceDocument,
    PaymentMethod,
)
from sumac.core.money import Money
from sumac.core.tenant import Tenant
from sumac.providers.sandbox.bank import SandboxBank


class ConnectionLostError(Exception):
    """Stands for whatever ends us in the middle of a call: a lost connection, a killed process."""


class ReachedBank:
    """A bank reached over a connection; as it is, the connection holds."""

    def __init__(self, bank: SandboxBank) -> None:
        self.bank = bank

    async def ensure_customer(self, tenant: Tenant, existing: str | None, info: CustomerInfo, *, key: str) -> str:
        """As the bank."""
        return await self.bank.ensure_customer(tenant, existing, info, key=key)

    async def payment_methods(self, tenant: Tenant, provider_customer: str) -> Sequence[PaymentMethod]:
        """As the bank."""
        return await self.bank.payment_methods(tenant, provider_customer)

    async def set_default_payment_method(
        self, tenant: Tenant, provider_customer: str, method_id: str, *, key: str
    ) -> None:
        """As the bank."""
        await self.bank.set_default_payment_method(tenant, provider_customer, method_id, key=key)

    async def remove_payment_method(self, tenant: Tenant, provider_customer: str, method_id: str, *, key: str) -> None:
        """As the bank."""
        await self.bank.remove_payment_method(tenant, provider_customer, method_id, key=key)

    async def open_checkout(self, tenant: Tenant, request: CheckoutRequest, *, key: str) -> HostedPage:
        """As the bank."""
        return await self.bank.open_checkout(tenant, request, key=key)

    async def close_checkout(self, tenant: Tenant, checkout: str) -> bool:
        """As the bank."""
        return await self.bank.close_checkout(tenant, checkout)

    async def read_checkout(self, tenant: Tenant, checkout: str) -> CheckoutState:
        """As the bank."""
        return await self.bank.read_checkout(tenant, checkout)

    async def collect(self, tenant: Tenant, invoice: InvoiceDocument, *, key: str) -> Collection:
        """As the bank."""
        return await self.bank.collect(tenant, invoice, key=key)

    async def read_payment(self, tenant: Tenant, payment: str) -> Collection:
        """As the bank."""
        return await self.bank.read_payment(tenant, payment)

    async def refund(self, tenant: Tenant, payment: str, amount: Money, *, key: str) -> str:
        """As the bank."""
        return await self.bank.refund(tenant, payment, amount, key=key)


class LosingBank(ReachedBank):
    """The connection breaks at a charge or refund: on the way there (nothing happened), or on the way back (it did).

    With `only`, just the charges of that customer of ours are lost.
    """

    def __init__(self, bank: SandboxBank, *, on_the_way_back: bool, only: str = "") -> None:
        super().__init__(bank)
        self._on_the_way_back = on_the_way_back
        self._only = only

    async def collect(self, tenant: Tenant, invoice: InvoiceDocument, *, key: str) -> Collection:
        """Charges or not, and breaks."""
        lost = invoice.provider_customer.endswith(self._only)
        if self._on_the_way_back or not lost:
            collection = await self.bank.collect(tenant, invoice, key=key)
            if not lost:
                return collection
        raise ConnectionLostError

    async def refund(self, tenant: Tenant, payment: str, amount: Money, *, key: str) -> str:
        """Gives back or not, and breaks."""
        if self._on_the_way_back:
            await self.bank.refund(tenant, payment, amount, key=key)
        raise ConnectionLostError


class SlowBank(ReachedBank):
    """A charge has arrived when `asked` is set, and is answered once `answer` is."""

    def __init__(self, bank: SandboxBank) -> None:
        super().__init__(bank)
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()

    async def collect(self, tenant: Tenant, invoice: InvoiceDocument, *, key: str) -> Collection:
        """Charges, and waits with the answer."""
        collection = await self.bank.collect(tenant, invoice, key=key)
        self.asked.set()
        await self.answer.wait()
        return collection


class MuteBank(ReachedBank):
    """The connection breaks whenever this one page is asked about."""

    def __init__(self, bank: SandboxBank, page_id: str) -> None:
        super().__init__(bank)
        self._page_id = page_id

    async def read_checkout(self, tenant: Tenant, checkout: str) -> CheckoutState:
        """Breaks, or answers."""
        if checkout == self._page_id:
            raise ConnectionLostError
        return await self.bank.read_checkout(tenant, checkout)
