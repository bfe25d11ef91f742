"""Billing: does and previews what is asked, turns what is due, tells what a customer holds (billing.md §10 to §13)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from sumac.balances.model import TrackAnswer
from sumac.balances.requests import TrackRequest
from sumac.billing import migration_store, portal, store
from sumac.billing.ahead import close_canceled, make_way, owing_links, propose_making_way
from sumac.billing.attempts import record_attempt
from sumac.billing.cards import CardDesk
from sumac.billing.checkout import CheckoutDesk
from sumac.billing.codes import CodeDesk
from sumac.billing.collect import Collected, Collector, Providers, provider_of, require_ready, work_off
from sumac.billing.confirm import Confirmation, ConfirmDesk, Confirming, close_confirmed, get_open, without_page
from sumac.billing.currencies import adopt_currency
from sumac.billing.decide import Proposal, propose, wanted_currency
from sumac.billing.due import DueDesk
from sumac.billing.dunning import forgive
from sumac.billing.execute import Applied, apply
from sumac.billing.links import Link, LinkDesk, once_followed, require_standing
from sumac.billing.load import HoldingFilter, currency_of, list_holdings, load_holdings, load_snapshot, plan_in
from sumac.billing.model import Holding, Payment
from sumac.billing.phases import Schedule
from sumac.billing.portal import Portal
from sumac.billing.provider import Collection as Outcome
from sumac.billing.provider import PaymentProvider
from sumac.billing.requests import (
    AttachRequest,
    BillingRequest,
    CancelRequest,
    MultiCancelRequest,
    SetupRequest,
    is_given_ahead,
    is_long_lived,
    success_url_of,
)
from sumac.billing.rules.attach import decide_attach
from sumac.billing.seats import SeatDesk
from sumac.billing.settlement import SettledCheckout, Settlement
from sumac.catalog import service as catalog
from sumac.catalog.model import Plan
from sumac.core.errors import BadRequest, Conflict
from sumac.core.money import Money
from sumac.core.page import Cursor, Page
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice, InvoiceStatus
from sumac.storage.database import Database
from sumac.storage.schema import customer_plans
from sumac.storage.work import Work

ON_A_PAGE = (Payment.CHECKOUT, Payment.SETUP, Payment.CONFIRM)
BATCH = 100


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an operation came to: done, or waiting for the payer behind `payment_url`.

    `outcome` is what the provider said about the invoice, when it was asked; `schedule` the one that was placed.
    """

    customer_id: str
    invoice: Invoice | None = None
    payment_url: str | None = None
    outcome: Outcome | None = None
    schedule: Schedule | None = None


