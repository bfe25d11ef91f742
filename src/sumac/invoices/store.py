"""Rows of invoices and their lines."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from sumac.core.money import Money
from sumac.core.page import Cursor
from sumac.core.time import Period
from sumac.invoices import ledger, taken
from sumac.invoices.model import (
    CreditNote,
    Invoice,
    InvoiceKind,
    InvoiceStatus,
    Line,
    LineDraft,
    Origin,
)
from sumac.storage.schema import customers, invoice_lines, invoices
from sumac.storage.work import SystemWork, Work

NOT_NUMBERED = 2**31 - 1  # above every number: a draft is the latest of its instant
PROCESSOR = "stripe"
_NUMBER = sa.func.coalesce(invoices.c.number, NOT_NUMBERED)
_NEWEST_FIRST = (invoices.c.created_at.desc(), _NUMBER.desc(), invoices.c.id.desc())


async def insert(work: Work, invoice: Invoice) -> None:
    """Adds the invoice with its lines."""
    await work.insert(
        invoices,
        id=invoice.id,
        customer_key=invoice.customer_key,
        token=invoice.token,
        kind=invoice.kind,
        currency=invoice.total.currency,
        total_minor=invoice.total.minor,
        discount_minor=invoice.discount_minor,
        tax_minor=invoice.tax_minor,
        plan_ids=list(invoice.plan_ids),
        customer_plan_id=invoice.customer_plan_id,
        period_start=invoice.period_start,
        provider_invoice=invoice.provider_invoice,
        net_terms_days=invoice.net_terms_days,
        memo=invoice.memo,
        source=_source(invoice.origin),
        created_at=invoice.created_at,
        **_issuing(invoice),
        **_progress(invoice),
    )
    await work.insert_all(
        invoice_lines,
        [_line_values(invoice, position, line) for position, line in enumerate(invoice.lines)],
    )
    await taken.insert_discounts(work, invoice)


async def update_progress(work: Work, invoice: Invoice) -> None:
    """Writes how far the invoice is paid; nothing else of it ever changes."""
    await work.update(invoices, invoices.c.id == invoice.id, values=_progress(invoice))


async def finalize(work: Work, invoice: Invoice) -> bool:
    """Writes the number and dates of what was a draft; False when it is none any more."""
    is_draft = (invoices.c.id == invoice.id, invoices.c.status == InvoiceStatus.DRAFT)
    values = {**_issuing(invoice), **_progress(invoice)}
    return await work.update(invoices, *is_draft, values=values) == 1


async def replace_imported(work: Work, invoice: Invoice) -> None:
    """Writes an imported invoice anew, as it is told now."""
    values = {
        "currency": invoice.total.currency,
        "total_minor": invoice.total.minor,
        "plan_ids": list(invoice.plan_ids),
        "source": _source(invoice.origin),
        "created_at": invoice.created_at,
        **_issuing(invoice),
        **_progress(invoice),
    }
    is_imported = (invoices.c.id == invoice.id, invoices.c.kind == InvoiceKind.IMPORTED)
    await work.update(invoices, *is_imported, values=values)


async def find_by_provider_invoices(work: Work, provider_invoices: Collection[str]) -> list[Invoice]:
    """The invoices that the provider, or whoever issued them, knows by these ids."""
    statement = work.select(invoices).where(invoices.c.provider_invoice.in_(provider_invoices))
    return await _complete(work, await work.all(statement))


def processor() -> sa.ColumnElement[str]:
    """Who collects an invoice; ours are collected by the provider that the contract calls stripe."""
    named: sa.ColumnElement[str] = invoices.c.source["processor"].as_string()
    return sa.func.coalesce(named, PROCESSOR)


async def find(work: Work, *where: sa.ColumnElement[bool], lock: bool = False) -> Invoice | None:
    """The invoice with its lines, or None."""
    statement = work.select(invoices).where(*where)
    row = await work.find(statement.with_for_update() if lock else statement)
    return (await _complete(work, [row]))[0] if row is not None else None


async def find_tenant_key(system: SystemWork, token: str) -> str | None:
    """The tenant whose invoice has this token, or None."""
    key = await system.scalar(sa.select(invoices.c.tenant).where(invoices.c.token == token))
    return None if key is None else str(key)


async def page(work: Work, where: Sequence[sa.ColumnElement[bool]], cursor: Cursor | None, limit: int) -> list[Invoice]:
    """Up to `limit` + 1 invoices, newest first and within one instant by number, after the cursor."""
    statement = work.select(invoices).where(*where)
    if cursor is not None:
        number = work.select_columns(invoices, _NUMBER).where(invoices.c.id == cursor.id).scalar_subquery()
        at, last = sa.bindparam("at", cursor.created_at, invoices.c.created_at.type), sa.literal(cursor.id)
        place = sa.tuple_(invoices.c.created_at, _NUMBER, invoices.c.id)
        statement = statement.where(place < sa.tuple_(at, number, last))
    return await _complete(work, await work.all(statement.order_by(*_NEWEST_FIRST).limit(limit + 1)))


def billing_plans(work: Work, customer_plan_ids: Collection[str]) -> sa.Select[Any]:
    """A select of the ids of invoices with a line of one of the customer plans."""
    statement = work.select_columns(invoice_lines, invoice_lines.c.invoice_id)
    return statement.where(invoice_lines.c.customer_plan_id.in_(customer_plan_ids))


async def of_customer(work: Work, customer_key: str) -> list[Invoice]:
    """Every invoice of the customer, newest first."""
    statement = work.select(invoices).where(invoices.c.customer_key == customer_key)
    return await _complete(work, await work.all(statement.order_by(*_NEWEST_FIRST)))


async def to_collect(work: Work, customer_key: str, now: datetime) -> list[Invoice]:
    """The customer's open invoices whose next try is due, oldest first."""
    statement = work.select(invoices).where(
        invoices.c.customer_key == customer_key,
        invoices.c.status == InvoiceStatus.OPEN,
        invoices.c.next_attempt_at <= now,
    )
    return await _complete(work, await work.all(statement.order_by(invoices.c.number)))


