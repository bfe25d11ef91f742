"""Customers: find, list, create, change, delete (billing.md §19, api.md §2.1). Functions take the work they run in."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sumac.core.errors import BadRequest, Conflict, NotFound
from sumac.core.ids import new_id
from sumac.core.page import Cursor, Page, page_of
from sumac.customers import store
from sumac.customers.model import Customer, Entity
from sumac.customers.store import CustomerFilter
from sumac.storage.schema import customers
from sumac.storage.work import Work

__all__ = ["CustomerFilter"]


@dataclass(frozen=True, slots=True)
class CustomerDraft:
    """What a caller says about a new customer; `id` or `email` is needed. `clock_at` freezes its time (sandbox)."""

    id: str | None = None
    name: str | None = None
    email: str | None = None
    fingerprint: str | None = None
    stripe_id: str | None = None
    currency: str | None = None
    metadata: Mapping[str, Any] | None = None
    send_email_receipts: bool = False
    billing_controls: Mapping[str, Any] | None = None
    config: Mapping[str, Any] | None = None
    clock_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CustomerChange:
    """What to change; the fields named in `given` are written, also when they are None."""

    given: frozenset[str]
    values: Mapping[str, Any]


async def find(work: Work, customer_id: str, *, lock: bool = False) -> Customer | None:
    """The customer by the caller's id, or by our key while it has none; None when there is none."""
    by_id = await store.find(work, customers.c.id == customer_id, lock=lock)
    if by_id is not None:
        return by_id
    return await store.find(work, customers.c.key == customer_id, customers.c.id.is_(None), lock=lock)


async def get(work: Work, customer_id: str) -> Customer:
    """The customer. Raises NotFound `customer_not_found`."""
    return _found(await find(work, customer_id), customer_id)


async def get_for_update(work: Work, customer_id: str) -> Customer:
    """The customer, locked until the work ends. Raises NotFound `customer_not_found`."""
    return _found(await find(work, customer_id, lock=True), customer_id)


async def get_by_key(work: Work, key: str, *, lock: bool = False) -> Customer:
    """The customer of our own key. Raises NotFound `customer_not_found`."""
    return _found(await store.find(work, customers.c.key == key, lock=lock), key)


async def get_locked(work: Work, key: str) -> Customer:
    """The customer of our own key, locked until the work ends. Raises NotFound `customer_not_found`."""
    return await get_by_key(work, key, lock=True)


async def find_free(work: Work, key: str) -> Customer | None:
    """The customer of our own key, locked until the work ends; None when it is gone or another work holds it."""
    return await store.find_free(work, key)


async def get_by_keys(work: Work, keys: Collection[str]) -> Mapping[str, Customer]:
    """The customers of these keys, by key."""
    return {customer.key: customer for customer in await store.find_all(work, keys)}


async def list_page(work: Work, chosen: CustomerFilter, *, cursor: Cursor | None, limit: int) -> Page[Customer]:
    """Customers of the tenant, newest first."""
    rows = await store.page(work, chosen, cursor, limit)
    return page_of(rows, limit, lambda customer: Cursor(customer.key, customer.created_at))


async def get_or_create(work: Work, draft: CustomerDraft) -> tuple[Customer, bool]:
    """The customer of that id, made when missing, and whether it was made.

    An existing customer only gets a name or e-mail it lacked. A customer known by e-mail only is claimed by the first
    creation with an id and the same e-mail. Raises BadRequest without an id and without an e-mail.
    """
    existing = await _find_existing(work, draft)
    if existing is not None:
        filled = replace(
            existing,
            id=existing.id or draft.id,
            name=existing.name or draft.name,
            email=existing.email or draft.email,
            send_email_receipts=existing.send_email_receipts or draft.send_email_receipts,
        )
        if filled != existing:
            await store.change(work, filled)
        return filled, False
    customer = Customer(
        key=new_id("cus", now=work.now),
        created_at=draft.clock_at or work.now,
        id=draft.id,
        name=draft.name,
        email=draft.email,
        fingerprint=draft.fingerprint,
        stripe_id=draft.stripe_id,
        currency=draft.currency,
        metadata={key: value for key, value in (draft.metadata or {}).items() if value is not None},
        send_email_receipts=draft.send_email_receipts,
        billing_controls=draft.billing_controls or {},
        config=draft.config or {},
        clock_at=draft.clock_at,
    )
    if await store.add(work, customer):
        return customer, True
    return _found(await find(work, draft.id or customer.key), draft.id or customer.key), False


async def update(work: Work, customer_id: str, change: CustomerChange) -> Customer:
    """Changes a customer: metadata merges (None deletes a key), each billing control list replaces its stored list.

    Raises NotFound, Conflict `customer_already_exists` when the new id is taken.
    """
    before = await get_for_update(work, customer_id)
    values = {name: change.values[name] for name in change.given}
    if "metadata" in values:
        merged = {**before.metadata, **(values["metadata"] or {})}
        values["metadata"] = {key: value for key, value in merged.items() if value is not None}
    for mapping in ("billing_controls", "config"):
        if mapping in values:
            values[mapping] = {**getattr(before, mapping), **(values[mapping] or {})}
    after = replace(before, **values)
    if after.id is None and after.email is None:
        message = "a customer needs an id or an email"
        raise BadRequest(message)
    if after.id != before.id and after.id is not None and await find(work, after.id) is not None:
        message = f"Customer {after.id} already exists"
        raise Conflict(message, code="customer_already_exists")
    await store.change(work, after)
    return after


async def delete(work: Work, customer_id: str) -> None:
    """Deletes the customer and everything of theirs. Raises NotFound."""
    customer = await get_for_update(work, customer_id)
    await store.remove(work, customer.key)


async def set_due(work: Work, key: str, due_at: datetime | None) -> None:
    """Writes when something of the customer turns next."""
    await store.change_column(work, key, due_at=due_at)


async def set_clock(work: Work, key: str, clock_at: datetime) -> None:
    """Freezes the customer's time at an instant."""
    await store.change_column(work, key, clock_at=clock_at)


async def set_currency(work: Work, key: str, currency: str) -> None:
    """Writes the currency the customer is billed in; a paid invoice makes it the customer's for good."""
    await store.change_column(work, key, currency=currency)


async def set_provider_customer(work: Work, key: str, provider_customer: str) -> None:
    """Writes the payment provider's id of the customer."""
    await store.change_column(work, key, provider_customer=provider_customer)


async def list_entities(work: Work, key: str) -> Sequence[Entity]:
    """The entities of a customer, oldest first."""
    return await store.entities_of(work, key)


async def _find_existing(work: Work, draft: CustomerDraft) -> Customer | None:
    if draft.id is not None:
        existing = await find(work, draft.id, lock=True)
        if existing is not None:
            return existing
    if draft.email is None:
        if draft.id is None:
            message = "customer_id: a customer needs an id or an email"
            raise BadRequest(message, code="invalid_inputs")
        return None
    await work.lock(f"email:{draft.email.lower()}")
    same_email = sa.func.lower(customers.c.email) == draft.email.lower()
    return await store.find(work, same_email, customers.c.id.is_(None), lock=True)


def _found(customer: Customer | None, customer_id: str) -> Customer:
    if customer is None:
        message = f"Customer {customer_id} not found"
        raise NotFound(message, code="customer_not_found")
    return customer
