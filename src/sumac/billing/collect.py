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
from sumac.billing.dunning import Failure, book_failure, restore
from sumac.billing.execute import Applied, abandon_attempts, apply
from sumac.billing.load import load_snapshot
from sumac.billing.provider import Collection, InvoiceDocument, Outcome, PaymentProvider
from sumac.billing.quote import document_lines
from sumac.billing.refunds import Refund, give_back, owe_payment, owed_refunds
from sumac.billing.rules.waited import catch_up, is_overtaken
from sumac.billing.topup_books import book_failed_charge, book_success, topup_of
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
    lines = document_lines(invoice.lines, invoice.discounts)
    return InvoiceDocument(invoice.id, provider_customer, invoice.amount_due, lines)


@dataclass(frozen=True, slots=True)
class Collected:
    """An invoice after a try to collect it, and what the provider said; None when there was nothing to try.

    `followed` is what a failure led to besides: plans that ended because nobody paid.
    """

    invoice: Invoice
    collection: Collection | None
    followed: Applied | None = None


@dataclass(frozen=True, slots=True)
class _Try:
    """A try that has begun: the invoice as it was found, and whether its time had come."""

    customer: Customer
    invoice: Invoice
    was_due: bool


class Collector:
    """Collects invoices of every tenant."""

    def __init__(self, database: Database, providers: Providers) -> None:
        self._database = database
        self._providers = providers

    async def collect(self, tenant: Tenant, invoice_id: str) -> Collected:
        """One try to collect an open invoice with the default card; safe to repeat.

        Raises NotFound, Locked when the invoice waits for a change while another one of the customer is running.
        """
        async with self._database.work(tenant) as work:
            invoice = await invoices.get(work, invoice_id)
            customer = await customers.get_by_key(work, invoice.customer_key, lock=True)
            begun = await self._begin(work, customer, invoice_id)
        if begun is None:
            return Collected(invoice, None)
        return await self._finish(tenant, begun)

    async def collect_due(self, tenant: Tenant, invoice_id: str) -> bool:
        """Collects an invoice whose time has come; False when another worker has it, or did it already."""
        async with self._database.work(tenant) as work:
            invoice = await invoices.get(work, invoice_id)
            customer = await customers.find_free(work, invoice.customer_key)
            if customer is None or not await self._is_due(work, customer, invoice_id):
                return False
            begun = await self._begin(work, customer, invoice_id)
        if begun is None:
            return False
        await self._finish(tenant, begun)
        return True

    async def _is_due(self, work: Work, customer: Customer, invoice_id: str) -> bool:
        invoice = await invoices.get(work, invoice_id)
        if _is_due(invoice, customer.now(work.now)):
            return True
        attempt = await store.find_attempt(work, invoice_id)
        return attempt is not None and attempt.next_try_at is not None and attempt.next_try_at <= work.now

    async def _begin(self, work: Work, customer: Customer, invoice_id: str) -> _Try | None:
        """Writes down that the provider is about to be asked; None when there is nothing to collect.

        Whoever is asked and never heard of again is asked about a minute later, under the same key; until then no
        other worker takes it up.
        """
        invoice = await invoices.get(work, invoice_id, lock=True)
        if invoice.status is not InvoiceStatus.OPEN:
            return None
        attempt = await store.find_attempt(work, invoice_id)
        if attempt is not None:
            await self._run(work, attempt)
            return _Try(customer, invoice, was_due=False)
        now = customer.now(work.now)
        begun = _Try(customer, invoice, was_due=_is_due(invoice, now))
        if customer.clock_at is None or not begun.was_due:
            # A clock of the customer's own stands still: what was due on it is due when it is moved again.
            await invoices.schedule_attempt(work, invoice, now if customer.clock_at else now + RESUME_AFTER)
        return begun

    async def _run(self, work: Work, attempt: store.Attempt) -> None:
        running = await store.find_running(work, attempt.customer_key)
        if running is not None and running.id != attempt.id:
            raise Locked(store.BUSY)
        if attempt.status is store.AttemptStatus.RUNNING and attempt.next_try_at and attempt.next_try_at > work.now:
            return
        if attempt.status in {store.AttemptStatus.RUNNING, store.AttemptStatus.WAITING}:
            again_at = work.now + RESUME_AFTER
            await store.change_attempt(
                work, attempt, store.AttemptStatus.RUNNING, expires_at=None, next_try_at=again_at
            )

    async def _finish(self, tenant: Tenant, begun: _Try) -> Collected:
        invoice, collection = begun.invoice, await self._ask(tenant, begun.customer, begun.invoice)
        try:
            async with self._database.work(tenant) as work:
                collected, refund = await self._book(work, begun, collection)
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

    async def _book(self, work: Work, begun: _Try, collection: Collection) -> tuple[Collected, Refund | None]:
        """What the answer comes to, and the money to give back if the invoice was settled otherwise meanwhile."""
        customer = await customers.get_by_key(work, begun.invoice.customer_key, lock=True)
        invoice = await invoices.get(work, begun.invoice.id, lock=True)
        attempt, now = await store.find_attempt(work, invoice.id), customer.now(work.now)
        if invoice.status is not InvoiceStatus.OPEN:
            return Collected(invoice, None), await self._owe(work, begun.invoice, invoice, collection)
        if attempt is not None and await comes_too_late(work, attempt):
            return await self._give_up(work, attempt, invoice, collection, now=now)
        if collection.outcome is Outcome.PAID:
            return Collected(await book_payment(work, customer, invoice, collection, now=now), collection), None
        if invoice.attempts_made != begun.invoice.attempts_made:
            return Collected(invoice, None), None
        return await self._book_unpaid(work, customer, begun, invoice, attempt, collection), None

    async def _owe(self, work: Work, asked: Invoice, invoice: Invoice, collection: Collection) -> Refund | None:
        """What goes back of an answer about an invoice that was settled otherwise while the provider was asked."""
        arrives = collection.outcome in {Outcome.PAID, Outcome.PROCESSING}
        if not arrives or collection.payment is None or collection.payment == invoice.provider_payment:
            return None
        under_way = collection.outcome is Outcome.PROCESSING
        payment, amount = collection.payment, asked.amount_due
        owed = await owe_payment(work, invoice.customer_key, payment, amount, under_way=under_way)
        return None if under_way else owed

    async def _book_unpaid(
        self,
        work: Work,
        customer: Customer,
        begun: _Try,
        invoice: Invoice,
        attempt: store.Attempt | None,
        collection: Collection,
    ) -> Collected:
        if collection.outcome is Outcome.PROCESSING:
            now = customer.now(work.now)
            waiting = await self._wait(work, invoice, attempt, payment=collection.payment, now=now)
            return Collected(waiting, collection)
        failure = await self._fail(work, customer, begun, invoice, attempt, collection)
        return Collected(failure.invoice, collection, failure.followed)

    async def _give_up(
        self, work: Work, attempt: store.Attempt, invoice: Invoice, collection: Collection, *, now: datetime
    ) -> tuple[Collected, Refund | None]:
        """What was decided is no longer right: the invoice is void, and what was or will be paid for it goes back.

        That is not waited for: nothing else of the customer could be decided until then.
        """
        refund = await self._owe(work, invoice, replace(invoice, provider_payment=None), collection)
        await abandon_attempts(work, [attempt], at=now)
        return Collected(await invoices.get(work, invoice.id), collection), refund

    async def _fail(
        self,
        work: Work,
        customer: Customer,
        begun: _Try,
        invoice: Invoice,
        attempt: store.Attempt | None,
        collection: Collection,
    ) -> Failure:
        if attempt is None:
            if begun.was_due:
                return await book_failure(work, customer, invoice, now=customer.now(work.now))
            at = begun.invoice.next_attempt_at
            return Failure(await invoices.record_failure(work, invoice, next_attempt_at=at))
        bought = topup_of(attempt.decision.actions)
        if bought is not None:
            # Nobody is there to try again: the invoice is void, and what ran low is looked at anew (billing.md §6.6).
            now = customer.now(work.now)
            await invoices.record_failure(work, invoice, next_attempt_at=None)
            await abandon_attempts(work, [attempt], at=now)
            await book_failed_charge(work, customer, bought, collection, now=now)
            return Failure(await invoices.get(work, invoice.id))
        # An invoice that was sent may be paid until it is; one that was charged, for ten minutes (billing.md §10.6).
        expires_at = None if invoice.due_at is not None else work.now + WAITING_TIME
        await store.change_attempt(work, attempt, store.AttemptStatus.WAITING, expires_at=expires_at)
        return Failure(await invoices.record_failure(work, invoice, next_attempt_at=None))

    async def _wait(
        self, work: Work, invoice: Invoice, attempt: store.Attempt | None, *, payment: str | None, now: datetime
    ) -> Invoice:
        """The money is under way: the same try is asked about again, under its key, and no other one is made."""
        until = now + ASK_AGAIN_AFTER if attempt is None else None
        return await invoices.record_waiting(work, invoice, until=until, payment=payment)

    async def give_back_owed(self, limit: int) -> int:
        """Gives back what is still owed; answers how many payments."""
        async with self._database.system_reading() as system:
            owed = await owed_refunds(system, limit)
        return await work_off("refunding_failed", owed, self._give_back)

    async def _give_back(self, tenant: Tenant, refund: Refund) -> bool:
        return await give_back(self._database, provider_of(self._providers, tenant), tenant, refund)

    async def resume(self, now: datetime, limit: int) -> int:
        """Carries on attempts that were cut short; answers how many."""
        async with self._database.system_reading() as system:
            interrupted = await store.interrupted_attempts(system, now, limit)
        return await work_off("resuming_failed", interrupted, self.collect_due)

    async def expire(self, now: datetime, limit: int) -> int:
        """Gives up attempts nobody paid within ten minutes (billing.md §10.6); answers how many customers."""
        async with self._database.system_reading() as system:
            expired = await store.expired_attempts(system, now, limit)
        return await work_off("expiring_failed", expired, self._expire)

    async def _expire(self, tenant: Tenant, customer_key: str) -> bool:
        async with self._database.work(tenant) as work:
            customer = await customers.find_free(work, customer_key)
            if customer is None:
                return False
            waiting = await store.waiting_attempts(work, customer_key, expired_by=work.now)
            await abandon_attempts(work, waiting, at=customer.now(work.now))
        return bool(waiting)

    async def retry_open(self, tenant: Tenant, customer_key: str) -> Sequence[Collected]:
        """Tries what could not be collected before, the oldest first, until one fails again."""
        async with self._database.reading(tenant) as work:
            failed = [
                invoice
                for invoice in reversed(await invoices.list_of_customer(work, customer_key))
                if invoice.status is InvoiceStatus.OPEN and invoice.attempts_made and invoice.due_at is None
                if await store.find_attempt(work, invoice.id) is None
            ]
        tried: list[Collected] = []
        for invoice in failed:
            tried.append(await self.collect(tenant, invoice.id))
            if not tried[-1].invoice.is_settled:
                break
        return tried


