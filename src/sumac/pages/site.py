"""Every hosted page in one router, for the root of the app."""

from fastapi import APIRouter
from starlette.responses import Response

from sumac.pages.checkout import add_checkout
from sumac.pages.door import PageRoute
from sumac.pages.invoice import add_invoice
from sumac.pages.portal import add_portal
from sumac.pages.render import STYLESHEET_PATH, stylesheet
from sumac.pages.seller import Site

__all__ = ["Site", "pages_router"]


def pages_router(site: Site) -> APIRouter:
    """The routes of the checkout, the invoice, the portal and their stylesheet."""
    router = APIRouter(include_in_schema=False, route_class=PageRoute)

    @router.get(STYLESHEET_PATH)
    async def show_stylesheet() -> Response:
        return stylesheet()

    add_checkout(router, site)
    add_invoice(router, site)
    add_portal(router, site)
    return router
