"""Invoices in a person's hands: written, paid on demand, voided, and corrected by credit notes (api.md §2.16).

What is due changes only while nobody is asking the payment provider for it, so the amount of a try never differs from
the amount that is booked. A refund is recorded as owed together with its credit note and given back afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sumac.billing import store
from sumac.billing.collect import RESUME_AFTER, Collector, Providers, book_payment, provider_of, work_off
from sumac.billing.dunning import restore
from sumac.billing.execute import abandon_attempts
from sumac.billing.load import currency_of, plan_in
from sumac.billing.provider import Collection, Outcome
from sumac.billing.refunds import Refund, correct_invoice, give_back
from sumac.billing.rules.discounts import lower_draft
from sumac.billing.rules.manual import FreeLine, PlanCharge, compute_free_line, compute_plan_lines
from sumac.billing.service import BillingService
from sumac.catalog import service as catalog
from sumac.core.errors import BadRequest, Conflict
from sumac.core.ids import new_id
from sumac.core.money import Money
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import CreditNote, Invoice, InvoiceDraft, InvoiceKind, InvoiceStatus, LineDraft, NoteRequest
from sumac.invoices.rules.credit_notes import compute_credit_note
from sumac.invoices.rules.document import compute_document
from sumac.rewards import service as rewards
from sumac.rewards.model import AppliedReward, RewardChoice, RewardUse
from sumac.storage.database import Database
from sumac.storage.work import Work

LARGEST_MINOR = 10**15
NOT_PAYABLE = {
    InvoiceStatus.DRAFT: ("invoice_not_finalized", "The invoice is a draft; finalize it before it is paid"),
    InvoiceStatus.PAID: ("invoice_already_paid", "The invoice is already paid"),
    InvoiceStatus.VOID: ("invoice_void", "The invoice is void; there is nothing to pay"),
    InvoiceStatus.UNCOLLECTIBLE: ("invoice_uncollectible", "The invoice was written off; there is nothing to pay"),
}


@dataclass(frozen=True, slots=True)
class ManualInvoice:
    """Please invoice a customer for this; nothing is granted or charged by it.

    `issued_at` dates the document back, `finalize` makes it binding at once.
    """

    customer_id: str
    plans: tuple[PlanCharge, ...] = ()
    lines: tuple[FreeLine, ...] = ()
    net_terms_days: int | None = None
    due_at: datetime | None = None
    issued_at: datetime | None = None
    memo: str | None = None
    finalize: bool = True
    discounts: tuple[RewardChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A document, and whose it is; with `stored` False it was only looked at. `credit` would pay part of it."""

    invoice: Invoice
    customer: Customer
    credit: Money
    stored: bool


@dataclass(frozen=True, slots=True)
class Paid:
    """An invoice after a try to collect it; while it is open, what the provider said and where it can be paid."""

    invoice: Invoice
    customer: Customer
    collection: Collection | None = None
    payment_url: str | None = None


