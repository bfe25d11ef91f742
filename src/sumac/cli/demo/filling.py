"""The demo's organization: filled once, recognised afterwards, and filled anew when that was cut short."""

from collections.abc import Callable, Sequence

from sumac.api.services import Services
from sumac.catalog import service as catalog
from sumac.cli.demo import offer
from sumac.cli.demo.cast import CAST
from sumac.cli.demo.play import EVERY_EVENT, Progress, Stage
from sumac.cli.demo.story import Person
from sumac.core.tenant import Env, Tenant
from sumac.core.time import add_months
from sumac.organizations import service as organizations
from sumac.organizations.model import Organization

SLUG = "demo"
UNFINISHED_SLUG = "demo-unfinished"
HISTORY_MONTHS = 4


async def ensure_filled(
    services: Services,
    *,
    owner_email: str,
    say: Callable[[Progress], None],
    cast: Sequence[Person] = CAST,
    events_percent: int = EVERY_EVENT,
) -> Organization:
    """The demo's organization with its customers, made when missing.

    It bears its name only once everything is there: what a start that was cut short left behind is removed first.
    """
    async with services.database.system() as system:
        filled = await organizations.find_organization(system, SLUG)
        if filled is not None:
            return filled
        unfinished = await organizations.find_organization(system, UNFINISHED_SLUG)
        if unfinished is not None:
            await organizations.delete_organization(system, unfinished.id)
        begun, _ = await organizations.create_organization(
            system, slug=UNFINISHED_SLUG, name=offer.COMPANY, owner_email=owner_email
        )
    tenant = Tenant(begun.id, Env.SANDBOX)
    now = services.database.clock.now()
    async with services.database.work(tenant) as work:
        opened_at = add_months(now, -HISTORY_MONTHS)
        for feature in offer.features(opened_at):
            await catalog.create_feature(work, feature)
        for plan in offer.plans(opened_at):
            await catalog.create_plan(work, plan)
    await Stage(services, tenant, now=now, say=say).play(cast, events_percent=events_percent)
    async with services.database.system() as system:
        return await organizations.change_slug(system, begun.id, SLUG)
