"""customers.* (api.md §2.1, §2.16)."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from sumac.api.context import Context
from sumac.api.dossiers import load_dossiers
from sumac.api.operation import OperationRouter
from sumac.api.schemas.clocks import ClockMoveBody
from sumac.api.schemas.customers import (
    EXPAND,
    PURCHASE_LIMITS,
    ClockMoveRequest,
    CustomerBody,
    CustomerChoice,
    CustomerDelete,
    CustomerGetOrCreate,
    CustomerList,
    CustomerListRequest,
    CustomerUpdate,
)
from sumac.api.schemas.dossier import Dossier
from sumac.api.schemas.expand import check_expand
from sumac.api.schemas.wire import Success
from sumac.balances.rules.topups import switched_on
from sumac.balances.service import controls_of
from sumac.billing.currencies import adopt_currency
from sumac.billing.rewards import list_standing
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.customers.service import CustomerDraft
from sumac.invoices import service as invoices
from sumac.rewards import referrals
from sumac.storage.work import Work

router = OperationRouter("customers")


@router.operation("customers.get_or_create", scope="customers:write")
async def get_or_create_customer(body: CustomerGetOrCreate, context: Context) -> CustomerBody:
    """The customer of this id, made when missing; a new one gets the plans that are enabled by themselves."""
    expand = check_expand(body.expand, EXPAND)
    if body.clock_at is not None:
        context.require_sandbox()
    async with context.work() as work:
        customer = await found_or_made(work, context, body.draft(), body.auto_enable_plan_id)
    return await _customer_body(context, customer.public_id, expand)


@router.operation("customers.get", scope="customers:read")
async def get_customer(body: CustomerChoice, context: Context) -> CustomerBody:
    """One customer with what they hold."""
    return await _customer_body(context, body.customer_id, check_expand(body.expand, EXPAND))


@router.operation("customers.list", scope="customers:read")
async def list_customers(body: CustomerListRequest, context: Context) -> CustomerList:
    """Customers, newest first; searched by id, name and e-mail, filtered by what they hold."""
    cursor = body.cursor()
    async with context.reading() as work:
        held = None
        if body.plans or body.subscription_status:
            wanted = [(plan.id, plan.versions or []) for plan in body.plans or ()]
            held = context.services.billing.keys_holding(work, wanted, body.subscription_status)
        span = body.created_at_range
        chosen = customers.CustomerFilter(
            search=body.search,
            keys=held,
            created_from=span.start if span else None,
            created_to=span.end if span else None,
            oldest_first=body.sort_order == "asc",
        )
        page = await customers.list_page(work, chosen, cursor=cursor, limit=body.limit)
        dossiers = await load_dossiers(work, context, page.items)
        bodies = [_body(context, work, dossier) for dossier in dossiers]
    return CustomerList(list=bodies, next_cursor=page.next_cursor)


@router.operation("customers.update", scope="customers:write")
async def update_customer(body: CustomerUpdate, context: Context) -> CustomerBody:
    """Changes a customer; what is not given stays."""
    if body.wanted_currency is not None:
        await context.services.billing.bring_up_to_date(context.tenant, body.customer_id)
        await context.services.billing.close_pages(context.tenant, body.customer_id)
    async with context.work() as work:
        before = await customers.get_for_update(work, body.customer_id)
        await adopt_currency(work, before, body.wanted_currency)
        customer = await customers.update(work, body.customer_id, body.change())
        topups = controls_of(customer).auto_topups
        if body.billing_controls is not None:
            await _set_counts(work, context, customer, body.billing_controls.purchase_counts())
    wanted = switched_on(controls_of(before).auto_topups, topups)
    if wanted is not None:
        await context.services.topups.look(context.tenant, customer.key, only=wanted)
    return await _customer_body(context, customer.public_id)


@router.operation("customers.delete", scope="customers:write")
async def delete_customer(body: CustomerDelete, context: Context) -> Success:
    """Deletes a customer and everything of theirs; the same id starts clean afterwards."""
    await context.services.billing.close_pages(context.tenant, body.customer_id)
    async with context.work() as work:
        await customers.delete(work, body.customer_id)
    return Success(success=True)


@router.operation("customers.advance_test_clock", scope="customers:write")
async def advance_test_clock(body: ClockMoveRequest, context: Context) -> ClockMoveBody:
    """Moves a sandbox customer's clock forward, through everything that is due on the way."""
    context.require_sandbox()
    move = await context.services.clocks.advance(context.tenant, body.customer_id, body.frozen_time)
    return ClockMoveBody.of(move)


async def found_or_made(
    work: Work, context: Context, draft: CustomerDraft, auto_enable_plan_id: str | None
) -> Customer:
    """The customer of the draft's id, made when missing, with the plans that are enabled by themselves."""
    customer, created = await customers.get_or_create(work, draft)
    if created:
        await context.services.billing.welcome(
            work, customer, auto_enable_plan_id=auto_enable_plan_id, actor=context.actor
        )
    return customer


async def _set_counts(work: Work, context: Context, customer: Customer, counts: Mapping[str, int]) -> None:
    for topup in controls_of(customer).auto_topups:
        if topup.purchase_limit is not None and topup.feature_id in counts:
            count = counts[topup.feature_id]
            await context.services.topups.set_count(work, customer, topup.feature_id, topup.purchase_limit, count)


async def _customer_body(context: Context, customer_id: str, expand: Collection[str] = ()) -> CustomerBody:
    await context.services.billing.bring_up_to_date(context.tenant, customer_id)
    async with context.reading() as work:
        customer = await customers.get(work, customer_id)
        dossier = (await load_dossiers(work, context, [customer]))[0]
        if "invoices" in expand:
            dossier = replace(dossier, invoices=await invoices.list_of_customer(work, customer.key))
        if "trials_used" in expand:
            dossier = replace(dossier, trials_used=await context.services.billing.trials_used(work, customer.key))
        if PURCHASE_LIMITS in expand:
            dossier = replace(dossier, topups=await context.services.topups.states(work, customer.key))
        if "rewards" in expand:
            dossier = replace(dossier, rewards=await list_standing(work, customer))
        if "referrals" in expand:
            dossier = replace(dossier, referrals=await referrals.list_invited(work, customer.key))
        if "entities" in expand:
            dossier = replace(dossier, entities=await customers.list_entities(work, customer.key))
    if "payment_method" in expand:
        cards = await context.services.billing.cards.list_cards(context.tenant, customer)
        dossier = replace(dossier, cards=cards)
    if "invoice_previews" in expand:
        upcoming = await context.services.billing.due.upcoming(context.tenant, customer.key)
        dossier = replace(dossier, upcoming=upcoming)
    return _body(context, work, dossier, expand)


def _body(context: Context, work: Work, dossier: Dossier, expand: Collection[str] = ()) -> CustomerBody:
    now = dossier.customer.now(work.now)
    return CustomerBody.of(dossier, context.tenant, context.services.public_url, now, expand)