async def next_attempt_at(work: Work, customer_key: str) -> datetime | None:
    """When the next open invoice of the customer is tried again, or None."""
    statement = work.select(invoices).where(
        invoices.c.customer_key == customer_key,
        invoices.c.status == InvoiceStatus.OPEN,
        invoices.c.next_attempt_at.is_not(None),
    )
    row = await work.find(statement.order_by(invoices.c.next_attempt_at))
    return None if row is None else row.next_attempt_at


async def last_paid(work: Work, customer_key: str, customer_plan_id: str) -> Invoice | None:
    """The newest paid invoice with a line of the customer plan, or None."""
    with_line = work.select_columns(invoice_lines, invoice_lines.c.invoice_id).where(
        invoice_lines.c.customer_key == customer_key,
        invoice_lines.c.customer_plan_id == customer_plan_id,
    )
    statement = work.select(invoices).where(
        invoices.c.customer_key == customer_key,
        invoices.c.status == InvoiceStatus.PAID,
        invoices.c.provider_payment.is_not(None),
        invoices.c.id.in_(with_line),
    )
    row = await work.find(statement.order_by(invoices.c.number.desc()).limit(1))
    return None if row is None else (await _complete(work, [row]))[0]


async def find_void(work: Work, invoice_ids: Collection[str]) -> frozenset[str]:
    """Those of the invoices that are void."""
    statement = work.select_columns(invoices, invoices.c.id).where(
        invoices.c.id.in_(invoice_ids), invoices.c.status == InvoiceStatus.VOID
    )
    return frozenset(row.id for row in await work.all(statement))


async def has_paid(work: Work, customer_key: str) -> bool:
    """Whether a payment of the customer ever paid an invoice of ours."""
    statement = work.select_columns(invoices, invoices.c.id).where(
        invoices.c.customer_key == customer_key,
        invoices.c.status == InvoiceStatus.PAID,
        invoices.c.provider_payment.is_not(None),
    )
    return await work.find(statement.limit(1)) is not None