class InvoiceDesk:
    """Writes and corrects invoices of every tenant. Opens its own works: a provider is never called inside one."""

    def __init__(self, database: Database, billing: BillingService, providers: Providers) -> None:
        self._database = database
        self._billing = billing
        self._providers = providers
        self._collector = Collector(database, providers)

    async def create(self, tenant: Tenant, request: ManualInvoice, *, actor: str) -> Written:
        """Writes an invoice, as a draft or binding at once; the rewards asked for are for it alone.

        Raises NotFound for an unknown customer or plan, BadRequest for what the plans do not have, a negative or far
        too large total, or a date of issue that has not come.
        """
        async with self._database.work(tenant) as work:
            customer = await customers.get_for_update(work, request.customer_id)
            written, asked = await self._compose(work, customer, request)
            invoice = await invoices.issue(
                work,
                customer.key,
                written,
                now=customer.now(work.now),
                finalize=request.finalize,
                collect=False,
                issued_at=request.issued_at,
            )
            for use in asked:
                for_this = replace(use, customer_plan_ids=(), actor=actor)
                await rewards.add_use(work, customer, for_this, invoice_id=invoice.id)
            credit = await invoices.credit_of(work, customer.key, invoice.total.currency)
        return Written(invoice, customer, credit, stored=True)

    async def preview(self, tenant: Tenant, request: ManualInvoice) -> Written:
        """The document that `create` would write, without writing it. Raises as it does."""
        async with self._database.reading(tenant) as work:
            customer = await customers.get(work, request.customer_id)
            draft, _ = await self._compose(work, customer, request)
            now = customer.now(work.now)
            invoice = compute_document(draft, customer.key, invoice_id="", token="", provider_invoice="", now=now)
            credit = await invoices.credit_of(work, customer.key, invoice.total.currency)
        return Written(invoice, customer, credit, stored=False)

    async def finalize(self, tenant: Tenant, invoice_id: str) -> tuple[Invoice, Customer]:
        """Makes a draft binding; it waits to be paid. Raises NotFound, Conflict `invoice_finalized`."""
        async with self._database.work(tenant) as work:
            customer, invoice = await _locked(work, invoice_id)
            if invoice.kind is InvoiceKind.IMPORTED:
                raise _imported()
            return await invoices.finalize(work, invoice, now=customer.now(work.now), collect=False), customer

    async def pay(self, tenant: Tenant, invoice_id: str) -> Paid:
        """Collects an open invoice with the customer's card now; answers what is required when that does not pay it.

        Raises NotFound, Locked, and Conflict for an invoice that is not open.
        """
        async with self._database.reading(tenant) as work:
            invoice = await invoices.get(work, invoice_id)
            customer = await customers.get_by_key(work, invoice.customer_key)
        _require_open(invoice)
        collected = await self._collector.collect(tenant, invoice_id)
        if collected.invoice.is_settled or collected.collection is None:
            return Paid(collected.invoice, customer)
        if collected.collection.outcome is Outcome.PROCESSING:
            return Paid(collected.invoice, customer, collected.collection)
        url = await self._billing.open_payment(tenant, invoice_id)
        return Paid(collected.invoice, customer, collected.collection, url)

    async def void(self, tenant: Tenant, invoice_id: str) -> tuple[Invoice, Customer]:
        """Cancels a draft or an unpaid invoice; a plan that was past due for it alone is active again.

        Raises NotFound, Conflict for one that is paid or void, and `invoice_being_collected` while it is charged.
        """
        await self._close_pages(tenant, invoice_id)
        async with self._database.work(tenant) as work:
            customer, invoice = await _locked(work, invoice_id)
            _require_voidable(invoice)
            attempt = await _attempt_at_rest(work, customer, invoice)
            now = customer.now(work.now)
            if attempt is not None:
                await abandon_attempts(work, [attempt], at=now)
                return await invoices.get(work, invoice_id), customer
            voided = await invoices.void(work, invoice, now=now)
            await restore(work, customer, voided, now=now)
            return voided, customer

    async def preview_note(self, tenant: Tenant, invoice_id: str, request: NoteRequest) -> CreditNote:
        """The credit note that `issue_note` would issue. Raises as it does."""
        async with self._database.reading(tenant) as work:
            invoice = await invoices.get(work, invoice_id)
            customer = await customers.get_by_key(work, invoice.customer_key)
            return compute_credit_note(invoice, request, now=customer.now(work.now))

    async def issue_note(self, tenant: Tenant, invoice_id: str, request: NoteRequest) -> tuple[Invoice, CreditNote]:
        """Corrects a finalized invoice. What goes back to the card is asked of the provider until it has given it back.

        An open invoice of which nothing is left to pay is paid. Raises NotFound, and as `compute_credit_note` does;
        Conflict `invoice_being_collected` while the invoice is being charged.
        """
        await self._close_pages(tenant, invoice_id)
        async with self._database.work(tenant) as work:
            customer, invoice = await _locked(work, invoice_id)
            await _attempt_at_rest(work, customer, invoice)
            now = customer.now(work.now)
            invoice, note, refund = await correct_invoice(work, invoice, request, now=now)
            if invoice.status is InvoiceStatus.OPEN and invoice.amount_due.minor == 0:
                nothing_left = Collection(Outcome.PAID)
                invoice = await book_payment(work, customer, invoice, nothing_left, now=now)
        if refund is not None:
            await work_off("refunding_failed", [(tenant, refund)], self._give_back)
        return invoice, note

    async def _give_back(self, tenant: Tenant, refund: Refund) -> bool:
        return await give_back(self._database, provider_of(self._providers, tenant), tenant, refund)

    async def _close_pages(self, tenant: Tenant, invoice_id: str) -> None:
        """Nobody shall pay on an open page what is about to change; what was just paid there counts first."""
        async with self._database.reading(tenant) as work:
            invoice = await invoices.get(work, invoice_id)
            customer = await customers.get_by_key(work, invoice.customer_key)
        if invoice.status is InvoiceStatus.OPEN:
            await self._billing.close_pages(tenant, customer.public_id)

    async def _compose(
        self, work: Work, customer: Customer, request: ManualInvoice
    ) -> tuple[InvoiceDraft, Sequence[RewardUse]]:
        """The invoice, less what the customer's reward and those asked for take off, and these as uses."""
        now = customer.now(work.now)
        currency = await currency_of(work, customer)
        features = await catalog.features_by_id(work)
        lines: list[LineDraft] = []
        for charge in request.plans:
            sold = await plan_in(work, currency, await catalog.get_plan(work, charge.plan_id, charge.version))
            at = request.issued_at or now
            lines += compute_plan_lines(sold, charge, features, currency=currency, now=at)
        lines += [compute_free_line(line, currency=currency) for line in request.lines]
        _check(request, lines, now=now)
        draft = InvoiceDraft(
            kind=InvoiceKind.MANUAL,
            currency=currency,
            lines=tuple(lines),
            plan_ids=tuple(dict.fromkeys(charge.plan_id for charge in request.plans)),
            net_terms_days=request.net_terms_days,
            due_at=request.due_at,
            memo=request.memo,
        )
        return await _lowered(work, customer, draft, request, now=now)


