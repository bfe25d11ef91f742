"""What of a plan that ends lives on: usage, balances, and units that were bought once (billing.md §10.9)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sumac.balances.model import Grant
from sumac.billing.model import GiveUnits
from sumac.billing.requests import CarryOver
from sumac.billing.units import Carried, Provision, Usage
from sumac.catalog.model import Feature, FeatureKind
from sumac.core.errors import BadRequest

ZERO = Decimal(0)
NOTHING = CarryOver(enabled=False)
EVERYTHING = CarryOver(enabled=True)


def check_carried(carry: CarryOver | None, features: Mapping[str, Feature], field: str) -> None:
    """Raises BadRequest for a listed feature whose balance cannot be carried: one that is not used up."""
    for feature_id in (carry.feature_ids if carry else None) or ():
        feature = features.get(feature_id)
        if feature is None or not _is_used_up(feature):
            message = f"{field}: {feature_id} is not a feature that is used up"
            raise BadRequest(message)


def check_counted(balances: CarryOver | None, ended: Iterable[Grant]) -> None:
    """Raises BadRequest for a listed feature of which the plan gives any number: there is no balance to carry."""
    listed = (balances.feature_ids if balances else None) or ()
    for grant in ended:
        if grant.unlimited and grant.feature_id in listed:
            message = f"carry_over_balances: {grant.feature_id} is unlimited and has no balance"
            raise BadRequest(message)


def carried_of(
    replaced: Sequence[Grant],
    features: Mapping[str, Feature],
    *,
    usages: CarryOver = NOTHING,
    balances: CarryOver = NOTHING,
) -> Carried:
    """Whose usage the new plan starts with.

    Units that are held always go along; units that are used up where `usages` covers them, or, where `balances` does,
    what was used beyond the grant. What rolled over goes along by itself. What was used of a pool stays with the pool.
    """
    usage_of, overage_of = [], []
    rolled_of = tuple(grant.id for grant in replaced if grant.rollover is not None)
    for grant in (each for each in replaced if each.rollover_of is None and not each.is_contribution):
        feature = features.get(grant.feature_id)
        if feature is None or feature.kind is FeatureKind.BOOLEAN or _was_bought_once(grant):
            continue
        if not _is_used_up(feature) or usages.covers(feature.id):
            usage_of.append(grant.id)
        elif balances.covers(feature.id):
            overage_of.append(grant.id)
    return Carried(tuple(usage_of), tuple(overage_of), rolled_of)


def count_carried(grants: Iterable[Grant], carried: Carried) -> Usage:
    """Usage that goes along from these grants."""
    usage: dict[tuple[str, str | None], Decimal] = {}
    for grant in grants:
        key = grant.feature_id, grant.entity_key
        if grant.id in carried.usage_of:
            usage[key] = usage.get(key, ZERO) + grant.usage
        elif grant.id in carried.overage_of:
            usage[key] = usage.get(key, ZERO) + grant.overage
    return usage


def carried_usage(
    replaced: Sequence[Grant],
    features: Mapping[str, Feature],
    *,
    usages: CarryOver = NOTHING,
    balances: CarryOver = NOTHING,
) -> Usage:
    """Usage that the new plan starts with, of what `carried_of` says."""
    return count_carried(replaced, carried_of(replaced, features, usages=usages, balances=balances))


def kept_of(
    ended: Iterable[Grant], features: Mapping[str, Feature], *, balances: CarryOver = NOTHING, until: datetime | None
) -> dict[str, datetime | None]:
    """Of which grants the rest outlives the plan, and until when; None is for good.

    Always of those bought once, for good, and of others where `balances` says so. `until` is when a balance that is
    carried expires at the latest: the end of the cycle that the plan was in.
    """
    kept: dict[str, datetime | None] = {}
    for grant in (each for each in ended if each.rollover_of is None):
        feature = features.get(grant.feature_id)
        if feature is None:
            continue
        if _was_bought_once(grant):
            kept[grant.id] = None
        elif _is_used_up(feature) and balances.covers(feature.id):
            kept[grant.id] = grant.resets_at or until
    return kept


def kept_units(grants: Iterable[Grant], kept: Mapping[str, datetime | None]) -> Iterator[GiveUnits]:
    """What is left of these grants and outlives their plan."""
    units = tuple(
        replace(loose_units(grant.feature_id, grant.remaining, kept[grant.id]), entity_key=grant.entity_key)
        for grant in grants
        if grant.id in kept and grant.remaining
    )
    if units:
        yield GiveUnits(units)


def loose_units(feature_id: str, units: Decimal, expires_at: datetime | None = None) -> Provision:
    """Units of no plan, until they expire."""
    return Provision(
        feature_id=feature_id,
        included=units,
        prepaid=ZERO,
        balance=units,
        unlimited=False,
        overage_allowed=False,
        max_purchase=None,
        reset=None,
        resets_at=None,
        price=None,
        expires_at=expires_at,
    )


def grants_of(grants: Sequence[Grant], customer_plan_id: str) -> list[Grant]:
    """The grants that a customer plan gave."""
    return [grant for grant in grants if grant.customer_plan_id == customer_plan_id]


def _is_used_up(feature: Feature) -> bool:
    return feature.consumable and feature.kind is not FeatureKind.BOOLEAN


def _was_bought_once(grant: Grant) -> bool:
    return grant.price is not None and not grant.price.cadence.recurs
