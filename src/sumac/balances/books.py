"""Reads the books of a feature's grants as they were at an instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sumac.balances import store
from sumac.balances.model import Grant, GrantEntry
from sumac.balances.rules.explain import Opened, open_books
from sumac.storage.schema import grant_entries, grants
from sumac.storage.work import Work


@dataclass(frozen=True, slots=True)
class Ended:
    """A grant that is over, and the entry that says so, None of before it was recorded."""

    grant: Grant
    entry: GrantEntry | None


async def opened_at(work: Work, customer_key: str, feature_id: str, at: datetime) -> list[Opened]:
    """The grants of the feature that were there at the instant, oldest first, each since its period began."""
    there = sa.or_(grants.c.ended_at.is_(None), grants.c.ended_at > at)
    held = await store.find_where(work, customer_key, (grants.c.feature_id == feature_id, there))
    books: dict[str, list[GrantEntry]] = {grant.id: [] for grant in held}
    for entry in await store.entries_where(work, customer_key, (_of(feature_id, there), grant_entries.c.at <= at)):
        books[entry.grant_id].append(entry)
    opened = (open_books(grant, books[grant.id]) for grant in held)
    return [each for each in opened if each is not None]


async def ended_by(
    work: Work, customer_key: str, feature_id: str, at: datetime, limit: int, entity_key: str | None
) -> Sequence[Ended]:
    """The grants of the feature that were over by the instant, the last that ended first, up to a limit.

    With an entity only its own and the customer's.
    """
    over = [grants.c.feature_id == feature_id, grants.c.ended_at <= at, grants.c.pool_id.is_(None)]
    if entity_key is not None:
        over.append(sa.or_(grants.c.entity_key.is_(None), grants.c.entity_key == entity_key))
    ended = await store.find_where(
        work, customer_key, over, order=(grants.c.ended_at.desc(), grants.c.id.desc()), limit=limit
    )
    chosen = grant_entries.c.grant_id.in_([grant.id for grant in ended])
    entries = {entry.grant_id: entry for entry in await store.entries_where(work, customer_key, (chosen,))}
    return [Ended(grant, entries.get(grant.id)) for grant in ended]


def _of(feature_id: str, there: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Whether an entry is of a grant of the feature that was there."""
    its = (grants.c.tenant == grant_entries.c.tenant, grants.c.customer_key == grant_entries.c.customer_key)
    found = sa.select(grants.c.id).where(*its, grants.c.feature_id == feature_id, there)
    return grant_entries.c.grant_id.in_(found)
