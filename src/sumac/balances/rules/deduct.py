"""Which grant pays for usage, and how much (billing.md §5.3 to §5.7).

Amounts are walked in units of the tracked feature and converted by each grant's credit cost; what is taken from a grant
is exact at ten decimal places.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from types import MappingProxyType
from typing import NamedTuple

from sumac.balances.model import Grant
from sumac.balances.requests import OverageBehavior
from sumac.catalog.model import Feature, FeatureKind
from sumac.core.copies import changed
from sumac.core.quantity import ONE, QUANTITY_PRECISION, rounded
from sumac.core.time import RANK_MINUTES, Interval

ZERO = Decimal(0)
NEVER = datetime.max.replace(tzinfo=UTC)
NO_ENTITIES: Mapping[str, str | None] = MappingProxyType({})


class Source(NamedTuple):
    """A grant that may pay, the units of it that one tracked unit costs, and whether it may go below zero unpaid."""

    grant: Grant
    cost: Decimal
    free_overage: bool


class Taken(NamedTuple):
    """What was taken from a grant (given back, when negative), and the grant as it is afterwards.

    `cost` is what one tracked unit costs of it.
    """

    grant: Grant
    amount: Decimal
    cost: Decimal = ONE


class Deducted(NamedTuple):
    """What usage came to: what each grant paid, in order, and the tracked units nobody paid."""

    taken: tuple[Taken, ...]
    shortfall: Decimal


@dataclass(frozen=True, slots=True)
class FeatureLimits:
    """What limits taking from the grants of one feature, in its units (billing.md §6.2 to §6.4).

    `overage` is whether going below zero is allowed or forbidden by a control, None when nobody says. `spend_cap` is
    how much overage there may be in sum; it takes the place of what each grant says. `drain` is how much may be taken
    from them now, what rolled over not counted.
    """

    overage: bool | None = None
    spend_cap: Decimal | None = None
    drain: Decimal | None = None


Limits = Mapping[str, FeatureLimits]
NO_LIMITS: Limits = MappingProxyType({})
UNLIMITED = FeatureLimits()


def compute_sources(
    feature: Feature,
    grants: Sequence[Grant],
    features: Sequence[Feature],
    *,
    entity_key: str | None = None,
    entity_ids: Mapping[str, str | None] = NO_ENTITIES,
) -> tuple[Source, ...]:
    """The grants that may pay for the feature, in the order in which they do.

    Usage of an entity is paid by its own grants, then by the customer's; usage of the customer by the customer's, then
    by those of the entities, in the order of their ids.
    """
    costs = {feature.id: ONE}
    for system in features:
        cost = system.credit_cost_of(feature.id)
        if cost is not None:
            costs[system.id] = cost
    held = feature.kind is FeatureKind.METERED and not feature.consumable
    sources = [
        Source(grant, costs[grant.feature_id], free_overage=held and grant.price is None)
        for grant in visible(grants, entity_key)
        if grant.feature_id in costs
    ]
    if len(sources) > 1:
        sources.sort(key=lambda source: _order(source, feature.id, entity_key, entity_ids))
    return tuple(sources)


def visible(grants: Sequence[Grant], entity_key: str | None) -> Sequence[Grant]:
    """The grants that count for the customer, or for one entity: its own and the customer's (billing.md §3.3)."""
    return [
        grant
        for grant in grants
        if not grant.is_contribution and (entity_key is None or grant.entity_key in {None, entity_key})
    ]


def compute_deduction(
    sources: Sequence[Source], value: Decimal, behavior: OverageBehavior, limits: Limits = NO_LIMITS
) -> Deducted:
    """What each grant pays for `value` units, or gets back when it is negative.

    First every grant down to zero, in order; then overage where it is allowed, down to its limit. With overflow nothing
    is left over while there is a grant at all that no spend limit holds; with cap and reject what does not fit is the
    shortfall. `limits` are those of each feature that grants are of; unlimited grants know none.
    """
    with localcontext() as context:
        context.prec = QUANTITY_PRECISION
        walk = _Walk(sources, limits)
        unlimited = next((source for source in sources if source.grant.unlimited), None)
        if value >= 0:
            left = walk.take_all(unlimited, value) if unlimited else _spend(walk, sources, value, behavior, limits)
        else:
            left = -_give_back(walk, [unlimited] if unlimited else sources, -value)
        return Deducted(walk.taken(), left)


def overdrawn_by(sources: Sequence[Source], behavior: OverageBehavior, limits: Limits) -> Sequence[Source]:
    """The sources that may go below zero, in order.

    A control that forbids overage forbids all of it; one that allows it helps where no grant of the feature may by
    itself. With overflow every grant may that no control forbids it.
    """
    if not limits:
        return [source for source in sources if _may_go_below(source, behavior)]
    by_itself = {source.grant.feature_id for source in sources if source.grant.overage_allowed}
    chosen = []
    for source in sources:
        overage = limits.get(source.grant.feature_id, UNLIMITED).overage
        lifted = overage is True and source.grant.feature_id not in by_itself and source.grant.rollover_of is None
        if overage is not False and (lifted or _may_go_below(source, behavior)):
            chosen.append(source)
    return chosen


