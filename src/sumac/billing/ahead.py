"""What was given ahead of a payment on a page, and what becomes of it when nobody pays (billing.md §10.5, §15.1).

It is held like any other plan, and its invoice is open. It is given up when the time of its page is over, and when
something else is to take its place: then its plans end, and what is owed for them is void.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from sumac.billing import visits
from sumac.billing.decide import Proposal, load_scoped, pinned, propose, wanted_currency, wanted_plans
from sumac.billing.dunning import settle_debts
from sumac.billing.execute import apply
from sumac.billing.load import billed_in, load_snapshot, unpaid_links
from sumac.billing.model import Decision, IssueInvoice, Snapshot
from sumac.billing.requests import (
    AttachRequest,
    BillingRequest,
    CancelAction,
    CancelRequest,
    MultiAttachRequest,
    MultiCancelRequest,
    UpdateRequest,
)
from sumac.billing.rules.multi import decide_end_unpaid
from sumac.billing.rules.target import find_target, scopes_of
from sumac.billing.rules.transition import find_current
from sumac.billing.visits import Checkout, CheckoutProgress
from sumac.core.errors import Conflict
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice, InvoiceStatus
from sumac.storage.database import Database
from sumac.storage.work import Work

ACTOR = "system:checkout"


class _NotKeptError(Exception):
    """Ends a work whose writes are only looked at."""


async def give_ahead(
    work: Work, customer: Customer, decision: Decision, *, now: datetime, actor: str
) -> Invoice | None:
    """Carries out a decision before it is paid for; its invoice is issued, and charged to nobody."""
    draft = decision.invoice
    invoice = None if draft is None else await invoices.issue(work, customer.key, draft, now=now, collect=False)
    rest = tuple(action for action in decision.actions if not isinstance(action, IssueInvoice))
    await apply(work, customer, replace(decision, actions=rest), at=now, actor=actor)
    return invoice


async def owing_links(work: Work, customer: Customer, *, has_card: bool) -> list[Checkout]:
    """The links to what the customer was given ahead and has not paid for, those whose time is up too.

    A trial costs nothing, and needs a card.
    """
    unpaid = await unpaid_links(work, customer.key)
    unfinished = [] if has_card else await visits.unfinished_checkouts(work, customer.key)
    return [*unpaid, *(each for each in unfinished if each.given and each.invoice_id is None)]


async def end_link(work: Work, customer: Customer, link: Checkout, *, has_card: bool, now: datetime) -> None:
    """Closes a link whose time is up, and gives up what it gave ahead; the customer's row is locked.

    Where something of it was paid already, what is open is charged from now on like any invoice.
    """
    if link.id in {each.id for each in await owing_links(work, customer, has_card=has_card)}:
        await give_up(work, customer, link, now=now)
        return
    invoice = None if link.invoice_id is None else await invoices.get(work, link.invoice_id, lock=True)
    if invoice is not None and invoice.status is InvoiceStatus.OPEN:
        await invoices.schedule_attempt(work, invoice, now)
    await visits.change_checkout(work, link, CheckoutProgress.CLOSED)


async def give_up(work: Work, customer: Customer, link: Checkout, *, now: datetime) -> None:
    """Ends what a link gave ahead, whose payment has not come; the customer's row is locked."""
    decision = decide_end_unpaid(await load_snapshot(work, customer), link.given, now=now)
    await apply(work, customer, decision, at=now, actor=ACTOR)
    await settle_debts(work, customer, link.given, void=True, now=now)
    await visits.change_checkout(work, link, CheckoutProgress.CLOSED)


async def make_way(work: Work, customer: Customer, request: BillingRequest, *, has_card: bool) -> BillingRequest:
    """Gives up what was given ahead where the request is to take its place; the customer's row is locked.

    Answers the request to decide about: a plan that was not paid for is cancelled without giving anything back (§14.3).
    Raises Conflict for an update of such a plan, and what finding the plans of the request raises.
    """
    links = await owing_links(work, customer, has_card=has_card)
    if not links:
        return request
    snapshot = await load_scoped(work, customer, request, has_card=has_card)
    request = pinned(snapshot, request)
    given = {each for link in links for each in link.given}
    if isinstance(request, CancelRequest):
        return _without_credit(snapshot, request, given)
    if isinstance(request, MultiCancelRequest):
        return replace(request, changes=tuple(_without_credit(snapshot, each, given) for each in request.changes))
    if isinstance(request, UpdateRequest):
        target = find_target(snapshot.holdings, request)
        if target.held.id in given:
            message = f"Plan {target.plan.id} was given ahead and is not paid for yet; it can be cancelled, or replaced"
            raise Conflict(message)
        return request
    replaced = await _replaced(work, customer, request, has_card=has_card)
    for link in links:
        if not replaced.isdisjoint(link.given):
            await give_up(work, customer, link, now=customer.now(work.now))
    return request


async def propose_making_way(
    database: Database, tenant: Tenant, customer: Customer, request: BillingRequest, *, has_card: bool
) -> Proposal:
    """What the request comes to once what stands in its way is given up; nothing of that is kept.

    Raises as `make_way` and `propose` do.
    """
    async with database.reading(tenant) as work:
        customer = await customers.get_by_key(work, customer.key)
        if not await owing_links(work, customer, has_card=has_card):
            return await propose(work, customer, request, has_card=has_card)
    found: list[Proposal] = []
    with suppress(_NotKeptError):
        async with database.work(tenant) as work:
            customer = await customers.get_by_key(work, customer.key, lock=True)
            request = await make_way(work, customer, request, has_card=has_card)
            found.append(await propose(work, customer, request, has_card=has_card))
            raise _NotKeptError
    return found[0]


async def close_canceled(work: Work, customer: Customer, *, now: datetime) -> None:
    """Closes the links of plans that are over by now, and voids what was owed for them; the row is locked."""
    live = {each.held.id for each in (await load_snapshot(work, customer)).holdings}
    for link in await owing_links(work, customer, has_card=False):
        if live.isdisjoint(link.given):
            await give_up(work, customer, link, now=now)


def _without_credit(snapshot: Snapshot, request: CancelRequest, given: Collection[str]) -> CancelRequest:
    if request.action is not CancelAction.CANCEL_IMMEDIATELY:
        return request
    if find_target(snapshot.holdings, request).held.id not in given:
        return request
    return replace(request, bill=False, refund=None)


async def _replaced(work: Work, customer: Customer, request: BillingRequest, *, has_card: bool) -> set[str]:
    """The running plans whose place the request is to take, or that it removes."""
    customer = await billed_in(work, customer, wanted_currency(request))
    snapshot = await load_scoped(work, customer, request, has_card=has_card)
    plans = await wanted_plans(work, snapshot, request)
    seen = scopes_of(snapshot, request) if isinstance(request, MultiAttachRequest) else [snapshot] * len(plans)
    taken = [find_current(scope.holdings, plan) for scope, plan in zip(seen, plans, strict=True)]
    removed = request.remove_plan_ids if isinstance(request, AttachRequest) else ()
    gone = [each for each in snapshot.holdings if each.plan.id in removed]
    return {each.held.id for each in (*taken, *gone) if each is not None}
