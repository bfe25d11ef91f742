"""Reads what a decision about a customer's usage is made from."""

from sumac.balances import limits_store, store
from sumac.balances.model import BalanceSnapshot
from sumac.catalog import service as catalog
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.storage.work import Work


async def load_snapshot(work: Work, customer: Customer) -> BalanceSnapshot:
    """Everything a decision about the customer's usage may look at, at the customer's version."""
    entities = tuple(await customers.list_entities(work, customer.key))
    limits = await limits_store.load(work, customer, entities)
    return BalanceSnapshot(
        customer=customer,
        grants=tuple(await store.usable(work, [customer.key])),
        features=tuple(await catalog.list_features(work)),
        entities=entities,
        plans=limits.plans,
        controls=limits.controls,
        entity_controls=limits.entity_controls,
        windows=limits.windows,
        organization_alerts=limits.organization_alerts,
    )
