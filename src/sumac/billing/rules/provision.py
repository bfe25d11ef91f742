"""Which units a started plan gives (billing.md §1.5, §3.1, §9.1, §10.9)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sumac.balances.model import Grant
from sumac.billing.model import Provision
from sumac.billing.rules.lines import prepaid_of
from sumac.catalog.model import Feature, FeatureKind, Plan, PlanItem
from sumac.core.time import Cadence, cycle_end

ZERO = Decimal(0)


def provisions_of(
    plan: Plan,
    quantities: Mapping[str, Decimal],
    features: Mapping[str, Feature],
    *,
    anchor: datetime,
    now: datetime,
    replaced: Sequence[Grant] = (),
    floor: datetime | None = None,
) -> tuple[Provision, ...]:
    """The grants of the plan's items.

    Usage of features that are held rather than used up is carried over from the `replaced` grants, even below zero; no
    reset comes before `floor` (a trial's end).
    """
    fresh = [
        _provision(item, features[item.feature_id], quantities, anchor=anchor, now=now, floor=floor)
        for item in plan.items
        if item.feature_id in features
    ]
    for feature_id, usage in _held_usage(replaced, features).items():
        _carry(fresh, feature_id, usage)
    return tuple(fresh)


def _carry(fresh: list[Provision], feature_id: str, usage: Decimal) -> None:
    """Spreads usage over the feature's grants: each down to zero, the rest below zero where it may be bought."""
    own = [index for index, each in enumerate(fresh) if each.feature_id == feature_id]
    own.sort(key=lambda index: (fresh[index].unlimited, fresh[index].overage_allowed))
    for index in own:
        taken = min(usage, fresh[index].balance)
        fresh[index] = replace(fresh[index], balance=fresh[index].balance - taken)
        usage -= taken
    for index in own[-1:]:
        fresh[index] = replace(fresh[index], balance=fresh[index].balance - usage)


def _provision(
    item: PlanItem,
    feature: Feature,
    quantities: Mapping[str, Decimal],
    *,
    anchor: datetime,
    now: datetime,
    floor: datetime | None,
) -> Provision:
    prepaid = ZERO if item.unlimited else prepaid_of(item, quantities)
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
        resets_at=cycle_end(anchor, reset, now, floor=floor) if reset else None,
        price=item.price,
    )


def _reset_of(item: PlanItem, feature: Feature) -> Cadence | None:
    if not feature.consumable or item.unlimited or item.reset is None or not item.reset.recurs:
        return None
    return item.reset


def _held_usage(replaced: Sequence[Grant], features: Mapping[str, Feature]) -> dict[str, Decimal]:
    usage: dict[str, Decimal] = {}
    for grant in _allocated(replaced, features):
        usage[grant.feature_id] = usage.get(grant.feature_id, ZERO) + grant.usage
    return usage


def _allocated(grants: Sequence[Grant], features: Mapping[str, Feature]) -> Iterator[Grant]:
    for grant in grants:
        feature = features.get(grant.feature_id)
        if feature is not None and feature.kind is FeatureKind.METERED and not feature.consumable:
            yield grant
