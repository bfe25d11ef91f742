"""The portal: adding a card on a hosted page, choosing the one that is charged, removing one."""

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from sumac.core.errors import Conflict, NotFound
from sumac.pages.render import render
from sumac.pages.seller import Site, find_seller
from sumac.pages.visit import ACTOR, SEE_OTHER, Said, Visit, open_visit

DEFAULT, REMOVE = "default", "remove"


def add_portal_cards(router: APIRouter, site: Site) -> None:
    """The routes of the stored cards."""

    @router.post("/portal/{token}/cards")
    async def add_card(token: str) -> Response:
        visit = await open_visit(site, token)
        back = visit.address(Said.CARD_ADDED)
        url = await site.billing.cards.open_setup(visit.tenant, visit.customer, return_path=back, actor=ACTOR)
        return RedirectResponse(url, SEE_OTHER)

    @router.get("/portal/{token}/cards/{card_id}/{choice}")
    async def confirm_card_choice(token: str, card_id: str, choice: str) -> Response:
        visit = await open_visit(site, token)
        if choice not in {DEFAULT, REMOVE}:
            return visit.back()
        return await _ask(site, visit, card_id, choice, status=200)

    @router.post("/portal/{token}/cards/{card_id}/default")
    async def make_default(token: str, card_id: str) -> Response:
        visit = await open_visit(site, token)
        await site.billing.cards.make_default(visit.tenant, visit.customer, card_id)
        await site.billing.retry_open_invoices(visit.tenant, visit.customer.key)
        return visit.back(Said.CARD_CHOSEN)

    @router.post("/portal/{token}/cards/{card_id}/remove")
    async def remove_card(token: str, card_id: str) -> Response:
        visit = await open_visit(site, token)
        try:
            await site.billing.cards.remove(visit.tenant, visit.customer, card_id)
        except Conflict:
            return await _ask(site, visit, card_id, REMOVE, status=Conflict.status)
        return visit.back(Said.CARD_REMOVED)


async def _ask(site: Site, visit: Visit, card_id: str, choice: str, *, status: int) -> Response:
    cards = await site.billing.cards.list_cards(visit.tenant, visit.customer)
    card = next((each for each in cards if each.id == card_id), None)
    if card is None:
        message = "This card is no longer stored. Open your link again to see the cards you have."
        raise NotFound(message)
    others = [each for each in cards if each.id != card_id]
    need = await site.billing.cards.need(visit.tenant, visit.customer)
    return render(
        "card_choice.html",
        await find_seller(site, visit.tenant),
        status=status,
        leads_out=True,
        visit=visit,
        card=card,
        choice=choice,
        need=need,
        next_card=others[0] if others else None,
    )
