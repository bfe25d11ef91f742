"""Gathers what is shown of customers and of their entities."""

from collections.abc import Sequence

from sumac.api.context import Context
from sumac.api.schemas.dossier import Dossier
from sumac.balances import service as balances
from sumac.catalog import service as catalog
from sumac.customers.model import Customer
from sumac.organizations import service as organizations
from sumac.storage.work import Work


async def load_dossiers(work: Work, context: Context, listed: Sequence[Customer]) -> list[Dossier]:
    """What the customers hold, in their order; nothing of what has to be asked for."""
    keys = [customer.key for customer in listed]
    holdings = await context.services.billing.holdings(work, keys)
    grants = await balances.usable_grants_of(work, keys)
    features = await catalog.features_by_id(work)
    limits = await balances.limits_of(work, listed, grants, list(features.values()))
    default = await organizations.default_currency(work)
    return [
        Dossier(
            customer,
            customer.currency or default,
            holdings.get(customer.key, ()),
            grants[customer.key],
            features,
            limits[customer.key],
        )
        for customer in listed
    ]
