"""The portal's first page: what a customer holds, has used, was billed and owes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sumac.balances.model import Balance
from sumac.balances.rules.deduct import visible
from sumac.balances.rules.sum import compute_balance, shown
from sumac.billing.load import load_snapshot
from sumac.billing.model import Snapshot
from sumac.catalog.model import FeatureKind
from sumac.core.money import Money
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice, InvoiceStatus
from sumac.invoices.service import InvoiceFilter
from sumac.pages.plan_card import PlanCard, place_of, plan_card
from sumac.pages.render import render
from sumac.pages.seller import Site, find_seller, takes_payments
from sumac.pages.visit import Said, Visit, open_visit
from sumac.pages.words import web_address

INVOICES_MAX = 24
UNPAID_MAX = 100
SHOWN_INVOICES = (InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE)
SENTENCES: Mapping[str, str] = {
    Said.CANCELED: "Your plan is set to end. Until then nothing changes.",
    Said.KEPT: "Your plan goes on.",
    Said.CARD_ADDED: "Your card is stored and used for payments from now on.",
    Said.CARD_CHOSEN: "Payments are made with this card from now on.",
    Said.CARD_REMOVED: "The card is removed.",
    Said.PAID: "Thank you. Your payment has arrived.",
    Said.UNDER_WAY: "Your payment is under way. There is nothing more for you to do.",
}


@dataclass(frozen=True, slots=True)
class UsageCard:
    """The balance of a feature under its name; a feature that is only switched on has nothing to count."""

    name: str
    counted: bool
    balance: Balance


@dataclass(frozen=True, slots=True)
class Account:
    """Everything the first page shows of a customer's own. Invoices that were issued elsewhere are not paid here."""

    plans: tuple[PlanCard, ...]
    usage: tuple[UsageCard, ...]
    unpaid: tuple[Invoice, ...]
    invoices: tuple[Invoice, ...]
    has_older: bool
    credit: Money


def add_portal(router: APIRouter, site: Site) -> None:
    """The route of the first page."""

    @router.get("/portal/{token}")
    async def show_portal(request: Request, token: str) -> Response:
        visit = await open_visit(site, token)
        return render(
            "portal.html",
            await find_seller(site, visit.tenant),
            leads_out=True,
            visit=visit,
            account=await _account(site, visit),
            cards=await site.billing.cards.list_cards(visit.tenant, visit.customer),
            payable=takes_payments(site, visit.tenant),
            notice=SENTENCES.get(request.query_params.get("said", "")),
            now=site.database.clock.now(),
            return_url=web_address(visit.return_url),
        )


async def _account(site: Site, visit: Visit) -> Account:
    key = visit.customer.key
    async with site.database.reading(visit.tenant) as work:
        snapshot = await load_snapshot(work, visit.customer)
        unpaid = InvoiceFilter(key, (InvoiceStatus.OPEN,))
        owed = await invoices.list_page(work, unpaid, cursor=None, limit=UNPAID_MAX)
        page = await invoices.list_page(work, InvoiceFilter(key, SHOWN_INVOICES), cursor=None, limit=INVOICES_MAX)
        credit = await invoices.credit_of(work, key, snapshot.currency)
    shown = sorted((*snapshot.holdings, *snapshot.paused), key=place_of)
    return Account(
        plans=tuple(plan_card(each, snapshot) for each in shown),
        usage=tuple(_usage(snapshot)),
        unpaid=tuple(invoice for invoice in reversed(owed.items) if invoice.number is not None),
        invoices=tuple(page.items),
        has_older=page.next_cursor is not None,
        credit=credit,
    )


def _usage(snapshot: Snapshot) -> Iterator[UsageCard]:
    paused = {each.held.id for each in snapshot.paused}
    usable = visible([grant for grant in snapshot.grants if grant.customer_plan_id not in paused], None)
    for feature in snapshot.features.values():
        held = compute_balance(feature.id, usable)
        balance = shown(held) if held is not None else None
        if balance is not None:
            yield UsageCard(feature.name, feature.kind is not FeatureKind.BOOLEAN, balance)
