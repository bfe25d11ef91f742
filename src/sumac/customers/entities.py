"""Entities, the parts of customers: find, list, change (billing.md §17.1, api.md §2.6). Functions take their work.

What comes and goes with an entity (a unit of its feature, plans, balances) is for billing to see to.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sumac.core.errors import BadRequest, Conflict, NotFound
from sumac.core.ids import new_id
from sumac.core.page import Cursor, Page, page_of
from sumac.customers import store
from sumac.customers.model import Entity, EntityDraft
from sumac.customers.store import EntityFilter
from sumac.storage.work import Work

__all__ = ["EntityFilter"]


async def find(work: Work, customer_key: str, entity_id: str | None) -> Entity | None:
    """The customer's entity of that id, the one without an id for None; None when there is none."""
    return next((each for each in await store.entities_of(work, customer_key) if each.id == entity_id), None)


async def list_named(work: Work, entity_id: str, customer_key: str | None) -> Sequence[Entity]:
    """The entities of that id, of one customer or of anybody. Raises NotFound `entity_not_found` without any."""
    found = await store.entities_named(work, entity_id, customer_key)
    if not found:
        message = f"Entity {entity_id} not found"
        raise NotFound(message, code="entity_not_found")
    return found


async def get(work: Work, entity_id: str, customer_key: str | None) -> Entity:
    """The entity of a customer, or the only one of that id where the customer is not named.

    Raises NotFound `entity_not_found`, BadRequest `entity_id_required` when several customers have such an entity.
    """
    found = await list_named(work, entity_id, customer_key)
    if len(found) > 1:
        message = f"customer_id: several customers have an entity {entity_id}; say whose is meant"
        raise BadRequest(message, code="entity_id_required")
    return found[0]


async def get_by_keys(work: Work, keys: Collection[str]) -> Mapping[str, Entity]:
    """The entities of these keys, by key."""
    return {entity.key: entity for entity in await store.entities_by_key(work, keys)}


async def list_page(work: Work, chosen: EntityFilter, *, cursor: Cursor | None, limit: int) -> Page[Entity]:
    """Entities of the tenant, newest first."""
    rows = await store.entity_page(work, chosen, cursor, limit)
    return page_of(rows, limit, lambda entity: Cursor(entity.key, entity.created_at))


async def check_free(work: Work, customer_key: str, draft: EntityDraft) -> Entity | None:
    """The entity without an id whose place the draft takes, None for a new one. The customer's row is locked.

    Raises Conflict `entity_already_exists`, also when there already is one without an id.
    """
    known = await store.entities_of(work, customer_key)
    if any(entity.id == draft.id for entity in known):
        named = f"Entity {draft.id}" if draft.id is not None else "An entity without an id"
        message = f"{named} already exists"
        raise Conflict(message, code="entity_already_exists")
    return next((entity for entity in known if entity.id is None and entity.feature_id == draft.feature_id), None)


async def claim(work: Work, nameless: Entity, draft: EntityDraft) -> Entity:
    """Gives the entity without an id the draft's, and what the draft says of it."""
    claimed = replace(
        nameless,
        id=draft.id,
        name=draft.name or nameless.name,
        billing_controls={**nameless.billing_controls, **draft.billing_controls},
    )
    await store.change_entity(work, claimed)
    return claimed


async def add(work: Work, customer_key: str, draft: EntityDraft, *, at: datetime) -> Entity:
    """Adds an entity. The customer's row is locked, and `check_free` was asked."""
    entity = Entity(
        key=new_id("ety", now=at),
        customer_key=customer_key,
        feature_id=draft.feature_id,
        created_at=at,
        id=draft.id,
        name=draft.name,
        billing_controls=draft.billing_controls,
    )
    await store.add_entity(work, entity)
    return entity


async def change_controls(work: Work, entity: Entity, controls: Mapping[str, Any]) -> Entity:
    """Replaces each list of billing controls that is given. The customer's row is locked."""
    changed = replace(entity, billing_controls={**entity.billing_controls, **controls})
    await store.change_entity(work, changed)
    return changed


async def remove(work: Work, entity: Entity) -> None:
    """Deletes the entity. The customer's row is locked."""
    await store.remove_entity(work, entity)
