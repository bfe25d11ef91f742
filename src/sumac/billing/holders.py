"""How many customers hold the versions of plans (dashboard.md §6.1, §6.3)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from sumac.billing.model import PlanStatus
from sumac.billing.store import LIVE, SHOWN_AS, TERMS
from sumac.storage.schema import customer_plans
from sumac.storage.work import Work

# A JSON column that is set to None holds the word for it.
JSON_NOTHING = "null"
CUSTOMER_PLANS = customer_plans.c
ACTIVE = CUSTOMER_PLANS.status.in_(SHOWN_AS["active"])
IS_CUSTOM = sa.cast(CUSTOMER_PLANS.terms, sa.Text) != JSON_NOTHING
STATES = {
    "total": sa.true(),
    "active": ACTIVE,
    "scheduled": CUSTOMER_PLANS.status.in_(SHOWN_AS["scheduled"]),
    "canceling": sa.and_(ACTIVE, CUSTOMER_PLANS.canceled_at.is_not(None)),
    "trialing": sa.and_(ACTIVE, CUSTOMER_PLANS.trial_ends_at == CUSTOMER_PLANS.period_end),
    "past_due": CUSTOMER_PLANS.status == PlanStatus.PAST_DUE,
    "custom": IS_CUSTOM,
}


@dataclass(frozen=True, slots=True)
class Holders:
    """Customers who hold a version, themselves or one of their entities, each counted once per state.

    `active` are those who may use it, of whom some are `canceling`, `trialing` or `past_due`; `scheduled` waits to
    begin or is paused; `custom` are on terms of their own.
    """

    total: int = 0
    active: int = 0
    scheduled: int = 0
    canceling: int = 0
    trialing: int = 0
    past_due: int = 0
    custom: int = 0


async def features_of_own_terms(work: Work) -> frozenset[str]:
    """The features that are named in terms made to measure for one customer, which no version of a plan may name."""
    statement = work.select_columns(customer_plans, CUSTOMER_PLANS.terms)
    rows = await work.all(statement.where(IS_CUSTOM, CUSTOMER_PLANS.status.in_(LIVE)))
    items = (item for row in rows for item in TERMS.validate_python(row.terms).items)
    return frozenset(name for item in items for name in (item.feature_id, item.entity_feature_id) if name is not None)


async def count_holders(work: Work, plan_ids: Collection[str]) -> Mapping[tuple[str, int], Holders]:
    """The holders of each version of the plans, by plan id and version; versions nobody holds are left out."""
    counts = [
        sa.func.count(sa.distinct(sa.case((state, CUSTOMER_PLANS.customer_key)))).label(name)
        for name, state in STATES.items()
    ]
    statement = work.select_columns(customer_plans, CUSTOMER_PLANS.plan_id, CUSTOMER_PLANS.version, *counts)
    statement = statement.where(CUSTOMER_PLANS.plan_id.in_(plan_ids), CUSTOMER_PLANS.status.in_(LIVE))
    rows = await work.all(statement.group_by(CUSTOMER_PLANS.plan_id, CUSTOMER_PLANS.version))
    return {(row.plan_id, row.version): Holders(**{name: row._mapping[name] for name in STATES}) for row in rows}
