"""What rolled over goes along when a plan takes the place of another one (billing.md §9.5)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sumac.balances.model import Grant, RolledUnits
from sumac.balances.rules.rollover import compute_cap, compute_left, trim
from sumac.billing.units import Carried, Provision

SAME_BILLING, SAME_INTERVAL, HAS_UNITS = 4, 2, 1


def carry_rolled(
    provisions: Sequence[Provision], grants: Iterable[Grant], carried: Carried, *, now: datetime
) -> tuple[Provision, ...]:
    """The provisions with what goes along to each of what rolled over, no more of it than its own cap.

    What rolled over from a grant goes to the provision of the feature that is most like the grant, and is lost where
    nothing rolls over from that one. It goes along from the grants of `carried`; units that are left at a reset which
    is due at the same instant are among it.
    """
    sources = {each.id: each for each in grants if _source_of(each) in carried.rolled_of}
    found: dict[int, list[RolledUnits]] = {}
    for grant in sources.values():
        source = sources.get(_source_of(grant), grant)
        place = _find_place(source, provisions)
        if place is not None:
            found.setdefault(place, []).extend(_parcels(grant, now))
    return tuple(_with_rolled(each, found.get(index, ())) for index, each in enumerate(provisions))


def _source_of(grant: Grant) -> str:
    return grant.rollover_of or grant.id


def _parcels(grant: Grant, now: datetime) -> tuple[RolledUnits, ...]:
    if grant.rollover_of is None:
        due = grant.resets_at is not None and grant.resets_at <= now
        return compute_left(grant, at=now) if due else ()
    gone = grant.expires_at is not None and grant.expires_at <= now
    return () if gone or grant.balance <= 0 else (RolledUnits(grant.balance, grant.expires_at),)


def _find_place(source: Grant, provisions: Sequence[Provision]) -> int | None:
    """The number of the provision of the same feature and entity that is most like the grant; the first of several."""
    own = source.feature_id, source.entity_key
    scores = {
        index: _likeness(source, each)
        for index, each in enumerate(provisions)
        if (each.feature_id, each.entity_key) == own
    }
    return max(scores, key=lambda index: scores[index], default=None)


def _likeness(source: Grant, provision: Provision) -> int:
    billing = source.price and source.price.billing_method
    return (
        SAME_BILLING * (billing == (provision.price and provision.price.billing_method))
        + SAME_INTERVAL * (source.reset == provision.reset)
        + HAS_UNITS * (provision.granted > 0)
    )


def _with_rolled(provision: Provision, parcels: Sequence[RolledUnits]) -> Provision:
    if provision.rollover is None:
        return provision
    kept = trim(parcels, compute_cap(provision.rollover, provision.granted))
    return replace(provision, rolled=tuple(each for each in kept if each.units))
