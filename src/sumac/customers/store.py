"""Rows of customers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from sumac.core.errors import Conflict
from sumac.core.page import Cursor
from sumac.customers.model import Customer, Entity
from sumac.storage.schema import customer_tables, customers, entities
from sumac.storage.work import Work


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """Which customers to list; `keys` is a select of customer keys, from whoever knows what they hold."""

    search: str | None = None
    keys: sa.Select[Any] | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class EntityFilter:
    """Which entities to list; `holding` is what must hold of them or their customer, from whoever knows about plans."""

    customer_key: str | None = None
    search: str | None = None
    holding: sa.ColumnElement[bool] | None = None


async def find(work: Work, *where: sa.ColumnElement[bool], lock: bool = False) -> Customer | None:
    """The customer that matches, or None; with `lock` nobody else changes it until the work ends."""
    statement = work.select(customers).where(*where)
    row = await work.find(statement.with_for_update() if lock else statement)
    return None if row is None else _customer(row)


async def find_free(work: Work, key: str) -> Customer | None:
    """The customer, locked until the work ends; None while another work holds the lock."""
    row = await work.find(work.select(customers).where(customers.c.key == key).with_for_update(skip_locked=True))
    return None if row is None else _customer(row)


async def find_all(work: Work, keys: Collection[str]) -> list[Customer]:
    """The customers of these keys."""
    return [_customer(row) for row in await work.all(work.select(customers).where(customers.c.key.in_(keys)))]


async def page(work: Work, chosen: CustomerFilter, cursor: Cursor | None, limit: int) -> list[Customer]:
    """Up to `limit` + 1 customers after the cursor, newest first unless told otherwise."""
    statement = work.select(customers).where(*_conditions(chosen))
    created, key = customers.c.created_at, customers.c.key
    if cursor is not None:
        at = sa.literal(cursor.created_at, created.type)
        position, mark = sa.tuple_(created, key), sa.tuple_(at, sa.literal(cursor.id))
        statement = statement.where(position > mark if chosen.oldest_first else position < mark)
    order = (created, key) if chosen.oldest_first else (created.desc(), key.desc())
    rows: Sequence[sa.Row[Any]] = await work.all(statement.order_by(*order).limit(limit + 1))
    return [_customer(row) for row in rows]


async def add(work: Work, customer: Customer) -> bool:
    """Adds the customer; False when the id is taken."""
    return await work.insert_unless_taken(
        customers,
        key=customer.key,
        created_at=customer.created_at,
        **_values(customer),
    )


async def change(work: Work, customer: Customer) -> None:
    """Writes everything a caller may change. Raises Conflict `customer_already_exists` when the id is taken."""
    try:
        await work.update(customers, customers.c.key == customer.key, values=_values(customer))
    except IntegrityError as error:
        message = f"Customer {customer.id} already exists"
        raise Conflict(message, code="customer_already_exists") from error


async def change_column(work: Work, key: str, **values: Any) -> None:  # noqa: ANN401  # the table's column types
    """Writes single columns of ours."""
    await work.update(customers, customers.c.key == key, values=values)


async def remove(work: Work, key: str) -> None:
    """Deletes the customer and every row of theirs."""
    for table in reversed(customer_tables()):
        await work.delete(table, table.c.customer_key == key)
    await work.delete(customers, customers.c.key == key)


async def entities_of(work: Work, customer_key: str) -> list[Entity]:
    """The entities of a customer, oldest first."""
    statement = work.select(entities).where(entities.c.customer_key == customer_key)
    return [_entity(row) for row in await work.all(statement.order_by(entities.c.created_at, entities.c.key))]


async def entities_named(work: Work, entity_id: str, customer_key: str | None = None) -> list[Entity]:
    """The entities of that id (or of that key of ours, while they have none), of one customer or of anybody."""
    named = sa.or_(entities.c.id == entity_id, sa.and_(entities.c.id.is_(None), entities.c.key == entity_id))
    statement = work.select(entities).where(named)
    if customer_key is not None:
        statement = statement.where(entities.c.customer_key == customer_key)
    return [_entity(row) for row in await work.all(statement.order_by(entities.c.created_at, entities.c.key))]


async def entities_by_key(work: Work, keys: Collection[str]) -> list[Entity]:
    """The entities of these keys."""
    return [_entity(row) for row in await work.all(work.select(entities).where(entities.c.key.in_(keys)))]


async def entity_page(work: Work, chosen: EntityFilter, cursor: Cursor | None, limit: int) -> list[Entity]:
    """Up to `limit` + 1 entities after the cursor, newest first."""
    statement = work.select(entities).where(*_entity_conditions(chosen))
    created, key = entities.c.created_at, entities.c.key
    if cursor is not None:
        mark = sa.tuple_(sa.literal(cursor.created_at, created.type), sa.literal(cursor.id))
        statement = statement.where(sa.tuple_(created, key) < mark)
    return [_entity(row) for row in await work.all(statement.order_by(created.desc(), key.desc()).limit(limit + 1))]


async def add_entity(work: Work, entity: Entity) -> None:
    """Adds the entity; the customer's row is locked."""
    await work.insert(
        entities,
        key=entity.key,
        customer_key=entity.customer_key,
        feature_id=entity.feature_id,
        created_at=entity.created_at,
        **_entity_values(entity),
    )


