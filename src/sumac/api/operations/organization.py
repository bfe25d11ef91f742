"""organization.*: how a tenant bills. The sandbox and the live environment have settings of their own."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.settings import BillingSettingsBody, BillingSettingsChange, OrganizationBody
from sumac.organizations import service as organizations
from sumac.organizations.settings import get_billing_settings, update_billing_settings

router = OperationRouter("organization")


@router.operation("organization.get", scope="organisation:read", twins=("GET /organization", "GET /organization/me"))
async def get_organization(context: Context) -> OrganizationBody:
    """The organization and the environment that the key belongs to."""
    async with context.services.database.system_reading() as system:
        organization = await organizations.get_organization_by_id(system, context.tenant.organization_id)
    return OrganizationBody.of(organization, context.tenant.env)


@router.operation("organization.get_billing_settings", scope="organisation:read")
async def get_settings(context: Context) -> BillingSettingsBody:
    """What happens when an invoice cannot be collected: when it is tried again, and what becomes of the plan."""
    async with context.reading() as work:
        return BillingSettingsBody.of(await get_billing_settings(work))


@router.operation("organization.update_billing_settings", scope="organisation:write")
async def update_settings(body: BillingSettingsChange, context: Context) -> BillingSettingsBody:
    """Changes the settings that are named; they hold from the next failed charge on."""
    async with context.work() as work:
        return BillingSettingsBody.of(await update_billing_settings(work, body.changes()))
