"""Entities that come and go, in the transaction in which their unit is counted (billing.md §17.1)."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sumac.balances import service as balances
from sumac.balances.model import Grant
from sumac.balances.requests import TrackRequest
from sumac.billing.load import load_snapshot
from sumac.billing.model import CustomerPlan
from sumac.billing.rules.slots import missing_slots, shared_id_of
from sumac.billing.units import Provision
from sumac.core.ids import new_id
from sumac.customers import entities
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.storage.work import Work


async def settle_entity(work: Work, customer: Customer, counted: TrackRequest, *, at: datetime, actor: str) -> None:
    """Adds the entity that took the counted unit, with its slots, or removes the one that gave it back.

    Nothing for other usage. One that is there, or gone, by now is left alone. The customer's row is locked.
    """
    if counted.opens is not None and await entities.find(work, customer.key, counted.opens.id) is None:
        entity = await entities.add(work, customer.key, counted.opens, at=at)
        await fill_slots(work, customer, entity_keys=[entity.key], at=at, actor=actor)
    if counted.closes is not None:
        for entity in (await entities.get_by_keys(work, [counted.closes])).values():
            await entities.remove(work, entity)


async def fill_slots(
    work: Work,
    customer: Customer,
    *,
    entity_keys: Collection[str] | None = None,
    customer_plan_ids: Collection[str] | None = None,
    at: datetime,
    actor: str,
) -> None:
    """Opens the slots that entities lack: those that came while a plan waited, or a plan's that is there already."""
    if not await customers.list_entities(work, customer.key):
        return
    snapshot = await load_snapshot(work, customer, at=at)
    missing = missing_slots(snapshot, entity_keys=entity_keys, customer_plan_ids=customer_plan_ids, now=at)
    for holding, provision in missing:
        opened = plan_grant(holding.held, provision, add_on=holding.plan.add_on, at=at)
        await balances.open_grants(work, [opened], cause=holding.held.id, actor=actor, at=at)


def plan_grant(held: CustomerPlan, provision: Provision, *, add_on: bool, at: datetime) -> Grant:
    """The grant of a plan that starts, or of a slot of it."""
    return replace(
        loose_grant(held.customer_key, provision, at=at),
        customer_plan_id=held.id,
        plan_id=held.plan_id,
        anchor_at=held.anchor_at,
        add_on=add_on,
        shared_id=None if provision.place is None else shared_id_of(held, provision.place),
    )


def loose_grant(customer_key: str, provision: Provision, *, at: datetime) -> Grant:
    """The grant of units that belong to no plan."""
    return Grant(
        id=new_id("cus_ent", now=at),
        customer_key=customer_key,
        feature_id=provision.feature_id,
        customer_plan_id=None,
        plan_id=None,
        anchor_at=at,
        created_at=at,
        included=provision.included,
        prepaid=provision.prepaid,
        balance=provision.balance,
        unlimited=provision.unlimited,
        overage_allowed=provision.overage_allowed,
        max_purchase=provision.max_purchase,
        reset=provision.reset,
        resets_at=provision.resets_at,
        price=provision.price,
        proration=provision.proration,
        expires_at=provision.expires_at,
        entity_key=provision.entity_key,
        rollover=provision.rollover,
        pool_mode=provision.pool_mode,
    )
