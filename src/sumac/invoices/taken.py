"""Rows of what rewards took off invoices: written with the invoice, never changed."""

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from sumac.core.money import Money
from sumac.invoices.model import DiscountSource, DiscountTaken, Invoice, InvoiceDiscount, InvoiceStatus
from sumac.storage.schema import invoice_discounts, invoices
from sumac.storage.work import Work


async def insert_discounts(work: Work, invoice: Invoice) -> None:
    """Adds what was taken off the invoice."""
    await work.insert_all(
        invoice_discounts,
        [
            {
                "customer_key": invoice.customer_key,
                "invoice_id": invoice.id,
                "position": position,
                "reward_use_id": each.source.reward_use_id,
                "reward_id": each.source.reward_id,
                "name": each.source.name,
                "percent": each.source.percent,
                "amount_minor": each.amount.minor,
            }
            for position, each in enumerate(invoice.discounts)
        ],
    )


async def discounts_of(work: Work, currencies: Mapping[str, str]) -> Mapping[str, tuple[InvoiceDiscount, ...]]:
    """What was taken off the invoices, given by id with their currencies, by invoice id, in order."""
    if not currencies:
        return {}
    statement = work.select(invoice_discounts).where(invoice_discounts.c.invoice_id.in_(currencies.keys()))
    found: dict[str, tuple[InvoiceDiscount, ...]] = {}
    for row in await work.all(statement.order_by(invoice_discounts.c.position)):
        source = DiscountSource(row.reward_use_id, row.reward_id, row.name, row.percent)
        taken = InvoiceDiscount(source, Money(row.amount_minor, currencies[row.invoice_id]))
        found[row.invoice_id] = (*found.get(row.invoice_id, ()), taken)
    return found


async def taken_by(work: Work, customer_key: str, reward_use_ids: Collection[str]) -> Mapping[str, DiscountTaken]:
    """What these uses of rewards took off the customer's invoices, by use; void invoices do not count."""
    statement = (
        work.select(invoice_discounts, invoices)
        .with_only_columns(
            invoice_discounts.c.reward_use_id,
            sa.func.sum(invoice_discounts.c.amount_minor).label("amount_minor"),
            sa.func.count().label("invoices"),
            sa.func.min(invoices.c.created_at).label("first_at"),
        )
        .where(
            invoice_discounts.c.customer_key == customer_key,
            invoice_discounts.c.reward_use_id.in_(reward_use_ids),
            invoices.c.customer_key == customer_key,
            invoices.c.id == invoice_discounts.c.invoice_id,
            invoices.c.status != InvoiceStatus.VOID,
        )
        .group_by(invoice_discounts.c.reward_use_id)
    )
    return {
        row.reward_use_id: DiscountTaken(int(row.amount_minor), row.invoices, row.first_at)
        for row in await work.all(statement)
    }
