"""Links of ours that lead on to a hosted page: they outlive the page, or stand for what was given ahead of its payment.

A link to something that is only asked for quotes it again, as things stand, each time it is followed. One to what was
given ahead leads to the payment of exactly the invoice that was issued with it (billing.md §10.5).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sumac.billing import schedules, visits
from sumac.billing.ahead import end_link, give_ahead, make_way, owing_links
from sumac.billing.cards import CardDesk
from sumac.billing.checkout import CheckoutDesk
from sumac.billing.collect import require_ready
from sumac.billing.currencies import adopt_currency
from sumac.billing.decide import Proposal, propose, wanted_currency
from sumac.billing.load import load_snapshot
from sumac.billing.model import Payment, SchedulePlan, StartPlan
from sumac.billing.phases import Schedule
from sumac.billing.quote import amount_of
from sumac.billing.requests import AttachRequest, BillingRequest, RedirectMode, ScheduleRequest, is_given_ahead
from sumac.billing.store import BUSY
from sumac.billing.visits import Checkout, CheckoutProgress, CheckoutPurpose
from sumac.core.errors import Conflict, Gone, Locked
from sumac.core.money import Money
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice, InvoiceStatus
from sumac.storage.database import Database
from sumac.storage.schema import checkouts
from sumac.storage.work import Work

ON_A_HOSTED_PAGE = (Payment.CHECKOUT, Payment.SETUP)


@dataclass(frozen=True, slots=True)
class Link:
    """A link and where it stands; `invoice` is what it leads to the payment of, or has led to."""

    tenant: Tenant
    customer: Customer
    page: Checkout
    request: BillingRequest
    invoice: Invoice | None

    @property
    def is_done(self) -> bool:
        """Whether what it is for has been paid, or completed where it costs nothing."""
        paid = self.invoice is not None and self.invoice.status is InvoiceStatus.PAID
        return paid or self.page.status is CheckoutProgress.SETTLED

    def stands_at(self, now: datetime) -> bool:
        """Whether it leads on at this instant of the wall clock."""
        return self.page.status is CheckoutProgress.OPEN and now < self.page.expires_at


@dataclass(frozen=True, slots=True)
class Given:
    """Where a customer was sent, and the invoice of what was given meanwhile; no address where credit has paid it.

    `schedule` is the one that was placed with it.
    """

    url: str | None
    invoice: Invoice | None
    schedule: Schedule | None = None


class LinkDesk:
    """The links of every tenant."""

    def __init__(self, database: Database, *, desk: CheckoutDesk, cards: CardDesk, public_url: str) -> None:
        self._database = database
        self._desk = desk
        self._cards = cards
        self._public_url = public_url

    async def open_request(
        self, tenant: Tenant, proposal: Proposal, request: BillingRequest, *, has_card: bool, actor: str
    ) -> Given:
        """A link for what was asked, which is given at once where that is asked; the same one when it is asked again.

        Raises Locked when something else happened in between, SomethingDueError.
        """
        customer, due = proposal.snapshot.customer, amount_of(proposal)
        async with self._database.reading(tenant) as work:
            same = await _find_same(work, customer, request, due, has_card=has_card)
        if same is not None:
            return same
        await self._desk.withdraw(tenant, customer, linked=request)
        async with self._database.work(tenant) as work:
            customer = await customers.get_by_key(work, customer.key, lock=True)
            await require_ready(work, customer)
            same = await _find_same(work, customer, request, due, has_card=has_card)
            return same or await self._open(work, customer, request, has_card=has_card, actor=actor)

    async def find(self, token: str) -> Link | None:
        """The link behind an address, or None."""
        found = await self._desk.find_ours(token, CheckoutPurpose.LINK)
        return None if found is None else Link(*found)

    async def open_given(self, link: Link) -> str:
        """The address of the page on which what was given ahead is paid. Raises Conflict when it is no longer held."""
        async with self._database.reading(link.tenant) as work:
            held = (await load_snapshot(work, link.customer)).holdings
        given = [each for each in held if each.held.id in link.page.given]
        begun = [each for each in given if each.held.is_usable] or given
        if not begun or (link.invoice is not None and link.invoice.status is not InvoiceStatus.OPEN):
            message = "What this link was for is over; there is nothing to pay"
            raise Conflict(message)
        return await self._desk.open_given(link.tenant, link.customer, link.page, begun, link.invoice)

    async def expired(self, limit: int) -> Sequence[tuple[Tenant, str]]:
        """Links whose time is up: tenant and token."""
        async with self._database.system_reading() as system:
            return await visits.expired_links(system, system.now, limit)

    async def expire(self, tenant: Tenant, token: str) -> bool:
        """Closes a link whose time is up, and gives up what it gave ahead; False when it was done with before.

        Raises Locked while another billing operation of the customer runs, SomethingDueError.
        """
        found = await self.find(token)
        if found is None:
            return False
        async with self._database.reading(tenant) as work:
            unfinished = await visits.unfinished_checkouts(work, found.customer.key)
        for page in unfinished:
            if found.page.given and found.page.leads_to(page):
                await self._desk.close(tenant, page)
        has_card = bool(await self._cards.list_cards(tenant, found.customer))
        async with self._database.work(tenant) as work:
            customer = await customers.get_by_key(work, found.customer.key, lock=True)
            link = await visits.find_checkout(work, checkouts.c.id == found.page.id)
            if link is None or link.status is not CheckoutProgress.OPEN:
                return False
            await require_ready(work, customer)
            await end_link(work, customer, link, has_card=has_card, now=customer.now(work.now))
        return True

    async def _open(
        self, work: Work, customer: Customer, request: BillingRequest, *, has_card: bool, actor: str
    ) -> Given:
        """Decides again, now that nobody else can, and writes the link down together with what it gives."""
        await make_way(work, customer, request, has_card=has_card)
        proposal = await propose(work, customer, request, has_card=has_card)
        if proposal.decision.payment not in ON_A_HOSTED_PAGE:
            raise Locked(BUSY)
        link = visits.page_of_ours(
            customer.key,
            CheckoutPurpose.LINK,
            request,
            address=f"{self._public_url}/l/",
            total_minor=amount_of(proposal).minor,
            actor=actor,
            now=work.now,
        )
        invoice: Invoice | None = None
        if is_given_ahead(request):
            now = customer.now(work.now)
            await adopt_currency(work, customer, wanted_currency(request))
            invoice = await give_ahead(work, customer, proposal.decision, now=now, actor=actor)
            if invoice is not None and invoice.total.minor > 0 and invoice.is_settled:
                return Given(None, invoice, proposal.decision.schedule)
            owed = invoice.id if invoice is not None and not invoice.is_settled else None
            begun = [each for each in proposal.decision.actions if isinstance(each, StartPlan | SchedulePlan)]
            link = replace(link, given=tuple(each.held.id for each in begun), invoice_id=owed)
        await visits.add_checkout(work, link)
        return Given(link.url, invoice, proposal.decision.schedule if link.given else None)


def once_followed(request: BillingRequest) -> BillingRequest:
    """What a link to something that is only asked for asks: the same behind a page, even if there is a card by now."""
    if not isinstance(request, AttachRequest):
        return request
    return replace(request, long_lived=False, redirect_mode=RedirectMode.ALWAYS)


def require_standing(link: Link, now: datetime) -> None:
    """Raises Conflict `checkout_completed` or Gone `checkout_expired` for a link that leads nowhere any more."""
    if link.is_done:
        message = "This has been completed already"
        raise Conflict(message, code="checkout_completed")
    if not link.stands_at(now):
        message = "This link has expired, or something else was chosen instead; ask for a new one"
        raise Gone(message, code="checkout_expired")


async def _find_same(
    work: Work, customer: Customer, request: BillingRequest, due: Money, *, has_card: bool
) -> Given | None:
    """The open link for the same request; one to what was given ahead only at the same price, and while it is owed."""
    owing = {each.id for each in await owing_links(work, customer, has_card=has_card)}
    for page in await visits.open_checkouts(work, customer.key):
        if not page.links_to(request):
            continue
        if not page.given:
            return Given(page.url, None)
        if page.total_minor == due.minor and page.id in owing:
            placed = await schedules.find_schedule(work, customer.key) if isinstance(request, ScheduleRequest) else None
            invoice = None if page.invoice_id is None else await invoices.get(work, page.invoice_id)
            return Given(page.url, invoice, placed)
    return None
