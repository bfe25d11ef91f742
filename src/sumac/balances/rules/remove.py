"""Balances taken away, and usage spread anew over those that are left (billing.md §8.3, §8.4)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sumac.balances.model import BalanceSnapshot, Grant
from sumac.balances.requests import OverageBehavior, RemoveRequest, Which
from sumac.balances.rules.deduct import compute_deduction
from sumac.balances.rules.target import find_feature, is_meant, missing, order
from sumac.balances.rules.usage import find_entity
from sumac.core.errors import BadRequest, Conflict, NotFound
from sumac.customers.model import Entity

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Removal:
    """What taking balances away comes to: grants that end, others as they are afterwards, and what is still owed.

    `carrier` grants nothing and is overdrawn by what was used, where no grant is left to take it from.
    """

    ended: tuple[Grant, ...]
    changed: tuple[Grant, ...] = ()
    carrier: Grant | None = None


def decide_removal(
    snapshot: BalanceSnapshot,
    request: RemoveRequest,
    *,
    paid_plans: Collection[str],
    carrier_id: str,
    now: datetime,
) -> Removal:
    """What to end and what else changes; `paid_plans` are the customer plans that cost anything.

    Without an entity only the customer's own are meant, and the slots of their items, unless one is named. Raises
    NotFound `entity_not_found` and `balance_not_found`, BadRequest, Conflict for balances that are paid or pooled.
    """
    which = request.which
    if which.feature_id is None and (which.balance_id is None or request.recalculate):
        message = "feature_id: say which feature is meant"
        raise BadRequest(message, code="invalid_inputs")
    if which.feature_id is not None:
        find_feature(snapshot, which.feature_id)
    entity = find_entity(snapshot, which.entity_id)
    meant = [
        grant
        for grant in snapshot.grants
        if grant.rollover_of is None and is_meant(grant, which) and _is_within(grant, which, entity)
    ]
    if not meant:
        raise NotFound(missing(which), code="balance_not_found")
    for grant in meant:
        _check_removable(grant, paid_plans)
    gone = {grant.id for grant in meant}
    ended = tuple(grant for grant in snapshot.grants if grant.id in gone or grant.rollover_of in gone)
    if not request.recalculate:
        return Removal(ended)
    return _taken_over(snapshot, request, meant, ended, entity, carrier_id=carrier_id, now=now)


def decide_recalculation(snapshot: BalanceSnapshot, which: Which) -> tuple[Grant, ...]:
    """The grants that change when what was used is spread anew, so that none is overdrawn while others have some left.

    Each entity and the customer by itself. Raises NotFound `feature_not_found`, `entity_not_found` and
    `balance_not_found`.
    """
    feature = find_feature(snapshot, which.feature_id)
    entity = find_entity(snapshot, which.entity_id)
    scopes: dict[str | None, list[Grant]] = {}
    for grant in snapshot.grants:
        if is_meant(grant, which) and not grant.is_contribution and (entity is None or grant.entity_key == entity.key):
            scopes.setdefault(grant.entity_key, []).append(grant)
    if not scopes:
        raise NotFound(missing(which), code="balance_not_found")
    changed: list[Grant] = []
    owners = {each.key: each for each in snapshot.entities}
    for entity_key, held in scopes.items():
        spread = [each for each in held if each.rollover_of is None and each.proration is None and not each.unlimited]
        if any(each.balance < 0 for each in spread) and any(each.balance > 0 for each in spread):
            used = sum((each.usage for each in spread), ZERO)
            full = [replace(each, adjustment=ZERO, edited_at=None) for each in spread]
            full = [replace(each, balance=each.granted) for each in full]
            sources = order(snapshot, feature, full, owners.get(entity_key or ""))
            taken = compute_deduction(sources, used, OverageBehavior.OVERFLOW).taken
            changed += _differing(spread, [*full, *(each.grant for each in taken)])
    return tuple(changed)


def _taken_over(
    snapshot: BalanceSnapshot,
    request: RemoveRequest,
    meant: Sequence[Grant],
    ended: tuple[Grant, ...],
    entity: Entity | None,
    *,
    carrier_id: str,
    now: datetime,
) -> Removal:
    feature = find_feature(snapshot, request.which.feature_id)
    used = sum((grant.usage for grant in meant if not grant.unlimited), ZERO)
    if used <= 0:
        return Removal(ended)
    gone = {grant.id for grant in ended}
    kept = [
        grant
        for grant in snapshot.grants
        if grant.id not in gone
        and not grant.is_contribution
        and _is_within(grant, Which(request.which.customer_id), entity)
    ]
    sources = order(snapshot, feature, kept, entity)
    if sources:
        taken = compute_deduction(sources, used, OverageBehavior.OVERFLOW).taken
        return Removal(ended, tuple(each.grant for each in taken))
    carrier = Grant(
        id=carrier_id,
        customer_key=snapshot.customer.key,
        feature_id=feature.id,
        customer_plan_id=None,
        plan_id=None,
        anchor_at=now,
        created_at=now,
        balance=-used,
        entity_key=entity.key if entity else None,
    )
    return Removal(ended, carrier=carrier)


def _is_within(grant: Grant, which: Which, entity: Entity | None) -> bool:
    """Whether the grant is the entity's, or without an entity the customer's; one that is named may be anybody's."""
    if entity is not None:
        return grant.entity_key == entity.key
    return grant.entity_key is None or grant.shared_id is not None or which.balance_id is not None


def _check_removable(grant: Grant, paid_plans: Collection[str]) -> None:
    if grant.pool_mode is not None:
        message = f"Balance {grant.public_id} is part of a pool; change the plans that contribute to it"
        raise Conflict(message, code="balance_is_pooled")
    if grant.price is not None or grant.customer_plan_id in paid_plans:
        message = f"Balance {grant.public_id} comes with a plan that is paid for; change or cancel the plan instead"
        raise Conflict(message, code="balance_is_paid")


def _differing(before: Iterable[Grant], after: Iterable[Grant]) -> list[Grant]:
    """The grants as they are afterwards, of those that differ."""
    last = {grant.id: grant for grant in after}
    return [last[grant.id] for grant in before if last[grant.id] != grant]
