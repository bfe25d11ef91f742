"""What-if: a past period of real usage under changed terms of a plan (decision 0023). Nothing is written."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sumac.analytics.model import Comparison, Exclusion, Totals, Used
from sumac.analytics.rules.compare import compute_totals, find_exclusion
from sumac.analytics.rules.replay import compute_period_bill, compute_steps
from sumac.balances import service as balances
from sumac.balances.model import Grant
from sumac.billing.load import HoldingFilter, list_holdings
from sumac.billing.model import Holding, PlanStatus, Snapshot
from sumac.catalog import service as catalog
from sumac.catalog.model import Feature, Plan
from sumac.catalog.rules.currency import is_sold_in, priced_in
from sumac.core.page import Cursor
from sumac.core.time import Period
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.events import history
from sumac.organizations import service as organizations
from sumac.storage.work import Work

RUNNING = (PlanStatus.ACTIVE, PlanStatus.PAST_DUE)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A page of the holders of a version, and the totals of that page: those of all pages are their sum."""

    compared: Sequence[Comparison]
    totals: Totals
    next_cursor: str | None


async def compare_terms(
    work: Work,
    before: Plan,
    after: Plan,
    period: Period,
    *,
    customer_keys: Sequence[str] | None,
    cursor: Cursor | None,
    limit: int,
) -> WhatIf:
    """What those who hold `before` pay for the period as it is, and would pay on the terms of `after`.

    Newest holders first. Usage is read from roll-ups, step by step, for the page at once. Raises BadRequest for a
    period that is too long, and for plans that cannot be replayed.
    """
    edges = compute_steps((before, after), period)
    chosen = HoldingFilter(
        recurring=True, plan_id=before.id, version=before.version, statuses=RUNNING, customer_keys=customer_keys
    )
    page = await list_holdings(work, chosen, cursor=cursor, limit=limit)
    keys = sorted({each.held.customer_key for each in page.items})
    features = await catalog.features_by_id(work)
    known = _Known(
        await organizations.default_currency(work),
        features,
        await customers.get_by_keys(work, keys),
        await balances.usable_grants_of(work, keys),
        await _usage(work, keys, edges, features),
    )
    compared = []
    for holding in page.items:
        compared.append(known.compare(holding, after, period))
        await asyncio.sleep(0)  # each takes milliseconds: others are answered in between
    return WhatIf(compared, compute_totals(compared), page.next_cursor)


async def _usage(
    work: Work, customer_keys: Sequence[str], edges: Sequence[datetime], features: Mapping[str, Feature]
) -> Mapping[str, Sequence[Used]]:
    """What the customers used up in the period, by their keys."""
    used: dict[str, list[Used]] = {}
    for each in await history.sums_by_customer(work, customer_keys, edges):
        if each.feature_id in features and features[each.feature_id].consumable:
            used.setdefault(each.group, []).append(Used(each.at, each.feature_id, each.amount.total))
    return used


@dataclass(frozen=True, slots=True)
class _Known:
    """Everything about the customers of a page that is looked at."""

    default: str
    features: Mapping[str, Feature]
    customers: Mapping[str, Customer]
    grants: Mapping[str, Sequence[Grant]]
    usage: Mapping[str, Sequence[Used]]

    def compare(self, holding: Holding, after: Plan, period: Period) -> Comparison:
        """One holder on both terms; `after` is at the catalogue's prices."""
        held = holding.held
        customer = self.customers[held.customer_key]
        currency = customer.currency or self.default
        excluded = find_exclusion(held, period)
        if excluded is None and not is_sold_in(after, currency, default=self.default):
            excluded = Exclusion.NOT_SOLD_IN_CURRENCY
        if excluded is not None:
            return Comparison(held.customer_key, held.id, excluded=excluded)
        snapshot = Snapshot(customer, currency, (), (), self.features, (), ())
        changed = Holding(held, priced_in(after, currency, default=self.default))
        usage = [*self._held_units(holding, period.start), *self.usage.get(held.customer_key, ())]
        now, then = (compute_period_bill(snapshot, each, usage, period) for each in (holding, changed))
        return Comparison(held.customer_key, held.id, now, then)

    def _held_units(self, holding: Holding, at: datetime) -> list[Used]:
        """Units that are held, such as seats, as many as are held of the plan's own today."""
        own = [
            grant
            for grant in self.grants.get(holding.held.customer_key, ())
            if grant.customer_plan_id == holding.held.id and not self._is_used_up(grant.feature_id)
        ]
        return [Used(at, grant.feature_id, grant.usage) for grant in own if grant.usage]

    def _is_used_up(self, feature_id: str) -> bool:
        return feature_id not in self.features or self.features[feature_id].consumable