def compute_spend_room(cap: Decimal, overdrawn: Iterable[Grant]) -> Decimal:
    """Units of overage left under a spend limit; never less than none."""
    return max(ZERO, cap - sum((grant.overage for grant in overdrawn), ZERO))


def _order(
    source: Source, feature_id: str, entity_key: str | None, entity_ids: Mapping[str, str | None]
) -> tuple[object, ...]:
    grant = source.grant
    rolled_over = grant.rollover_of is not None
    interval = grant.reset.rank_minutes if grant.reset is not None else RANK_MINUTES[Interval.ONE_OFF]
    of_entity = grant.entity_key is not None
    return (
        not rolled_over,
        (grant.expires_at or NEVER) if rolled_over else NEVER,
        of_entity if entity_key is None else not of_entity,
        grant.feature_id != feature_id,
        not grant.unlimited,
        grant.resets_at is None,
        interval,
        grant.expires_at or NEVER,
        (entity_ids.get(grant.entity_key) or "") if grant.entity_key is not None else "",
        grant.add_on,
        grant.overage_allowed,
        grant.created_at,
        grant.id,
    )


class _Walk:
    """The balances on the way, and what was taken so far."""

    def __init__(self, sources: Sequence[Source], limits: Limits) -> None:
        self._balances = {source.grant.id: source.grant.balance for source in sources}
        self._sources = sources
        self._drains = {key: each.drain for key, each in limits.items() if each.drain is not None}

    def take(self, source: Source, left: Decimal, *, floor: Decimal | None) -> Decimal:
        """Takes up to `left` tracked units, not below the floor, if any; answers the units still to be paid."""
        balance = self._balances[source.grant.id]
        drain = self._drains.get(source.grant.feature_id) if source.grant.rollover_of is None else None
        if drain is not None:
            floor = balance - drain if floor is None else max(floor, balance - drain)
        wanted = rounded(left * source.cost)
        if floor is None or balance - wanted >= floor:
            after, left = balance - wanted, ZERO
        elif balance <= floor:
            return left
        else:
            after, left = floor, rounded(left - (balance - floor) / source.cost)
        self._balances[source.grant.id] = after
        if drain is not None:
            self._drains[source.grant.feature_id] = drain - (balance - after)
        return left

    def take_all(self, source: Source, left: Decimal) -> Decimal:
        """Takes everything; nothing is left."""
        self._balances[source.grant.id] -= rounded(left * source.cost)
        return ZERO

    def balance_of(self, source: Source) -> Decimal:
        """The balance on the way."""
        return self._balances[source.grant.id]

    def give(self, source: Source, left: Decimal, *, ceiling: Decimal) -> Decimal:
        """Gives back up to `left` tracked units, not above the ceiling; answers the units still to be given."""
        balance = self._balances[source.grant.id]
        wanted = rounded(left * source.cost)
        if balance + wanted <= ceiling:
            self._balances[source.grant.id] = balance + wanted
            return ZERO
        if balance >= ceiling:
            return left
        self._balances[source.grant.id] = ceiling
        return rounded(left - (ceiling - balance) / source.cost)

    def taken(self) -> tuple[Taken, ...]:
        """Every grant that changed, in order."""
        taken = []
        for source in self._sources:
            grant, balance = source.grant, self._balances[source.grant.id]
            if balance != grant.balance:
                after = rounded(balance)
                taken.append(Taken(changed(grant, balance=after), grant.balance - after, source.cost))
        return tuple(taken)


def _spend(
    walk: _Walk, sources: Sequence[Source], value: Decimal, behavior: OverageBehavior, limits: Limits
) -> Decimal:
    left = value
    for source in sources:
        left = walk.take(source, left, floor=ZERO)
    if left <= 0:
        return left
    overflowing = behavior is OverageBehavior.OVERFLOW
    overdrawn = overdrawn_by(sources, behavior, limits)
    lasting = [source for source in sources if source.grant.rollover_of is None] if overflowing else overdrawn
    rooms = {
        feature_id: compute_spend_room(cap, (each.grant for each in lasting if each.grant.feature_id == feature_id))
        for feature_id, limit in limits.items()
        if (cap := limit.spend_cap) is not None
    }
    for source in (*overdrawn, *lasting) if overflowing else overdrawn:
        if left <= 0:
            break
        room = rooms.get(source.grant.feature_id)
        if room is None:
            cap = None if overflowing or source.grant.max_purchase is None else -source.grant.max_purchase
            left = walk.take(source, left, floor=cap)
        else:
            before = walk.balance_of(source)
            left = walk.take(source, left, floor=before - room)
            rooms[source.grant.feature_id] = room - (before - walk.balance_of(source))
    return left


def _may_go_below(source: Source, behavior: OverageBehavior) -> bool:
    if source.grant.rollover_of is not None:
        return False
    return source.grant.overage_allowed or (source.free_overage and behavior is not OverageBehavior.REJECT)


def _give_back(walk: _Walk, sources: Sequence[Source], amount: Decimal) -> Decimal:
    left = amount
    lasting = [source for source in sources if source.grant.rollover_of is None]
    for source in lasting:
        left = walk.give(source, left, ceiling=ZERO)
    for source in lasting:
        left = walk.give(source, left, ceiling=source.grant.granted)
    return left
