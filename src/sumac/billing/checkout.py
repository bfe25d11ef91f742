"""Hosted pages: opens them at the provider, and carries out what they were opened for once they are completed.

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
from sumac.billing.decide import Proposal, wanted_currency
from sumac.billing.execute import apply
from sumac.billing.load import currency_of
from sumac.billing.model import Decision, Payment
from sumac.billing.provider import CheckoutRequest, CheckoutStatus, Collection, CustomerInfo, DocumentLine
from sumac.billing.quote import (
    amount_due,
    decide_again,
    decide_with_card,
    heading_of,
    lines_due,
    plan_id_of,
    success_url_of,
    terms_of,
)
from sumac.billing.refunds import Refund, give_back, owe_refund
from sumac.billing.requests import AttachRequest, BillingRequest
from sumac.billing.rules.phases import begin_now
from sumac.core.errors import NotFound
from sumac.core.ids import new_id
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

OPEN_TIME = timedelta(hours=1)
SETUP_HEADING = "Add a card"
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


class CheckoutDesk:
    """Opens and settles hosted pages of every tenant."""

    def __init__(self, database: Database, providers: Providers) -> None:
        self._database = database
        self._providers = providers

    async def ensure_customer(self, tenant: Tenant, customer: Customer) -> str:
        """The provider's id of the customer, made on first need."""
        if customer.provider_customer is not None:
            return customer.provider_customer
        provider = provider_of(self._providers, tenant)
        described = CustomerInfo(customer.key, customer.name, customer.email)
        made = await provider.ensure_customer(tenant, None, described, key=f"{customer.key}:customer")
        async with self._database.work(tenant) as work:
            await customers.set_provider_customer(work, customer.key, made)
        return made

    async def open_request(self, tenant: Tenant, proposal: Proposal, request: BillingRequest, *, actor: str) -> str:
        """The address of a page on which the customer completes what was asked; the same one while its price stands.

        The price the page names is the proposal's, as of the instant it was made.
        """
        customer = proposal.snapshot.customer
        request = begin_now(request, customer.now(proposal.quoted_at))
        for checkout in await self.open_pages(tenant, customer):
            if checkout.request == request and await self._stands(tenant, customer, checkout):
                return checkout.url
            await self._close(tenant, checkout)
        async with self._database.reading(tenant) as work:
            lines, total = await lines_due(work, customer, proposal.decision)
        return await self._open_page(
            tenant,
            customer,
            CheckoutRequest(
                provider_customer=await self.ensure_customer(tenant, customer),
                mode="setup" if proposal.decision.payment is Payment.SETUP else "pay",
                heading=heading_of(proposal),
                terms=terms_of(proposal),
                total=total,
                lines=lines,
                success_url=success_url_of(request),
                expires_at=proposal.quoted_at + OPEN_TIME,
            ),
            purpose=visits.CheckoutPurpose.ATTACH,
            request=request,
            invoice_id=None,
            actor=actor,
        )

    async def open_invoice(
        self, tenant: Tenant, customer: Customer, invoice: Invoice, *, success_url: str | None
    ) -> str:
        """The address of a page to pay an open invoice on, with another card; the same one when repeated."""
        for checkout in await self.open_pages(tenant, customer):
            if checkout.invoice_id == invoice.id and checkout.success_url == success_url:
                return checkout.url
        return await self._open_page(
            tenant,
            customer,
            CheckoutRequest(
                provider_customer=await self.ensure_customer(tenant, customer),
                mode="pay",
                heading=f"Pay invoice {invoice.number}",
                terms=None,
                total=invoice.amount_due,
                lines=tuple(DocumentLine(line.description, line.amount) for line in invoice.lines),
                success_url=success_url,
                expires_at=self._database.clock.now() + OPEN_TIME,
            ),
            purpose=visits.CheckoutPurpose.INVOICE,
            request=None,
            invoice_id=invoice.id,
            actor="customer",
        )

    async def open_setup(
        self,
        tenant: Tenant,
        customer: Customer,
        *,
        success_url: str | None,
        actor: str,
        request: AttachRequest | None = None,
        proposal: Proposal | None = None,
    ) -> str:
        """The address of a page that stores a card, as the default one; the same one when repeated.

        `request` is done once the card is there, and charged to it; `proposal` is what it comes to, as the page says.
        """
        async with self._database.reading(tenant) as work:
            lines, total = await lines_due(work, customer, proposal.decision if proposal else Decision(()))
        wanted = (success_url, request, total.minor)
        for checkout in await self.open_pages(tenant, customer):
            same = (checkout.success_url, checkout.request, checkout.total_minor) == wanted
            if checkout.purpose is visits.CheckoutPurpose.SETUP and same:
                return checkout.url
        return await self._open_page(
            tenant,
            customer,
            CheckoutRequest(
                provider_customer=await self.ensure_customer(tenant, customer),
                mode="setup",
                heading=SETUP_HEADING if proposal is None else heading_of(proposal),
                terms=None if proposal is None else terms_of(proposal),
                total=total,
                lines=lines,
                success_url=success_url,
                expires_at=self._database.clock.now() + OPEN_TIME,
            ),
            purpose=visits.CheckoutPurpose.SETUP,
            request=request,
            invoice_id=None,
            actor=actor,
        )

    async def withdraw(self, tenant: Tenant, customer: Customer, *, sparing: str | None = None) -> bool:
        """Closes the customer's open pages before something else is bought; one that was just completed is settled.

        The page `sparing` stays: it is being confirmed. Answers whether any was settled.
        """
        pages = [each for each in await self.open_pages(tenant, customer) if each.id != sparing]
        return not all([await self._close(tenant, each) for each in pages])

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

    async def open_pages(self, tenant: Tenant, customer: Customer) -> list[visits.Checkout]:
        """The customer's pages that are open and have not expired."""
        async with self._database.reading(tenant) as work:
            found = await visits.open_checkouts(work, customer.key)
        now = self._database.clock.now()
        return [checkout for checkout in found if checkout.expires_at > now]

    async def _stands(self, tenant: Tenant, customer: Customer, checkout: visits.Checkout) -> bool:
        async with self._database.reading(tenant) as work:
            return await decide_again(work, customer, checkout) is not None

    async def _close(self, tenant: Tenant, checkout: visits.Checkout) -> bool:
        """Closes a page; False where it was completed just before, and is settled."""
        if checkout.purpose is not visits.CheckoutPurpose.CONFIRM:
            provider = provider_of(self._providers, tenant)
            if not await provider.close_checkout(tenant, checkout.provider_checkout):
                await self.settle(tenant, checkout.provider_checkout)
                return False
        async with self._database.work(tenant) as work:
            await visits.change_checkout(work, checkout, visits.CheckoutProgress.CLOSED)
        return True

    async def _open_page(
        self,
        tenant: Tenant,
        customer: Customer,
        page: CheckoutRequest,
        *,
        purpose: visits.CheckoutPurpose,
        request: BillingRequest | None,
        invoice_id: str | None,
        actor: str,
    ) -> str:
        opened_at = page.expires_at - OPEN_TIME
        checkout_id = new_id("chk", now=opened_at)
        opened = await provider_of(self._providers, tenant).open_checkout(tenant, page, key=f"{checkout_id}:open")
        checkout = visits.Checkout(
            id=checkout_id,
            customer_key=customer.key,
            provider_checkout=opened.id,
            status=visits.CheckoutProgress.OPEN,
            purpose=purpose,
            request=request,
            total_minor=page.total.minor,
            invoice_id=invoice_id,
            actor=actor,
            url=opened.url,
            success_url=page.success_url,
            expires_at=page.expires_at,
            created_at=opened_at,
        )
        async with self._database.work(tenant) as work:
            await visits.add_checkout(work, checkout)
        return opened.url


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
