"""Ends purchases that are used up and were made again since, so that they do not pile up (billing.md §15.3)."""

from collections.abc import Sequence

import sqlalchemy as sa

from sumac.billing import store
from sumac.billing.collect import work_off
from sumac.billing.execute import apply
from sumac.billing.load import load_snapshot
from sumac.billing.model import PlanStatus
from sumac.billing.rules.cleanup import decide_cleanup
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.storage.database import Database
from sumac.storage.schema import attempts, customer_plans, grants
from sumac.storage.work import SystemWork

ACTOR = "system:cleanup"
BATCH = 100
BUSY = (store.AttemptStatus.RUNNING, store.AttemptStatus.WAITING)


class Cleanup:
    """Looks through the purchases of every tenant, a batch of customers at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> int:
        """Ends what is over for a batch of customers; answers of how many.

        Where nothing of a batch was over, the next one is looked at, so that it holds up nobody behind it.
        """
        after: tuple[str, str] | None = None
        while True:
            async with self._database.system_reading() as system:
                found = await _candidates(system, after, BATCH)
            done = await work_off("cleaning_up_failed", found, self._clean_up)
            if done or len(found) < BATCH:
                return done
            after = (found[-1][0].key, found[-1][1])

    async def _clean_up(self, tenant: Tenant, customer_key: str) -> bool:
        """Ends what is over for a customer whom nobody else is busy with, and who waits for nothing."""
        async with self._database.work(tenant) as work:
            customer = await customers.find_free(work, customer_key)
            if customer is None:
                return False
            now = customer.now(work.now)
            due = customer.has_due(now)
            # A change that waits would be given up with any other one, and this one is in no hurry.
            busy = await store.find_running(work, customer_key) or await store.waiting_attempts(work, customer_key)
            decision = decide_cleanup(await load_snapshot(work, customer), now=now)
            if due or busy or not decision.actions:
                return False
            await apply(work, customer, decision, at=now, actor=ACTOR)
        return True


async def _candidates(system: SystemWork, after: tuple[str, str] | None, limit: int) -> Sequence[tuple[Tenant, str]]:
    """Customers with a purchase of which nothing is left beside a newer one of the same plan, by tenant and key.

    `after` is the tenant and key of the customer that the list goes on behind.
    """
    bought, newer = customer_plans, customer_plans.alias("newer")
    tenant, key = bought.c.tenant, bought.c.customer_key
    again = sa.exists().where(
        newer.c.tenant == tenant,
        newer.c.customer_key == key,
        newer.c.plan_id == bought.c.plan_id,
        newer.c.status == PlanStatus.ACTIVE,
        newer.c.created_at >= bought.c.created_at,
        newer.c.id != bought.c.id,
    )
    left = sa.exists().where(
        grants.c.tenant == tenant,
        grants.c.customer_key == key,
        grants.c.customer_plan_id == bought.c.id,
        grants.c.ended_at.is_(None),
        sa.or_(grants.c.balance > 0, grants.c.unlimited, grants.c.reset_interval.is_not(None)),
    )
    waits = sa.exists().where(attempts.c.tenant == tenant, attempts.c.customer_key == key, attempts.c.status.in_(BUSY))
    statement = sa.select(tenant, key).where(
        bought.c.recurring.is_(False), bought.c.status == PlanStatus.ACTIVE, again, ~left, ~waits
    )
    if after is not None:
        statement = statement.where(sa.tuple_(tenant, key) > sa.tuple_(*(sa.literal(each) for each in after)))
    rows = await system.all(statement.distinct().order_by(tenant, key).limit(limit))
    return [(Tenant.from_key(row.tenant), row.customer_key) for row in rows]
