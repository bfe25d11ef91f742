"""Money taken for what was no longer possible goes back (payments.md §4.8).

That it is owed is committed together with the finding; the provider is asked afterwards, again and again under one key
until it has answered, so a crash in between delays a refund and never loses or doubles it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sumac.billing.provider import PaymentProvider
from sumac.core.ids import new_id
from sumac.core.money import Money
from sumac.core.tenant import Tenant
from sumac.storage.database import Database
from sumac.storage.schema import refunds
from sumac.storage.work import SystemWork, Work


@dataclass(frozen=True, slots=True)
class Refund:
    """A payment, or part of one, that is owed back until the provider has given it back, asked under the id as key."""

    id: str
    customer_key: str
    payment: str
    amount: Money


async def owe_refund(work: Work, customer_key: str, payment: str, amount: Money) -> Refund:
    """Records in the caller's work that a payment has to go back."""
    refund = Refund(new_id("rfd", now=work.now), customer_key, payment, amount)
    await work.insert(
        refunds,
        id=refund.id,
        customer_key=customer_key,
        payment=payment,
        amount_minor=amount.minor,
        currency=amount.currency,
        refunded_at=None,
        created_at=work.now,
    )
    return refund


async def give_back(database: Database, provider: PaymentProvider, tenant: Tenant, refund: Refund) -> None:
    """Has the provider give the money back; safe to repeat."""
    await provider.refund(tenant, refund.payment, refund.amount, key=refund.id)
    async with database.work(tenant) as work:
        where = (refunds.c.customer_key == refund.customer_key, refunds.c.id == refund.id)
        await work.update(refunds, *where, values={"refunded_at": work.now})


async def owed_refunds(system: SystemWork, limit: int) -> Sequence[tuple[Tenant, Refund]]:
    """What is owed anywhere, the longest owed first."""
    statement = sa.select(refunds).where(refunds.c.refunded_at.is_(None)).order_by(refunds.c.created_at)
    rows = await system.all(statement.limit(limit))
    return [(Tenant.from_key(row.tenant), _refund(row)) for row in rows]


def _refund(row: sa.Row[tuple[object, ...]]) -> Refund:
    return Refund(row.id, row.customer_key, row.payment, Money(row.amount_minor, row.currency))
