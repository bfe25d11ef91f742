"""Units that several plans give to one balance of the customer (billing.md §17.3)."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sumac.balances.model import Grant, PoolMode

ZERO = Decimal(0)


def find_pool(pools: Iterable[Grant], contribution: Grant, left: Collection[str]) -> Grant | None:
    """The pool that a contribution of a plan that starts belongs to, None when there is none yet.

    It gives units of the same feature that come back as often and in the same way, and roll over alike; where they come
    back with the cycle of paid plans, in the same cycle. `left` are the pools that a contribution left at this very
    instant: what takes its place stays, and brings its own cycle along.
    """
    alike = [pool for pool in pools if _identity(pool) == _identity(contribution)]
    same_cycle = [pool for pool in alike if pool.anchor_at == contribution.anchor_at]
    staying = [pool for pool in alike if pool.id in left]
    return next(iter(same_cycle or staying if contribution.pool_mode is PoolMode.SUBSCRIPTION else alike), None)


def empty_pool(contribution: Grant, *, pool_id: str, at: datetime) -> Grant:
    """A pool for the contribution, which has not joined it: no units, and the dates that the contribution has."""
    return Grant(
        id=pool_id,
        customer_key=contribution.customer_key,
        feature_id=contribution.feature_id,
        customer_plan_id=None,
        plan_id=None,
        anchor_at=contribution.anchor_at,
        created_at=at,
        unlimited=contribution.unlimited,
        reset=contribution.reset,
        resets_at=contribution.resets_at,
        rollover=contribution.rollover,
        pool_mode=contribution.pool_mode,
    )


def joined(pool: Grant, contribution: Grant) -> Grant:
    """The pool with the contribution's units, less what was used of them already."""
    return _dated(_shifted(pool, contribution, 1, contribution.balance), contribution)


def parted(pool: Grant, contribution: Grant) -> Grant:
    """The pool without the contribution: it grants less, and what was used stays used."""
    return _shifted(pool, contribution, -1, -contribution.granted)


def shifted(pool: Grant, before: Grant, after: Grant) -> Grant:
    """The pool when a contribution gives another number of units from now on, or its periods are counted anew."""
    without = _shifted(pool, before, -1, -before.balance)
    return _dated(_shifted(without, after, 1, after.balance), after)


def in_pool(contribution: Grant, pool_id: str) -> Grant:
    """The contribution once its units are the pool's: nothing is left on it, and it has no resets of its own."""
    return replace(contribution, balance=ZERO, resets_at=None, pool_id=pool_id)


def resumed(contribution: Grant) -> Grant:
    """A contribution that was out of its pool, as it comes back: all its units are there again."""
    return replace(contribution, balance=contribution.granted)


def abandoned(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """The pools that nothing contributes to any more, with what rolled over from them."""
    held = list(grants)
    fed = {grant.pool_id for grant in held if grant.is_contribution}
    over = {grant.id for grant in held if grant.is_pool and grant.id not in fed}
    return tuple(grant for grant in held if grant.id in over or grant.rollover_of in over)


def _identity(grant: Grant) -> tuple[object, ...]:
    return grant.feature_id, grant.unlimited, grant.reset, grant.pool_mode, grant.rollover


def _shifted(pool: Grant, contribution: Grant, sign: int, balance: Decimal) -> Grant:
    return replace(
        pool,
        included=pool.included + sign * contribution.included,
        prepaid=pool.prepaid + sign * contribution.prepaid,
        balance=pool.balance + balance,
    )


def _dated(pool: Grant, contribution: Grant) -> Grant:
    """A pool that comes back with a paid cycle moves along when the cycle is counted from another instant."""
    moved = contribution.resets_at is not None and contribution.anchor_at != pool.anchor_at
    if not moved or pool.pool_mode is not PoolMode.SUBSCRIPTION:
        return pool
    return replace(pool, anchor_at=contribution.anchor_at, resets_at=contribution.resets_at)
