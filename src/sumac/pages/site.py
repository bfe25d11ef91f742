"""Every hosted page in one router, for the root of the app."""

from fastapi import APIRouter
from starlette.responses import Response

from sumac.pages.checkout import add_checkout
from sumac.pages.confirm import add_confirm
from sumac.pages.door import PageRoute
from sumac.pages.invoice import add_invoice
from sumac.pages.link import add_link
from sumac.pages.portal import add_portal
from sumac.pages.portal_cards import add_portal_cards
from sumac.pages.portal_payment import add_portal_payment
from sumac.pages.portal_plans import add_portal_plans
from sumac.pages.render import STYLESHEET_PATH, stylesheet
from sumac.pages.seller import Site

__all__ = ["Site", "pages_router"]


def pages_router(site: Site) -> APIRouter:
    """The routes of the checkout, links to it, the confirm page, the invoice, the portal and their stylesheet."""
    router = APIRouter(include_in_schema=False, route_class=PageRoute)

    @router.get(STYLESHEET_PATH)
    async def show_stylesheet() -> Response:
        return stylesheet()

    add_checkout(router, site)
    add_confirm(router, site)
    add_link(router, site)
    add_invoice(router, site)
    add_portal(router, site)
    add_portal_plans(router, site)
    add_portal_cards(router, site)
    add_portal_payment(router, site)
    return router
