"""Carries out what a hosted page was opened for once it is completed.

A completed page is a payment in fact: either what it was opened for is done, or the money goes back (payments.md §4.8).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from sumac.billing import visits
from sumac.billing.attempts import record_attempt
from sumac.billing.collect import Providers, book_payment, provider_of, require_ready
from sumac.billing.currencies import adopt_currency
from sumac.billing.decide import wanted_currency
from sumac.billing.execute import apply
from sumac.billing.load import currency_of
from sumac.billing.model import Payment
from sumac.billing.provider import CheckoutStatus, Collection
from sumac.billing.quote import amount_due, decide_again, decide_with_card, plan_id_of
from sumac.billing.refunds import Refund, give_back, owe_refund
from sumac.core.errors import NotFound
from sumac.core.money import Money
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice, InvoiceStatus
from sumac.storage.database import Database
from sumac.storage.schema import checkouts
from sumac.storage.work import Work

log = structlog.get_logger("sumac.billing")

FORGOTTEN_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SettledCheckout:
    """What a completed page came to, the same whenever it is asked; `refunded` when it was no longer possible.

    Only the first answer about a page that stored a card names the customer's key in `stored_card_of`.
    """

    customer_id: str
    plan_id: str | None
    customer_plan_active: bool
    invoice: Invoice | None
    success_url: str | None
    refunded: bool
    stored_card_of: str | None = None
    to_collect: str | None = None


class Settlement:
    """Settles hosted pages of every tenant."""

    def __init__(self, database: Database, providers: Providers) -> None:
        self._database = database
        self._providers = providers

    async def settle(self, tenant: Tenant, provider_checkout: str) -> SettledCheckout:
        """Carries out what a page was opened for, once.

        Raises NotFound `checkout_unavailable` for a foreign one, Locked while another billing operation of the customer
        runs, SomethingDueError.
        """
        provider = provider_of(self._providers, tenant)
        state = await provider.read_checkout(tenant, provider_checkout)
        refund: Refund | None = None
        async with self._database.work(tenant) as work:
            checkout = await visits.find_checkout(work, checkouts.c.provider_checkout == provider_checkout)
            if checkout is None:
                message = "This checkout does not exist"
                raise NotFound(message, code="checkout_unavailable")
            customer = await customers.get_by_key(work, checkout.customer_key, lock=True)
            checkout = await visits.find_checkout(work, checkouts.c.id == checkout.id) or checkout
            settled = await self._outcome(work, checkout, customer)
            if checkout.status is visits.CheckoutProgress.OPEN and state.status is CheckoutStatus.EXPIRED:
                await visits.change_checkout(work, checkout, visits.CheckoutProgress.CLOSED)
            if checkout.status is visits.CheckoutProgress.OPEN and state.status is CheckoutStatus.COMPLETED:
                await require_ready(work, customer)
                settled = await self._carry_out(work, customer, checkout, state.collection)
                surplus = _surplus(checkout, settled, await _currency_of(work, checkout, customer))
                if state.collection is not None and state.collection.payment is not None and surplus.minor > 0:
                    refund = await owe_refund(work, customer.key, state.collection.payment, surplus)
        if refund is not None:
            await give_back(self._database, provider, tenant, refund)
        return settled

    async def forgotten(self, limit: int) -> Sequence[tuple[Tenant, str]]:
        """Pages that were completed while nobody came back, or that have expired: tenant and the provider's id."""
        done: list[tuple[Tenant, str]] = []
        after = ""
        while True:
            async with self._database.system_reading() as system:
                found = await visits.forgotten_checkouts(system, system.now - FORGOTTEN_AFTER, after, limit)
            for tenant, after, provider_checkout in found:  # noqa: B007  # the last id is where the next page starts
                if await self._is_over(tenant, provider_checkout):
                    done.append((tenant, provider_checkout))
            if len(found) < limit:
                return done

    async def _is_over(self, tenant: Tenant, provider_checkout: str) -> bool:
        """Whether a page is completed or expired; one that the provider cannot tell about is asked about later."""
        try:
            state = await provider_of(self._providers, tenant).read_checkout(tenant, provider_checkout)
        except Exception:
            log.exception("reading_checkout_failed", tenant=tenant.key, checkout=provider_checkout)
            return False
        return state.status is not CheckoutStatus.OPEN

    async def _carry_out(
        self,
        work: Work,
        customer: Customer,
        checkout: visits.Checkout,
        collection: Collection | None,
    ) -> SettledCheckout:
        now = customer.now(work.now)
        if checkout.invoice_id is not None:
            invoice = await invoices.get(work, checkout.invoice_id, lock=True)
            possible = not invoice.is_settled and collection is not None
            if collection is not None and possible:
                invoice = await book_payment(work, customer, invoice, collection, now=now)
            return await self._finish(work, checkout, customer, invoice, active=possible)
        if checkout.purpose is visits.CheckoutPurpose.SETUP:
            return await self._follow_card(work, customer, checkout, now)
        decision = await decide_again(work, customer, checkout)
        if decision is None or checkout.request is None:
            return await self._finish(work, checkout, customer, None, active=False)
        await adopt_currency(work, customer, wanted_currency(checkout.request))
        applied = await apply(work, customer, decision, at=now, actor=checkout.actor)
        paid = applied.invoice
        if paid is not None and not paid.is_settled and collection is not None:
            paid = await invoices.record_payment(work, paid, payment=collection.payment, now=now)
        return await self._finish(work, checkout, customer, paid, active=True)

    async def _follow_card(
        self, work: Work, customer: Customer, checkout: visits.Checkout, now: datetime
    ) -> SettledCheckout:
        """The card is stored; what was to follow is done, charged to it, or left where it is no longer possible.

        It is left as well where it would cost more than the page said.
        """
        invoice: Invoice | None = None
        decision = None if checkout.request is None else await decide_with_card(work, customer, checkout.request)
        if decision is not None and (await amount_due(work, customer, decision)).minor > checkout.total_minor:
            decision = None
        if decision is not None and checkout.request is not None:
            await adopt_currency(work, customer, wanted_currency(checkout.request))
            if decision.payment is Payment.NONE:
                invoice = (await apply(work, customer, decision, at=now, actor=checkout.actor)).invoice
            else:
                invoice = await record_attempt(work, customer, decision, now=now, actor=checkout.actor)
        possible = checkout.request is None or decision is not None
        settled = await self._finish(work, checkout, customer, invoice, active=possible)
        due = invoice is not None and decision is not None and decision.payment is Payment.CHARGE
        to_collect = invoice.id if invoice is not None and due and not invoice.is_settled else None
        return replace(settled, stored_card_of=customer.key, to_collect=to_collect)

    async def _finish(
        self,
        work: Work,
        checkout: visits.Checkout,
        customer: Customer,
        invoice: Invoice | None,
        *,
        active: bool,
    ) -> SettledCheckout:
        progress = visits.CheckoutProgress.SETTLED if active else visits.CheckoutProgress.REFUNDED
        await visits.change_checkout(work, checkout, progress, invoice_id=invoice.id if invoice else None)
        if active:
            for link in await visits.unfinished_checkouts(work, customer.key):
                if link.leads_to(checkout):
                    await visits.change_checkout(work, link, progress, invoice_id=invoice.id if invoice else None)
        return _settled(checkout, customer, invoice, active=active, refunded=not active)

    async def _outcome(self, work: Work, checkout: visits.Checkout, customer: Customer) -> SettledCheckout:
        """What the page has come to so far, as it was first answered."""
        active = checkout.status is visits.CheckoutProgress.SETTLED
        refunded = checkout.status is visits.CheckoutProgress.REFUNDED
        invoice: Invoice | None = None
        if checkout.invoice_id is not None and (active or refunded):
            invoice = await invoices.get(work, checkout.invoice_id)
            active = active and invoice.status is InvoiceStatus.PAID
        return _settled(checkout, customer, invoice, active=active, refunded=refunded)


async def _currency_of(work: Work, checkout: visits.Checkout, customer: Customer) -> str:
    """The currency of the page: what was asked for, else the customer's, whose pages are closed when it changes."""
    wanted = None if checkout.request is None else wanted_currency(checkout.request)
    return wanted or await currency_of(work, customer)


def _surplus(checkout: visits.Checkout, settled: SettledCheckout, currency: str) -> Money:
    """What was paid on the page and is not needed: all of it, or what credit that came free meanwhile has covered."""
    needed = 0 if settled.refunded or settled.invoice is None else settled.invoice.paid.minor
    return Money(checkout.total_minor - needed, currency)


def _settled(
    checkout: visits.Checkout,
    customer: Customer,
    invoice: Invoice | None,
    *,
    active: bool,
    refunded: bool,
) -> SettledCheckout:
    return SettledCheckout(
        customer_id=customer.public_id,
        plan_id=None if checkout.request is None else plan_id_of(checkout.request),
        customer_plan_active=active,
        invoice=invoice,
        success_url=checkout.success_url,
        refunded=refunded,
    )
