"""May this customer do this? (billing.md §4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from sumac.balances.model import Balance, Grant
from sumac.balances.rules.sum import compute_balance, compute_headroom
from sumac.catalog.model import Feature, FeatureKind
from sumac.core.quantity import rounded


@dataclass(frozen=True, slots=True)
class Access:
    """The answer, and which feature's balance it was judged by: the feature itself or a credit system that pays for it.

    `required` is in units of the judged feature. `flag` is the grant of a boolean feature.
    """

    allowed: bool
    feature_id: str
    required: Decimal
    balance: Balance | None
    flag: Grant | None


def is_allowed(balance: Balance, required: Decimal) -> bool:
    """Whether the balance covers the required units, overage counted where it is allowed; equality passes.

    Nothing left still covers nothing, so that less than nothing is always allowed.
    """
    if balance.unlimited:
        return True
    if not balance.overage_allowed:
        return balance.remaining >= required
    headroom = compute_headroom(balance)
    return headroom is None or headroom + balance.remaining >= required


def compute_access(
    feature: Feature,
    required: Decimal,
    grants: Sequence[Grant],
    features: Sequence[Feature],
) -> Access:
    """Judges the request by the feature's own balance if that allows it, else by a credit system (billing.md §4.1)."""
    if feature.kind is FeatureKind.BOOLEAN:
        flag = next((grant for grant in grants if grant.feature_id == feature.id), None)
        return Access(flag is not None, feature.id, required, None, flag)
    own = _judge(feature.id, required, grants)
    if own.allowed:
        return own
    if own.balance is None and required == 0:
        return replace(own, allowed=True)
    systems = [
        (system, _judge(system.id, rounded(required * cost), grants))
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


def _judge(feature_id: str, required: Decimal, grants: Sequence[Grant]) -> Access:
    balance = compute_balance(feature_id, grants)
    allowed = balance is not None and is_allowed(balance, required)
    return Access(allowed, feature_id, required, balance, None)
