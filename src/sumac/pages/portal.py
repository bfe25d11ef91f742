"""The portal: what a customer holds, has used and was billed, and how to cancel a plan or change one's mind."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from sumac.balances import service as balances
from sumac.balances.model import Balance, Grant
from sumac.balances.rules.sum import compute_balance
from sumac.billing.model import CancelAction, CancelRequest, Holding, PlanStatus
from sumac.billing.portal import Portal
from sumac.billing.provider import PaymentMethod
from sumac.billing.rules.cancel import canceling
from sumac.catalog import service as catalog
from sumac.catalog.model import Feature, FeatureKind, Plan
from sumac.catalog.rules.shape import is_free
from sumac.catalog.rules.text import cadence_text
from sumac.core.errors import NotFound
from sumac.core.money import Money
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import InvoiceStatus
from sumac.invoices.service import InvoiceFilter
from sumac.pages.render import render
from sumac.pages.seller import Site, find_seller
from sumac.pages.words import money, web_address

ACTOR = "customer"
DEFAULT_CURRENCY = "usd"
INVOICES_MAX = 24
SEE_OTHER = 303
SHOWN_INVOICES = (InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE)


class Choice(StrEnum):
    """What a customer may do to a plan."""

    CANCEL = "cancel"
    KEEP = "keep"


ACTIONS = {Choice.CANCEL: CancelAction.CANCEL_END_OF_CYCLE, Choice.KEEP: CancelAction.UNCANCEL}


@dataclass(frozen=True, slots=True)
class PlanCard:
    """A plan as the portal shows it, with the one thing the customer may do to it."""

    holding: Holding
    status: str
    price: str
    choice: Choice | None


@dataclass(frozen=True, slots=True)
class UsageCard:
    """The balance of a feature under its name; a feature that is only switched on has nothing to count."""

    name: str
    counted: bool
    balance: Balance


def add_portal(router: APIRouter, site: Site) -> None:
    """The routes of the portal."""

    @router.get("/portal/{token}")
    async def show_portal(token: str) -> Response:
        portal, customer = await _open(site, token)
        tenant = portal.tenant
        async with site.database.reading(tenant) as work:
            held = await site.billing.holdings(work, [customer.key])
            grants = await balances.live_grants(work, customer.key)
            features = await catalog.list_features(work)
            chosen = InvoiceFilter(customer.key, SHOWN_INVOICES)
            page = await invoices.list_page(work, chosen, cursor=None, limit=INVOICES_MAX)
        return render(
            "portal.html",
            await find_seller(site, tenant),
            token=token,
            customer=customer,
            plans=[_plan_card(each, customer) for each in sorted(held.get(customer.key, ()), key=_place_of)],
            usage=list(_usage_cards(features, grants)),
            cards=_distinct(await site.billing.payment_methods(tenant, customer)),
            invoices=sorted(page.items, key=lambda invoice: invoice.number, reverse=True),
            has_older=page.next_cursor is not None,
            return_url=web_address(portal.return_url),
        )

    @router.get("/portal/{token}/plans/{held_id}/{choice}")
    async def confirm_choice(token: str, held_id: str, choice: str) -> Response:
        portal, customer = await _open(site, token)
        card = await _find_plan(site, portal, customer, held_id)
        if card.choice != choice:
            return RedirectResponse(f"/portal/{token}", SEE_OTHER)
        seller = await find_seller(site, portal.tenant)
        ending = canceling(card.holding, customer.now(site.database.clock.now()))
        return render("choice.html", seller, token=token, card=card, ends_at=ending.held.ends_at)

    @router.post("/portal/{token}/plans/{held_id}/{choice}")
    async def carry_out_choice(token: str, held_id: str, choice: str) -> Response:
        portal, customer = await _open(site, token)
        card = await _find_plan(site, portal, customer, held_id)
        if card.choice is not None and card.choice == choice:
            request = CancelRequest(customer.public_id, ACTIONS[card.choice], subscription_id=held_id)
            await site.billing.cancel(portal.tenant, request, actor=ACTOR)
        return RedirectResponse(f"/portal/{token}", SEE_OTHER)


async def _open(site: Site, token: str) -> tuple[Portal, Customer]:
    """The session of a link and its customer with everything settled that was due. Raises NotFound."""
    portal = await site.billing.find_portal(token)
    if portal is None:
        message = "This link has expired or is not complete. Go back to where you came from and ask for a new link."
        raise NotFound(message)
    await site.billing.bring_up_to_date(portal.tenant, portal.customer.public_id)
    async with site.database.reading(portal.tenant) as work:
        return portal, await customers.get_by_key(work, portal.customer.key)


async def _find_plan(site: Site, portal: Portal, customer: Customer, held_id: str) -> PlanCard:
    async with site.database.reading(portal.tenant) as work:
        held = await site.billing.holdings(work, [customer.key])
    for holding in held.get(customer.key, ()):
        if holding.held.id == held_id:
            return _plan_card(holding, customer)
    message = "This plan is no longer among yours. Open your link again to see the plans you have."
    raise NotFound(message)


def _plan_card(holding: Holding, customer: Customer) -> PlanCard:
    held, plan = holding.held, holding.plan
    choice: Choice | None = None
    if held.is_canceling:
        choice = Choice.KEEP
    elif held.is_usable and held.recurring and not is_free(plan):
        choice = Choice.CANCEL
    return PlanCard(holding, _status_of(holding), _price_of(plan, customer.currency or DEFAULT_CURRENCY), choice)


def _place_of(holding: Holding) -> tuple[bool, bool, str]:
    """Main plans first, then add-ons and purchases, then what has not begun; by name among equals."""
    beside = holding.plan.add_on or not holding.held.recurring
    return not holding.held.is_usable, beside, holding.plan.name


def _status_of(holding: Holding) -> str:
    held = holding.held
    if held.status is PlanStatus.SCHEDULED:
        return "scheduled"
    if held.status is PlanStatus.PAST_DUE:
        return "past_due"
    if held.is_canceling:
        return "canceling"
    return "trialing" if held.trial_ends_at is not None and held.trial_ends_at == held.period_end else "active"


def _price_of(plan: Plan, currency: str) -> str:
    if plan.price is not None and plan.price.amount:
        amount = money(Money.from_major(plan.price.amount, currency))
        return f"{amount} {cadence_text(plan.price.cadence)}"
    return "Free" if is_free(plan) else "By usage"


def _usage_cards(features: Sequence[Feature], grants: Sequence[Grant]) -> Iterator[UsageCard]:
    for feature in features:
        balance = compute_balance(feature.id, grants)
        if balance is not None:
            yield UsageCard(feature.name, feature.kind is not FeatureKind.BOOLEAN, balance)


def _distinct(methods: Sequence[PaymentMethod]) -> Sequence[PaymentMethod]:
    """Each card once, the default one first: entering the same card again stores it again."""
    once = {(each.brand, each.last4): each for each in reversed(methods)}
    return sorted(once.values(), key=lambda each: not each.is_default)
