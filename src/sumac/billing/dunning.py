"""What follows when an invoice of a plan could not be collected (billing.md §12.5, §15.1, §20.0 R4, R5).

The plan is past due and keeps its access; the invoice is tried again on the tenant's days. Paying restores the plan.
After the last try the plan ends, unless the tenant keeps it past due, and what is still owed for it is settled in the
books: void, or written off.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sumac.balances import service as balances
from sumac.billing import store
from sumac.billing.execute import Applied, abandon_attempts, apply, live_grants_of, refresh_due
from sumac.billing.load import load_snapshot
from sumac.billing.model import Decision, EndPlan, PlanStatus, Snapshot
from sumac.billing.refunds import owe_what_arrives
from sumac.billing.requests import BillingRequest, CancelAction, CancelRequest, MultiCancelRequest
from sumac.billing.rules.multi import decide_end_unpaid
from sumac.billing.rules.refill import refill_late
from sumac.billing.rules.target import find_target
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice, InvoiceKind, InvoiceStatus
from sumac.invoices.rules.retries import compute_next_attempt
from sumac.organizations.settings import AfterLastRetry, get_billing_settings
from sumac.storage.work import Work

ACTOR = "system:dunning"
NOT_OF_A_PLAN = frozenset({InvoiceKind.MANUAL, InvoiceKind.IMPORTED})
UNPAID = frozenset({InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE})


@dataclass(frozen=True, slots=True)
class Failure:
    """An invoice after a failed try, and what that led to."""

    invoice: Invoice
    followed: Applied | None = None


async def book_failure(work: Work, customer: Customer, invoice: Invoice, *, now: datetime) -> Failure:
    """Counts a try that was due and failed: its plans are past due, and after the last one they may end."""
    settings = await get_billing_settings(work)
    owing = [held for held in await store.plans_of(work, [customer.key]) if held.id in _billed_by(invoice)]
    at_once = settings.cancel_on_past_due and bool(owing)
    next_attempt_at = None if at_once else compute_next_attempt(invoice, settings.retry_days, now=now)
    failed = await invoices.record_failure(work, invoice, next_attempt_at=next_attempt_at)
    for held in owing:
        if held.status is PlanStatus.ACTIVE:
            await store.save_plan(work, replace(held, status=PlanStatus.PAST_DUE))
            if not settings.past_due_access:
                given = await live_grants_of(work, held)
                await balances.leave_pools(work, given, cause=held.id, actor=ACTOR, at=now)
    usable = [held for held in owing if held.is_usable]
    is_last = next_attempt_at is None and settings.after_last_retry is AfterLastRetry.CANCEL
    if not usable or not (at_once or is_last):
        await refresh_due(work, customer.key)
        return Failure(failed)
    over = {held.id for held in usable}
    snapshot = await load_snapshot(work, customer)
    followed = await apply(work, customer, decide_end_unpaid(snapshot, over, now=now), at=now, actor=ACTOR)
    void = at_once or settings.void_invoices_on_cancellation
    await settle_debts(work, customer, over, void=void, now=now)
    return Failure(await invoices.get(work, failed.id), followed)


async def restore(work: Work, customer: Customer, invoice: Invoice, *, now: datetime) -> None:
    """A plan of a paid invoice is active again, unless another of its invoices could not be collected either.

    Units that were withheld meanwhile are given, once.
    """
    billed = _billed_by(invoice)
    behind = [held for held in await store.plans_of(work, [invoice.customer_key]) if held.status is PlanStatus.PAST_DUE]
    if not any(held.id in billed for held in behind):
        return
    unpaid = await invoices.list_of_customer(work, invoice.customer_key)
    failed = [each for each in unpaid if each.status in UNPAID and each.attempts_made and each.id != invoice.id]
    # What a change costs that waits is not owed: without the payment there is no change.
    failed = [each for each in failed if await store.find_attempt(work, each.id) is None]
    still_owing = frozenset[str]().union(*(_billed_by(each) for each in failed))
    restored = [held for held in behind if held.id in billed - still_owing]
    for held in restored:
        await store.save_plan(work, replace(held, status=PlanStatus.ACTIVE))
        given = await live_grants_of(work, held)
        await balances.rejoin_pools(work, given, cause=held.id, actor=ACTOR, at=now)
    late = refill_late(await load_snapshot(work, customer), {held.id for held in restored}, now=now)
    await apply(work, customer, Decision(tuple(late)), at=now, actor=ACTOR)


async def hasten(work: Work, snapshot: Snapshot, request: BillingRequest) -> BillingRequest:
    """Cancelling a past due plan ends it at once where what is owed for it is void then (billing.md §12.5).

    Nothing is given back in that case, whatever was asked.
    """
    if not isinstance(request, CancelRequest | MultiCancelRequest):
        return request
    if all(each.held.status is not PlanStatus.PAST_DUE for each in snapshot.holdings):
        return request
    if not (await get_billing_settings(work)).void_invoices_on_cancellation:
        return request
    if isinstance(request, CancelRequest):
        return _at_once(snapshot, request)
    return replace(request, changes=tuple(_at_once(snapshot, each) for each in request.changes))


def _at_once(snapshot: Snapshot, request: CancelRequest) -> CancelRequest:
    if request.action is CancelAction.UNCANCEL:
        return request
    if find_target(snapshot.holdings, request).held.status is not PlanStatus.PAST_DUE:
        return request
    return replace(request, action=CancelAction.CANCEL_IMMEDIATELY, bill=False, refund=None)


async def forgive(work: Work, customer: Customer, before: Snapshot, applied: Applied, *, now: datetime) -> None:
    """Voids what is owed for past due plans that a cancellation has ended, where the tenant wants that (§12.5).

    `before` is what the customer held before it.
    """
    ended = {action.held.id for action in applied.actions if isinstance(action, EndPlan)}
    unpaid = [each.held for each in before.holdings if each.held.status is PlanStatus.PAST_DUE]
    over = {held.id for held in unpaid if held.id in ended}
    settings = await get_billing_settings(work) if over else None
    if settings is not None and settings.void_invoices_on_cancellation:
        await settle_debts(work, customer, over, void=True, now=now)


async def settle_debts(work: Work, customer: Customer, over: Collection[str], *, void: bool, now: datetime) -> None:
    """Voids or writes off the unpaid invoices of plans that are over; one that a running plan shares stays as it is.

    A change that waits to be paid is given up, except while its payment is being asked for: whoever asks finds that it
    comes too late.
    """
    running = {held.id for held in await store.plans_of(work, [customer.key]) if held.is_usable}
    for invoice in await invoices.list_of_customer(work, customer.key):
        billed = _billed_by(invoice)
        if invoice.status not in UNPAID or billed.isdisjoint(over) or billed & running:
            continue
        attempt = await store.find_attempt(work, invoice.id)
        if attempt is not None and attempt.status is store.AttemptStatus.RUNNING:
            continue
        if attempt is not None and attempt.status is store.AttemptStatus.WAITING:
            await abandon_attempts(work, [attempt], at=now)
            continue
        await owe_what_arrives(work, invoice)
        if void:
            await invoices.void(work, invoice, now=now)
        else:
            await invoices.write_off(work, invoice)


def _billed_by(invoice: Invoice) -> frozenset[str]:
    """The customer plans that an invoice is for; one that a person wrote is for none."""
    if invoice.kind in NOT_OF_A_PLAN:
        return frozenset()
    named = (invoice.customer_plan_id, *(line.customer_plan_id for line in invoice.lines))
    return frozenset(each for each in named if each is not None)
