"""entities.* (api.md §2.6)."""

from collections.abc import Collection
from dataclasses import replace

from sumac.api.context import Context
from sumac.api.dossiers import load_dossiers
from sumac.api.operation import OperationRouter
from sumac.api.operations.customers import found_or_made
from sumac.api.schemas.entities import (
    EXPAND,
    EntityBody,
    EntityChoice,
    EntityCreate,
    EntityGet,
    EntityList,
    EntityListRequest,
    EntityUpdate,
)
from sumac.api.schemas.expand import check_expand
from sumac.api.schemas.wire import Success
from sumac.customers import entities
from sumac.customers import service as customers
from sumac.customers.model import Entity
from sumac.invoices import service as invoices

router = OperationRouter("entities")


@router.operation("entities.create", scope="customers:write")
async def create_entity(body: EntityCreate, context: Context) -> EntityBody:
    """Adds an entity to a customer. It takes a unit of its feature, where the customer holds any of it.

    Seats that are billed when they are taken are paid for first; otherwise 402 `pay_invoice_failed`.
    """
    draft = body.draft()
    if body.customer_data is not None:
        async with context.work() as work:
            made = body.customer_data.draft_of(body.customer_id)
            await found_or_made(work, context, made, body.customer_data.auto_enable_plan_id)
    entity = await context.services.entities.create(context.tenant, body.customer_id, draft, actor=context.actor)
    return await _entity_body(context, entity)


@router.operation("entities.get", scope="customers:read")
async def get_entity(body: EntityGet, context: Context) -> EntityBody:
    """One entity with what it holds, and what it may use of its customer's."""
    expand = check_expand(body.expand, EXPAND)
    return await _entity_body(context, await _chosen(body, context), expand)


@router.operation("entities.list", scope="customers:read")
async def list_entities(body: EntityListRequest, context: Context) -> EntityList:
    """Entities, newest first; searched by id and name, filtered by what they or their customers hold."""
    cursor = body.cursor()
    if body.customer_id is not None:
        await context.services.billing.bring_up_to_date(context.tenant, body.customer_id)
    async with context.reading() as work:
        customer = await customers.get(work, body.customer_id) if body.customer_id is not None else None
        holding = None
        if body.plans or body.subscription_status:
            wanted = [(plan.id, plan.versions or []) for plan in body.plans or ()]
            holding = context.services.entities.holding(work, wanted, body.subscription_status)
        chosen = entities.EntityFilter(customer.key if customer else None, body.search, holding)
        page = await entities.list_page(work, chosen, cursor=cursor, limit=body.limit)
        owners = await customers.get_by_keys(work, {each.customer_key for each in page.items})
        dossiers = {each.customer.key: each for each in await load_dossiers(work, context, list(owners.values()))}
        listed = [
            EntityBody.full(
                each,
                dossiers[each.customer_key],
                context.tenant,
                context.services.public_url,
                owners[each.customer_key].now(work.now),
            )
            for each in page.items
        ]
    return EntityList(list=listed, next_cursor=page.next_cursor)


@router.operation("entities.update", scope="customers:write")
async def update_entity(body: EntityUpdate, context: Context) -> EntityBody:
    """Changes an entity; each list of billing controls that is given replaces the stored one."""
    chosen = await _chosen(body, context)
    async with context.work() as work:
        await customers.get_locked(work, chosen.customer_key)
        entity = await entities.get(work, chosen.public_id, chosen.customer_key)
        entity = await entities.change_controls(work, entity, body.controls())
    return await _entity_body(context, entity)


@router.operation("entities.delete", scope="customers:write")
async def delete_entity(body: EntityChoice, context: Context) -> Success:
    """Removes an entity; the unit that it took is given back."""
    await context.services.entities.delete(context.tenant, body.entity_id, body.customer_id, actor=context.actor)
    return Success(success=True)


async def _chosen(body: EntityChoice, context: Context) -> Entity:
    async with context.reading() as work:
        customer = await customers.get(work, body.customer_id) if body.customer_id is not None else None
        return await entities.get(work, body.entity_id, customer.key if customer else None)


async def _entity_body(context: Context, entity: Entity, expand: Collection[str] = ()) -> EntityBody:
    async with context.reading() as work:
        customer = await customers.get_by_key(work, entity.customer_key)
    await context.services.billing.bring_up_to_date(context.tenant, customer.public_id)
    async with context.reading() as work:
        customer = await customers.get_by_key(work, entity.customer_key)
        entity = await entities.get(work, entity.public_id, entity.customer_key)
        dossier = (await load_dossiers(work, context, [customer]))[0]
        if "invoices" in expand:
            own = await context.services.entities.plan_ids(work, entity)
            issued = await invoices.list_of_customer(work, customer.key)
            billing = [each for each in issued if any(line.customer_plan_id in own for line in each.lines)]
            dossier = replace(dossier, invoices=billing)
    now = customer.now(work.now)
    return EntityBody.full(entity, dossier, context.tenant, context.services.public_url, now, expand)
