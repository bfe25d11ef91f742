"""Hosted pages: opens them at the provider, and carries out what they were opened for once they are completed.

A completed page is a payment in fact: either what it was opened for is done, or the money goes back (payments.md §4.8).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sumac.billing import store
from sumac.billing.collect import Providers, book_payment, provider_of, require_ready
from sumac.billing.execute import apply
from sumac.billing.load import load_snapshot
from sumac.billing.model import AttachRequest, CustomerPlan, Decision, IssueInvoice, Payment, Snapshot, StartPlan
from sumac.billing.provider import CheckoutRequest, CheckoutStatus, Collection, CustomerInfo, DocumentLine
from sumac.billing.refunds import Refund, give_back, owe_refund
from sumac.billing.rules.attach import decide_attach
from sumac.billing.rules.preview import compute_next_cycle
from sumac.catalog import service as catalog
from sumac.catalog.model import Plan
from sumac.catalog.rules.shape import longest_cadence, shortest_cadence
from sumac.catalog.rules.text import amount_text, cadence_text
from sumac.core.errors import NotFound, SumacError
from sumac.core.ids import new_id
from sumac.core.money import Money
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice
from sumac.invoices.rules.totals import compute_lines, compute_total
from sumac.storage.database import Database
from sumac.storage.schema import checkouts
from sumac.storage.work import Work

OPEN_TIME = timedelta(hours=1)
FORGOTTEN_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SettledCheckout:
    """What a completed page came to, the same whenever it is asked; `refunded` when it was no longer possible."""

    customer_id: str
    plan_id: str | None
    customer_plan_active: bool
    invoice: Invoice | None
    success_url: str | None
    refunded: bool


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

    async def open_attach(
        self,
        tenant: Tenant,
        snapshot: Snapshot,
        plan: Plan,
        request: AttachRequest,
        decision: Decision,
        *,
        quoted_at: datetime,
        actor: str,
    ) -> str:
        """The address of a page on which the customer completes an attach; the same one while its price stands.

        `quoted_at` is the wall clock's instant at which the decision was made: the price it names is the page's.
        """
        customer = snapshot.customer
        for checkout in await self._open(tenant, customer):
            if checkout.request == request and await self._stands(tenant, customer, checkout):
                return checkout.url
            await self._close(tenant, checkout)
        lines, total = await self._due(tenant, customer, decision)
        heading = f"Subscribe to {plan.name}" if _recurs(decision) else f"Buy {plan.name}"
        return await self._open_page(
            tenant,
            customer,
            CheckoutRequest(
                provider_customer=await self.ensure_customer(tenant, customer),
                mode="setup" if decision.payment is Payment.SETUP else "pay",
                heading=heading,
                terms=_terms(snapshot, plan, decision),
                total=total,
                lines=lines,
                success_url=request.success_url,
                expires_at=quoted_at + OPEN_TIME,
            ),
            purpose=store.CheckoutPurpose.ATTACH,
            request=request,
            invoice_id=None,
            actor=actor,
        )

    async def open_invoice(
        self, tenant: Tenant, customer: Customer, invoice: Invoice, *, success_url: str | None
    ) -> str:
        """The address of a page to pay an open invoice on, with another card; the same one when repeated."""
        for checkout in await self._open(tenant, customer):
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
            purpose=store.CheckoutPurpose.INVOICE,
            request=None,
            invoice_id=invoice.id,
            actor="customer",
        )

    async def withdraw(self, tenant: Tenant, customer: Customer) -> None:
        """Closes the customer's open pages before something else is bought; one that was just completed is settled."""
        for checkout in await self._open(tenant, customer):
            await self._close(tenant, checkout)

    async def settle(self, tenant: Tenant, provider_checkout: str) -> SettledCheckout:
        """Carries out what a page was opened for, once.

        Raises NotFound `checkout_unavailable` for a foreign one, Locked while another billing operation of the customer
        runs, SomethingDueError.
        """
        provider = provider_of(self._providers, tenant)
        state = await provider.read_checkout(tenant, provider_checkout)
        refund: Refund | None = None
        async with self._database.work(tenant) as work:
            checkout = await store.find_checkout(work, checkouts.c.provider_checkout == provider_checkout)
            if checkout is None:
                message = "This checkout does not exist"
                raise NotFound(message, code="checkout_unavailable")
            customer = await customers.get_by_key(work, checkout.customer_key, lock=True)
            checkout = await store.find_checkout(work, checkouts.c.id == checkout.id) or checkout
            settled = await self._outcome(work, checkout, customer)
            if checkout.status is store.CheckoutProgress.OPEN and state.status is CheckoutStatus.EXPIRED:
                await store.change_checkout(work, checkout, store.CheckoutProgress.CLOSED)
            if checkout.status is store.CheckoutProgress.OPEN and state.status is CheckoutStatus.COMPLETED:
                await require_ready(work, customer)
                settled = await self._carry_out(work, customer, checkout, state.collection)
                surplus = _surplus(checkout, customer, settled)
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
                found = await store.forgotten_checkouts(system, system.now - FORGOTTEN_AFTER, after, limit)
            for tenant, after, provider_checkout in found:  # noqa: B007  # the last id is where the next page starts
                state = await provider_of(self._providers, tenant).read_checkout(tenant, provider_checkout)
                if state.status is not CheckoutStatus.OPEN:
                    done.append((tenant, provider_checkout))
            if len(found) < limit:
                return done

    async def _carry_out(
        self,
        work: Work,
        customer: Customer,
        checkout: store.Checkout,
        collection: Collection | None,
    ) -> SettledCheckout:
        now = customer.now(work.now)
        if checkout.invoice_id is not None:
            invoice = await invoices.get(work, checkout.invoice_id, lock=True)
            possible = not invoice.is_settled and collection is not None
            if collection is not None and possible:
                invoice = await book_payment(work, customer, invoice, collection, now=now)
            return await self._finish(work, checkout, customer, invoice, active=possible)
        decision = await _decide_again(work, customer, checkout)
        if decision is None:
            return await self._finish(work, checkout, customer, None, active=False)
        applied = await apply(work, customer, decision, at=now, actor=checkout.actor)
        paid = applied.invoice
        if paid is not None and not paid.is_settled and collection is not None:
            paid = await invoices.record_payment(work, paid, payment=collection.payment, now=now)
        return await self._finish(work, checkout, customer, paid, active=True)

    async def _finish(
        self,
        work: Work,
        checkout: store.Checkout,
        customer: Customer,
        invoice: Invoice | None,
        *,
        active: bool,
    ) -> SettledCheckout:
        progress = store.CheckoutProgress.SETTLED if active else store.CheckoutProgress.REFUNDED
        await store.change_checkout(work, checkout, progress, invoice_id=invoice.id if invoice else None)
        return _settled(checkout, customer, invoice, active=active, refunded=not active)

    async def _outcome(self, work: Work, checkout: store.Checkout, customer: Customer) -> SettledCheckout:
        """What the page has come to so far, as it was first answered."""
        active = checkout.status is store.CheckoutProgress.SETTLED
        refunded = checkout.status is store.CheckoutProgress.REFUNDED
        invoice: Invoice | None = None
        if checkout.invoice_id is not None and (active or refunded):
            invoice = await invoices.get(work, checkout.invoice_id)
        return _settled(checkout, customer, invoice, active=active, refunded=refunded)

    async def _open(self, tenant: Tenant, customer: Customer) -> list[store.Checkout]:
        async with self._database.reading(tenant) as work:
            found = await store.open_checkouts(work, customer.key)
        now = self._database.clock.now()
        return [checkout for checkout in found if checkout.expires_at > now]

    async def _stands(self, tenant: Tenant, customer: Customer, checkout: store.Checkout) -> bool:
        async with self._database.reading(tenant) as work:
            return await _decide_again(work, customer, checkout) is not None

    async def _close(self, tenant: Tenant, checkout: store.Checkout) -> None:
        provider = provider_of(self._providers, tenant)
        if not await provider.close_checkout(tenant, checkout.provider_checkout):
            await self.settle(tenant, checkout.provider_checkout)
            return
        async with self._database.work(tenant) as work:
            await store.change_checkout(work, checkout, store.CheckoutProgress.CLOSED)

    async def _due(
        self,
        tenant: Tenant,
        customer: Customer,
        decision: Decision,
    ) -> tuple[tuple[DocumentLine, ...], Money]:
        async with self._database.reading(tenant) as work:
            total = await _amount_due(work, customer, decision)
        draft = decision.invoice
        lines = compute_lines(draft.lines, draft.currency) if draft else ()
        return tuple(DocumentLine(line.description, line.amount) for line in lines), total

    async def _open_page(
        self,
        tenant: Tenant,
        customer: Customer,
        page: CheckoutRequest,
        *,
        purpose: store.CheckoutPurpose,
        request: AttachRequest | None,
        invoice_id: str | None,
        actor: str,
    ) -> str:
        opened_at = page.expires_at - OPEN_TIME
        checkout_id = new_id("chk", now=opened_at)
        opened = await provider_of(self._providers, tenant).open_checkout(tenant, page, key=f"{checkout_id}:open")
        checkout = store.Checkout(
            id=checkout_id,
            customer_key=customer.key,
            provider_checkout=opened.id,
            status=store.CheckoutProgress.OPEN,
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
            await store.add_checkout(work, checkout)
        return opened.url


async def _amount_due(work: Work, customer: Customer, decision: Decision) -> Money:
    draft = decision.invoice
    if draft is None:
        return Money.zero(customer.currency or "usd")
    total = compute_total(compute_lines(draft.lines, draft.currency), draft.currency)
    credit = await invoices.credit_of(work, customer.key, draft.currency)
    return Money(max(0, total.minor - max(0, credit.minor)), draft.currency)


def _surplus(checkout: store.Checkout, customer: Customer, settled: SettledCheckout) -> Money:
    """What was paid on the page and is not needed: all of it, or what credit that came free meanwhile has covered."""
    needed = 0 if settled.refunded or settled.invoice is None else settled.invoice.paid.minor
    return Money(checkout.total_minor - needed, customer.currency or "usd")


def _recurs(decision: Decision) -> bool:
    return any(isinstance(action, StartPlan) and action.held.recurring for action in decision.actions)


async def _decide_again(work: Work, customer: Customer, checkout: store.Checkout) -> Decision | None:
    """What the page was opened for, decided again as things stand; None when it is no longer possible at its price.

    On the wall clock a proration shrinks while the page is open. The price shown is what is booked, as long as the plan
    would still run to the same end.
    """
    request = checkout.request or AttachRequest(customer.public_id, "")
    snapshot = await load_snapshot(work, customer, has_payment_method=True)
    try:
        plan = await catalog.get_plan(work, request.plan_id, request.version)
        decision = decide_attach(snapshot, plan, request, now=customer.now(work.now))
        if (await _amount_due(work, customer, decision)).minor == checkout.total_minor:
            return decision
        quoted = decide_attach(snapshot, plan, request, now=checkout.created_at)
    except SumacError:
        return None
    if customer.clock_at is not None or _ends_at(quoted) != _ends_at(decision):
        return None
    if (await _amount_due(work, customer, quoted)).minor != checkout.total_minor:
        return None
    return _priced_as(decision, quoted)


def _priced_as(decision: Decision, quoted: Decision) -> Decision | None:
    """The decision with the lines of the other one; None when only one of them is paid for."""
    if decision.invoice is None or quoted.invoice is None:
        return None
    invoice = IssueInvoice(replace(decision.invoice, lines=quoted.invoice.lines))
    actions = tuple(invoice if isinstance(action, IssueInvoice) else action for action in decision.actions)
    return replace(decision, actions=actions)


def _started(decision: Decision) -> CustomerPlan | None:
    return next((action.held for action in decision.actions if isinstance(action, StartPlan)), None)


def _ends_at(decision: Decision) -> datetime | None:
    started = _started(decision)
    return None if started is None else started.period_end


def _terms(snapshot: Snapshot, plan: Plan, decision: Decision) -> str | None:
    """What will be charged later, and when; None when nothing will."""
    started = _started(decision)
    if started is None or started.period_end is None:
        return None
    usage = " Usage beyond what is included is added." if any(item.is_usage_based for item in plan.items) else ""
    price = _price_after(snapshot, plan, started)
    if started.trial_ends_at is not None:
        then = f"then {price}, charged" if price else "then charged"
        return f"Free until {_day(started.trial_ends_at)}, {then} automatically until you cancel.{usage}"
    at_price = f" at {price}" if price else ""
    return f"Renews on {_day(started.period_end)}{at_price}, charged automatically until you cancel.{usage}"


def _price_after(snapshot: Snapshot, plan: Plan, started: CustomerPlan) -> str | None:
    """What the next cycle costs in advance, such as "$20 per month"; None when only usage is billed."""
    following = compute_next_cycle(started, plan, snapshot.features, currency=snapshot.currency)
    lines = compute_lines(following.lines, snapshot.currency) if following else ()
    if not lines:
        return None
    amount = amount_text(compute_total(lines, snapshot.currency).major, snapshot.currency)
    cadence = shortest_cadence(plan)
    return f"{amount} {cadence_text(cadence)}" if cadence and cadence == longest_cadence(plan) else amount


def _day(instant: datetime) -> str:
    return f"{instant:%B} {instant.day}, {instant.year}"


def _settled(
    checkout: store.Checkout,
    customer: Customer,
    invoice: Invoice | None,
    *,
    active: bool,
    refunded: bool,
) -> SettledCheckout:
    return SettledCheckout(
        customer_id=customer.public_id,
        plan_id=checkout.request.plan_id if checkout.request else None,
        customer_plan_active=active,
        invoice=invoice,
        success_url=checkout.success_url,
        refunded=refunded,
    )
