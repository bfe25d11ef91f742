"""Carries out a decision: rows, grants, invoice, and when the customer is due next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sumac.balances import service as balances
from sumac.balances.model import Grant
from sumac.billing import store
from sumac.billing.model import (
    Action,
    CancelPlan,
    CustomerPlan,
    Decision,
    DropScheduled,
    EndPlan,
    IssueInvoice,
    KeepPlan,
    Provision,
    RenewPlan,
    ResetGrants,
    SchedulePlan,
    StartPlan,
)
from sumac.billing.rules.turn import compute_due_at
from sumac.core.ids import new_id
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice
from sumac.storage.work import Work

PLAN_ACTIONS = (StartPlan, SchedulePlan, DropScheduled, CancelPlan, KeepPlan, EndPlan, RenewPlan)


@dataclass(frozen=True, slots=True)
class Applied:
    """What a decision came to: its actions in order, and the invoice if there is one."""

    actions: tuple[Action, ...]
    invoice: Invoice | None


async def apply(work: Work, customer: Customer, decision: Decision, *, at: datetime, actor: str) -> Applied:
    """Writes everything the decision says, all at the instant `at`, in the caller's transaction."""
    if any(isinstance(action, PLAN_ACTIONS) for action in decision.actions):
        await abandon_attempts(work, await store.waiting_attempts(work, customer.key), at=at)
    invoice: Invoice | None = None
    for action in decision.actions:
        match action:
            case IssueInvoice(draft):
                invoice = await invoices.issue(work, customer.key, draft, now=at)
            case ResetGrants(grants):
                await balances.reset_grants(work, grants, at=at, cause=action.kind, actor=actor)
            case DropScheduled(held):
                await store.remove_plan(work, held)
            case EndPlan(held):
                await store.save_plan(work, held)
                await _end_grants(work, held, at=at, actor=actor)
            case StartPlan(held, add_on, provisions):
                await store.save_plan(work, held)
                opened = [_grant(held, each, add_on=add_on, at=at) for each in provisions]
                await balances.open_grants(work, opened, cause=held.id, actor=actor, at=at)
            case SchedulePlan(held) | CancelPlan(held) | KeepPlan(held) | RenewPlan(held):
                await store.save_plan(work, held)
    await refresh_due(work, customer.key)
    return Applied(decision.actions, invoice)


async def refresh_due(work: Work, customer_key: str) -> None:
    """Writes down when anything of the customer turns next."""
    held = await store.plans_of(work, [customer_key])
    grants = await balances.live_grants(work, customer_key)
    await customers.set_due(work, customer_key, compute_due_at(held, grants))


async def abandon_attempts(work: Work, attempts: Sequence[store.Attempt], *, at: datetime) -> None:
    """Gives up decisions that were waiting for a payment, and cancels their invoices."""
    for attempt in attempts:
        invoice = await invoices.get(work, attempt.invoice_id, lock=True)
        if not invoice.is_settled:
            await invoices.void(work, invoice, now=at)
        await store.change_attempt(work, attempt, store.AttemptStatus.ABANDONED, expires_at=None)


async def _end_grants(work: Work, held: CustomerPlan, *, at: datetime, actor: str) -> None:
    ended = [
        grant for grant in await balances.live_grants(work, held.customer_key) if grant.customer_plan_id == held.id
    ]
    await balances.end_grants(work, ended, cause=held.id, actor=actor, at=at)


def _grant(held: CustomerPlan, provision: Provision, *, add_on: bool, at: datetime) -> Grant:
    return Grant(
        id=new_id("cus_ent", now=at),
        customer_key=held.customer_key,
        feature_id=provision.feature_id,
        customer_plan_id=held.id,
        plan_id=held.plan_id,
        anchor_at=held.anchor_at,
        created_at=at,
        add_on=add_on,
        included=provision.included,
        prepaid=provision.prepaid,
        balance=provision.balance,
        unlimited=provision.unlimited,
        overage_allowed=provision.overage_allowed,
        max_purchase=provision.max_purchase,
        reset=provision.reset,
        resets_at=provision.resets_at,
        price=provision.price,
    )