async def currencies_of(work: Work, customer_key: str) -> frozenset[str]:
    """The currencies of the customer's invoices that are neither voided nor imported."""
    statement = work.select_columns(invoices, invoices.c.currency).where(
        invoices.c.customer_key == customer_key,
        invoices.c.status != InvoiceStatus.VOID,
        invoices.c.kind != InvoiceKind.IMPORTED,
    )
    return frozenset(row.currency for row in await work.all(statement.distinct()))


async def charges_beyond(work: Work, customer_key: str, now: datetime) -> list[LineDraft]:
    """Lines of the customer's open and paid invoices whose period ends after `now`, in the order they were billed.

    What was taken off a line, or taken back of it by a credit note, was not charged.
    """
    billed = work.select_columns(invoices, invoices.c.id).where(
        invoices.c.customer_key == customer_key,
        invoices.c.status.in_((InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE)),
    )
    statement = work.select(invoice_lines).where(
        invoice_lines.c.customer_key == customer_key,
        invoice_lines.c.customer_plan_id.is_not(None),
        invoice_lines.c.period_end > now,
        invoice_lines.c.invoice_id.in_(billed),
    )
    rows = await work.all(statement.order_by(invoice_lines.c.invoice_id, invoice_lines.c.position))
    notes = await ledger.notes_of(work, {row.invoice_id for row in rows})
    return [_draft(row, notes.get(row.invoice_id, ())) for row in rows]


def _source(origin: Origin | None) -> Any:  # noqa: ANN401  # a value of a JSON column
    if origin is None:
        return sa.null()
    return {
        "processor": origin.processor,
        "hosted_url": origin.hosted_url,
        "paid_is_known": origin.paid_is_known,
    }


def _issuing(invoice: Invoice) -> dict[str, Any]:
    return {"number": invoice.number, "due_at": invoice.due_at, "finalized_at": invoice.finalized_at}


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
        "discount_minor": line.discount_minor,
        "tax_minor": line.tax_minor,
        "quantity": line.quantity,
        "plan_id": line.plan_id,
        "customer_plan_id": line.customer_plan_id,
        "feature_id": line.feature_id,
        "period_start": line.period.start if line.period else None,
        "period_end": line.period.end if line.period else None,
    }


async def _complete(work: Work, rows: Iterable[sa.Row[Any]]) -> list[Invoice]:
    """The invoices with their lines and credit notes."""
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
    notes = await ledger.notes_of(work, currencies.keys())
    lowered = await taken.discounts_of(work, {row.id: row.currency for row in found if row.discount_minor})
    return [
        replace(_invoice(row, tuple(lines.get(row.id, ())), notes.get(row.id, ())), discounts=lowered.get(row.id, ()))
        for row in found
    ]


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
        discount_minor=row["discount_minor"],
        tax_minor=row["tax_minor"],
    )


def _draft(row: sa.Row[Any], notes: tuple[CreditNote, ...]) -> LineDraft:
    taken_back = [line for note in notes for line in note.lines if line.position == row.position]
    credited = sum(line.amount.minor - line.tax_minor for line in taken_back)
    exact = Decimal(row.amount_minor) if row.exact_minor is None else row.exact_minor
    return LineDraft(
        display_name=row.display_name,
        description=row.description,
        exact_minor=exact - row.discount_minor - credited,
        exact_waived_minor=Decimal(row.discount_minor),
        quantity=row.quantity,
        plan_id=row.plan_id,
        feature_id=row.feature_id,
        period=Period(row.period_start, row.period_end),
        customer_plan_id=row.customer_plan_id,
    )


def _invoice(row: sa.Row[Any], lines: tuple[Line, ...], notes: tuple[CreditNote, ...]) -> Invoice:
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
        discount_minor=row.discount_minor,
        tax_minor=row.tax_minor,
        net_terms_days=row.net_terms_days,
        due_at=row.due_at,
        memo=row.memo,
        origin=None if row.source is None else Origin(**row.source),
        finalized_at=row.finalized_at,
        notes=notes,
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
