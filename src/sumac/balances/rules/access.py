"""May this customer do this? (billing.md §4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from sumac.balances.model import Balance, Grant
from sumac.balances.rules.deduct import UNLIMITED, compute_spend_room
from sumac.balances.rules.limits import Limiting, headroom_of
from sumac.balances.rules.sum import compute_balance, compute_headroom
from sumac.catalog.model import Feature, FeatureKind
from sumac.core.quantity import rounded

ZERO = Decimal(0)


class LimitKind(StrEnum):
    """What keeps a request from being allowed: no units are left, or a limit is reached (api.md §2.15)."""

    INCLUDED = "included"
    MAX_PURCHASE = "max_purchase"
    SPEND_LIMIT = "spend_limit"
    USAGE_LIMIT = "usage_limit"


@dataclass(frozen=True, slots=True)
class Access:
    """The answer, and which feature's balance it was judged by: the feature itself or a credit system that pays for it.

    `required` is in units of the judged feature. `flag` is the grant of a boolean feature. `held_by` says what keeps
    the request from being allowed, None when it is allowed or nothing is held of the feature.
    """

    allowed: bool
    feature_id: str
    required: Decimal
    balance: Balance | None
    flag: Grant | None
    held_by: LimitKind | None = None


def compute_access(
    feature: Feature,
    required: Decimal,
    grants: Sequence[Grant],
    features: Sequence[Feature],
    limiting: Limiting | None = None,
) -> Access:
    """Judges the request by the feature's own balance if that allows it, else by a credit system (billing.md §4.1).

    `limiting` is what limits usage beside the balances. Units that credits pay for count for the limits of the feature
    and for those of the credits.
    """
    if feature.kind is FeatureKind.BOOLEAN:
        flag = next((grant for grant in grants if grant.feature_id == feature.id), None)
        return Access(flag is not None, feature.id, required, None, flag)
    metered = feature.kind is FeatureKind.METERED
    over = limiting is not None and metered and _is_over(limiting, feature.id, required)
    own = _judge(feature.id, required, grants, limiting, over=over, drains=not metered)
    if own.allowed:
        return own
    if own.balance is None and required == 0:
        return replace(own, allowed=True)
    systems = [
        (system, _judge(system.id, rounded(required * cost), grants, limiting, over=over, drains=True))
        for system in features
        if (cost := system.credit_cost_of(feature.id)) is not None
    ]
    held = [access for _, access in systems if access.balance is not None]
    allowing = [access for access in held if access.allowed]
    offered = [access for system, access in systems if not system.archived]
    for candidates in (allowing, held, [own] if own.balance is not None else [], offered):
        if candidates:
            return candidates[0]
    return own


def hold_of(
    balance: Balance, required: Decimal, limiting: Limiting | None = None, *, over: bool = False, drains: bool = False
) -> LimitKind | None:
    """What keeps the balance from covering the required units; None when it covers them; equality passes (§4.2).

    `over` says that a usage limit of the tracked feature is reached; `drains`, that the units are credits, whose own
    usage limits count what is taken. Nothing left still covers nothing, so that less than nothing is always allowed.
    """
    if balance.unlimited or required < 0:
        return None
    if over or (drains and limiting is not None and _is_drained(limiting, balance, required)):
        return LimitKind.USAGE_LIMIT
    limits = UNLIMITED if limiting is None else limiting.of(balance.feature_id)
    if not (balance.overage_allowed if limits.overage is None else limits.overage):
        return None if balance.remaining >= required else LimitKind.INCLUDED
    if limits.spend_cap is not None:
        room = _spend_room(balance, limits.spend_cap)
        return None if room + balance.remaining >= required else LimitKind.SPEND_LIMIT
    headroom = compute_headroom(balance) if balance.overage_allowed else None
    return None if headroom is None or headroom + balance.remaining >= required else LimitKind.MAX_PURCHASE


def _judge(
    feature_id: str,
    required: Decimal,
    grants: Sequence[Grant],
    limiting: Limiting | None,
    *,
    over: bool,
    drains: bool,
) -> Access:
    balance = compute_balance(feature_id, grants)
    if balance is None:
        return Access(allowed=False, feature_id=feature_id, required=required, balance=None, flag=None)
    held_by = hold_of(balance, required, limiting, over=over, drains=drains)
    return Access(held_by is None, feature_id, required, balance, None, held_by)


def _is_over(limiting: Limiting, feature_id: str, required: Decimal) -> bool:
    headroom = headroom_of(limiting.gauges(feature_id))
    return headroom is not None and headroom < required


def _is_drained(limiting: Limiting, balance: Balance, required: Decimal) -> bool:
    """Whether the credits' own usage limits forbid to take as many; what rolled over is not counted."""
    headroom = headroom_of(limiting.gauges(balance.feature_id))
    rolled_over = sum((each.remaining for each in balance.rollovers), ZERO)
    return headroom is not None and headroom + rolled_over < required


def _spend_room(balance: Balance, cap: Decimal) -> Decimal:
    """Units of overage left under a spend limit, without the seats that are paid for: those remain already."""
    overdrawn = [each for each in balance.grants if each.overage_allowed or not balance.overage_allowed]
    return compute_spend_room(cap, overdrawn) - sum((each.replaceables for each in overdrawn), ZERO)
