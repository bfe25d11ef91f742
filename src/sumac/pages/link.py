"""A link that leads on to the page to pay on, whichever that is by now."""

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from sumac.core.errors import Conflict, Gone, Locked, NotFound, SumacError
from sumac.pages.render import render_problem
from sumac.pages.seller import Site, find_seller

SEE_OTHER = 303
COMPLETED = "checkout_completed"
DONE_TEXT = "There is nothing left to do here, and nothing is charged twice."
EXPIRED_TEXT = "Nothing was charged. Go back to where you came from and ask for a new link."
IMPOSSIBLE_TITLE = "This is no longer possible"
IMPOSSIBLE_TEXT = "Nothing was charged: what you have has changed since you got this link. Ask for a new one."
BUSY_TEXT = "A change of yours is being made. Open this link again in a moment."


def add_link(router: APIRouter, site: Site) -> None:
    """The route of links."""

    @router.get("/l/{token}")
    async def follow_link(token: str) -> Response:
        link = await site.billing.links.find(token)
        if link is None:
            message = "Check that the link is complete, or go back to where you came from and start again."
            raise NotFound(message, code="checkout_unavailable")
        try:
            return RedirectResponse(await site.billing.follow(link), SEE_OTHER)
        except SumacError as refused:
            seller = await find_seller(site, link.tenant)
            if isinstance(refused, Gone):
                return render_problem(Gone.status, EXPIRED_TEXT, seller=seller)
            if isinstance(refused, Locked):
                return render_problem(Locked.status, BUSY_TEXT, seller=seller)
            if refused.code == COMPLETED:
                return render_problem(Conflict.status, DONE_TEXT, seller=seller)
            return render_problem(Conflict.status, IMPOSSIBLE_TEXT, title=IMPOSSIBLE_TITLE, seller=seller)