class BillingService:
    """Everything that happens to what customers hold. Opens its own works: a provider is never called inside one."""

    def __init__(self, database: Database, providers: Providers, *, public_url: str) -> None:
        self._database = database
        self._providers = providers
        self._public_url = public_url.rstrip("/")
        self._collector = Collector(database, providers)
        self._settlement = Settlement(database, providers)
        self._desk = CheckoutDesk(database, providers, settlement=self._settlement)
        self.cards = CardDesk(database, providers, desk=self._desk, public_url=self._public_url)
        self.due = DueDesk(database, collector=self._collector, cards=self.cards)
        self._seats = SeatDesk(database, providers, collector=self._collector)
        self.links = LinkDesk(database, desk=self._desk, cards=self.cards, public_url=self._public_url)
        self.confirmations = ConfirmDesk(database, desk=self._desk, public_url=self._public_url)
        self.codes = CodeDesk(database, self.perform)

    async def perform(self, tenant: Tenant, request: BillingRequest, *, actor: str) -> Receipt:
        """Does what was asked: at once, after a charge, behind a hosted page, or once a sent invoice is paid.

        Raises NotFound for an unknown customer or plan, Conflict `plan_already_attached`, Locked while another billing
        operation runs, BadRequest for what is not possible (billing.md §10 to §13).
        """
        return await self.due.settled(tenant, lambda: self._perform(tenant, request, actor=actor))

    async def confirm(self, page: Confirmation, *, shown: Money) -> Receipt:
        """Does what a page of ours asked about, once, for no more than was shown on it.

        Raises as `perform` does, and Conflict `checkout_completed` or `price_changed`, Gone `checkout_expired`.
        """
        request, confirming = without_page(page.request), Confirming(page.id, shown)
        return await self.due.settled(
            page.tenant, lambda: self._perform(page.tenant, request, actor=page.actor, confirming=confirming)
        )

    async def preview(self, tenant: Tenant, request: BillingRequest) -> Proposal:
        """What `perform` would do, without doing it: the same decision. Raises as it does."""
        customer, has_card = await self._payer(tenant, request)
        return await self._propose(tenant, customer, request, has_card=has_card)

    async def count(self, tenant: Tenant, request: TrackRequest, *, actor: str) -> TrackAnswer:
        """Counts usage that takes or gives up prorated seats, once they are paid for. Raises as `SeatDesk.count`."""
        return await self.due.settled(tenant, lambda: self._seats.count(tenant, request, actor=actor))

    async def welcome(self, work: Work, customer: Customer, *, auto_enable_plan_id: str | None, actor: str) -> None:
        """Gives a new customer the auto-enabled plans, or the one named (billing.md §19), in the caller's work."""
        if auto_enable_plan_id is not None:
            named = await catalog.get_plan(work, auto_enable_plan_id)
            plans: Sequence[Plan] = [await plan_in(work, await currency_of(work, customer), named)]
        else:
            plans = (await load_snapshot(work, customer)).auto_enabled
        for plan in plans:
            now = customer.now(work.now)
            snapshot = await load_snapshot(work, customer)
            decision = decide_attach(snapshot, plan, AttachRequest(customer.public_id, plan.id), now=now)
            if decision.payment is not Payment.NONE:
                message = f"auto_enable_plan_id: plan {plan.id} must be free or have a trial that needs no card"
                raise BadRequest(message)
            await apply(work, customer, decision, at=now, actor=actor)

    async def bring_up_to_date(self, tenant: Tenant, customer_id: str) -> None:
        """Settles what is due for the customer by now, if anything. Raises NotFound `customer_not_found`."""
        async with self._database.reading(tenant) as work:
            customer = await customers.get(work, customer_id)
            now = customer.now(work.now)
        if customer.has_due(now):
            await self.due.settle(tenant, customer.key)

    async def settle_due_customers(self) -> int:
        """Settles a batch of customers on the wall clock with something due; answers how many."""
        return await self.due.settle_customers()

    async def turn(self, work: Work, customer: Customer, *, at: datetime, has_card: bool) -> Applied:
        """Turns what is due for the customer at exactly this instant, in the caller's work."""
        return await self.due.turn(work, customer, at=at, has_card=has_card)

    async def collect(self, tenant: Tenant, invoice_id: str) -> Collected:
        """One try to collect an open invoice, and what it led to."""
        return await self._collector.collect(tenant, invoice_id)

    async def retry_open_invoices(self, tenant: Tenant, customer_key: str) -> Sequence[Collected]:
        """Tries the invoices that could not be collected, now that there is another card (billing.md §20.0 R4)."""
        return await self._collector.retry_open(tenant, customer_key)

    async def open_payment(self, tenant: Tenant, invoice_id: str) -> str:
        """The address of a page on which an open invoice can be paid; it leads back to the invoice's own page.

        Raises NotFound `invoice_not_found`, Conflict when nothing is left to pay, BadRequest `stripe_config_not_found`.
        """
        async with self._database.reading(tenant) as work:
            invoice = await invoices.get(work, invoice_id)
            customer = await customers.get_by_key(work, invoice.customer_key)
        if invoice.status is not InvoiceStatus.OPEN:
            message = f"Invoice {invoice.number} is {invoice.status}; there is nothing to pay"
            raise Conflict(message)
        back = f"{self._public_url}/invoice/{invoice.token}"
        return await self._desk.open_invoice(tenant, customer, invoice, success_url=back)

    async def settle_checkout(self, tenant: Tenant, provider_checkout: str) -> SettledCheckout:
        """Carries out what a completed hosted page was opened for; safe to repeat.

        Raises NotFound `checkout_unavailable`, Locked while another billing operation of the customer runs.
        """
        settled = await self.due.settled(tenant, lambda: self._settlement.settle(tenant, provider_checkout))
        if settled.stored_card_of is not None:
            await self.retry_open_invoices(tenant, settled.stored_card_of)
        if settled.to_collect is not None:
            paid = (await self._collector.collect(tenant, settled.to_collect)).invoice
            settled = replace(settled, invoice=paid, customer_plan_active=paid.is_settled, to_collect=None)
        return settled

    async def follow(self, link: Link) -> str:
        """The address of the page that a link leads to now; what is only asked for is quoted again.

        Raises Conflict `checkout_completed`, Gone `checkout_expired`, and as `perform` does where what it was for is no
        longer possible.
        """
        require_standing(link, self._database.clock.now())
        if link.page.given:
            return await self.links.open_given(link)
        return await self.due.settled(link.tenant, lambda: self._follow(link))

    async def open_setup(self, tenant: Tenant, request: SetupRequest, *, actor: str) -> str:
        """The address of a page that stores a card; the attach that is asked for with it follows once it is completed.

        Raises what that attach would raise, before there is a page.
        """
        proposal = None if request.attach is None else await self.preview(tenant, request.attach)
        await self.bring_up_to_date(tenant, request.customer_id)
        async with self._database.reading(tenant) as work:
            customer = await customers.get(work, request.customer_id)
        return await self._desk.open_setup(
            tenant, customer, success_url=request.success_url, request=request.attach, proposal=proposal, actor=actor
        )

    async def close_pages(self, tenant: Tenant, customer_id: str) -> None:
        """Closes the customer's open hosted pages, so that nobody pays on one any more.

        Raises NotFound `customer_not_found`, Locked while another billing operation of the customer runs.
        """
        async with self._database.reading(tenant) as work:
            customer = await customers.get(work, customer_id)
        await self.due.settled(tenant, lambda: self._desk.withdraw(tenant, customer))

    async def provider_customer(self, tenant: Tenant, customer_id: str) -> str:
        """The payment provider's id of the customer, made on first need."""
        async with self._database.reading(tenant) as work:
            customer = await customers.get(work, customer_id)
        return await self._desk.ensure_customer(tenant, customer)

    def provider(self, tenant: Tenant) -> PaymentProvider:
        """The tenant's payment provider. Raises BadRequest `stripe_config_not_found` where none is connected."""
        return provider_of(self._providers, tenant)

    async def holdings(self, work: Work, customer_keys: Collection[str]) -> Mapping[str, Sequence[Holding]]:
        """The live plans of the customers, by customer key, oldest first."""
        return await load_holdings(work, customer_keys)

    async def list_page(self, work: Work, chosen: HoldingFilter, *, cursor: Cursor | None, limit: int) -> Page[Holding]:
        """Subscriptions or purchases of the tenant, ended ones too, newest first."""
        return await list_holdings(work, chosen, cursor=cursor, limit=limit)

    def keys_holding(
        self, work: Work, plans: Sequence[tuple[str, Sequence[int]]], status: str | None
    ) -> sa.Select[tuple[str]]:
        """A select of customer keys that hold one of the plans (any version where none is named), shown as `status`."""
        conditions = [
            sa.and_(
                customer_plans.c.plan_id == plan_id, customer_plans.c.version.in_(versions) if versions else sa.true()
            )
            for plan_id, versions in plans
        ]
        where: list[sa.ColumnElement[bool]] = [sa.or_(*conditions)] if conditions else []
        if status is not None:
            where.append(customer_plans.c.status.in_(store.SHOWN_AS[status]))
        return store.keys_holding(work, *where)

    async def trials_used(self, work: Work, customer_key: str) -> frozenset[str]:
        """The ids of the plans the customer ever had on trial."""
        history = await store.plans_of(work, [customer_key], live=False)
        return frozenset(held.plan_id for held in history if held.trial_ends_at is not None)

    async def held_versions(self, work: Work, plan_id: str) -> frozenset[int]:
        """The versions of the plan that any customer holds or has held, or is being moved to."""
        awaited = {each.asked.to_version for each in await migration_store.unfinished(work, plan_id)}
        return await store.held_versions(work, plan_id) | awaited

    async def open_portal(self, tenant: Tenant, customer_id: str, return_url: str | None) -> str:
        """A link to the customer's portal, good for a day. Raises NotFound `customer_not_found`."""
        return f"{self._public_url}/portal/{await portal.open_portal(self._database, tenant, customer_id, return_url)}"

    async def find_portal(self, token: str) -> Portal | None:
        """The portal session of a link, or None when it is unknown or has expired."""
        return await portal.find_portal(self._database, token)

    async def collect_due_invoices(self) -> int:
        """Tries a batch of open invoices whose next try has come; answers how many."""
        async with self._database.system_reading() as system:
            due = await invoices.list_due(system, system.now, BATCH)
        return await work_off("collecting_failed", due, self._collector.collect_due)

    async def settle_checkouts(self) -> int:
        """Settles hosted pages completed while nobody came back, and links whose time is up; answers how many."""
        forgotten = await self._settlement.forgotten(BATCH)
        settled = await work_off("settling_checkout_failed", forgotten, self.settle_checkout)
        return settled + await work_off("closing_link_failed", await self.links.expired(BATCH), self._expire_link)

    async def resume_attempts(self) -> int:
        """Carries on attaches and refunds that were cut short, gives up attaches nobody paid; answers how many."""
        now = self._database.clock.now()
        resumed = await self._collector.resume(now, BATCH) + await self._collector.give_back_owed(BATCH)
        return resumed + await self._collector.expire(now, BATCH)

    async def _perform(
        self, tenant: Tenant, request: BillingRequest, *, actor: str, confirming: Confirming | None = None
    ) -> Receipt:
        customer, has_card = await self._payer(tenant, request)
        if not isinstance(request, CancelRequest | MultiCancelRequest):
            proposal = await self._propose(tenant, customer, request, has_card=has_card)
            if proposal.decision.payment in ON_A_PAGE:
                return await self._send_to_page(tenant, proposal, request, has_card=has_card, actor=actor)
            if await self._desk.withdraw(tenant, customer, sparing=[confirming.page_id] if confirming else []):
                await self.due.carry_on(tenant, customer.key)
        async with self._database.work(tenant) as work:
            customer = await customers.get_by_key(work, customer.key, lock=True)
            await require_ready(work, customer)
            now = customer.now(work.now)
            request = await make_way(work, customer, request, has_card=has_card)
            proposal = await propose(work, customer, request, has_card=has_card)
            decision = proposal.decision
            await adopt_currency(work, customer, wanted_currency(request))
            page = await get_open(work, customer, confirming, decision) if confirming else None
            if decision.payment is Payment.NONE:
                applied = await apply(work, customer, decision, at=now, actor=actor)
                if isinstance(request, CancelRequest | MultiCancelRequest):
                    await forgive(work, customer, proposal.snapshot, applied, now=now)
                    await close_canceled(work, customer, now=now)
                invoice = applied.invoice
            else:
                invoice = await record_attempt(work, customer, decision, now=now, actor=actor)
            if page is not None:
                await close_confirmed(work, page, invoice)
        receipt = Receipt(customer.public_id, invoice)
        if decision.payment not in {Payment.NONE, Payment.SEND} and invoice is not None:
            receipt = await self._charge(tenant, customer, invoice, success_url=success_url_of(request))
        done = decision.payment is Payment.NONE or (receipt.invoice is not None and receipt.invoice.is_settled)
        return replace(receipt, schedule=decision.schedule) if done else receipt

    async def _expire_link(self, tenant: Tenant, token: str) -> bool:
        return await self.due.settled(tenant, lambda: self.links.expire(tenant, token))

    async def _send_to_page(
        self,
        tenant: Tenant,
        proposal: Proposal,
        request: BillingRequest,
        *,
        has_card: bool,
        actor: str,
        sparing: Sequence[str] = (),
    ) -> Receipt:
        """Opens what the payer is sent to; on a page to pay on, what was given ahead and stands in its way is over."""
        customer = proposal.snapshot.customer
        if proposal.decision.payment is Payment.CONFIRM:
            url = await self.confirmations.open_request(tenant, proposal, request, actor=actor, sparing=sparing)
            return Receipt(customer.public_id, payment_url=url)
        if is_given_ahead(request) or is_long_lived(request):
            given = await self.links.open_request(tenant, proposal, request, has_card=has_card, actor=actor)
            return Receipt(customer.public_id, given.invoice, payment_url=given.url, schedule=given.schedule)
        async with self._database.work(tenant) as work:
            customer = await customers.get_by_key(work, customer.key, lock=True)
            if await owing_links(work, customer, has_card=has_card):
                await require_ready(work, customer)
                await make_way(work, customer, request, has_card=has_card)
        url = await self._desk.open_request(tenant, proposal, request, actor=actor, sparing=sparing)
        return Receipt(customer.public_id, payment_url=url)

    async def _follow(self, link: Link) -> str:
        request = once_followed(link.request)
        customer, has_card = await self._payer(link.tenant, request)
        proposal = await self._propose(link.tenant, customer, request, has_card=has_card)
        receipt: Receipt | None = None
        if proposal.decision.payment in ON_A_PAGE:
            receipt = await self._send_to_page(
                link.tenant, proposal, request, has_card=has_card, actor=link.page.actor, sparing=[link.page.id]
            )
        if receipt is None or receipt.payment_url is None:
            message = "What this link was for is no longer possible; nothing was charged"
            raise Conflict(message)
        return receipt.payment_url

    async def _payer(self, tenant: Tenant, request: BillingRequest) -> tuple[Customer, bool]:
        """The customer, up to date, and whether there is a card; cancelling does not ask for one."""
        await self.bring_up_to_date(tenant, request.customer_id)
        async with self._database.reading(tenant) as work:
            customer = await customers.get(work, request.customer_id)
        if isinstance(request, CancelRequest | MultiCancelRequest):
            return customer, False
        return customer, bool(await self.cards.list_cards(tenant, customer))

    async def _propose(
        self, tenant: Tenant, customer: Customer, request: BillingRequest, *, has_card: bool
    ) -> Proposal:
        proposal = await propose_making_way(self._database, tenant, customer, request, has_card=has_card)
        if proposal.decision.payment is not Payment.NONE:
            self.provider(tenant)
        return proposal

    async def _charge(
        self, tenant: Tenant, customer: Customer, invoice: Invoice, *, success_url: str | None
    ) -> Receipt:
        if invoice.is_settled:
            return Receipt(customer.public_id, invoice)
        collected = await self._collector.collect(tenant, invoice.id)
        receipt = Receipt(customer.public_id, collected.invoice, outcome=collected.collection)
        if collected.invoice.is_settled:
            return receipt
        url = await self._desk.open_invoice(tenant, customer, collected.invoice, success_url=success_url)
        return replace(receipt, payment_url=url)
