"""Collects invoices: asks the payment provider, and books what it said.

The invoice is committed before the provider is asked and the outcome after; the key says which try it is, so a try that
was cut short is repeated without a second charge (payments.md §4.4, §6.4).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from sumac.balances.service import SomethingDueError
from sumac.billing import store
from sumac.billing.execute import abandon_attempts, apply, refresh_due
from sumac.billing.model import (
    PlanStatus,
)
from sumac.billing.provider import Collection, DocumentLine, InvoiceDocument, Outcome, PaymentProvider
from sumac.billing.refunds import Refund, give_back, owe_refund, owed_refunds
from sumac.core.errors import BadRequest, Locked, NotFound
from sumac.core.tenant import Env, Tenant
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice, InvoiceStatus
from sumac.storage.database import Database
from sumac.storage.work import Work

log = structlog.get_logger("sumac.billing")

Item = TypeVar("Item", bound=str | Refund)

WAITING_TIME = timedelta(minutes=10)
RESUME_AFTER = timedelta(minutes=1)
ASK_AGAIN_AFTER = timedelta(hours=6)

Providers = Mapping[Env, PaymentProvider]


def provider_of(providers: Providers, tenant: Tenant) -> PaymentProvider:
    """The tenant's provider. Raises BadRequest `stripe_config_not_found` where none is connected."""
    provider = providers.get(tenant.env)
    if provider is None:
        message = f"No payment provider is connected for {tenant.env}; paid plans need one"
        raise BadRequest(message, code="stripe_config_not_found")
    return provider


def document_of(invoice: Invoice, provider_customer: str) -> InvoiceDocument:
    """The invoice as the provider is told about it."""
    lines = tuple(DocumentLine(line.description, line.amount) for line in invoice.lines)
    return InvoiceDocument(invoice.id, provider_customer, invoice.amount_due, lines)


@dataclass(frozen=True, slots=True)
class Collected:
    """An invoice after a try to collect it, and what the provider said; None when there was nothing to try."""

    invoice: Invoice
    collection: Collection | None


class Collector:
    """Collects invoices of every tenant."""

    def __init__(self, database: Database, providers: Providers) -> None:
        self._database = database
        self._providers = providers

    async def collect(self, tenant: Tenant, invoice_id: str) -> Collected:
        """One try to collect an open invoice with the default card; safe to repeat."""
        async with self._database.reading(tenant) as work:
            invoice = await invoices.get(work, invoice_id)
            customer = await customers.get_by_key(work, invoice.customer_key)
        if invoice.status is not InvoiceStatus.OPEN:
            return Collected(invoice, None)
        collection = await self._ask(tenant, customer, invoice)
        try:
            async with self._database.work(tenant) as work:
                collected, refund = await self._book(work, invoice, collection)
        except NotFound:
            # The customer was deleted while the provider was asked: there is nobody left to book the money for.
            if collection.outcome is Outcome.PAID and collection.payment is not None:
                provider, key = provider_of(self._providers, tenant), f"{invoice.id}:refund"
                await provider.refund(tenant, collection.payment, invoice.amount_due, key=key)
            raise
        if refund is not None:
            await self._give_back(tenant, refund)
        return collected

    async def _ask(self, tenant: Tenant, customer: Customer, invoice: Invoice) -> Collection:
        if customer.provider_customer is None:
            return Collection(Outcome.NO_PAYMENT_METHOD)
        provider = provider_of(self._providers, tenant)
        key = f"{invoice.id}:pay:{invoice.attempts_made + 1}"
        return await provider.collect(tenant, document_of(invoice, customer.provider_customer), key=key)

    async def _book(self, work: Work, before: Invoice, collection: Collection) -> tuple[Collected, Refund | None]:
        """What the answer comes to, and the money to give back if the invoice was settled otherwise meanwhile."""
        customer = await customers.get_by_key(work, before.customer_key, lock=True)
        invoice = await invoices.get(work, before.id, lock=True)
        now = customer.now(work.now)
        if collection.outcome is Outcome.PAID:
            if invoice.status is InvoiceStatus.OPEN:
                return Collected(await book_payment(work, customer, invoice, collection, now=now), collection), None
            if collection.payment is None or collection.payment == invoice.provider_payment:
                return Collected(invoice, None), None
            return Collected(invoice, None), await owe_refund(work, customer.key, collection.payment, before.amount_due)
        if invoice.status is not InvoiceStatus.OPEN or invoice.attempts_made != before.attempts_made:
            return Collected(invoice, None), None
        attempt = await store.find_attempt(work, invoice.id)
        if collection.outcome is Outcome.PROCESSING:
            return Collected(await self._wait(work, invoice, attempt, now=now), collection), None
        invoice = await invoices.record_failure(work, invoice, now=now, retry=attempt is None)
        if attempt is None:
            await _set_status(work, invoice, PlanStatus.ACTIVE, PlanStatus.PAST_DUE)
        else:
            expires_at = work.now + WAITING_TIME
            await store.change_attempt(work, attempt, store.AttemptStatus.WAITING, expires_at=expires_at)
        return Collected(invoice, collection), None

    async def _wait(self, work: Work, invoice: Invoice, attempt: store.Attempt | None, *, now: datetime) -> Invoice:
        """The money is under way: the same try is asked about again, under its key, and no other one is made."""
        if attempt is None:
            return await invoices.record_waiting(work, invoice, until=now + ASK_AGAIN_AFTER)
        again_at = work.now + RESUME_AFTER
        await store.change_attempt(work, attempt, attempt.status, expires_at=attempt.expires_at, next_try_at=again_at)
        return await invoices.record_waiting(work, invoice, until=None)

    async def give_back_owed(self, limit: int) -> int:
        """Gives back what is still owed; answers how many payments."""
        async with self._database.system_reading() as system:
            owed = await owed_refunds(system, limit)
        return await work_off("refunding_failed", owed, self._give_back)

    async def _give_back(self, tenant: Tenant, refund: Refund) -> None:
        await give_back(self._database, provider_of(self._providers, tenant), tenant, refund)

    async def resume(self, now: datetime, limit: int) -> int:
        """Carries on attempts that were cut short; answers how many."""
        async with self._database.system_reading() as system:
            interrupted = await store.interrupted_attempts(system, now, limit)
        return await work_off("resuming_failed", interrupted, self.collect)

    async def expire(self, now: datetime, limit: int) -> int:
        """Gives up attempts nobody paid within ten minutes (billing.md §10.6); answers how many customers."""
        async with self._database.system_reading() as system:
            expired = await store.expired_attempts(system, now, limit)
        return await work_off("expiring_failed", expired, self._expire)

    async def _expire(self, tenant: Tenant, customer_key: str) -> None:
        async with self._database.work(tenant) as work:
            customer = await customers.get_by_key(work, customer_key, lock=True)
            waiting = await store.waiting_attempts(work, customer_key, expired_by=work.now)
            await abandon_attempts(work, waiting, at=customer.now(work.now))


