"""Which units a started plan gives (billing.md §1.5, §3.1, §9.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sumac.billing.model import Holding, Provision
from sumac.billing.rules.lines import prepaid_of
from sumac.catalog.model import Feature, FeatureKind, PlanItem
from sumac.core.time import Cadence, cycle_end

ZERO = Decimal(0)


def provisions_of(
    holding: Holding,
    features: Mapping[str, Feature],
    *,
    now: datetime,
    usage: Mapping[str, Decimal] | None = None,
) -> tuple[Provision, ...]:
    """The grants of the plan's items, with `usage` per feature counted already, even below zero.

    No reset comes before the end of a trial; one comes at the instant from which periods are counted anew.
    """
    fresh = [
        _provision(item, features[item.feature_id], holding, now)
        for item in holding.plan.items
        if item.feature_id in features
    ]
    return recounted(fresh, usage or {})


def recounted(provisions: Sequence[Provision], usage: Mapping[str, Decimal]) -> tuple[Provision, ...]:
    """The same units with this `usage` per feature counted, and no other."""
    fresh = [replace(each, balance=each.granted) for each in provisions]
    for feature_id, used in usage.items():
        _carry(fresh, feature_id, used)
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
    )


def _first_reset(holding: Holding, reset: Cadence, now: datetime) -> datetime:
    held = holding.held
    first = cycle_end(held.anchor_at, reset, now, floor=held.trial_ends_at)
    return first if held.next_anchor_at is None else min(first, held.next_anchor_at)


def _reset_of(item: PlanItem, feature: Feature) -> Cadence | None:
    if not feature.consumable or item.unlimited or item.reset is None or not item.reset.recurs:
        return None
    return item.reset