def _is_due(invoice: Invoice, now: datetime) -> bool:
    return invoice.next_attempt_at is not None and invoice.next_attempt_at <= now


async def work_off(
    event: str, batch: Sequence[tuple[Tenant, Item]], step: Callable[[Tenant, Item], Awaitable[object]]
) -> int:
    """Does each thing of a batch and answers how many were done; one that fails is logged and holds up no other.

    A step answers False when there was nothing left to do.
    """
    done = 0
    for tenant, item in batch:
        try:
            done += await step(tenant, item) is not False
        except Exception:
            log.exception(event, tenant=tenant.key, item=item.id if isinstance(item, Refund) else item)
    return done


async def require_ready(work: Work, customer: Customer) -> None:
    """Raises Locked while another billing operation of the customer runs, SomethingDueError while anything is due.

    The customer's row is locked, and the work's instant is the one at which it got it. Something is due as well when a
    period began later than that, by the clock of another process: it would decide about a period that is over.
    """
    work.catch_up()
    if await store.find_running(work, customer.key) is not None:
        raise Locked(store.BUSY)
    now = customer.now(work.now)
    held = await store.plans_of(work, [customer.key])
    begun_later = any(each.period_start is not None and each.period_start > now for each in held)
    if begun_later or customer.has_due(now):
        raise SomethingDueError(customer.key)


