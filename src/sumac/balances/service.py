"""The grants of customers, each change of which is written down (billing.md §1.7). Functions take their work."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sumac.balances import limits_store, store
from sumac.balances.controls import ControlSet
from sumac.balances.entries import entry_of
from sumac.balances.model import BalanceSnapshot, EntryKind, Grant, GrantDates, GrantEntry, RolledUnits
from sumac.balances.pools import find_pools, pass_on
from sumac.balances.rules.pool import abandoned, in_pool, resumed
from sumac.balances.rules.resolve import is_unbilled
from sumac.balances.rules.rollover import compute_arrival, rolled_grant
from sumac.catalog.model import Feature
from sumac.core.ids import new_id
from sumac.customers import service as customers
from sumac.customers.model import Customer, Entity
from sumac.storage.work import Work


class SomethingDueError(Exception):
    """The customer has something due that must be settled before anything is read or counted; then try again."""

    def __init__(self, customer_key: str) -> None:
        super().__init__(customer_key)
        self.customer_key = customer_key


def require_settled(customer: Customer, wall_now: datetime) -> None:
    """Raises SomethingDueError while something is due for the customer at their present."""
    if customer.has_due(customer.now(wall_now)):
        raise SomethingDueError(customer.key)


async def live_grants(work: Work, customer_key: str) -> Sequence[Grant]:
    """The customer's grants that have not ended, oldest first."""
    return await store.live(work, [customer_key])


async def usable_grants(work: Work, customer_key: str) -> Sequence[Grant]:
    """The live grants that the customer may use by now, oldest first."""
    return await store.usable(work, [customer_key])


async def usable_grants_of(work: Work, customer_keys: Collection[str]) -> Mapping[str, Sequence[Grant]]:
    """The grants that several customers may use, by customer key."""
    grouped: dict[str, list[Grant]] = {key: [] for key in customer_keys}
    for grant in await store.usable(work, customer_keys):
        grouped[grant.customer_key].append(grant)
    return grouped


async def limits_of(
    work: Work, owners: Sequence[Customer], grants: Mapping[str, Sequence[Grant]], features: Sequence[Feature]
) -> Mapping[str, BalanceSnapshot]:
    """What limits the usage of several customers who may use these grants, by customer key."""
    return await limits_store.snapshots(work, owners, grants, features)


def controls_of(owner: Customer | Entity) -> ControlSet:
    """The entries of the customer or the entity itself."""
    return limits_store.parse_controls(owner.billing_controls)


async def unbilled_grants(work: Work, customer: Customer, grants: Sequence[Grant]) -> frozenset[str]:
    """Those of the customer's grants whose overage is not billed, because a control says so (billing.md §6.3)."""
    if customer.config.get("disable_overage_billing"):
        return frozenset(grant.id for grant in grants)
    priced = [grant for grant in grants if grant.overage_allowed and grant.price is not None]
    if not priced:
        return frozenset()
    entities = await customers.list_entities(work, customer.key)
    kept = await limits_store.load(work, customer, entities)
    snapshot = BalanceSnapshot(
        customer, tuple(grants), (), plans=kept.plans, controls=kept.controls, entity_controls=kept.entity_controls
    )
    return frozenset(grant.id for grant in priced if is_unbilled(snapshot, grant))


async def open_grants(
    work: Work, opened: Sequence[Grant], *, cause: str, actor: str, at: datetime, reason: str | None = None
) -> Sequence[Grant]:
    """Adds grants, each with the entry that says where its units come from.

    Answers, in their order, the grants that hold the units: each of them itself, or the pool that it contributes to.
    """
    contributions = [grant for grant in opened if grant.is_contribution]
    pools = await find_pools(work, contributions, at=at)
    pool_of = {grant.id: pool for grant, pool in zip(contributions, pools, strict=True)}
    added = [in_pool(grant, pool_of[grant.id].id) if grant.id in pool_of else grant for grant in opened]
    await store.add_all(work, added)
    entries = [
        entry_of(
            grant,
            EntryKind.GRANTED if grant.rollover_of is None else EntryKind.ROLLED_OVER,
            before=None,
            cause=cause,
            actor=actor,
            at=at,
            reason=reason,
        )
        for grant in added
    ]
    await store.add_entries(work, entries)
    given = [replace(grant, pool_id=pool_of[grant.id].id) for grant in contributions]
    await pass_on(work, [(None, grant) for grant in given], cause=cause, actor=actor, at=at)
    return [pool_of.get(grant.id, grant) for grant in opened]


async def open_rolled(
    work: Work, sources: Sequence[tuple[Grant, Sequence[RolledUnits]]], *, cause: str, actor: str, at: datetime
) -> None:
    """Adds what rolls over beside each grant; beside a pool no more of all that has than its own cap."""
    opened = []
    for source, parcels in sources:
        if source.is_pool and parcels:
            parcels = await _make_room(work, source, parcels, cause=cause, actor=actor, at=at)  # noqa: PLW2901  # what fits
        opened += [rolled_grant(source, parcel, grant_id=new_id("cus_ent", now=at), at=at) for parcel in parcels]
    await open_grants(work, opened, cause=cause, actor=actor, at=at)