async def work_off(
    event: str, batch: Sequence[tuple[Tenant, Item]], step: Callable[[Tenant, Item], Awaitable[object]]
) -> int:
    """Does each thing of a batch and answers how many were done; one that fails is logged and holds up no other."""
    done = 0
    for tenant, item in batch:
        try:
            await step(tenant, item)
        except Exception:
            log.exception(event, tenant=tenant.key, item=item.id if isinstance(item, Refund) else item)
        else:
            done += 1
    return done


async def require_ready(work: Work, customer: Customer) -> None:
    """Raises Locked while another billing operation of the customer runs, SomethingDueError while anything is due.

    Something is due as well when a period began after the work did: it waited for the customer's row while another work
    settled the boundary, and would decide about a period that is over.
    """
    if await store.find_running(work, customer.key) is not None:
        raise Locked(store.BUSY)
    now = customer.now(work.now)
    held = await store.plans_of(work, [customer.key])
    begun_later = any(each.period_start is not None and each.period_start > now for each in held)
    if begun_later or (customer.due_at is not None and customer.due_at <= now):
        raise SomethingDueError(customer.key)


async def book_payment(
    work: Work,
    customer: Customer,
    invoice: Invoice,
    collection: Collection,
    *,
    now: datetime,
) -> Invoice:
    """Marks the invoice paid and does what was waiting for it: starts the plan, or ends its being past due."""
    paid = await invoices.record_payment(work, invoice, payment=collection.payment, now=now)
    attempt = await store.find_attempt(work, invoice.id)
    if attempt is None:
        await _set_status(work, paid, PlanStatus.PAST_DUE, PlanStatus.ACTIVE)
    elif attempt.status in {store.AttemptStatus.RUNNING, store.AttemptStatus.WAITING}:
        await store.change_attempt(work, attempt, store.AttemptStatus.DONE, expires_at=None)
        await apply(work, customer, attempt.decision, at=now, actor=attempt.actor)
    return paid


async def _set_status(work: Work, invoice: Invoice, before: PlanStatus, after: PlanStatus) -> None:
    for held in await store.plans_of(work, [invoice.customer_key]):
        if held.status is before and held.plan_id in invoice.plan_ids:
            await store.save_plan(work, replace(held, status=after))
    await refresh_due(work, invoice.customer_key)
