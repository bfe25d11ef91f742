"""The portal: ending a plan with its period, and changing one's mind."""

from fastapi import APIRouter
from starlette.responses import Response

from sumac.billing.load import load_snapshot
from sumac.billing.requests import CancelAction, CancelRequest
from sumac.billing.rules.cancel import canceling
from sumac.core.errors import NotFound
from sumac.pages.plan_card import Choice, PlanCard, plan_card
from sumac.pages.render import render
from sumac.pages.seller import Site, find_seller
from sumac.pages.visit import ACTOR, Said, Visit, open_visit

ACTIONS = {
    Choice.CANCEL: (CancelAction.CANCEL_END_OF_CYCLE, Said.CANCELED),
    Choice.KEEP: (CancelAction.UNCANCEL, Said.KEPT),
}


def add_portal_plans(router: APIRouter, site: Site) -> None:
    """The routes that ask about a plan, and do it."""

    @router.get("/portal/{token}/plans/{held_id}/{choice}")
    async def confirm_choice(token: str, held_id: str, choice: str) -> Response:
        visit = await open_visit(site, token)
        card = await _find_plan(site, visit, held_id)
        if card.choice != choice:
            return visit.back()
        ending = canceling(card.holding, visit.customer.now(site.database.clock.now()))
        seller = await find_seller(site, visit.tenant)
        return render("choice.html", seller, visit=visit, card=card, ends_at=ending.held.ends_at)

    @router.post("/portal/{token}/plans/{held_id}/{choice}")
    async def carry_out_choice(token: str, held_id: str, choice: str) -> Response:
        visit = await open_visit(site, token)
        card = await _find_plan(site, visit, held_id)
        if card.choice is None or card.choice != choice:
            return visit.back()
        action, said = ACTIONS[card.choice]
        request = CancelRequest(visit.customer.public_id, action, subscription_id=held_id)
        await site.billing.perform(visit.tenant, request, actor=ACTOR)
        return visit.back(said)


async def _find_plan(site: Site, visit: Visit, held_id: str) -> PlanCard:
    async with site.database.reading(visit.tenant) as work:
        snapshot = await load_snapshot(work, visit.customer)
    for holding in snapshot.holdings:
        if holding.held.id == held_id:
            return plan_card(holding, snapshot)
    message = "This plan is no longer among yours. Open your link again to see the plans you have."
    raise NotFound(message)
