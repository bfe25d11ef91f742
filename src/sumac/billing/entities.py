"""Entities of customers, and the unit of its feature that each of them takes (billing.md §17.1, api.md §2.6)."""

from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa

from sumac.balances import usage
from sumac.balances.model import BalanceSnapshot
from sumac.balances.posting import post
from sumac.balances.requests import OverageBehavior, TrackRequest
from sumac.balances.rules.usage import is_counted
from sumac.balances.usage import SeatsBilledError
from sumac.billing import store
from sumac.billing.collect import require_ready
from sumac.billing.entrances import settle_entity
from sumac.billing.execute import abandon_attempts, apply, refresh_due
from sumac.billing.load import load_snapshot
from sumac.billing.model import StartPlan
from sumac.billing.rules.slots import decide_departure
from sumac.billing.service import BillingService
from sumac.catalog import service as catalog
from sumac.catalog.model import FeatureKind
from sumac.core.errors import BadRequest, Locked
from sumac.core.tenant import Tenant
from sumac.customers import entities
from sumac.customers import service as customers
from sumac.customers.model import Customer, Entity, EntityDraft
from sumac.storage.database import Database
from sumac.storage.schema import customer_plans
from sumac.storage.schema import entities as entity_rows
from sumac.storage.work import Work

ONE_BACK = Decimal(-1)


class EntityDesk:
    """The entities of every tenant's customers."""

    def __init__(self, database: Database, billing: BillingService) -> None:
        self._database = database
        self._billing = billing

    async def create(self, tenant: Tenant, customer_id: str, draft: EntityDraft, *, actor: str) -> Entity:
        """Adds the entity, which takes a unit of its feature where the customer holds any of it.

        The first one with an id takes the place of the one without, and no other unit. Raises NotFound
        `customer_not_found` and `feature_not_found`, Conflict `entity_already_exists`, BadRequest for a feature whose
        units are not held and `feature_limit_reached` when none is left; where units are billed when they are taken,
        what `BillingService.count` raises.
        """
        return await self._billing.due.settled(tenant, lambda: self._create(tenant, customer_id, draft, actor=actor))

    async def delete(self, tenant: Tenant, entity_id: str, customer_id: str | None, *, actor: str) -> None:
        """Removes the entity: its plans end at once without any proration, and its unit is given back.

        Raises NotFound `customer_not_found` and `entity_not_found`, BadRequest `entity_id_required`, Locked while
        another billing operation of the customer runs.
        """
        async with self._database.reading(tenant) as work:
            customer = await customers.get(work, customer_id) if customer_id is not None else None
            entity = await entities.get(work, entity_id, customer.key if customer else None)
        await self._billing.due.settled(tenant, lambda: self._delete(tenant, entity, actor=actor))

    def holding(
        self, work: Work, plans: Sequence[tuple[str, Sequence[int]]], status: str | None
    ) -> sa.ColumnElement[bool]:
        """What is true of entities that hold one of the plans in that status, themselves or through their customer."""
        keys = self._billing.keys_holding(work, plans, status)
        of_customer = keys.where(customer_plans.c.entity_key.is_(None))
        own = keys.with_only_columns(customer_plans.c.entity_key)
        return sa.or_(entity_rows.c.customer_key.in_(of_customer), entity_rows.c.key.in_(own))

    async def plan_ids(self, work: Work, entity: Entity) -> frozenset[str]:
        """The customer plans that the entity holds or has held."""
        history = await store.plans_of(work, [entity.customer_key], live=False)
        return frozenset(held.id for held in history if held.entity_key == entity.key)

    async def _create(self, tenant: Tenant, customer_id: str, draft: EntityDraft, *, actor: str) -> Entity:
        request = TrackRequest(customer_id, draft.feature_id, overage_behavior=OverageBehavior.REJECT, opens=draft)
        try:
            async with self._database.work(tenant) as work:
                snapshot = await usage.load_settled(work, customer_id, lock=True)
                await _check_feature(work, draft.feature_id)
                nameless = await entities.check_free(work, snapshot.customer.key, draft)
                if nameless is not None:
                    return await entities.claim(work, nameless, draft)
                await _count(work, snapshot, request, actor=actor)
        except SeatsBilledError as billed:
            await self._billing.count(tenant, billed.request, actor=actor)
        async with self._database.reading(tenant) as work:
            customer = await customers.get(work, customer_id)
            created = await entities.find(work, customer.key, draft.id)
        if created is None:
            raise Locked(store.BUSY)
        return created

    async def _delete(self, tenant: Tenant, entity: Entity, *, actor: str) -> None:
        """Ends its plans first: where the unit that comes back is settled by billing, that is another transaction."""
        async with self._database.work(tenant) as work:
            owner = await customers.get_by_key(work, entity.customer_key)
            customer = (await usage.load_settled(work, owner.public_id, lock=True)).customer
            entity = await entities.get(work, entity.public_id, customer.key)
            await require_ready(work, customer)
            await _depart(work, customer, entity, actor=actor)
        try:
            async with self._database.work(tenant) as work:
                snapshot = await usage.load_settled(work, customer.public_id, lock=True)
                back = TrackRequest(customer.public_id, entity.feature_id, value=ONE_BACK, closes=entity.key)
                await _count(work, snapshot, back, actor=actor)
        except SeatsBilledError as billed:
            await self._billing.count(tenant, billed.request, actor=actor)


async def _check_feature(work: Work, feature_id: str) -> None:
    """Raises NotFound `feature_not_found`, BadRequest unless units of the feature are held."""
    feature = await catalog.get_feature(work, feature_id)
    if feature.kind is not FeatureKind.METERED or feature.consumable:
        message = f"feature_id: {feature_id} is not a feature whose units are held, so there are no entities of it"
        raise BadRequest(message)


async def _depart(work: Work, customer: Customer, entity: Entity, *, actor: str) -> None:
    """Ends what is only the entity's, and gives up what waits for a payment to become so."""
    now = customer.now(work.now)
    waiting = [
        attempt
        for attempt in await store.waiting_attempts(work, customer.key)
        if any(isinstance(each, StartPlan) and each.held.entity_key == entity.key for each in attempt.decision.actions)
    ]
    await abandon_attempts(work, waiting, at=now)
    decision = decide_departure(await load_snapshot(work, customer), entity.key, now=now)
    if decision.actions:
        await apply(work, customer, decision, at=now, actor=actor)


async def _count(work: Work, snapshot: BalanceSnapshot, request: TrackRequest, *, actor: str) -> None:
    """Counts the unit where there is anything to count it in; the entity comes or goes with it."""
    customer = snapshot.customer
    now = customer.now(work.now)
    if request.feature_id is not None and is_counted(snapshot, request.feature_id):
        await post(work, customer.key, usage.decide(snapshot, request, now=now))
    await settle_entity(work, customer, request, at=now, actor=actor)
    await refresh_due(work, customer.key)
