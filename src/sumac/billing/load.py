"""Reads the snapshot a decision is made from, and what customers hold.

Whatever is read is already at its prices in the currency of the customer: the rules know one currency only.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from sumac.balances import reservations
from sumac.balances import service as balances
from sumac.balances.model import Grant
from sumac.billing import store, visits
from sumac.billing.model import (
    CustomerPlan,
    Holding,
    PlanStatus,
    Snapshot,
)
from sumac.billing.rules.discounts import lower_held
from sumac.billing.rules.refill import is_withheld
from sumac.billing.visits import Checkout
from sumac.catalog import service as catalog
from sumac.catalog.model import Plan
from sumac.catalog.rules.currency import is_sold_in, item_price_in, priced_in
from sumac.core.errors import BadRequest
from sumac.core.ids import new_id
from sumac.core.page import Cursor, Page, page_of
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import InvoiceStatus, LineDraft
from sumac.organizations import service as organizations
from sumac.organizations.settings import get_billing_settings
from sumac.rewards import service as rewards
from sumac.storage.schema import customer_plans
from sumac.storage.work import Work

NEW_PLANS_MAX = 60


async def load_snapshot(
    work: Work, customer: Customer, *, has_payment_method: bool = False, at: datetime | None = None
) -> Snapshot:
    """Everything a decision about the customer may look at, with fresh ids for what it may make.

    The decision is for the present, or for `at` where something was due then. Plans that would start by themselves but
    are not sold in the customer's currency are left out. Raises BadRequest `currency_mismatch` when the customer, as
    given, holds something that is not.
    """
    default = await organizations.default_currency(work)
    currency = customer.currency or default
    history = await store.plans_of(work, [customer.key], live=False)
    live = await _holdings_of(work, [each for each in history if each.status is not PlanStatus.EXPIRED], [customer])
    tried = [held for held in history if held.trial_ends_at is not None]
    grants = await balances.live_grants(work, customer.key)
    auto_enabled = await catalog.list_auto_enabled(work)
    applied = tuple(await rewards.list_applied(work, customer.key))
    now = at or customer.now(work.now)
    return Snapshot(
        customer=customer,
        currency=currency,
        holdings=tuple(each for each in live if each.held.paused_at is None),
        grants=tuple(_grant_in(each, currency, default) for each in grants),
        features=await catalog.features_by_id(work),
        auto_enabled=tuple(
            priced_in(each, currency, default=default)
            for each in auto_enabled
            if is_sold_in(each, currency, default=default)
        ),
        plan_ids=tuple(new_id("cus_prod", now=work.now) for _ in range(NEW_PLANS_MAX)),
        schedule_id=new_id("sched", now=work.now),
        has_payment_method=has_payment_method,
        trials_used=frozenset(held.plan_id for held in tried if held.entity_key is None),
        entity_trials=frozenset((held.entity_key, held.plan_id) for held in tried if held.entity_key is not None),
        entities=tuple(await customers.list_entities(work, customer.key)),
        charges=tuple([line async for line in _charges(work, live, customer.key, now)]),
        held_lines=lower_held(await store.held_lines(work, customer.key), applied, currency=currency, at=now),
        rewards=applied,
        paused=tuple(each for each in live if each.held.paused_at is not None),
        reservations=tuple(await reservations.list_expiring(work, customer.key)),
        persists_overage=(await get_billing_settings(work)).persist_free_overage,
        unbilled=await balances.unbilled_grants(work, customer, grants),
    )


async def find_withheld(work: Work, held: Sequence[CustomerPlan]) -> frozenset[str]:
    """Those of the customer plans whose free units are not given anew for now: they are past due (billing.md §9.2)."""
    behind = [each for each in held if each.status is PlanStatus.PAST_DUE]
    plans = await catalog.get_plans(work, ((each.plan_id, each.version) for each in behind)) if behind else {}
    return frozenset(each.id for each in behind if is_withheld(Holding(each, plans[each.plan_id, each.version])))


async def load_holdings(work: Work, customer_keys: Collection[str]) -> Mapping[str, Sequence[Holding]]:
    """The live plans of the customers with the versions they hold, by customer key, oldest first."""
    owners = await customers.get_by_keys(work, customer_keys)
    found: dict[str, list[Holding]] = {}
    for holding in await _holdings_of(work, await store.plans_of(work, customer_keys), owners.values()):
        found.setdefault(holding.held.customer_key, []).append(holding)
    return found


async def billed_in(work: Work, customer: Customer, wanted: str | None) -> Customer:
    """The customer as billed in the wanted currency: their own or the tenant's default one when None is wanted.

    Once an invoice of ours has been issued and not voided, or a line waits for one, its currency is the customer's for
    good (billing.md §10.10). Raises BadRequest `currency_mismatch`.
    """
    if wanted is None or wanted == customer.currency:
        return customer
    billed = await invoices.currencies_of(work, customer.key)
    if await store.held_lines(work, customer.key):
        billed |= {await currency_of(work, customer)}
    if billed - {wanted}:
        message = f"Customer {customer.public_id} is billed in {', '.join(sorted(billed))}; that cannot change"
        raise BadRequest(message, code="currency_mismatch")
    return replace(customer, currency=wanted)


async def currency_of(work: Work, customer: Customer) -> str:
    """The currency the customer is billed in: their own, or the tenant's default one."""
    return customer.currency or await organizations.default_currency(work)


