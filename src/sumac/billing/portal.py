"""Links with which a customer looks at what they hold."""

from dataclasses import dataclass
from datetime import timedelta

from sumac.billing import visits
from sumac.core.ids import digest, new_id, new_token
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.storage.database import Database

PORTAL_TIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Portal:
    """A customer's portal session."""

    tenant: Tenant
    customer: Customer
    return_url: str | None


async def open_portal(database: Database, tenant: Tenant, customer_id: str, return_url: str | None) -> str:
    """The token of a link that is good for a day. Raises NotFound `customer_not_found`."""
    token = new_token()
    async with database.work(tenant) as work:
        customer = await customers.get(work, customer_id)
        await visits.add_portal_session(
            work,
            customer.key,
            id=new_id("prt", now=work.now),
            digest=digest(token),
            return_url=return_url,
            expires_at=work.now + PORTAL_TIME,
            created_at=work.now,
        )
    return token


async def find_portal(database: Database, token: str) -> Portal | None:
    """The portal session of a link, or None when it is unknown or has expired."""
    async with database.system_reading() as system:
        row = await visits.find_portal_session(system, digest(token), system.now)
    if row is None:
        return None
    tenant = Tenant.from_key(row.tenant)
    async with database.reading(tenant) as work:
        customer = await customers.get_by_key(work, row.customer_key)
    return Portal(tenant, customer, row.return_url)