async def _make_room(
    work: Work, source: Grant, parcels: Sequence[RolledUnits], *, cause: str, actor: str, at: datetime
) -> Sequence[RolledUnits]:
    """What of the parcels fits beside a pool; what rolled over from it before may have to make room."""
    (pool,) = await store.find(work, source.customer_key, [source.id])
    arrived = compute_arrival(pool, await store.rolled_over_from(work, [pool.id]), parcels)
    await end_grants(work, arrived.emptied, cause=cause, actor=actor, at=at)
    await trim_rolled(work, arrived.trimmed, cause=cause, actor=actor, at=at)
    return arrived.opened


async def trim_rolled(work: Work, trimmed: Sequence[Grant], *, cause: str, actor: str, at: datetime) -> None:
    """Writes what is left of units that rolled over before, where more did than may."""
    await _change_grants(work, trimmed, EntryKind.ROLLED_OVER, cause=cause, actor=actor, at=at)


async def end_grants(
    work: Work, ended: Sequence[Grant], *, cause: str, actor: str, at: datetime, reason: str | None = None
) -> None:
    """Ends grants; what was left on them is gone, and the entry says so."""
    for grant in ended:
        await store.change(work, replace(grant, ended_at=at))
    entries = [
        entry_of(grant, EntryKind.ENDED, before=grant, cause=cause, actor=actor, at=at, reason=reason)
        for grant in ended
    ]
    await store.add_entries(work, entries)
    await pass_on(work, [(grant, None) for grant in ended], cause=cause, actor=actor, at=at)


async def end_abandoned_pools(work: Work, customer_key: str, *, cause: str, actor: str, at: datetime) -> None:
    """Ends the customer's pools that nothing contributes to any more; whatever contributes later has another one."""
    live = await store.live(work, [customer_key])
    await end_grants(work, abandoned(live), cause=cause, actor=actor, at=at)


async def leave_pools(work: Work, resting: Sequence[Grant], *, cause: str, actor: str, at: datetime) -> None:
    """Takes contributions out of their pools for as long as their plan gives nothing; other grants stay as they are."""
    contributions = [grant for grant in resting if grant.pool_id is not None]
    await pass_on(work, [(grant, None) for grant in contributions], cause=cause, actor=actor, at=at)
    for grant in contributions:
        await store.change(work, replace(grant, pool_id=None))


async def rejoin_pools(work: Work, resting: Sequence[Grant], *, cause: str, actor: str, at: datetime) -> None:
    """Gives the units of contributions whose plan goes on to their pools again; other grants stay as they are."""
    contributions = [resumed(grant) for grant in resting if grant.is_contribution and grant.pool_id is None]
    pools = await find_pools(work, contributions, at=at)
    given = [replace(grant, pool_id=pool.id) for grant, pool in zip(contributions, pools, strict=True)]
    for grant in given:
        await store.change(work, in_pool(grant, grant.pool_id or ""))
    await pass_on(work, [(None, grant) for grant in given], cause=cause, actor=actor, at=at)


async def edit_grants(
    work: Work, edited: Sequence[Grant], *, cause: str, actor: str, at: datetime, reason: str | None = None
) -> Sequence[GrantEntry]:
    """Writes grants as a person wants them; the entries record by how much and what dates were, and are answered."""
    return await _change_grants(work, edited, EntryKind.EDITED, cause=cause, actor=actor, at=at, reason=reason)


async def reset_grants(work: Work, full: Sequence[Grant], *, cause: str, actor: str, at: datetime) -> None:
    """Writes new balances and next resets; the entry records by how much the balance changed."""
    await _change_grants(work, full, EntryKind.RESET, cause=cause, actor=actor, at=at)


async def change_grants(work: Work, changed: Sequence[Grant], *, cause: str, actor: str, at: datetime) -> None:
    """Writes what grants give from now on, and when; the entry records by how much units and balance changed."""
    await _change_grants(work, changed, EntryKind.GRANTED, cause=cause, actor=actor, at=at)


async def reprice_grants(work: Work, repriced: Sequence[Grant]) -> None:
    """Writes what units of grants cost from now on; no balance changes, so there is no entry."""
    for grant in repriced:
        if grant.price is not None:
            await store.change_price(work, grant)


async def _change_grants(
    work: Work,
    after: Sequence[Grant],
    kind: EntryKind,
    *,
    cause: str,
    actor: str,
    at: datetime,
    reason: str | None = None,
) -> Sequence[GrantEntry]:
    if not after:
        return ()
    before = {grant.id: grant for grant in await store.find(work, after[0].customer_key, [each.id for each in after])}
    entries = []
    for grant in (each if each.pool_id is None else in_pool(each, each.pool_id) for each in after):
        await store.change(work, grant)
        old = before[grant.id]
        entry = entry_of(grant, kind, before=old, cause=cause, actor=actor, at=at, reason=reason)
        dates = GrantDates.of(old)
        moved = kind is EntryKind.EDITED and dates != GrantDates.of(grant)
        entries.append(replace(entry, dates_before=dates) if moved else entry)
    await store.add_entries(work, entries)
    await pass_on(work, [(before[each.id], each) for each in after], cause=cause, actor=actor, at=at)
    return entries