async def plan_in(work: Work, currency: str, plan: Plan) -> Plan:
    """A plan of the catalogue at its prices in the currency, which is what the rules are given.

    Raises BadRequest `currency_mismatch` naming a price that is not offered in it.
    """
    return priced_in(plan, currency, default=await organizations.default_currency(work))


async def plan_as_sold(work: Work, plan: Plan) -> Plan:
    """A plan that a customer holds at the catalogue's prices: its own, turned back from the customer's currency."""
    default = await organizations.default_currency(work)
    return priced_in(plan, default, default=default)


async def held_currencies(work: Work, plan_id: str) -> Mapping[int, Collection[str]]:
    """The currencies, beside the tenant's default one, in which each version of the plan is held now."""
    return await store.held_currencies(work, plan_id)


@dataclass(frozen=True, slots=True)
class HoldingFilter:
    """Which customer plans to list: subscriptions (`recurring`) or purchases, of one customer, plan, some statuses.

    With `entity_keys` only those of these entities, with `customer_keys` of these customers.
    """

    recurring: bool
    customer_key: str | None = None
    plan_id: str | None = None
    statuses: Collection[PlanStatus] = ()
    entity_keys: Collection[str] | None = None
    customer_keys: Collection[str] | None = None
    version: int | None = None


async def list_holdings(work: Work, chosen: HoldingFilter, *, cursor: Cursor | None, limit: int) -> Page[Holding]:
    """The customer plans that match, with the versions they hold, newest first."""
    where: list[sa.ColumnElement[bool]] = [customer_plans.c.recurring == chosen.recurring]
    if chosen.customer_key is not None:
        where.append(customer_plans.c.customer_key == chosen.customer_key)
    if chosen.entity_keys is not None:
        where.append(customer_plans.c.entity_key.in_(chosen.entity_keys))
    if chosen.plan_id is not None:
        where.append(customer_plans.c.plan_id == chosen.plan_id)
    if chosen.customer_keys is not None:
        where.append(customer_plans.c.customer_key.in_(chosen.customer_keys))
    if chosen.version is not None:
        where.append(customer_plans.c.version == chosen.version)
    if chosen.statuses:
        where.append(customer_plans.c.status.in_(chosen.statuses))
    held = await store.page(work, where, cursor, limit)
    owners = await customers.get_by_keys(work, {each.customer_key for each in held})
    holdings = await _holdings_of(work, held, owners.values())
    return page_of(holdings, limit, lambda holding: Cursor(holding.held.id, holding.held.created_at))


async def _charges(work: Work, live: Sequence[Holding], customer_key: str, now: datetime) -> AsyncIterator[LineDraft]:
    """What was billed for the time after `now`; for a paused plan, for the time after it stopped.

    What was given ahead and never paid for is worth nothing (billing.md §14.3).
    """
    unpaid = {each for link in await unpaid_links(work, customer_key) for each in link.given}
    paused = {each.held.id: each.held.paused_at for each in live if each.held.paused_at is not None}
    for line in await invoices.charges_beyond(work, customer_key, min((now, *paused.values()))):
        since = paused.get(line.customer_plan_id or "", now)
        if line.period is not None and line.period.end > since and line.customer_plan_id not in unpaid:
            yield line


async def unpaid_links(work: Work, customer_key: str) -> list[Checkout]:
    """The links to what the customer was given ahead whose invoice is open, while nothing of it was ever paid.

    Once anything of it was paid, such as a renewal, it is a plan like any other, and its invoice a debt.
    """
    found: list[Checkout] = []
    for link in await visits.unfinished_checkouts(work, customer_key):
        if not link.given or link.invoice_id is None:
            continue
        paid = [await invoices.last_paid(work, customer_key, each) for each in link.given]
        if (await invoices.get(work, link.invoice_id)).status is InvoiceStatus.OPEN and not any(paid):
            found.append(link)
    return found


async def _holdings_of(work: Work, held: Sequence[CustomerPlan], owners: Collection[Customer]) -> list[Holding]:
    """The customer plans, in their order, with the plans they hold at their owners' prices."""
    if not held:
        return []
    default = await organizations.default_currency(work)
    currencies = {owner.key: owner.currency or default for owner in owners}
    plans = await catalog.get_plans(work, ((each.plan_id, each.version) for each in held))
    holdings = []
    for each in held:
        version = plans[each.plan_id, each.version]
        plan = version if each.terms is None else version.with_terms(each.terms)
        holdings.append(Holding(each, priced_in(plan, currencies[each.customer_key], default=default)))
    return holdings


def _grant_in(grant: Grant, currency: str, default: str) -> Grant:
    if grant.price is None:
        return grant
    return replace(
        grant, price=item_price_in(grant.price, currency, default=default, name=f"price of {grant.feature_id}")
    )
