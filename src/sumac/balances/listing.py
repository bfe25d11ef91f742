"""Lists of balances of a whole tenant (api.md §2.16)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from sumac.balances import store
from sumac.balances.model import Grant
from sumac.catalog import service as catalog
from sumac.catalog.model import FeatureKind
from sumac.core.page import Cursor, Page, page_of
from sumac.storage.schema import grants
from sumac.storage.work import Work


class ListedStatus(StrEnum):
    """Whether a balance may still be used."""

    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class GrantFilter:
    """Which balances to list; what is None or empty may be anything. `beside_plans` are those of no plan."""

    customer_key: str | None = None
    entity_keys: Collection[str] | None = None
    feature_id: str | None = None
    plan_id: str | None = None
    beside_plans: bool = False
    statuses: Collection[ListedStatus] = ()


async def list_page(work: Work, chosen: GrantFilter, *, cursor: Cursor | None, limit: int) -> Page[Grant]:
    """The grants that match, newest first; no flags, no units that rolled over, nothing that is used up for good."""
    features = await catalog.list_features(work)
    flags = [feature.id for feature in features if feature.kind is FeatureKind.BOOLEAN]
    where: list[sa.ColumnElement[bool]] = [grants.c.feature_id.not_in(flags)]
    for column, wanted in (
        (grants.c.customer_key, chosen.customer_key),
        (grants.c.feature_id, chosen.feature_id),
        (grants.c.plan_id, chosen.plan_id),
    ):
        if wanted is not None:
            where.append(column == wanted)
    if chosen.entity_keys is not None:
        where.append(grants.c.entity_key.in_(chosen.entity_keys))
    if chosen.beside_plans:
        where.append(grants.c.plan_id.is_(None))
    if chosen.statuses and len(set(chosen.statuses)) == 1:
        live = grants.c.ended_at.is_(None)
        where.append(live if ListedStatus.ACTIVE in chosen.statuses else sa.not_(live))
    rows = await store.page(work, where, cursor, limit)
    return page_of(rows, limit, lambda grant: Cursor(grant.id, grant.created_at))


async def rollovers_of(work: Work, listed: Sequence[Grant]) -> Mapping[str, Sequence[Grant]]:
    """What rolled over from each of the grants and is still there, by the id of the grant."""
    found: dict[str, list[Grant]] = {}
    for grant in await store.rolled_over_from(work, [each.id for each in listed]):
        found.setdefault(grant.rollover_of or "", []).append(grant)
    return found
