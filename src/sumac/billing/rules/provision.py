"""Which units a started plan gives (billing.md §1.5, §3.1, §9.1)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sumac.balances.model import PoolMode
from sumac.billing.model import Holding, Snapshot
from sumac.billing.rules.lines import prepaid_of
from sumac.billing.units import Provision, Usage
from sumac.catalog.model import Feature, FeatureKind, PlanItem
from sumac.catalog.rules.shape import is_free
from sumac.core.time import Cadence, cycle_end

ZERO = Decimal(0)


def provisions_of(
    holding: Holding, snapshot: Snapshot, *, now: datetime, usage: Usage | None = None
) -> tuple[Provision, ...]:
    """The grants of the plan's items, with `usage` counted already, even below zero.

    No reset comes before the end of a trial; one comes at the instant from which periods are counted anew.
    """
    fresh = fresh_provisions(holding, snapshot, now=now)
    return recounted(fresh, snapshot, usage or {})


def fresh_provisions(holding: Holding, snapshot: Snapshot, *, now: datetime) -> tuple[Provision, ...]:
    """The grants of the plan's items, unused; of an item per entity one for each that is counted in its feature."""
    return tuple(
        replace(_provision(item, snapshot.features[item.feature_id], holding, now), entity_key=entity_key, place=place)
        for number, item in enumerate(holding.plan.items)
        if item.feature_id in snapshot.features
        for entity_key, place in _slots(item, number, holding, snapshot)
    )


def recounted(provisions: Sequence[Provision], snapshot: Snapshot, usage: Usage) -> tuple[Provision, ...]:
    """The same units with this `usage` counted, that of entities which is counted nowhere yet, and no other."""
    fresh = [replace(each, balance=each.granted) for each in provisions]
    for key, used in (*usage.items(), *_taken_by_entities(fresh, snapshot)):
        _carry(fresh, key, used)
    return tuple(fresh)


def _slots(item: PlanItem, number: int, holding: Holding, snapshot: Snapshot) -> list[tuple[str | None, int | None]]:
    if item.entity_feature_id is None:
        return [(holding.held.entity_key, None)]
    counted = [each for each in snapshot.entities if each.feature_id == item.entity_feature_id]
    if holding.held.entity_key is not None:
        counted = [each for each in counted if each.key == holding.held.entity_key]
    return [(each.key, number) for each in counted]


def _taken_by_entities(
    provisions: Sequence[Provision], snapshot: Snapshot
) -> Iterator[tuple[tuple[str, str | None], Decimal]]:
    """The units of held features that the customer's entities take, where nothing was held before to count them in."""
    known = {grant.feature_id for grant in snapshot.grants if grant.entity_key is None}
    of_everybody = (each for each in provisions if each.entity_key is None or each.pool_mode is not None)
    for feature_id in dict.fromkeys(each.feature_id for each in of_everybody):
        taken = sum(each.feature_id == feature_id for each in snapshot.entities)
        if taken and feature_id not in known:
            yield (feature_id, None), Decimal(taken)


def _carry(fresh: list[Provision], key: tuple[str, str | None], usage: Decimal) -> None:
    """Spreads usage over the grants it was of: each down to zero, the rest below zero where it may be bought.

    Where there are none for the entity, over those of the customer; where there are none either, over all.
    """
    feature_id, entity_key = key
    of_feature = [index for index, each in enumerate(fresh) if each.feature_id == feature_id]
    own = [index for index in of_feature if fresh[index].entity_key == entity_key]
    own = own or [index for index in of_feature if fresh[index].entity_key is None] or of_feature
    own.sort(key=lambda index: (fresh[index].unlimited, fresh[index].overage_allowed))
    for index in own:
        taken = min(usage, fresh[index].balance)
        fresh[index] = replace(fresh[index], balance=fresh[index].balance - taken)
        usage -= taken
    for index in own[-1:]:
        fresh[index] = replace(fresh[index], balance=fresh[index].balance - usage)


def _provision(item: PlanItem, feature: Feature, holding: Holding, now: datetime) -> Provision:
    prepaid = ZERO if item.unlimited else prepaid_of(item, holding.held.quantities)
    included = ZERO if feature.kind is FeatureKind.BOOLEAN else item.included
    reset = _reset_of(item, feature)
    return Provision(
        feature_id=item.feature_id,
        included=ZERO if item.unlimited else included,
        prepaid=prepaid,
        balance=ZERO if item.unlimited else included + prepaid,
        unlimited=item.unlimited,
        overage_allowed=item.is_usage_based,
        max_purchase=item.price.max_purchase if item.price else None,
        reset=reset,
        resets_at=_first_reset(holding, reset, now) if reset else None,
        price=item.price,
        proration=item.proration if item.is_prorated else None,
        rollover=item.rollover if reset else None,
        pool_mode=_pool_mode(item, holding, reset),
    )


def _pool_mode(item: PlanItem, holding: Holding, reset: Cadence | None) -> PoolMode | None:
    """How the pool that the item contributes to comes back (billing.md §17.3); None for units that are not pooled."""
    if not item.pooled:
        return None
    if reset is None:
        return PoolMode.LIFETIME
    return PoolMode.SUBSCRIPTION if holding.held.recurring and not is_free(holding.plan) else PoolMode.LAZY


def _first_reset(holding: Holding, reset: Cadence, now: datetime) -> datetime:
    held = holding.held
    first = cycle_end(held.anchor_at, reset, now, floor=held.trial_ends_at)
    return first if held.next_anchor_at is None else min(first, held.next_anchor_at)


def _reset_of(item: PlanItem, feature: Feature) -> Cadence | None:
    if not feature.consumable or item.unlimited or item.reset is None or not item.reset.recurs:
        return None
    return item.reset
