"""What the pages are built on, and in whose name they speak."""

from dataclasses import dataclass

from sumac.billing.provider import TestBank
from sumac.billing.service import BillingService
from sumac.core.errors import BadRequest
from sumac.core.tenant import Env, Tenant
from sumac.organizations import service as organizations
from sumac.storage.database import Database


@dataclass(frozen=True, slots=True)
class Site:
    """The services behind the pages; `bank` keeps the checkouts that are paid with test cards."""

    database: Database
    billing: BillingService
    bank: TestBank


@dataclass(frozen=True, slots=True)
class Seller:
    """Whose page it is; in the sandbox every page says that no money moves."""

    name: str
    in_sandbox: bool


async def find_seller(site: Site, tenant: Tenant) -> Seller:
    """The seller behind a tenant's pages. Raises NotFound when the organization is gone."""
    async with site.database.system_reading() as system:
        organization = await organizations.get_organization_by_id(system, tenant.organization_id)
    return Seller(organization.name, tenant.env is Env.SANDBOX)


def takes_payments(site: Site, tenant: Tenant) -> bool:
    """Whether a payment provider is connected, so that cards can be entered and charged."""
    try:
        site.billing.provider(tenant)
    except BadRequest:
        return False
    return True
