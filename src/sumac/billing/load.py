"""Reads the snapshot a decision is made from, and what customers hold."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sumac.balances import service as balances
from sumac.billing import store
from sumac.billing.model import Holding, PlanStatus, Snapshot
from sumac.catalog import service as catalog
from sumac.core.ids import new_id
from sumac.core.page import Cursor, Page, page_of
from sumac.customers.model import Customer
from sumac.storage.schema import customer_plans
from sumac.storage.work import Work

DEFAULT_CURRENCY = "usd"
NEW_PLANS_MAX = 1


async def load_snapshot(work: Work, customer: Customer, *, has_payment_method: bool = False) -> Snapshot:
    """Everything a decision about the customer may look at, with fresh ids for what it may make."""
    history = await store.plans_of(work, [customer.key], live=False)
    holdings = await load_holdings(work, [customer.key])
    return Snapshot(
        customer=customer,
        currency=customer.currency or DEFAULT_CURRENCY,
        holdings=tuple(holdings.get(customer.key, ())),
        grants=tuple(await balances.live_grants(work, customer.key)),
        features=await catalog.features_by_id(work),
        auto_enabled=tuple(await catalog.list_auto_enabled(work)),
        plan_ids=tuple(new_id("cus_prod", now=work.now) for _ in range(NEW_PLANS_MAX)),
        has_payment_method=has_payment_method,
        trials_used=frozenset(held.plan_id for held in history if held.trial_ends_at is not None),
    )


async def load_holdings(work: Work, customer_keys: Collection[str]) -> Mapping[str, Sequence[Holding]]:
    """The live plans of the customers with the versions they hold, by customer key, oldest first."""
    held = await store.plans_of(work, customer_keys)
    plans = await catalog.get_plans(work, ((each.plan_id, each.version) for each in held))
    return {
        key: [Holding(each, plans[each.plan_id, each.version]) for each in group]
        for key, group in store.by_customer(held).items()
    }


@dataclass(frozen=True, slots=True)
class HoldingFilter:
    """Which customer plans to list: subscriptions (`recurring`) or purchases, of one customer, plan, some statuses."""

    recurring: bool
    customer_key: str | None = None
    plan_id: str | None = None
    statuses: Collection[PlanStatus] = ()


async def list_holdings(work: Work, chosen: HoldingFilter, *, cursor: Cursor | None, limit: int) -> Page[Holding]:
    """The customer plans that match, with the versions they hold, newest first."""
    where: list[sa.ColumnElement[bool]] = [customer_plans.c.recurring == chosen.recurring]
    if chosen.customer_key is not None:
        where.append(customer_plans.c.customer_key == chosen.customer_key)
    if chosen.plan_id is not None:
        where.append(customer_plans.c.plan_id == chosen.plan_id)
    if chosen.statuses:
        where.append(customer_plans.c.status.in_(chosen.statuses))
    held = await store.page(work, where, cursor, limit)
    plans = await catalog.get_plans(work, ((each.plan_id, each.version) for each in held))
    holdings = [Holding(each, plans[each.plan_id, each.version]) for each in held]
    return page_of(holdings, limit, lambda holding: Cursor(holding.held.id, holding.held.created_at))
