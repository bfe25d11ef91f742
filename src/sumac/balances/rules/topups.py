"""When more units are bought by themselves, and where bought units go (billing.md §6.6)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from sumac.balances.controls import AutoTopup
from sumac.balances.model import BalanceSnapshot, Grant
from sumac.balances.rules.deduct import visible
from sumac.balances.rules.resolve import Decided, resolve_topups, tiers_of
from sumac.catalog.model import BillingMethod, ItemPrice, TierBehavior
from sumac.core.quantity import exact_sum, rounded

ZERO = Decimal(0)


def compute_topups(snapshot: BalanceSnapshot, feature_ids: Iterable[str]) -> tuple[str, ...]:
    """Which of the features have an automatic top-up that is to buy more of them now, in their order."""
    return tuple(each for each in dict.fromkeys(feature_ids) if find_topup(snapshot, each) is not None)


def find_topup(snapshot: BalanceSnapshot, feature_id: str) -> Decided[AutoTopup] | None:
    """The automatic top-up of a feature of which no more than its threshold is left; None where there is none.

    There must be a grant of the customer's whose units are bought once, for that is what it buys more of.
    """
    tiers = tiers_of(snapshot, None)
    topup = None if tiers is None else resolve_topups(tiers).get(feature_id)
    if topup is None or not topup.entry.enabled:
        return None
    held = [grant for grant in visible(snapshot.grants, None) if grant.feature_id == feature_id]
    if any(grant.unlimited for grant in held) or not any(_sells(grant) for grant in held):
        return None
    return topup if compute_left(held) <= topup.entry.threshold else None


def compute_left(grants: Iterable[Grant]) -> Decimal:
    """What is left on the grants; below zero where more was used."""
    left = ZERO
    for grant in grants:
        left = exact_sum(left, grant.balance)
    return left


def is_bought_once(price: ItemPrice | None) -> bool:
    """Whether it is the price of units that are paid for in advance, once; one that depends on the total is not."""
    return (
        price is not None
        and price.billing_method is BillingMethod.PREPAID
        and not price.cadence.recurs
        and price.tier_behavior is not TierBehavior.VOLUME
    )


def spread_units(grants: Sequence[Grant], bought: Grant, units: Decimal) -> tuple[Grant, ...]:
    """The grants that change when so many units are bought once more; `bought` is the grant that gives them.

    They first pay for what was used beyond the customer's other grants of the feature that nobody has bought: of those
    that bill overage, then of the others, the oldest first. All of them count as bought.
    """
    left = units
    changed: list[Grant] = []
    for grant in sorted((each for each in grants if _is_paid_back(each, bought)), key=_order):
        paid = min(left, -grant.balance)
        if paid > 0:
            changed.append(replace(grant, balance=rounded(grant.balance + paid)))
            left -= paid
    prepaid, balance = rounded(bought.prepaid + units), rounded(bought.balance + left)
    return (*changed, replace(bought, prepaid=prepaid, balance=balance))


def repay_units(grants: Sequence[Grant], bought: Grant) -> tuple[Grant, ...]:
    """The grants that change when units that were just bought once pay for free overage, before any reset does.

    That is what was used beyond the customer's units that come back by themselves and bill no overage (§9.3). What is
    given to a pool pays for what was used of the pool, and for nothing else.
    """
    if bought.entity_key is not None or bought.is_contribution or not is_bought_once(bought.price):
        return ()
    owing = [each for each in grants if each.reset is not None and each.overage and not each.overage_allowed]
    units = min(bought.prepaid, max(ZERO, bought.balance))
    before = replace(bought, prepaid=rounded(bought.prepaid - units), balance=rounded(bought.balance - units))
    changed = spread_units(owing, before, units)
    return changed if changed[-1] != bought else ()


def switched_on(before: Sequence[AutoTopup], after: Sequence[AutoTopup]) -> str | None:
    """The feature whose automatic top-up is on after a change and was not before it; of several the first."""
    were_on = {each.feature_id for each in before if each.enabled}
    return next((each.feature_id for each in after if each.enabled and each.feature_id not in were_on), None)


def has_topups(snapshot: BalanceSnapshot) -> bool:
    """Whether the customer, or a plan of theirs, has any automatic top-up, be it switched off."""
    return bool(snapshot.controls.auto_topups) or any(plan.controls.auto_topups for plan in snapshot.plans)


def _sells(grant: Grant) -> bool:
    return grant.entity_key is None and is_bought_once(grant.price)


def _is_paid_back(grant: Grant, bought: Grant) -> bool:
    prepaid = grant.price is not None and grant.price.billing_method is BillingMethod.PREPAID
    of_everybody = grant.entity_key is None and not grant.is_contribution
    return grant.feature_id == bought.feature_id and of_everybody and not prepaid and grant.proration is None


def _order(grant: Grant) -> tuple[object, ...]:
    return (not grant.overage_allowed, grant.created_at, grant.id)
