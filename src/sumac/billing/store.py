"""Rows of customer plans, attempts, checkouts and portal sessions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.exc import IntegrityError

from sumac.billing.model import AttachRequest, CustomerPlan, Decision, PlanStatus
from sumac.core.errors import Locked
from sumac.core.page import Cursor
from sumac.core.quantity import from_text
from sumac.core.tenant import Tenant
from sumac.storage.schema import attempts, checkouts, customer_plans, customers, portal_sessions
from sumac.storage.work import SystemWork, Work

DECISION = TypeAdapter(Decision)
REQUEST = TypeAdapter(AttachRequest)
BUSY = "Another billing operation for this customer is running; try again in a moment"
LIVE = (PlanStatus.SCHEDULED, PlanStatus.ACTIVE, PlanStatus.PAST_DUE)


class AttemptStatus(StrEnum):
    """How far a decision that needs money has come."""

    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A decision recorded before the payment provider is asked, carried out once its invoice is paid."""

    id: str
    customer_key: str
    status: AttemptStatus
    decision: Decision
    invoice_id: str
    actor: str
    expires_at: datetime | None
    next_try_at: datetime | None
    created_at: datetime


class CheckoutPurpose(StrEnum):
    """What a completed hosted page leads to: the attach it was opened for, or the payment of one invoice."""

    ATTACH = "attach"
    INVOICE = "invoice"


class CheckoutProgress(StrEnum):
    """Where a checkout of ours stands."""

    OPEN = "open"
    SETTLED = "settled"
    REFUNDED = "refunded"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Checkout:
    """A hosted page we sent the customer to, and what to do when it is completed."""

    id: str
    customer_key: str
    provider_checkout: str
    status: CheckoutProgress
    purpose: CheckoutPurpose
    request: AttachRequest | None
    total_minor: int
    invoice_id: str | None
    actor: str
    url: str
    success_url: str | None
    expires_at: datetime
    created_at: datetime


async def plans_of(work: Work, customer_keys: Collection[str], *, live: bool = True) -> list[CustomerPlan]:
    """The customers' plans, oldest first; with `live` only scheduled and usable ones."""
    statement = work.select(customer_plans).where(customer_plans.c.customer_key.in_(customer_keys))
    if live:
        statement = statement.where(customer_plans.c.status.in_(LIVE))
    rows = await work.all(statement.order_by(customer_plans.c.created_at, customer_plans.c.id))
    return [_customer_plan(row) for row in rows]


async def page(
    work: Work, where: Sequence[sa.ColumnElement[bool]], cursor: Cursor | None, limit: int
) -> list[CustomerPlan]:
    """Up to `limit` + 1 customer plans that match, of whatever status, newest first, after the cursor."""
    statement = work.select(customer_plans).where(*where)
    created, plan_id = customer_plans.c.created_at, customer_plans.c.id
    if cursor is not None:
        mark = sa.tuple_(sa.literal(cursor.created_at, created.type), sa.literal(cursor.id))
        statement = statement.where(sa.tuple_(created, plan_id) < mark)
    rows = await work.all(statement.order_by(created.desc(), plan_id.desc()).limit(limit + 1))
    return [_customer_plan(row) for row in rows]


async def save_plan(work: Work, held: CustomerPlan) -> None:
    """Adds the customer plan, or writes its new state."""
    where = (customer_plans.c.customer_key == held.customer_key, customer_plans.c.id == held.id)
    values = _plan_values(held)
    if not await work.update(customer_plans, *where, values=values):
        await work.insert(customer_plans, id=held.id, customer_key=held.customer_key, **values)


async def remove_plan(work: Work, held: CustomerPlan) -> None:
    """Deletes a customer plan that never started."""
    await work.delete(
        customer_plans, customer_plans.c.customer_key == held.customer_key, customer_plans.c.id == held.id
    )


async def held_versions(work: Work, plan_id: str) -> frozenset[int]:
    """The versions of the plan that any customer holds or has held."""
    statement = work.select_columns(customer_plans, customer_plans.c.version).where(customer_plans.c.plan_id == plan_id)
    return frozenset(row.version for row in await work.all(statement.distinct()))


