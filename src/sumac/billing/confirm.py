"""Pages of ours on which the customer confirms a change that needs no new card (billing.md §10.5).

The page is only a question: nothing is due until it is confirmed, when the change is decided again and carried out like
one that was asked for without it.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sumac.billing import visits
from sumac.billing.checkout import CheckoutDesk
from sumac.billing.decide import Proposal
from sumac.billing.model import Decision
from sumac.billing.quote import amount_due, amount_of
from sumac.billing.requests import BillingRequest, CancelRequest, MultiCancelRequest, RedirectMode
from sumac.billing.rules.phases import begin_now
from sumac.billing.visits import CheckoutProgress, CheckoutPurpose
from sumac.core.errors import Conflict, Gone
from sumac.core.money import Money
from sumac.core.tenant import Tenant
from sumac.customers.model import Customer
from sumac.invoices.model import Invoice
from sumac.storage.database import Database
from sumac.storage.schema import checkouts
from sumac.storage.work import Work


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A page to confirm on: what was asked for, and where it stands; `invoice` once it was confirmed and billed."""

    tenant: Tenant
    id: str
    customer: Customer
    request: BillingRequest
    progress: CheckoutProgress
    expires_at: datetime
    success_url: str | None
    actor: str
    invoice: Invoice | None

    def stands_at(self, now: datetime) -> bool:
        """Whether it can be confirmed at this instant of the wall clock."""
        return self.progress is CheckoutProgress.OPEN and now < self.expires_at


class ConfirmDesk:
    """The pages to confirm on of every tenant."""

    def __init__(self, database: Database, *, desk: CheckoutDesk, public_url: str) -> None:
        self._database = database
        self._desk = desk
        self._public_url = public_url

    async def open_request(
        self, tenant: Tenant, proposal: Proposal, request: BillingRequest, *, actor: str, sparing: Collection[str] = ()
    ) -> str:
        """The address of a page for what was asked; the same one when it is asked again.

        Any other page is closed, but for those `sparing` names.
        """
        customer = proposal.snapshot.customer
        request = begin_now(request, customer.now(proposal.quoted_at))
        for page in await self._desk.open_pages(tenant, customer):
            if page.purpose is CheckoutPurpose.CONFIRM and page.request == request:
                return page.url
        await self._desk.withdraw(tenant, customer, sparing=sparing)
        async with self._database.work(tenant) as work:
            page = visits.page_of_ours(
                customer.key,
                CheckoutPurpose.CONFIRM,
                request,
                address=f"{self._public_url}/c/",
                total_minor=amount_of(proposal).minor,
                actor=actor,
                now=work.now,
            )
            await visits.add_checkout(work, page)
        return page.url

    async def find(self, token: str) -> Confirmation | None:
        """The page behind an address, or None."""
        found = await self._desk.find_ours(token, CheckoutPurpose.CONFIRM)
        if found is None:
            return None
        tenant, customer, page, request, invoice = found
        return Confirmation(
            tenant=tenant,
            id=page.id,
            customer=customer,
            request=request,
            progress=page.status,
            expires_at=page.expires_at,
            success_url=page.success_url,
            actor=page.actor,
            invoice=invoice,
        )


def without_page(request: BillingRequest) -> BillingRequest:
    """The same request once it is confirmed: it sends nobody to a page unless a card is missing."""
    if isinstance(request, CancelRequest | MultiCancelRequest):
        return request
    return replace(request, redirect_mode=RedirectMode.IF_REQUIRED)


@dataclass(frozen=True, slots=True)
class Confirming:
    """A page that is being confirmed, and the amount that was shown as due on it."""

    page_id: str
    shown: Money


async def get_open(work: Work, customer: Customer, confirming: Confirming, decision: Decision) -> visits.Checkout:
    """The page that is being confirmed, while it is open and the decision costs no more than what was shown on it.

    The customer's row is locked. Raises Conflict `checkout_completed` or `price_changed`, Gone `checkout_expired`.
    """
    page = await visits.find_checkout(work, checkouts.c.id == confirming.page_id)
    if page is None or page.status is not CheckoutProgress.OPEN:
        message = "This page has already been confirmed, or something else was chosen instead"
        raise Conflict(message, code="checkout_completed")
    if page.expires_at <= work.now:
        message = "This page has expired; ask for a new link"
        raise Gone(message, code="checkout_expired")
    due = await amount_due(work, customer, decision)
    agreed = confirming.shown.minor if confirming.shown.currency == due.currency else 0
    if due.minor > agreed:
        message = "The price has changed while the page was open"
        raise Conflict(message, code="price_changed")
    return page


async def close_confirmed(work: Work, page: visits.Checkout, invoice: Invoice | None) -> None:
    """Marks the page confirmed, in the work that carries the change out."""
    invoice_id = None if invoice is None else invoice.id
    await visits.change_checkout(work, page, CheckoutProgress.SETTLED, invoice_id=invoice_id)
