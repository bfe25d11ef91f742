"""Rows of customer plans, of lines that wait for their next invoice, and of attempts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.exc import IntegrityError

from sumac.billing.model import CustomerPlan, Decision, HeldLine, PlanStatus
from sumac.catalog.model import PlanTerms
from sumac.core.errors import Locked
from sumac.core.page import Cursor
from sumac.core.quantity import from_text
from sumac.core.tenant import Tenant
from sumac.invoices.model import LineDraft
from sumac.storage.schema import TENANT, attempts, customer_plans, customers, pending_lines
from sumac.storage.work import SystemWork, Work

DECISION = TypeAdapter(Decision)
TERMS = TypeAdapter(PlanTerms)
LINE = TypeAdapter(LineDraft)
BUSY = "Another billing operation for this customer is running; try again in a moment"
LIVE = (PlanStatus.SCHEDULED, PlanStatus.ACTIVE, PlanStatus.PAST_DUE, PlanStatus.PAUSED)
# The two words that callers have for where a live plan stands (api.md §2.1).
SHOWN_AS = {
    "active": (PlanStatus.ACTIVE, PlanStatus.PAST_DUE),
    "scheduled": (PlanStatus.SCHEDULED, PlanStatus.PAUSED),
}


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


async def plans_of(work: Work, customer_keys: Collection[str], *, live: bool = True) -> list[CustomerPlan]:
    """The customers' plans, oldest first; with `live` only scheduled, usable and paused ones."""
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


async def held_lines(work: Work, customer_key: str) -> list[HeldLine]:
    """The customer's lines that wait for their plan's next invoice, in the order in which they were held."""
    statement = work.select(pending_lines).where(pending_lines.c.customer_key == customer_key)
    rows = await work.all(statement.order_by(pending_lines.c.created_at, pending_lines.c.id))
    return [HeldLine(row.id, LINE.validate_python(row.line)) for row in rows]


async def hold_lines(work: Work, customer_key: str, lines: Sequence[HeldLine], *, at: datetime) -> None:
    """Adds lines that wait for their plan's next invoice."""
    rows = [
        {
            "customer_key": customer_key,
            "id": each.id,
            "customer_plan_id": each.line.customer_plan_id,
            "line": LINE.dump_python(each.line, mode="json"),
            "created_at": at,
        }
        for each in lines
    ]
    await work.insert_all(pending_lines, rows)


async def release_lines(work: Work, customer_key: str, held_line_ids: Collection[str]) -> None:
    """Removes lines that wait no longer."""
    where = (pending_lines.c.customer_key == customer_key, pending_lines.c.id.in_(held_line_ids))
    await work.delete(pending_lines, *where)


async def held_versions(work: Work, plan_id: str) -> frozenset[int]:
    """The versions of the plan that any customer holds or has held."""
    statement = work.select_columns(customer_plans, customer_plans.c.version).where(customer_plans.c.plan_id == plan_id)
    return frozenset(row.version for row in await work.all(statement.distinct()))


async def holders(work: Work) -> Mapping[str, Mapping[int, int]]:
    """How many customers hold each version now, by plan and version; a version that was only held before has 0."""
    now = sa.case((customer_plans.c.status.in_(LIVE), customer_plans.c.customer_key))
    version = (customer_plans.c.plan_id, customer_plans.c.version)
    statement = work.select_columns(customer_plans, *version, sa.func.count(now.distinct()).label("customers"))
    held: dict[str, dict[int, int]] = {}
    for row in await work.all(statement.group_by(*version)):
        held.setdefault(row.plan_id, {})[row.version] = row.customers
    return held


async def held_currencies(work: Work, plan_id: str) -> dict[int, set[str]]:
    """The currencies, other than the tenant's default one, of the customers who hold a version now, by version."""
    columns = customer_plans.c.version, customers.c.currency
    statement = work.select_columns(customers, *columns).where(
        customers.c.key == customer_plans.c.customer_key,
        customer_plans.c[TENANT] == customers.c[TENANT],
        customer_plans.c.plan_id == plan_id,
        customer_plans.c.status.in_(LIVE),
        customers.c.currency.is_not(None),
    )
    found: dict[int, set[str]] = {}
    for row in await work.all(statement.distinct()):
        found.setdefault(row.version, set()).add(row.currency)
    return found


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


async def find_running(work: Work, customer_key: str) -> Attempt | None:
    """The attempt of the customer that waits for the payment provider's answer, or None."""
    running = (attempts.c.customer_key == customer_key, attempts.c.status == AttemptStatus.RUNNING)
    row = await work.find(work.select(attempts).where(*running))
    return None if row is None else _attempt(row)


async def due_customers(
    system: SystemWork, now: datetime, after: tuple[datetime, str] | None, limit: int
) -> Sequence[tuple[Tenant, str, datetime]]:
    """Customers on the wall clock with something due: tenant, key and since when, the longest overdue first.

    `after` is the instant and key of the customer that the list goes on behind.
    """
    due_at, key = customers.c.due_at, customers.c.key
    statement = sa.select(customers.c.tenant, key, due_at).where(due_at <= now, customers.c.clock_at.is_(None))
    if after is not None:
        mark = sa.tuple_(sa.literal(after[0], due_at.type), sa.literal(after[1]))
        statement = statement.where(sa.tuple_(due_at, key) > mark)
    rows = await system.all(statement.order_by(due_at, key).limit(limit))
    return [(Tenant.from_key(row.tenant), row.key, row.due_at) for row in rows]


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
        "terms": TERMS.dump_python(held.terms, mode="json") if held.terms else None,
        "quantities": _texts(held.quantities),
        "upcoming_quantities": _texts(held.upcoming_quantities) or None,
        "subscription_id": held.subscription_id,
        "schedule_id": held.schedule_id,
        "net_terms_days": held.net_terms_days,
        "anchor_at": held.anchor_at,
        "next_anchor_at": held.next_anchor_at,
        "starts_at": held.starts_at,
        "period_start": held.period_start,
        "period_end": held.period_end,
        "trial_ends_at": held.trial_ends_at,
        "canceled_at": held.canceled_at,
        "ends_at": held.ends_at,
        "entity_key": held.entity_key,
        "created_at": held.created_at,
    }


def _texts(quantities: Mapping[str, Decimal]) -> dict[str, str]:
    return {feature_id: format(quantity, "f") for feature_id, quantity in quantities.items()}


def _quantities(texts: Mapping[str, str]) -> dict[str, Decimal]:
    return {feature_id: from_text(quantity) for feature_id, quantity in texts.items()}


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
        terms=TERMS.validate_python(row.terms) if row.terms else None,
        quantities=_quantities(row.quantities),
        upcoming_quantities=_quantities(row.upcoming_quantities or {}),
        subscription_id=row.subscription_id,
        schedule_id=row.schedule_id,
        net_terms_days=row.net_terms_days,
        next_anchor_at=row.next_anchor_at,
        period_start=row.period_start,
        period_end=row.period_end,
        trial_ends_at=row.trial_ends_at,
        canceled_at=row.canceled_at,
        ends_at=row.ends_at,
        entity_key=row.entity_key,
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
