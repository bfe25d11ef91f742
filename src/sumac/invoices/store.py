"""Rows of invoices, their lines and the customer's credit."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from sumac.core.money import Money
from sumac.core.page import Cursor
from sumac.core.time import Period
from sumac.invoices.model import Invoice, InvoiceKind, InvoiceStatus, Line
from sumac.storage.schema import customer_credits, customers, invoice_lines, invoices
from sumac.storage.work import SystemWork, Work


async def insert(work: Work, invoice: Invoice) -> None:
    """Adds the invoice with its lines."""
    await work.insert(
        invoices,
        id=invoice.id,
        customer_key=invoice.customer_key,
        number=invoice.number,
        token=invoice.token,
        kind=invoice.kind,
        currency=invoice.total.currency,
        total_minor=invoice.total.minor,
        plan_ids=list(invoice.plan_ids),
        customer_plan_id=invoice.customer_plan_id,
        period_start=invoice.period_start,
        provider_invoice=invoice.provider_invoice,
        created_at=invoice.created_at,
        **_progress(invoice),
    )
    await work.insert_all(
        invoice_lines,
        [_line_values(invoice, position, line) for position, line in enumerate(invoice.lines)],
    )


async def update_progress(work: Work, invoice: Invoice) -> None:
    """Writes how far the invoice is paid; nothing else of it ever changes."""
    await work.update(invoices, invoices.c.id == invoice.id, values=_progress(invoice))


async def find(work: Work, *where: sa.ColumnElement[bool], lock: bool = False) -> Invoice | None:
    """The invoice with its lines, or None."""
    statement = work.select(invoices).where(*where)
    row = await work.find(statement.with_for_update() if lock else statement)
    return (await _with_lines(work, [row]))[0] if row is not None else None


async def find_tenant_key(system: SystemWork, token: str) -> str | None:
    """The tenant whose invoice has this token, or None."""
    key = await system.scalar(sa.select(invoices.c.tenant).where(invoices.c.token == token))
    return None if key is None else str(key)


async def page(work: Work, where: Sequence[sa.ColumnElement[bool]], cursor: Cursor | None, limit: int) -> list[Invoice]:
    """Up to `limit` + 1 invoices, newest first and within one instant by number, after the cursor."""
    statement = work.select(invoices).where(*where)
    if cursor is not None:
        number = work.select_columns(invoices, invoices.c.number).where(invoices.c.id == cursor.id).scalar_subquery()
        at = sa.bindparam("at", cursor.created_at, invoices.c.created_at.type)
        statement = statement.where(sa.tuple_(invoices.c.created_at, invoices.c.number) < sa.tuple_(at, number))
    statement = statement.order_by(invoices.c.created_at.desc(), invoices.c.number.desc()).limit(limit + 1)
    return await _with_lines(work, await work.all(statement))


async def of_customer(work: Work, customer_key: str) -> list[Invoice]:
    """Every invoice of the customer, newest first."""
    statement = work.select(invoices).where(invoices.c.customer_key == customer_key)
    return await _with_lines(work, await work.all(statement.order_by(invoices.c.number.desc())))


async def to_collect(work: Work, customer_key: str, now: datetime) -> list[Invoice]:
    """The customer's open invoices whose next try is due, oldest first."""
    statement = work.select(invoices).where(
        invoices.c.customer_key == customer_key,
        invoices.c.status == InvoiceStatus.OPEN,
        invoices.c.next_attempt_at <= now,
    )
    return await _with_lines(work, await work.all(statement.order_by(invoices.c.number)))


async def next_attempt_at(work: Work, customer_key: str) -> datetime | None:
    """When the next open invoice of the customer is tried again, or None."""
    statement = work.select(invoices).where(
        invoices.c.customer_key == customer_key,
        invoices.c.status == InvoiceStatus.OPEN,
        invoices.c.next_attempt_at.is_not(None),
    )
    row = await work.find(statement.order_by(invoices.c.next_attempt_at))
    return None if row is None else row.next_attempt_at


async def credit_of(work: Work, customer_key: str, currency: str) -> Money:
    """The customer's unspent credit in the currency."""
    total = await work.scalar(
        work.select_columns(customer_credits, sa.func.sum(customer_credits.c.amount_minor)).where(
            customer_credits.c.customer_key == customer_key,
            customer_credits.c.currency == currency,
        ),
    )
    return Money(int(total or 0), currency)


