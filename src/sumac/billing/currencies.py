"""The currency a customer is billed in: chosen freely until the first invoice, then kept (billing.md §10.10)."""

from sumac.balances import service as balances
from sumac.billing.load import billed_in, load_snapshot
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.storage.work import Work


async def adopt_currency(work: Work, customer: Customer, wanted: str | None) -> Customer:
    """Bills the customer, whose row is locked, in the wanted currency from now on; None leaves it as it is.

    What they hold goes on at its prices in that currency. Raises BadRequest `currency_mismatch` once an invoice binds
    them to another one, or when something they hold is not sold in it.
    """
    billed = await billed_in(work, customer, wanted)
    if billed.currency is None or billed == customer:
        return customer
    snapshot = await load_snapshot(work, billed)
    await customers.set_currency(work, customer.key, billed.currency)
    await balances.reprice_grants(work, snapshot.grants)
    return billed
