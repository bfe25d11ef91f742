"""Balances administered by hand, for every tenant's customers (billing.md §8).

What they give, what resets when, and what a plan consists of belong together, so they are changed in one work.
"""

from collections.abc import Sequence
from dataclasses import replace

from sumac.balances import administer, usage
from sumac.balances.model import BalanceSnapshot, Grant, GrantEntry
from sumac.balances.requests import EditRequest, GiveRequest, RemoveRequest, Which
from sumac.balances.rules.remove import Removal, decide_recalculation
from sumac.balances.usage import SeatsBilledError
from sumac.billing import store
from sumac.billing.load import load_holdings
from sumac.billing.model import Holding
from sumac.billing.service import BillingService
from sumac.catalog.model import PlanTerms
from sumac.catalog.rules.shape import is_free
from sumac.core.tenant import Tenant
from sumac.storage.database import Database
from sumac.storage.work import Work


class GrantDesk:
    """The balances of every tenant's customers, as people administer them."""

    def __init__(self, database: Database, billing: BillingService) -> None:
        self._database = database
        self._billing = billing

    async def give(self, tenant: Tenant, request: GiveRequest, *, actor: str) -> Grant:
        """Gives units beside every plan. Raises NotFound `customer_not_found`, and as `decide_give` does."""

        async def step(work: Work, snapshot: BalanceSnapshot) -> Grant:
            return await administer.give(work, snapshot, request, actor=actor)

        return await self._billing.due.change(tenant, request.customer_id, step)

    async def edit(self, tenant: Tenant, request: EditRequest, *, actor: str) -> Sequence[GrantEntry]:
        """Sets what is left, granted, or when; answers the entries, none where nothing changed.

        Prorated seats are usage, paid for first. Raises NotFound `customer_not_found`, as `decide_edit` does, and for
        seats what `BillingService.count` raises.
        """

        async def step(work: Work, snapshot: BalanceSnapshot) -> Sequence[GrantEntry]:
            return await administer.edit(work, snapshot, request, actor=actor)

        try:
            return await self._billing.due.change(tenant, request.which.customer_id, step)
        except SeatsBilledError as billed:
            if billed.request.value:
                await self._billing.count(tenant, billed.request, actor=actor)
            return ()

    async def undo(
        self, tenant: Tenant, customer_id: str, entry_id: str, *, actor: str, reason: str | None = None
    ) -> Sequence[GrantEntry]:
        """Takes back the edit that an entry is of. Raises NotFound `customer_not_found`, and as `administer.undo`."""

        async def step(work: Work, snapshot: BalanceSnapshot) -> Sequence[GrantEntry]:
            return await administer.undo(work, snapshot, entry_id, actor=actor, reason=reason)

        return await self._billing.due.change(tenant, customer_id, step)

    async def remove(self, tenant: Tenant, request: RemoveRequest, *, actor: str) -> Removal:
        """Takes balances away; a free plan that gave one goes on without the item, on terms of its own.

        Raises NotFound `customer_not_found`, and as `decide_removal` does.
        """

        async def step(work: Work, snapshot: BalanceSnapshot) -> Removal:
            holdings = (await load_holdings(work, [snapshot.customer.key])).get(snapshot.customer.key, ())
            paid = {each.held.id for each in holdings if not is_free(each.plan)}
            removal = await administer.remove(work, snapshot, request, paid_plans=paid, actor=actor)
            ended = {grant.id for grant in removal.ended}
            for holding in holdings:
                left = _without(holding, removal.ended, [each for each in snapshot.grants if each.id not in ended])
                if left is not None:
                    await store.save_plan(work, replace(holding.held, terms=left))
            return removal

        return await self._billing.due.change(tenant, request.which.customer_id, step)

    async def recalculate(
        self, tenant: Tenant, which: Which, *, actor: str, reason: str | None = None
    ) -> Sequence[Grant]:
        """Spreads what was used anew; answers the grants that changed.

        Raises NotFound `customer_not_found`, and as `decide_recalculation` does.
        """

        async def step(work: Work, snapshot: BalanceSnapshot) -> Sequence[Grant]:
            return await administer.recalculate(work, snapshot, which, actor=actor, reason=reason)

        return await self._billing.due.change(tenant, which.customer_id, step)

    async def preview_recalculation(self, tenant: Tenant, which: Which) -> Sequence[tuple[Grant, Grant]]:
        """The grants that `recalculate` would change, before and after; nothing is written. Raises as it does."""

        async def step() -> Sequence[tuple[Grant, Grant]]:
            async with self._database.reading(tenant) as work:
                snapshot = await usage.load_settled(work, which.customer_id, lock=False)
            before = {grant.id: grant for grant in snapshot.grants}
            return [(before[grant.id], grant) for grant in decide_recalculation(snapshot, which)]

        return await self._billing.due.settled(tenant, step)


def _without(holding: Holding, ended: Sequence[Grant], kept: Sequence[Grant]) -> PlanTerms | None:
    """The terms of a plan without the items whose grants have ended, None when it keeps all of them."""
    left = list(holding.plan.items)
    going_on = {grant.public_id for grant in kept if grant.customer_plan_id == holding.held.id}
    sources = {grant.public_id: grant for grant in ended if grant.customer_plan_id == holding.held.id}
    for grant in (each for source, each in sources.items() if source not in going_on):
        same = [item for item in left if item.feature_id == grant.feature_id]
        exact = [item for item in same if item.unlimited == grant.unlimited and item.included == grant.included]
        for item in (exact or same)[:1]:
            left.remove(item)
    if len(left) == len(holding.plan.items):
        return None
    return PlanTerms(holding.plan.price, tuple(left), holding.plan.free_trial)
