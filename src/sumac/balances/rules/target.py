"""Which grants a person means who administers balances, in the order in which they pay (billing.md §8.1)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sumac.balances.model import BalanceSnapshot, Grant
from sumac.balances.requests import Which
from sumac.balances.rules.deduct import Source, Taken, compute_sources, visible
from sumac.balances.rules.usage import find_entity
from sumac.catalog.model import Feature
from sumac.core.errors import BadRequest, NotFound
from sumac.core.time import Interval
from sumac.customers.model import Entity


@dataclass(frozen=True, slots=True)
class Target:
    """The grants that are meant, as sources in order: `own` ones, and the `rollovers` that are shown with them."""

    feature: Feature
    entity: Entity | None
    own: tuple[Source, ...]
    rollovers: tuple[Source, ...]

    @property
    def sources(self) -> tuple[Source, ...]:
        """All of them; what rolled over pays first."""
        return (*self.rollovers, *self.own)


def find_target(snapshot: BalanceSnapshot, which: Which) -> Target:
    """The grants that are meant, as the customer or the entity sees them.

    What rolled over is part of a sum, not of a balance that is named; what is used up and not shown any more is meant
    where it is named, or where there is nothing else. Raises NotFound `feature_not_found`,
    `entity_not_found` and `balance_not_found`, BadRequest when no feature is named.
    """
    feature = find_feature(snapshot, which.feature_id)
    entity = find_entity(snapshot, which.entity_id)
    seen = visible(snapshot.grants, entity.key if entity else None)
    own = [grant for grant in seen if grant.rollover_of is None and is_meant(grant, which)]
    if which.balance_id is None:
        own = [grant for grant in own if not grant.is_drained] or own
    if not own:
        raise NotFound(missing(which), code="balance_not_found")
    parents = {grant.id for grant in own} if which.balance_id is None else set()
    rolled = [grant for grant in seen if grant.rollover_of in parents]
    return Target(feature, entity, order(snapshot, feature, own, entity), order(snapshot, feature, rolled, entity))


def find_feature(snapshot: BalanceSnapshot, feature_id: str | None) -> Feature:
    """The feature of that id. Raises NotFound `feature_not_found`, BadRequest for None."""
    if feature_id is None:
        message = "feature_id: say which feature is meant"
        raise BadRequest(message, code="invalid_inputs")
    for feature in snapshot.features:
        if feature.id == feature_id:
            return feature
    message = f"Feature {feature_id} not found"
    raise NotFound(message, code="feature_not_found")


def is_meant(grant: Grant, which: Which) -> bool:
    """Whether the grant is of the feature, the name and the interval, whoever's it is."""
    interval = grant.reset.interval if grant.reset is not None else Interval.ONE_OFF
    return (
        (which.feature_id is None or grant.feature_id == which.feature_id)
        and (which.balance_id is None or which.balance_id in {grant.id, grant.public_id})
        and (which.interval is None or interval is which.interval)
    )


def missing(which: Which) -> str:
    """What to say where nothing is meant."""
    named = f"Balance {which.balance_id}" if which.balance_id is not None else f"A balance of {which.feature_id}"
    return f"{named} not found"


def order(
    snapshot: BalanceSnapshot, feature: Feature, grants: Sequence[Grant], entity: Entity | None
) -> tuple[Source, ...]:
    """The grants of the feature in the order in which they pay for it."""
    entity_ids = {each.key: each.public_id for each in snapshot.entities}
    return compute_sources(feature, grants, (), entity_key=entity.key if entity else None, entity_ids=entity_ids)


def after(sources: Iterable[Source], taken: Iterable[Taken]) -> tuple[Source, ...]:
    """The sources once that was taken from them."""
    changed = {each.grant.id: each.grant for each in taken}
    return tuple(source._replace(grant=changed.get(source.grant.id, source.grant)) for source in sources)