def keys_holding(work: Work, *where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """A select of the keys of customers with a live plan that matches."""
    statement = work.select_columns(customer_plans, customer_plans.c.customer_key)
    return statement.where(customer_plans.c.status.in_(LIVE), *where)


async def add_attempt(work: Work, attempt: Attempt) -> None:
    """Records an attempt. Raises Locked while another one runs for the customer (api.md §1.9)."""
    try:
        await work.insert(
            attempts,
            id=attempt.id,
            customer_key=attempt.customer_key,
            kind="attach",
            status=attempt.status,
            decision=DECISION.dump_python(attempt.decision, mode="json"),
            invoice_id=attempt.invoice_id,
            actor=attempt.actor,
            expires_at=attempt.expires_at,
            next_try_at=attempt.next_try_at,
            created_at=attempt.created_at,
        )
    except IntegrityError as error:
        raise Locked(BUSY) from error


async def change_attempt(
    work: Work,
    attempt: Attempt,
    status: AttemptStatus,
    *,
    expires_at: datetime | None,
    next_try_at: datetime | None = None,
) -> None:
    """Moves an attempt on; nothing but a running one is tried again."""
    await work.update(
        attempts,
        attempts.c.customer_key == attempt.customer_key,
        attempts.c.id == attempt.id,
        values={"status": status, "expires_at": expires_at, "next_try_at": next_try_at},
    )


async def find_attempt(work: Work, invoice_id: str) -> Attempt | None:
    """The attempt that waits for an invoice, or None."""
    row = await work.find(work.select(attempts).where(attempts.c.invoice_id == invoice_id))
    return None if row is None else _attempt(row)


async def waiting_attempts(work: Work, customer_key: str, *, expired_by: datetime | None = None) -> list[Attempt]:
    """The customer's attempts that wait for the payer, or only those whose time is up."""
    statement = work.select(attempts).where(
        attempts.c.customer_key == customer_key,
        attempts.c.status == AttemptStatus.WAITING,
    )
    if expired_by is not None:
        statement = statement.where(attempts.c.expires_at <= expired_by)
    return [_attempt(row) for row in await work.all(statement)]


async def add_checkout(work: Work, checkout: Checkout) -> None:
    """Records a hosted page."""
    request = None if checkout.request is None else REQUEST.dump_python(checkout.request, mode="json")
    await work.insert(
        checkouts,
        id=checkout.id,
        customer_key=checkout.customer_key,
        provider_checkout=checkout.provider_checkout,
        status=checkout.status,
        purpose=checkout.purpose,
        request=request,
        total_minor=checkout.total_minor,
        invoice_id=checkout.invoice_id,
        actor=checkout.actor,
        url=checkout.url,
        success_url=checkout.success_url,
        expires_at=checkout.expires_at,
        created_at=checkout.created_at,
    )


async def find_checkout(work: Work, *where: sa.ColumnElement[bool]) -> Checkout | None:
    """The newest checkout that matches, or None."""
    statement = work.select(checkouts).where(*where).order_by(checkouts.c.created_at.desc(), checkouts.c.id.desc())
    row = await work.find(statement)
    return None if row is None else _checkout(row)


async def open_checkouts(work: Work, customer_key: str) -> list[Checkout]:
    """The customer's hosted pages that are still open."""
    statement = work.select(checkouts).where(
        checkouts.c.customer_key == customer_key,
        checkouts.c.status == CheckoutProgress.OPEN,
    )
    return [_checkout(row) for row in await work.all(statement)]


async def forgotten_checkouts(
    system: SystemWork,
    opened_before: datetime,
    after: str,
    limit: int,
) -> Sequence[tuple[Tenant, str, str]]:
    """Hosted pages opened some time ago that nobody has settled: tenant, our id, the provider's; by our id."""
    statement = sa.select(checkouts.c.tenant, checkouts.c.id, checkouts.c.provider_checkout).where(
        checkouts.c.status == CheckoutProgress.OPEN,
        checkouts.c.created_at < opened_before,
        checkouts.c.id > after,
    )
    rows = await system.all(statement.order_by(checkouts.c.id).limit(limit))
    return [(Tenant.from_key(row.tenant), row.id, row.provider_checkout) for row in rows]


async def change_checkout(
    work: Work, checkout: Checkout, status: CheckoutProgress, *, invoice_id: str | None = None
) -> None:
    """Marks a checkout settled, refunded or closed, with the invoice it ended in if there is one."""
    await work.update(
        checkouts,
        checkouts.c.customer_key == checkout.customer_key,
        checkouts.c.id == checkout.id,
        values={"status": status, "invoice_id": invoice_id or checkout.invoice_id},
    )


async def find_running(work: Work, customer_key: str) -> Attempt | None:
    """The attempt of the customer that waits for the payment provider's answer, or None."""
    running = (attempts.c.customer_key == customer_key, attempts.c.status == AttemptStatus.RUNNING)
    row = await work.find(work.select(attempts).where(*running))
    return None if row is None else _attempt(row)


async def add_portal_session(work: Work, customer_key: str, **values: Any) -> None:  # noqa: ANN401  # the table's columns
    """Records a portal link (its digest only)."""
    await work.insert(portal_sessions, customer_key=customer_key, **values)


async def find_portal_session(system: SystemWork, digest: str, now: datetime) -> sa.Row[Any] | None:
    """The portal session of a link that has not expired."""
    where = (portal_sessions.c.digest == digest, portal_sessions.c.expires_at > now)
    return await system.find(sa.select(portal_sessions).where(*where))


async def due_customers(system: SystemWork, now: datetime, limit: int) -> Sequence[tuple[Tenant, str]]:
    """Customers on the wall clock with something due, the longest overdue first."""
    statement = sa.select(customers.c.tenant, customers.c.key).where(
        customers.c.due_at <= now,
        customers.c.clock_at.is_(None),
    )
    rows = await system.all(statement.order_by(customers.c.due_at).limit(limit))
    return [(Tenant.from_key(row.tenant), row.key) for row in rows]


async def interrupted_attempts(system: SystemWork, now: datetime, limit: int) -> Sequence[tuple[Tenant, str]]:
    """Invoices of attempts that were cut short between being recorded and being carried out."""
    statement = sa.select(attempts.c.tenant, attempts.c.invoice_id).where(
        attempts.c.status == AttemptStatus.RUNNING,
        attempts.c.next_try_at <= now,
    )
    rows = await system.all(statement.order_by(attempts.c.next_try_at).limit(limit))
    return [(Tenant.from_key(row.tenant), row.invoice_id) for row in rows]


async def expired_attempts(system: SystemWork, now: datetime, limit: int) -> Sequence[tuple[Tenant, str]]:
    """Customers with attempts nobody paid in time."""
    statement = sa.select(attempts.c.tenant, attempts.c.customer_key).where(
        attempts.c.status == AttemptStatus.WAITING,
        attempts.c.expires_at <= now,
    )
    rows = await system.all(statement.order_by(attempts.c.expires_at).limit(limit))
    return [(Tenant.from_key(row.tenant), row.customer_key) for row in rows]


def _plan_values(held: CustomerPlan) -> dict[str, Any]:
    return {
        "plan_id": held.plan_id,
        "version": held.version,
        "status": held.status,
        "recurring": held.recurring,
        "quantities": {feature_id: format(quantity, "f") for feature_id, quantity in held.quantities.items()},
        "subscription_id": held.subscription_id,
        "anchor_at": held.anchor_at,
        "starts_at": held.starts_at,
        "period_start": held.period_start,
        "period_end": held.period_end,
        "trial_ends_at": held.trial_ends_at,
        "canceled_at": held.canceled_at,
        "ends_at": held.ends_at,
        "created_at": held.created_at,
    }


def _customer_plan(row: sa.Row[Any]) -> CustomerPlan:
    return CustomerPlan(
        id=row.id,
        customer_key=row.customer_key,
        plan_id=row.plan_id,
        version=row.version,
        status=PlanStatus(row.status),
        recurring=row.recurring,
        anchor_at=row.anchor_at,
        starts_at=row.starts_at,
        created_at=row.created_at,
        quantities={feature_id: from_text(quantity) for feature_id, quantity in row.quantities.items()},
        subscription_id=row.subscription_id,
        period_start=row.period_start,
        period_end=row.period_end,
        trial_ends_at=row.trial_ends_at,
        canceled_at=row.canceled_at,
        ends_at=row.ends_at,
    )


def _attempt(row: sa.Row[Any]) -> Attempt:
    return Attempt(
        id=row.id,
        customer_key=row.customer_key,
        status=AttemptStatus(row.status),
        decision=DECISION.validate_python(row.decision),
        invoice_id=row.invoice_id,
        actor=row.actor,
        expires_at=row.expires_at,
        next_try_at=row.next_try_at,
        created_at=row.created_at,
    )


def _checkout(row: sa.Row[Any]) -> Checkout:
    return Checkout(
        id=row.id,
        customer_key=row.customer_key,
        provider_checkout=row.provider_checkout,
        status=CheckoutProgress(row.status),
        purpose=CheckoutPurpose(row.purpose),
        request=None if row.request is None else REQUEST.validate_python(row.request),
        total_minor=row.total_minor,
        invoice_id=row.invoice_id,
        actor=row.actor,
        url=row.url,
        success_url=row.success_url,
        expires_at=row.expires_at,
        created_at=row.created_at,
    )


def by_customer(plans: Iterable[CustomerPlan]) -> Mapping[str, list[CustomerPlan]]:
    """Customer plans by their customer's key, in the order given."""
    grouped: dict[str, list[CustomerPlan]] = {}
    for held in plans:
        grouped.setdefault(held.customer_key, []).append(held)
    return grouped