async def _lowered(
    work: Work, customer: Customer, draft: InvoiceDraft, request: ManualInvoice, *, now: datetime
) -> tuple[InvoiceDraft, Sequence[RewardUse]]:
    """The draft after discounts, and the rewards asked for; one that the customer has anyway is not taken off twice."""
    applied = await rewards.list_applied(work, customer.key)
    found = await rewards.redeem_discounts(
        work,
        customer,
        [(choice, new_id("rwu", now=now)) for choice in request.discounts],
        currency=draft.currency,
        plan_ids=draft.plan_ids or None,
    )
    own = {each.use.reward_key for each in applied if each.use.customer_plan_ids is None}
    asked = [use for use in found if use.reward_key not in own]
    fresh = [AppliedReward(use, use.discount) for use in asked if use.discount is not None]
    return lower_draft(draft, [*applied, *fresh], at=now, fresh={use.id for use in asked}), asked


def _check(request: ManualInvoice, lines: Sequence[LineDraft], *, now: datetime) -> None:
    """Raises BadRequest `invalid_inputs` for an invoice that nobody should get."""
    problem: str | None = None
    issued_at = request.issued_at or now
    if not lines:
        problem = "There is nothing to invoice: send plans or custom_line_items that cost something"
    elif any(abs(line.exact_minor) > LARGEST_MINOR for line in lines):
        problem = "The amount of a line is too large"
    elif sum(line.exact_minor for line in lines) < 0:
        problem = "The total is below 0; give money back with a credit note"
    elif issued_at > now:
        problem = "issue_date: lies in the future; create a draft and finalize it on that day"
    elif request.issued_at is not None and not request.finalize:
        problem = "issue_date: a draft is dated when it is finalized"
    elif request.due_at is not None and request.due_at < issued_at:
        problem = "due_date: lies before the date of the invoice"
    if problem is not None:
        raise BadRequest(problem, code="invalid_inputs")


async def _locked(work: Work, invoice_id: str) -> tuple[Customer, Invoice]:
    """The customer, then the invoice, both locked: the order in which everybody locks them."""
    customer_key = (await invoices.get(work, invoice_id)).customer_key
    customer = await customers.get_by_key(work, customer_key, lock=True)
    return customer, await invoices.get(work, invoice_id, lock=True)


async def _attempt_at_rest(work: Work, customer: Customer, invoice: Invoice) -> store.Attempt | None:
    """The change that waits for the invoice to be paid, if any.

    Raises Conflict `invoice_being_collected` while a payment is under way, or about to be asked for.
    """
    attempt = await store.find_attempt(work, invoice.id)
    soon = customer.now(work.now) + RESUME_AFTER
    is_due = invoice.next_attempt_at is not None and invoice.next_attempt_at <= soon
    is_running = attempt is not None and attempt.status is store.AttemptStatus.RUNNING
    if invoice.status is InvoiceStatus.OPEN and (is_due or is_running or invoice.provider_payment is not None):
        message = "The invoice is being charged at this moment; try again in a few minutes"
        raise Conflict(message, code="invoice_being_collected")
    return attempt if attempt is not None and attempt.status is store.AttemptStatus.WAITING else None


def _require_open(invoice: Invoice) -> None:
    if invoice.kind is InvoiceKind.IMPORTED:
        raise _imported()
    if invoice.status in NOT_PAYABLE:
        code, message = NOT_PAYABLE[invoice.status]
        raise Conflict(message, code=code)


def _require_voidable(invoice: Invoice) -> None:
    if invoice.kind is InvoiceKind.IMPORTED:
        raise _imported()
    if invoice.status is InvoiceStatus.PAID:
        message = "The invoice is paid; correct it with a credit note instead"
        raise Conflict(message, code="invoice_already_paid")
    if invoice.status is InvoiceStatus.VOID:
        message = "The invoice is void already"
        raise Conflict(message, code="invoice_void")


def _imported() -> Conflict:
    message = "The invoice was issued elsewhere and is kept as history; change it there"
    return Conflict(message, code="invoice_imported")
