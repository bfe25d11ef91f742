"""Hosted pages: opened at the provider, once for the same thing, and closed before something else is bought."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sumac.billing import visits
from sumac.billing.collect import Providers, provider_of
from sumac.billing.decide import Proposal
from sumac.billing.load import load_snapshot
from sumac.billing.model import Decision, Holding, Payment
from sumac.billing.provider import CheckoutRequest, CustomerInfo, DocumentLine
from sumac.billing.quote import (
    decide_again,
    document_lines,
    heading_for,
    heading_of,
    lines_due,
    terms_of,
    terms_of_held,
)
from sumac.billing.requests import AttachRequest, BillingRequest, success_url_of
from sumac.billing.rules.phases import begin_now
from sumac.billing.settlement import Settlement
from sumac.billing.visits import OPEN_TIME, Checkout, CheckoutProgress, CheckoutPurpose
from sumac.core.ids import new_id
from sumac.core.money import Money
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice
from sumac.storage.database import Database
from sumac.storage.schema import checkouts

SETUP_HEADING = "Add a card"


@dataclass(frozen=True, slots=True)
class _Errand:
    """What a page is for, and what is to happen once it is completed; `until` is when it is over at the latest."""

    purpose: CheckoutPurpose
    mode: Literal["pay", "setup"]
    heading: str
    terms: str | None
    lines: tuple[DocumentLine, ...]
    total: Money
    success_url: str | None
    actor: str
    request: BillingRequest | None = None
    invoice_id: str | None = None
    until: datetime | None = None


OurPage = tuple[Tenant, Customer, Checkout, BillingRequest, Invoice | None]
"""Whose page it is, the page, what was asked for, and the invoice that it leads to or has ended in."""


class CheckoutDesk:
    """Opens and closes hosted pages of every tenant."""

    def __init__(self, database: Database, providers: Providers, *, settlement: Settlement) -> None:
        self._database = database
        self._providers = providers
        self._settlement = settlement

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

    async def open_request(
        self, tenant: Tenant, proposal: Proposal, request: BillingRequest, *, actor: str, sparing: Collection[str] = ()
    ) -> str:
        """The address of a page on which the customer completes what was asked; the same one while its price stands.

        The price the page names is the proposal's, as of the instant it was made. Other pages are closed, but for those
        `sparing` names.
        """
        customer = proposal.snapshot.customer
        request = begin_now(request, customer.now(proposal.quoted_at))
        for page in await self.open_pages(tenant, customer):
            same = page.purpose is CheckoutPurpose.ATTACH and page.request == request
            if same and await self._stands(tenant, customer, page):
                return page.url
        await self.withdraw(tenant, customer, sparing=sparing)
        async with self._database.reading(tenant) as work:
            lines, total = await lines_due(work, customer, proposal.decision)
        errand = _Errand(
            purpose=CheckoutPurpose.ATTACH,
            mode="setup" if proposal.decision.payment is Payment.SETUP else "pay",
            heading=heading_of(proposal),
            terms=terms_of(proposal),
            lines=lines,
            total=total,
            success_url=success_url_of(request),
            actor=actor,
            request=request,
        )
        return await self._open_page(tenant, customer, errand, opened_at=proposal.quoted_at)

    async def open_invoice(
        self, tenant: Tenant, customer: Customer, invoice: Invoice, *, success_url: str | None
    ) -> str:
        """The address of a page to pay an open invoice on, with another card; the same one when repeated."""
        wanted = (CheckoutPurpose.INVOICE, invoice.id, success_url)
        for page in await self.open_pages(tenant, customer):
            if (page.purpose, page.invoice_id, page.success_url) == wanted:
                return page.url
        errand = _Errand(
            purpose=CheckoutPurpose.INVOICE,
            mode="pay",
            heading=f"Pay invoice {invoice.number}",
            terms=None,
            lines=_document_lines(invoice),
            total=invoice.amount_due,
            success_url=success_url,
            actor="customer",
            invoice_id=invoice.id,
        )
        return await self._open_page(tenant, customer, errand)

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
        wanted = (CheckoutPurpose.SETUP, success_url, request, total.minor)
        for page in await self.open_pages(tenant, customer):
            if (page.purpose, page.success_url, page.request, page.total_minor) == wanted:
                return page.url
        errand = _Errand(
            purpose=CheckoutPurpose.SETUP,
            mode="setup",
            heading=SETUP_HEADING if proposal is None else heading_of(proposal),
            terms=None if proposal is None else terms_of(proposal),
            lines=lines,
            total=total,
            success_url=success_url,
            actor=actor,
            request=request,
        )
        return await self._open_page(tenant, customer, errand)

    async def open_given(
        self, tenant: Tenant, customer: Customer, link: Checkout, begun: Sequence[Holding], invoice: Invoice | None
    ) -> str:
        """The address of a page for what a link gave ahead: its invoice is paid there, or a card stored for its trial.

        The same one when repeated. `begun` are the plans that were given.
        """
        for page in await self.open_pages(tenant, customer):
            if link.leads_to(page) and page.success_url == link.success_url:
                return page.url
        async with self._database.reading(tenant) as work:
            snapshot = await load_snapshot(work, customer)
        errand = _Errand(
            purpose=CheckoutPurpose.SETUP if invoice is None else CheckoutPurpose.INVOICE,
            mode="setup" if invoice is None else "pay",
            heading=heading_for(begun),
            terms=terms_of_held(snapshot, begun[0]),
            lines=() if invoice is None else _document_lines(invoice),
            total=Money.zero(snapshot.currency) if invoice is None else invoice.amount_due,
            success_url=link.success_url,
            actor=link.actor,
            request=None if invoice is None else link.request,
            invoice_id=None if invoice is None else invoice.id,
            until=link.expires_at,
        )
        return await self._open_page(tenant, customer, errand)

    async def withdraw(
        self,
        tenant: Tenant,
        customer: Customer,
        *,
        sparing: Collection[str] = (),
        linked: BillingRequest | None = None,
    ) -> bool:
        """Closes the customer's open pages before something else is bought; one that was just completed is settled.

        Those that `sparing` names stay, such as the one that is being confirmed, the link to the request that is
        `linked`, for who asks the same at the same time is sent there, and links to what was given ahead. Answers
        whether any was settled.
        """
        closed = [
            each
            for each in await self.open_pages(tenant, customer)
            if each.id not in sparing and not each.given and not (linked is not None and each.links_to(linked))
        ]
        return not all([await self.close(tenant, each) for each in closed])

    async def find_ours(self, token: str, purpose: CheckoutPurpose) -> OurPage | None:
        """The page or link of our own behind an address, or None."""
        async with self._database.system_reading() as system:
            tenant = await visits.find_tenant(system, token, purpose)
        if tenant is None:
            return None
        async with self._database.reading(tenant) as work:
            page = await visits.find_checkout(work, checkouts.c.provider_checkout == token)
            if page is None or page.request is None:
                return None
            customer = await customers.get_by_key(work, page.customer_key)
            invoice = None if page.invoice_id is None else await invoices.get(work, page.invoice_id)
            return tenant, customer, page, page.request, invoice

    async def open_pages(self, tenant: Tenant, customer: Customer) -> list[Checkout]:
        """The customer's pages that are open and have not expired."""
        async with self._database.reading(tenant) as work:
            return await visits.open_checkouts(work, customer.key)

    async def close(self, tenant: Tenant, page: Checkout) -> bool:
        """Closes a page; False where it was completed just before, and is settled."""
        if not page.is_ours:
            provider = provider_of(self._providers, tenant)
            if not await provider.close_checkout(tenant, page.provider_checkout):
                await self._settlement.settle(tenant, page.provider_checkout)
                return False
        async with self._database.work(tenant) as work:
            await visits.change_checkout(work, page, CheckoutProgress.CLOSED)
        return True

    async def _stands(self, tenant: Tenant, customer: Customer, page: Checkout) -> bool:
        async with self._database.reading(tenant) as work:
            return await decide_again(work, customer, page) is not None

    async def _open_page(
        self, tenant: Tenant, customer: Customer, errand: _Errand, *, opened_at: datetime | None = None
    ) -> str:
        """Opens the page at the provider, and writes it down: nobody knows its address before that."""
        opened_at = opened_at or self._database.clock.now()
        expires_at = opened_at + OPEN_TIME
        checkout_id = new_id("chk", now=opened_at)
        asked = CheckoutRequest(
            provider_customer=await self.ensure_customer(tenant, customer),
            mode=errand.mode,
            heading=errand.heading,
            terms=errand.terms,
            total=errand.total,
            lines=errand.lines,
            success_url=errand.success_url,
            expires_at=expires_at if errand.until is None else min(expires_at, errand.until),
        )
        opened = await provider_of(self._providers, tenant).open_checkout(tenant, asked, key=f"{checkout_id}:open")
        page = Checkout(
            id=checkout_id,
            customer_key=customer.key,
            provider_checkout=opened.id,
            status=CheckoutProgress.OPEN,
            purpose=errand.purpose,
            request=errand.request,
            total_minor=errand.total.minor,
            invoice_id=errand.invoice_id,
            actor=errand.actor,
            url=opened.url,
            success_url=errand.success_url,
            expires_at=asked.expires_at,
            created_at=opened_at,
        )
        async with self._database.work(tenant) as work:
            await visits.add_checkout(work, page)
        return opened.url


def _document_lines(invoice: Invoice) -> tuple[DocumentLine, ...]:
    return document_lines(invoice.lines, invoice.discounts)
