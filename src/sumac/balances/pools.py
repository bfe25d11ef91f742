"""Pools and what plans contribute to them, each change with its entry (billing.md §17.3). Functions take their work.

A pool's entries name the plan whose contribution it gained or lost, so that its balance is the sum of its entries.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sumac.balances import store
from sumac.balances.entries import entry_of
from sumac.balances.model import EntryKind, Grant
from sumac.balances.rules.pool import empty_pool, find_pool, joined, parted, shifted
from sumac.core.ids import new_id
from sumac.storage.work import Work

Change = tuple[Grant | None, Grant | None]


async def find_pools(work: Work, contributions: Sequence[Grant], *, at: datetime) -> Sequence[Grant]:
    """The pool of each of the contributions, in their order; those that are not there yet are opened, still empty."""
    if not contributions:
        return ()
    customer_key = contributions[0].customer_key
    pools = [grant for grant in await store.live(work, [customer_key]) if grant.is_pool]
    left = await store.pools_left(work, customer_key, at)
    found, opened = [], []
    for contribution in contributions:
        pool = find_pool(pools, contribution, left)
        if pool is None:
            pool = empty_pool(contribution, pool_id=new_id("cus_ent", now=at), at=at)
            pools.append(pool)
            opened.append(pool)
        found.append(pool)
    await store.add_all(work, opened)
    return found


async def pass_on(work: Work, changes: Iterable[Change], *, cause: str, actor: str, at: datetime) -> None:
    """Writes to pools what contributions give more, or less: each before and after, None where it comes or goes.

    Grants that contribute to nothing are passed over.
    """
    passed = [(before, after, _pool_of(before, after)) for before, after in changes]
    pool_ids = {pool_id for _, _, pool_id in passed if pool_id is not None}
    if not pool_ids:
        return
    customer_key = next(grant.customer_key for change in passed for grant in change[:2] if grant is not None)
    pools = {pool.id: pool for pool in await store.find(work, customer_key, pool_ids)}
    entries = []
    for before, after, pool_id in passed:
        if pool_id is None:
            continue
        pool = pools[pool_id]
        pools[pool_id] = later = _after(pool, before, after)
        if before is None or later != pool:
            entries.append(entry_of(later, EntryKind.GRANTED, before=pool, cause=cause, actor=actor, at=at))
    for pool in pools.values():
        await store.change(work, pool)
    await store.add_entries(work, entries)


def _pool_of(before: Grant | None, after: Grant | None) -> str | None:
    grant = before if after is None else after
    return None if grant is None else grant.pool_id


def _after(pool: Grant, before: Grant | None, after: Grant | None) -> Grant:
    if after is None:
        return pool if before is None else parted(pool, before)
    return joined(pool, after) if before is None else shifted(pool, before, after)