async def book_credit(work: Work, invoice: Invoice, amount: Money, *, entry_id: str, at: datetime) -> None:
    """Appends a movement of the customer's credit: positive gives, negative spends."""
    await work.insert(
        customer_credits,
        id=entry_id,
        customer_key=invoice.customer_key,
        amount_minor=amount.minor,
        currency=amount.currency,
        invoice_id=invoice.id,
        created_at=at,
    )


def _progress(invoice: Invoice) -> dict[str, Any]:
    return {
        "status": invoice.status,
        "credit_applied_minor": invoice.credit_applied.minor,
        "paid_minor": invoice.paid.minor,
        "refunded_minor": invoice.refunded.minor,
        "provider_payment": invoice.provider_payment,
        "attempts_made": invoice.attempts_made,
        "next_attempt_at": invoice.next_attempt_at,
        "paid_at": invoice.paid_at,
    }


def _line_values(invoice: Invoice, position: int, line: Line) -> dict[str, Any]:
    return {
        "customer_key": invoice.customer_key,
        "invoice_id": invoice.id,
        "position": position,
        "display_name": line.display_name,
        "description": line.description,
        "amount_minor": line.amount.minor,
        "exact_minor": line.exact_minor,
        "quantity": line.quantity,
        "plan_id": line.plan_id,
        "customer_plan_id": line.customer_plan_id,
        "feature_id": line.feature_id,
        "period_start": line.period.start if line.period else None,
        "period_end": line.period.end if line.period else None,
    }


async def _with_lines(work: Work, rows: Iterable[sa.Row[Any]]) -> list[Invoice]:
    found = list(rows)
    if not found:
        return []
    statement = work.select(invoice_lines).where(
        invoice_lines.c.customer_key.in_({row.customer_key for row in found}),
        invoice_lines.c.invoice_id.in_([row.id for row in found]),
    )
    currencies = {row.id: row.currency for row in found}
    lines: dict[str, list[Line]] = {}
    for row in await work.all(statement.order_by(invoice_lines.c.invoice_id, invoice_lines.c.position)):
        lines.setdefault(row.invoice_id, []).append(_line(row._mapping, currencies[row.invoice_id]))
    return [_invoice(row, tuple(lines.get(row.id, ()))) for row in found]


def _line(row: sa.RowMapping, currency: str) -> Line:
    period = Period(row["period_start"], row["period_end"]) if row["period_start"] is not None else None
    return Line(
        display_name=row["display_name"],
        description=row["description"],
        amount=Money(row["amount_minor"], currency),
        exact_minor=Decimal(row["amount_minor"]) if row["exact_minor"] is None else row["exact_minor"],
        quantity=row["quantity"],
        plan_id=row["plan_id"],
        customer_plan_id=row["customer_plan_id"],
        feature_id=row["feature_id"],
        period=period,
    )


def _invoice(row: sa.Row[Any], lines: tuple[Line, ...]) -> Invoice:
    return Invoice(
        id=row.id,
        customer_key=row.customer_key,
        number=row.number,
        token=row.token,
        kind=InvoiceKind(row.kind),
        status=InvoiceStatus(row.status),
        total=Money(row.total_minor, row.currency),
        credit_applied=Money(row.credit_applied_minor, row.currency),
        paid=Money(row.paid_minor, row.currency),
        refunded=Money(row.refunded_minor, row.currency),
        plan_ids=tuple(row.plan_ids),
        customer_plan_id=row.customer_plan_id,
        period_start=row.period_start,
        provider_invoice=row.provider_invoice,
        provider_payment=row.provider_payment,
        attempts_made=row.attempts_made,
        next_attempt_at=row.next_attempt_at,
        created_at=row.created_at,
        paid_at=row.paid_at,
        lines=lines,
    )


async def due(system: SystemWork, now: datetime, limit: int) -> list[tuple[str, str]]:
    """Tenant and id of open invoices of customers on the wall clock whose next try has come."""
    statement = (
        sa.select(invoices.c.tenant, invoices.c.id)
        .join(
            customers,
            sa.and_(customers.c.tenant == invoices.c.tenant, customers.c.key == invoices.c.customer_key),
        )
        .where(
            invoices.c.next_attempt_at <= now,
            invoices.c.status == InvoiceStatus.OPEN,
            customers.c.clock_at.is_(None),
        )
    )
    rows = await system.all(statement.order_by(invoices.c.next_attempt_at).limit(limit))
    return [(row.tenant, row.id) for row in rows]
