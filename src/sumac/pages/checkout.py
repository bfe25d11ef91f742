"""The checkout: what is due, a card, and what came of it.

The bank takes the card, billing carries out what the page was opened for. Both can be repeated, so a form sent twice, a
reload or a lost answer ends where the first one did.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sumac.billing.provider import CheckoutPage, CheckoutState, CheckoutStatus
from sumac.billing.settlement import SettledCheckout
from sumac.catalog import service as catalog
from sumac.core.errors import BadRequest, Conflict, Gone, Locked, NotFound, SumacError
from sumac.core.money import Money
from sumac.pages.door import read_form
from sumac.pages.render import render, render_problem
from sumac.pages.seller import Site, find_seller
from sumac.pages.words import read_expiry, web_address

SEE_OTHER = 303
UNFINISHED_TEXT = "Your card was accepted and we are finishing. Reload this page; nothing is charged twice."
EXPIRED_TEXT = "Nothing was charged. Go back to where you came from and start again to get a new link."


@dataclass(frozen=True, slots=True)
class Entry:
    """What was entered on the form: a typed number, or else the test card that was chosen; and when it expires."""

    typed: str = ""
    chosen: str | None = None
    refusal: str | None = None
    expiry: str = ""
    code: str = ""
    code_refusal: str | None = None

    @property
    def number(self) -> str:
        """The number to pay with; empty when there is none."""
        return self.typed or self.chosen or ""


def add_checkout(router: APIRouter, site: Site) -> None:
    """The routes of the checkout."""

    @router.get("/checkout/{token}")
    async def show_checkout(token: str) -> Response:
        page = await _find(site, token)
        if page.status is CheckoutStatus.COMPLETED:
            return await _show_outcome(site, page, again=True)
        return await _show_form(site, page, Entry())

    @router.post("/checkout/{token}")
    async def pay(request: Request, token: str) -> Response:
        form = await read_form(request)
        page = await _find(site, token)
        if "code" in form:
            return await _enter_code(site, page, form["code"].strip())
        entry = Entry(form.get("number", "").strip(), form.get("test_card"), expiry=form.get("expiry", "").strip())
        if not entry.number:
            return await _show_form(site, page, Entry(refusal="Enter a card number, or choose a test card."))
        match form.get("confirmation"):
            case "refuse":
                refusal = "You did not confirm the payment, so nothing was charged."
                return await _show_form(site, page, Entry(refusal=refusal))
            case confirmation:
                return await _enter_card(site, token, page, entry, confirmed=confirmation == "approve")

    @router.get("/checkout/{token}/done")
    async def show_done(token: str) -> Response:
        page = await _find(site, token)
        if page.status is CheckoutStatus.COMPLETED:
            return await _show_outcome(site, page, again=False)
        return RedirectResponse(f"/checkout/{token}", SEE_OTHER)


async def _find(site: Site, token: str) -> CheckoutPage:
    page = await site.bank.find_checkout_by_token(token)
    if page is None:
        message = "Check that the link is complete, or go back to where you came from and start again."
        raise NotFound(message, code="checkout_unavailable")
    return page


async def _show_form(site: Site, page: CheckoutPage, entry: Entry) -> Response:
    seller = await find_seller(site, page.tenant)
    if page.status is CheckoutStatus.EXPIRED:
        return render_problem(Gone.status, EXPIRED_TEXT, seller=seller)
    cards = site.bank.test_cards()
    return render(
        "checkout.html",
        seller,
        status=200 if entry.refusal is None and entry.code_refusal is None else BadRequest.status,
        leads_out=web_address(page.request.success_url) is not None,
        checkout=page.request,
        credit=_credit(page),
        cards=cards,
        chosen=entry.chosen or cards[0].number,
        refusal=entry.refusal,
        expiry=entry.expiry,
        takes_code=await site.billing.codes.is_taken(page.tenant, page.id),
        code=entry.code,
        code_refusal=entry.code_refusal,
    )


async def _enter_code(site: Site, page: CheckoutPage, code: str) -> Response:
    """Leads on to a page for the same at its new price, or says what is wrong with the code."""
    try:
        return RedirectResponse(urlsplit(await site.billing.codes.enter(page.tenant, page.id, code)).path, SEE_OTHER)
    except SumacError as refused:
        return await _show_form(site, page, Entry(code=code, code_refusal=refused.message))


def _credit(page: CheckoutPage) -> Money:
    """What the customer's credit pays of the lines: they add up to more than is due by it."""
    lines = sum((line.amount for line in page.request.lines), Money.zero(page.request.total.currency))
    return lines - page.request.total


async def _enter_card(site: Site, token: str, page: CheckoutPage, entry: Entry, *, confirmed: bool) -> Response:
    try:
        expiry = read_expiry(entry.expiry) if entry.expiry else None
        state = await site.bank.complete_checkout(
            page.tenant, page.id, entry.number, expiry=expiry, confirmed=confirmed
        )
    except BadRequest as refused:
        refusal = refused.message.removeprefix("number: ").capitalize()
        return await _show_form(site, page, Entry(chosen=entry.chosen, refusal=refusal, expiry=entry.expiry))
    except Gone:
        return render_problem(Gone.status, EXPIRED_TEXT, seller=await find_seller(site, page.tenant))
    except Conflict:
        state = CheckoutState(CheckoutStatus.COMPLETED, None)
    if state.status is not CheckoutStatus.COMPLETED:
        return await _show_confirmation(site, page, entry)
    return RedirectResponse(await _way_on(site, page) or f"/checkout/{token}/done", SEE_OTHER)


async def _way_on(site: Site, page: CheckoutPage) -> str | None:
    """The seller's address to lead on to; None when our own page has something to say first."""
    try:
        settled = await site.billing.settle_checkout(page.tenant, page.id)
    except Locked:
        return None
    return web_address(settled.success_url) if settled.customer_plan_active else None


async def _show_confirmation(site: Site, page: CheckoutPage, entry: Entry) -> Response:
    seller = await find_seller(site, page.tenant)
    return render(
        "confirmation.html",
        seller,
        leads_out=web_address(page.request.success_url) is not None,
        checkout=page.request,
        number=entry.number,
        expiry=entry.expiry,
    )


async def _show_outcome(site: Site, page: CheckoutPage, *, again: bool) -> Response:
    """What a completed checkout came to; asked for again at the checkout's own address, a 409 that says so."""
    seller = await find_seller(site, page.tenant)
    try:
        settled = await site.billing.settle_checkout(page.tenant, page.id)
    except Locked:
        return render_problem(Locked.status, UNFINISHED_TEXT, seller=seller)
    return render(
        "done.html",
        seller,
        status=Conflict.status if again else 200,
        again=again,
        checkout=page.request,
        settled=settled,
        plan_name=await _plan_name(site, page, settled),
        success_url=web_address(settled.success_url) if settled.customer_plan_active else None,
    )


async def _plan_name(site: Site, page: CheckoutPage, settled: SettledCheckout) -> str | None:
    if settled.plan_id is None:
        return None
    async with site.database.reading(page.tenant) as work:
        plan = await catalog.find_plan(work, settled.plan_id)
    return settled.plan_id if plan is None else plan.name
