"""Entities that come and go: what happens in the transaction in which their unit is counted (billing.md §17.1)."""

from datetime import datetime

from sumac.balances.requests import TrackRequest
from sumac.customers import entities
from sumac.customers.model import Customer
from sumac.storage.work import Work


async def settle_entity(work: Work, customer: Customer, counted: TrackRequest, *, at: datetime) -> None:
    """Adds the entity that took the counted unit, or removes the one that gave it back; nothing for other usage.

    One that is there, or gone, by now is left alone. The customer's row is locked.
    """
    if counted.opens is not None and await entities.find(work, customer.key, counted.opens.id) is None:
        await entities.add(work, customer.key, counted.opens, at=at)
    if counted.closes is not None:
        for entity in (await entities.get_by_keys(work, [counted.closes])).values():
            await entities.remove(work, entity)
