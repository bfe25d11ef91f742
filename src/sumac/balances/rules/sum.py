"""How grants add up to a balance (api.md §2.0, billing.md §3)."""

from collections.abc import Sequence
from decimal import Decimal

from sumac.balances.model import Balance, Grant

ZERO = Decimal(0)


def compute_balance(feature_id: str, grants: Sequence[Grant]) -> Balance | None:
    """The balance of a feature from the grants that are visible; None when nothing is held of it.

    What rolled over counts as granted and remaining, beside the grants it comes from.
    """
    held = tuple([grant for grant in grants if grant.feature_id == feature_id])
    own = tuple([grant for grant in held if grant.rollover_of is None])
    if not own:
        return None
    if any(grant.unlimited for grant in own):
        return Balance(
            feature_id=feature_id,
            grants=own,
            granted=ZERO,
            remaining=ZERO,
            usage=sum((grant.usage for grant in own), ZERO),
            unlimited=True,
            overage_allowed=False,
            max_purchase=None,
            next_reset_at=None,
        )
    granted = remaining = usage = ZERO
    for grant in held:
        granted += grant.granted
        remaining += grant.remaining
        usage += grant.usage
    return Balance(
        feature_id=feature_id,
        grants=own,
        granted=granted,
        remaining=remaining,
        usage=usage,
        unlimited=False,
        overage_allowed=any(grant.overage_allowed for grant in own),
        max_purchase=_max_purchase(own),
        next_reset_at=min((grant.resets_at for grant in own if grant.resets_at is not None), default=None),
        rollovers=tuple([grant for grant in held if grant.rollover_of is not None]),
    )


def shown(balance: Balance) -> Balance | None:
    """The balance without what was given beside every plan and is used up; None when nothing else is held."""
    held = [grant for grant in balance.grants if not grant.is_drained]
    if len(held) == len(balance.grants):
        return balance
    return compute_balance(balance.feature_id, [*held, *balance.rollovers])


def by_source(grants: Sequence[Grant]) -> tuple[tuple[Grant, ...], ...]:
    """The grants, those that are one balance to the caller together: the slots that an item gives to entities."""
    together: dict[str, list[Grant]] = {}
    for grant in grants:
        together.setdefault(grant.public_id, []).append(grant)
    return tuple(tuple(slots) for slots in together.values())


def compute_headroom(balance: Balance) -> Decimal | None:
    """Units of overage still allowed; None without end."""
    left = ZERO
    for grant in balance.grants:
        if not grant.overage_allowed:
            continue
        if grant.max_purchase is None:
            return None
        left += max(ZERO, grant.max_purchase - grant.paid_seats)
    return left


def _max_purchase(grants: Sequence[Grant]) -> Decimal | None:
    caps = [grant.max_purchase for grant in grants if grant.overage_allowed]
    finite = [cap for cap in caps if cap is not None]
    return sum(finite, ZERO) if finite and len(finite) == len(caps) else None
