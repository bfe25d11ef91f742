"""Finds who redeemed a referral code and has bought since (billing.md §18.2)."""

from collections.abc import Sequence

import sqlalchemy as sa

from sumac.billing.model import PlanStatus
from sumac.core.tenant import Tenant
from sumac.invoices.model import InvoiceStatus
from sumac.rewards.referral_model import Program, RedeemOn
from sumac.storage.schema import (
    TENANT,
    customer_plans,
    customers,
    invoice_lines,
    invoices,
    referral_programs,
    referral_redemptions,
)
from sumac.storage.work import SystemWork, Work

UNPAID = (InvoiceStatus.DRAFT, InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE)


async def open_programs(system: SystemWork) -> Sequence[tuple[Tenant, str]]:
    """Programs with somebody who waits for their first purchase, and room for one more: tenant and key."""
    programs, counted = referral_programs, referral_redemptions.alias()
    waiting = sa.exists().where(*_of_program(referral_redemptions), referral_redemptions.c.triggered_at.is_(None))
    triggered = sa.select(sa.func.count()).where(*_of_program(counted), counted.c.triggered_at.is_not(None))
    has_room = sa.or_(programs.c.max_redemptions.is_(None), triggered.scalar_subquery() < programs.c.max_redemptions)
    statement = sa.select(programs.c.tenant, programs.c.key).where(
        programs.c.redeem_on == RedeemOn.CHECKOUT, waiting, has_room
    )
    return [
        (Tenant.from_key(row.tenant), row.key) for row in await system.all(statement.order_by(*programs.primary_key))
    ]


async def find_bought(work: Work, program: Program, limit: int, *where: sa.ColumnElement[bool]) -> Sequence[str]:
    """Ids of those who redeemed a code, are not rewarded yet and have bought since, of those that match, oldest first.

    They have bought with a paid invoice of a listed plan, or with such a plan that began and that nothing is owed for;
    where trials are excluded, not while it is on trial. Whatever is due of them is waited for.
    """
    present = sa.func.coalesce(customers.c.clock_at, sa.literal(work.now, customers.c.clock_at.type))
    statement = work.select(referral_redemptions, customers).where(
        referral_redemptions.c.program_key == program.key,
        referral_redemptions.c.triggered_at.is_(None),
        customers.c.key == referral_redemptions.c.customer_key,
        sa.or_(customers.c.due_at.is_(None), customers.c.due_at > present),
        sa.or_(_has_paid(program), _has_begun(program, present)),
        *where,
    )
    order = referral_redemptions.c.created_at, referral_redemptions.c.id
    return [row.id for row in await work.all(statement.order_by(*order).limit(limit))]


def _has_paid(program: Program) -> sa.ColumnElement[bool]:
    """A paid invoice since then that charges for a listed plan."""
    return sa.exists().where(
        *_of_redeemer(invoices),
        invoices.c.status == InvoiceStatus.PAID,
        invoices.c.total_minor > 0,
        invoices.c.paid_at >= referral_redemptions.c.created_at,
        *_of_redeemer(invoice_lines),
        invoice_lines.c.invoice_id == invoices.c.id,
        invoice_lines.c.plan_id.in_(program.plan_ids or ()),
    )


def _has_begun(program: Program, present: sa.ColumnElement[object]) -> sa.ColumnElement[bool]:
    """A listed plan that began since then, for which no invoice waits to be paid."""
    plans, since = customer_plans, referral_redemptions.c.created_at
    owed = sa.exists().where(
        *_of_redeemer(invoices),
        invoices.c.status.in_(UNPAID),
        *_of_redeemer(invoice_lines),
        invoice_lines.c.invoice_id == invoices.c.id,
        invoice_lines.c.customer_plan_id == plans.c.id,
    )
    conditions = [
        *_of_redeemer(plans),
        plans.c.plan_id.in_(program.plan_ids or ()),
        plans.c.status == PlanStatus.ACTIVE,
        sa.or_(plans.c.created_at >= since, plans.c.starts_at >= since),
        ~owed,
    ]
    if program.exclude_trial:
        conditions.append(sa.or_(plans.c.trial_ends_at.is_(None), plans.c.trial_ends_at <= present))
    return sa.exists().where(*conditions)


def _of_program(redemptions: sa.FromClause) -> tuple[sa.ColumnElement[bool], ...]:
    programs = referral_programs
    return redemptions.c[TENANT] == programs.c[TENANT], redemptions.c.program_key == programs.c.key


def _of_redeemer(table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
    redemptions = referral_redemptions
    return table.c[TENANT] == redemptions.c[TENANT], table.c.customer_key == redemptions.c.customer_key