async def comes_too_late(work: Work, attempt: store.Attempt) -> bool:
    """Whether what the money is asked for is no longer right, because a period turned while it was under way."""
    running = attempt.status is store.AttemptStatus.RUNNING
    return running and is_overtaken(attempt.decision, await store.plans_of(work, [attempt.customer_key], live=False))


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
        await restore(work, customer, paid, now=now)
    elif attempt.status in {store.AttemptStatus.RUNNING, store.AttemptStatus.WAITING}:
        await store.change_attempt(work, attempt, store.AttemptStatus.DONE, expires_at=None)
        decision = catch_up(attempt.decision, await load_snapshot(work, customer), now=now)
        await apply(work, customer, decision, at=now, actor=attempt.actor)
        await book_success(work, customer, decision.actions, paid, now=now)
    if paid.net_terms_days is not None and collection.payment is not None:
        await _charge_from_now_on(work, paid)
    return paid


async def _charge_from_now_on(work: Work, paid: Invoice) -> None:
    """A plan whose sent invoice a card has paid is charged to that card from its next invoice on (billing.md §10.7)."""
    billed = {paid.customer_plan_id, *(line.customer_plan_id for line in paid.lines)}
    for held in await store.plans_of(work, [paid.customer_key]):
        if held.id in billed and held.net_terms_days is not None:
            await store.save_plan(work, replace(held, net_terms_days=None))
