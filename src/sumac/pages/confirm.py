"""The confirm page: what a change does and costs, the card that is charged, and a yes or no."""

from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sumac.billing.confirm import Confirmation, without_page
from sumac.billing.provider import PaymentMethod
from sumac.billing.quote import amount_of, terms_of
from sumac.billing.visits import CheckoutProgress
from sumac.core.errors import BadRequest, Conflict, Gone, Locked, NotFound, SumacError
from sumac.core.money import Money
from sumac.pages.changes import quote_of, title_of
from sumac.pages.door import read_form
from sumac.pages.render import render, render_problem
from sumac.pages.seller import Seller, Site, find_seller
from sumac.pages.words import site_of, web_address

SEE_OTHER = 303
IMPOSSIBLE_TITLE = "This change is no longer possible"
IMPOSSIBLE_TEXT = "Nothing was changed or charged. Go back to where you came from and start again."
EXPIRED_TEXT = "Nothing was changed or charged. Go back to where you came from and ask for a new link."
BUSY_TEXT = "Another change of yours is being made. Open this page again in a moment."
PRICE_CHANGED = "price_changed"


def add_confirm(router: APIRouter, site: Site) -> None:
    """The routes of the confirm page."""

    @router.get("/c/{token}")
    async def show_question(token: str) -> Response:
        page = await _find(site, token)
        if page.progress is CheckoutProgress.SETTLED:
            return await _show_outcome(site, page, again=True)
        return await _ask(site, token, page)

    @router.post("/c/{token}")
    async def answer_question(request: Request, token: str) -> Response:
        form = await read_form(request)
        page = await _find(site, token)
        if "code" in form:
            return await _enter_code(site, token, page, form["code"].strip())
        if form.get("answer") == "no":
            seller = await find_seller(site, page.tenant)
            return render("unchanged.html", seller, token=token, return_url=site_of(page.success_url))
        return await _carry_out(site, token, page, _shown(form.get("shown", ""), form.get("currency", "")))

    @router.get("/c/{token}/done")
    async def show_done(token: str) -> Response:
        page = await _find(site, token)
        if page.progress is CheckoutProgress.SETTLED:
            return await _show_outcome(site, page, again=False)
        return RedirectResponse(f"/c/{token}", SEE_OTHER)


async def _find(site: Site, token: str) -> Confirmation:
    page = await site.billing.confirmations.find(token)
    if page is None:
        message = "Check that the link is complete, or go back to where you came from and start again."
        raise NotFound(message, code="checkout_unavailable")
    return page


def _shown(minor: str, currency: str) -> Money:
    """The amount that stood on the form. Raises BadRequest when it is none."""
    if not (minor.isascii() and minor.isdigit() and currency.isalpha()):
        message = "The form is not complete; open your link again and repeat it there"
        raise BadRequest(message)
    return Money(int(minor), currency)


async def _enter_code(site: Site, token: str, page: Confirmation, code: str) -> Response:
    """Leads on to a page for the same at its new price, or says what is wrong with the code."""
    try:
        return RedirectResponse(urlsplit(await site.billing.codes.enter(page.tenant, token, code)).path, SEE_OTHER)
    except SumacError as refused:
        return await _ask(site, token, page, code=code, code_refusal=refused.message)


async def _ask(
    site: Site,
    token: str,
    page: Confirmation,
    *,
    price_changed: bool = False,
    code: str = "",
    code_refusal: str | None = None,
) -> Response:
    seller = await find_seller(site, page.tenant)
    if not page.stands_at(site.database.clock.now()):
        return render_problem(Gone.status, EXPIRED_TEXT, seller=seller)
    try:
        proposal = await site.billing.preview(page.tenant, without_page(page.request))
    except SumacError:
        return _impossible(seller)
    due = amount_of(proposal)
    return render(
        "confirm.html",
        seller,
        status=Conflict.status if price_changed else 200 if code_refusal is None else BadRequest.status,
        leads_out=True,
        heading=title_of(proposal),
        quote=quote_of(proposal, due),
        terms=terms_of(proposal),
        card=await _card(site, page),
        price_changed=price_changed,
        takes_code=await site.billing.codes.is_taken(page.tenant, token),
        code=code,
        code_refusal=code_refusal,
    )


async def _card(site: Site, page: Confirmation) -> PaymentMethod | None:
    cards = await site.billing.cards.list_cards(page.tenant, page.customer)
    return cards[0] if cards else None


async def _carry_out(site: Site, token: str, page: Confirmation, shown: Money) -> Response:
    try:
        receipt = await site.billing.confirm(page, shown=shown)
    except Locked:
        return render_problem(Locked.status, BUSY_TEXT, seller=await find_seller(site, page.tenant))
    except SumacError as refused:
        now_stands = await _find(site, token)
        if refused.code == PRICE_CHANGED:
            return await _ask(site, token, now_stands, price_changed=True)
        if now_stands.progress is CheckoutProgress.SETTLED:
            return RedirectResponse(f"/c/{token}/done", SEE_OTHER)
        if not now_stands.stands_at(site.database.clock.now()):
            return await _ask(site, token, now_stands)
        return _impossible(await find_seller(site, page.tenant))
    return RedirectResponse(receipt.payment_url or web_address(page.success_url) or f"/c/{token}/done", SEE_OTHER)


async def _show_outcome(site: Site, page: Confirmation, *, again: bool) -> Response:
    """What the answer came to; asked for again at the page's own address, a 409 that says so."""
    return render(
        "confirmed.html",
        await find_seller(site, page.tenant),
        status=Conflict.status if again else 200,
        again=again,
        invoice=page.invoice,
        success_url=web_address(page.success_url),
    )


def _impossible(seller: Seller) -> Response:
    return render_problem(Conflict.status, IMPOSSIBLE_TEXT, title=IMPOSSIBLE_TITLE, seller=seller)
