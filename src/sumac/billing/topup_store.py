"""Rows of what became of automatic top-ups, and which customers are waiting for one."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from sumac.billing.topup_model import TopupState
from sumac.core.tenant import Tenant
from sumac.storage.prepared import replacing
from sumac.storage.schema import auto_topups, customers
from sumac.storage.work import SystemWork, Work

INSTANTS = TypeAdapter(tuple[datetime, ...])
COLUMNS = ("window_ends_at", "purchases", "attempted_at", "failed_at", "failures", "failed_card")
SAVED = replacing(auto_topups, COLUMNS)


async def find(work: Work, customer_key: str, feature_id: str) -> TopupState:
    """What became of the top-ups of a feature; nothing yet when there is no row."""
    for state in await list_of(work, customer_key):
        if state.feature_id == feature_id:
            return state
    return TopupState(customer_key, feature_id)


async def list_of(work: Work, customer_key: str) -> Sequence[TopupState]:
    """What became of the customer's top-ups, of every feature."""
    rows = await work.all(work.select(auto_topups).where(auto_topups.c.customer_key == customer_key))
    return [_state(row) for row in rows]


async def save(work: Work, state: TopupState) -> None:
    """Writes what became of the top-ups of a feature; the customer's row is locked."""
    attempted_at = INSTANTS.dump_python(state.attempted_at, mode="json")
    await work.write(SAVED, [{**asdict(state), "attempted_at": attempted_at}])


async def waiting(system: SystemWork, limit: int) -> Sequence[tuple[Tenant, str]]:
    """Customers whose top-up is to be looked at by now, each on their own clock: tenant and key, longest first."""
    asked_at = customers.c.topup_at
    present = sa.func.coalesce(customers.c.clock_at, sa.literal(system.now, asked_at.type))
    statement = sa.select(customers.c.tenant, customers.c.key).where(asked_at <= present).order_by(asked_at)
    return [(Tenant.from_key(row.tenant), row.key) for row in await system.all(statement.limit(limit))]


async def asked_at(work: Work, customer_key: str) -> datetime | None:
    """When the customer's top-up is to be looked at; None when it is not."""
    where = customers.c.key == customer_key
    found: datetime | None = await work.scalar(work.select_columns(customers, customers.c.topup_at).where(where))
    return found


async def ask(work: Work, customer_key: str, at: datetime | None) -> None:
    """Writes when the customer's top-up is to be looked at next; None for not at all."""
    await work.update(customers, customers.c.key == customer_key, values={"topup_at": at})


def _state(row: sa.Row[Any]) -> TopupState:
    return TopupState(
        customer_key=row.customer_key,
        feature_id=row.feature_id,
        window_ends_at=row.window_ends_at,
        purchases=row.purchases,
        attempted_at=INSTANTS.validate_python(row.attempted_at),
        failed_at=row.failed_at,
        failures=row.failures,
        failed_card=row.failed_card,
    )
