"""Money taken for what was no longer possible goes back (payments.md §4.8).

That it is owed is committed together with the finding; the provider is asked afterwards, again and again under one key
until it has answered, so a crash in between delays a refund and never loses or doubles it.
"""

from sumac.billing import store
from sumac.billing.provider import PaymentProvider
from sumac.billing.store import Refund
from sumac.core.ids import new_id
from sumac.core.money import Money
from sumac.core.tenant import Tenant
from sumac.storage.database import Database
from sumac.storage.work import Work


async def owe_refund(work: Work, customer_key: str, payment: str, amount: Money) -> Refund:
    """Records in the caller's work that a payment has to go back."""
    refund = Refund(new_id("rfd", now=work.now), customer_key, payment, amount)
    await store.add_refund(work, refund)
    return refund


async def give_back(database: Database, provider: PaymentProvider, tenant: Tenant, refund: Refund) -> None:
    """Has the provider give the money back; safe to repeat."""
    await provider.refund(tenant, refund.payment, refund.amount, key=refund.id)
    async with database.work(tenant) as work:
        await store.finish_refund(work, refund)
