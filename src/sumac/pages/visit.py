"""A visit to the portal: whose link it is, and the words that confirm what was just done."""

from dataclasses import dataclass
from enum import StrEnum

from starlette.responses import RedirectResponse

from sumac.core.errors import NotFound
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.pages.seller import Site

ACTOR = "customer"
SEE_OTHER = 303


class Said(StrEnum):
    """What the portal confirms after a form was sent; it stands in the address the browser is led to."""

    CANCELED = "canceled"
    KEPT = "kept"
    CARD_ADDED = "card_added"
    CARD_CHOSEN = "card_chosen"
    CARD_REMOVED = "card_removed"
    PAID = "paid"
    UNDER_WAY = "under_way"


@dataclass(frozen=True, slots=True)
class Visit:
    """A customer at the portal, with everything settled that was due."""

    token: str
    tenant: Tenant
    customer: Customer
    return_url: str | None

    def back(self, said: Said | None = None) -> RedirectResponse:
        """Leads back to the portal's first page, which confirms what was done."""
        return RedirectResponse(self.address(said), SEE_OTHER)

    def address(self, said: Said | None = None) -> str:
        """The path of the portal's first page."""
        return f"/portal/{self.token}" if said is None else f"/portal/{self.token}?said={said}"


async def open_visit(site: Site, token: str) -> Visit:
    """The visit behind a link. Raises NotFound when the link is unknown or has expired."""
    portal = await site.billing.find_portal(token)
    if portal is None:
        message = "This link has expired or is not complete. Go back to where you came from and ask for a new link."
        raise NotFound(message)
    await site.billing.bring_up_to_date(portal.tenant, portal.customer.public_id)
    async with site.database.reading(portal.tenant) as work:
        customer = await customers.get_by_key(work, portal.customer.key)
    return Visit(token, portal.tenant, customer, portal.return_url)
