"""Units given by hand, beside every plan (billing.md §8.2)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NoReturn

from sumac.balances.model import BalanceSnapshot, Grant
from sumac.balances.requests import GiveRequest
from sumac.balances.rules.target import find_feature
from sumac.balances.rules.usage import check_value, find_entity
from sumac.catalog.model import Feature, FeatureKind
from sumac.core.errors import BadRequest, Conflict
from sumac.core.quantity import rounded
from sumac.core.time import cycle_end
from sumac.customers.model import Entity

ZERO = Decimal(0)


def decide_give(
    snapshot: BalanceSnapshot, live: Sequence[Grant], request: GiveRequest, *, grant_id: str, now: datetime
) -> Grant:
    """The new grant; `live` are all grants of the customer that have not ended, usable or not.

    Raises NotFound `feature_not_found` and `entity_not_found`, Conflict for a name that is taken and for a flag that
    was given already, BadRequest `invalid_inputs`.
    """
    feature = find_feature(snapshot, request.feature_id)
    entity = find_entity(snapshot, request.entity_id)
    if entity is not None and entity.feature_id == feature.id:
        _refuse(f"entity_id: {entity.public_id} is an entity of {feature.id} itself")
    if feature.kind is FeatureKind.BOOLEAN:
        _check_flag(request, feature, live, entity)
    else:
        _check_units(request, feature)
    _check_dates(request, now)
    if request.balance_id is not None and any(request.balance_id in {each.balance_id, each.id} for each in live):
        message = f"Customer {request.customer_id} already has a balance {request.balance_id}"
        raise Conflict(message, code="balance_already_exists")
    included = rounded(request.included or ZERO)
    return Grant(
        id=grant_id,
        customer_key=snapshot.customer.key,
        feature_id=feature.id,
        customer_plan_id=None,
        plan_id=None,
        anchor_at=request.resets_at or now,
        created_at=now,
        included=included,
        balance=included,
        unlimited=request.unlimited,
        reset=request.reset if request.reset is not None and request.reset.recurs else None,
        resets_at=_first_reset(request, now),
        expires_at=request.expires_at,
        entity_key=entity.key if entity else None,
        balance_id=request.balance_id,
        rollover=request.rollover,
    )


def _first_reset(request: GiveRequest, now: datetime) -> datetime | None:
    """When the units first start anew; never, where they expire and no first reset is asked for."""
    if request.resets_at is not None or request.reset is None or not request.reset.recurs:
        return request.resets_at
    return cycle_end(now, request.reset, now) if request.expires_at is None else None


def _check_flag(request: GiveRequest, feature: Feature, live: Sequence[Grant], entity: Entity | None) -> None:
    if request.included is not None or request.unlimited or request.reset is not None or request.rollover is not None:
        _refuse(f"included_grant: {feature.id} is a boolean feature; there are no units of it")
    owner = entity.key if entity else None
    if any(grant.feature_id == feature.id and grant.entity_key == owner and not grant.plan_id for grant in live):
        message = f"Customer {request.customer_id} already has {feature.id}"
        raise Conflict(message, code="balance_already_exists")


def _check_units(request: GiveRequest, feature: Feature) -> None:
    if (request.included is None) != request.unlimited:
        _refuse("included_grant: give exactly one of included_grant and unlimited")
    if request.included is not None:
        check_value("included_grant", request.included)
        if request.included < 0:
            _refuse("included_grant: must not be negative")
    recurs = request.reset is not None and request.reset.recurs
    if recurs and request.unlimited:
        _refuse("reset: an unlimited balance never resets")
    if recurs and feature.kind is FeatureKind.METERED and not feature.consumable:
        _refuse(f"reset: units of {feature.id} are held, so they never reset")
    if request.rollover is not None and not recurs:
        _refuse("rollover: needs a reset; without one nothing rolls over")
    if request.resets_at is not None and not recurs:
        _refuse("next_reset_at: needs a reset")


def _check_dates(request: GiveRequest, now: datetime) -> None:
    for name, instant in (("next_reset_at", request.resets_at), ("expires_at", request.expires_at)):
        if instant is not None and instant <= now:
            _refuse(f"{name}: must be in the future")
    first = request.resets_at
    if first is None and request.rollover is not None and request.reset is not None:
        first = cycle_end(now, request.reset, now)
    if first is not None and request.expires_at is not None and request.expires_at <= first:
        _refuse("expires_at: must be after the next reset")


def _refuse(message: str) -> NoReturn:
    raise BadRequest(message, code="invalid_inputs")