async def change_entity(work: Work, entity: Entity) -> None:
    """Writes everything a caller may change of an entity."""
    where = (entities.c.customer_key == entity.customer_key, entities.c.key == entity.key)
    await work.update(entities, *where, values=_entity_values(entity))


async def remove_entity(work: Work, entity: Entity) -> None:
    """Deletes the entity."""
    await work.delete(entities, entities.c.customer_key == entity.customer_key, entities.c.key == entity.key)


def _entity_conditions(chosen: EntityFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if chosen.customer_key is not None:
        conditions.append(entities.c.customer_key == chosen.customer_key)
    if chosen.search:
        conditions.append(
            sa.or_(
                *(
                    sa.func.lower(column).contains(chosen.search.lower(), autoescape=True)
                    for column in (entities.c.id, entities.c.name)
                )
            )
        )
    if chosen.holding is not None:
        conditions.append(chosen.holding)
    return conditions


def _entity_values(entity: Entity) -> dict[str, Any]:
    return {"id": entity.id, "name": entity.name, "billing_controls": dict(entity.billing_controls)}


def _conditions(chosen: CustomerFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if chosen.search:
        conditions.append(customers.c.search_text.contains(chosen.search.lower(), autoescape=True))
    if chosen.keys is not None:
        conditions.append(customers.c.key.in_(chosen.keys))
    if chosen.created_from is not None:
        conditions.append(customers.c.created_at >= chosen.created_from)
    if chosen.created_to is not None:
        conditions.append(customers.c.created_at <= chosen.created_to)
    return conditions


def _values(customer: Customer) -> dict[str, Any]:
    searchable = (customer.public_id, customer.name, customer.email)
    return {
        "id": customer.id,
        "name": customer.name,
        "email": customer.email,
        "fingerprint": customer.fingerprint,
        "stripe_id": customer.stripe_id,
        "provider_customer": customer.provider_customer,
        "currency": customer.currency,
        "metadata": dict(customer.metadata),
        "send_email_receipts": customer.send_email_receipts,
        "billing_controls": dict(customer.billing_controls),
        "config": dict(customer.config),
        "search_text": "\n".join(text.lower() for text in searchable if text),
        "clock_at": customer.clock_at,
        "due_at": customer.due_at,
    }


def _customer(row: sa.Row[Any]) -> Customer:
    return Customer(
        key=row.key,
        created_at=row.created_at,
        id=row.id,
        name=row.name,
        email=row.email,
        fingerprint=row.fingerprint,
        stripe_id=row.stripe_id,
        provider_customer=row.provider_customer,
        currency=row.currency,
        metadata=row._mapping[customers.c.metadata],
        send_email_receipts=row.send_email_receipts,
        billing_controls=row.billing_controls,
        config=row.config,
        clock_at=row.clock_at,
        due_at=row.due_at,
        version=row.version,
    )


def _entity(row: sa.Row[Any]) -> Entity:
    return Entity(
        key=row.key,
        customer_key=row.customer_key,
        feature_id=row.feature_id,
        created_at=row.created_at,
        id=row.id,
        name=row.name,
        billing_controls=row.billing_controls,
    )
