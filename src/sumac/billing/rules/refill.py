"""Units that are full again, what of them rolls over, and units whose time is up (billing.md §9.2 to §9.5)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sumac.balances.model import Grant, PoolMode
from sumac.balances.rules.rollover import compute_rollover
from sumac.billing.model import Action, ChangePlan, ExpireUnits, Holding, PlanStatus, ResetGrants, Snapshot
from sumac.billing.rules.carry import grants_of
from sumac.billing.rules.quantity import regranted
from sumac.billing.rules.seats import renewed_seats
from sumac.core.time import cycle_end

ZERO = Decimal(0)


def is_withheld(holding: Holding) -> bool:
    """Whether units of the plan that have no price of their own are not given anew: it is past due (billing.md §9.2).

    Units that have a price are paid for, or billed afterwards, period by period.
    """
    return holding.held.status is PlanStatus.PAST_DUE and not holding.plan.ignore_past_due


def is_given_anew(grant: Grant, withheld: Collection[str]) -> bool:
    """Whether the grant is full again once its reset is due; `withheld` are the plans that is not true of."""
    return grant.price is not None or grant.customer_plan_id not in withheld


def refill(
    snapshot: Snapshot, over: Collection[str], renewed: Mapping[str, Holding], *, at: datetime
) -> Iterator[Action]:
    """What becomes of the customer's units at `at`, those of the plans that are `over` left out, and pools.

    `renewed` are the plans whose new period begins then, as they go on: bought units may change with it.
    """
    withheld = {each.held.id for each in snapshot.everywhere if is_withheld(each)}
    live = [grant for grant in snapshot.grants if grant.customer_plan_id not in over]
    expired = tuple(grant for grant in live if grant.expires_at is not None and grant.expires_at <= at)
    changed: dict[str, Grant] = {}
    for each in renewed.values():
        own = grants_of(live, each.held.id)
        for grant in (*regranted(own, each), *renewed_seats(own, each, at)):
            changed[grant.id] = grant
    lasting = [grant for grant in live if grant not in expired]
    full: list[tuple[Grant, Grant]] = []
    for grant in (each for each in lasting if each.resets_at is not None and not each.is_pool):
        anew = _begun_anew(grant, renewed, at)
        if (anew or _is_due(grant, at)) and is_given_anew(grant, withheld):
            after = changed.pop(grant.id, grant)
            full.append((grant, _full_again(after, _owed(grant, snapshot), anew=anew, at=at)))
    for each in renewed.values():
        grants = tuple(grant for grant in changed.values() if grant.customer_plan_id == each.held.id)
        if grants:
            yield ChangePlan(each.held, grants)
    if full:
        yield _reset(full, lasting, at)
    if expired:
        yield ExpireUnits(expired)


def refill_pools(snapshot: Snapshot, renewed: Mapping[str, Holding], *, at: datetime) -> Iterator[ResetGrants]:
    """The pools that are full again at `at`, by what they are given until then: who comes or goes then does so after.

    `renewed` are the plans whose new period begins then, as they go on.
    """
    begun = {each.pool_id for each in snapshot.grants if _begun_anew(each, renewed, at)}
    full = []
    for pool in (each for each in snapshot.grants if each.is_pool and each.resets_at is not None):
        anew = pool.pool_mode is PoolMode.SUBSCRIPTION and pool.id in begun
        if anew or _is_due(pool, at):
            full.append((pool, _full_again(pool, _owed(pool, snapshot), anew=anew, at=at)))
    if full:
        lasting = [each for each in snapshot.grants if each.expires_at is None or each.expires_at > at]
        yield _reset(full, lasting, at)


def refill_late(snapshot: Snapshot, restored: Collection[str], *, now: datetime) -> Iterator[ResetGrants]:
    """The one reset that makes up for all that were withheld while these plans were past due."""
    lasting = [each for each in snapshot.grants if each.expires_at is None or each.expires_at > now]
    full = [
        (grant, _full_again(grant, _owed(grant, snapshot), anew=False, at=now))
        for grant in lasting
        if grant.customer_plan_id in restored and not is_given_anew(grant, restored) and _is_due(grant, now)
    ]
    if full:
        yield _reset(full, lasting, now)


def _begun_anew(grant: Grant, renewed: Mapping[str, Holding], at: datetime) -> bool:
    """Whether the periods of its plan are counted anew from now on."""
    holder = renewed.get(grant.customer_plan_id or "")
    return holder is not None and holder.held.anchor_at == at


def _is_due(grant: Grant, at: datetime) -> bool:
    return grant.resets_at is not None and grant.resets_at <= at


def _owed(grant: Grant, snapshot: Snapshot) -> Decimal:
    """What was used beyond the grant and counts for the next period: free overage, where the tenant wants that."""
    return grant.overage if snapshot.persists_overage and not grant.overage_allowed else ZERO


def _full_again(grant: Grant, owed: Decimal, *, anew: bool, at: datetime) -> Grant:
    """The grant as it gives its units anew, less what is owed: what was edited since the last time is forgotten."""
    anchor = at if anew else grant.anchor_at
    return replace(
        grant,
        balance=grant.included + grant.prepaid - owed,
        adjustment=ZERO,
        edited_at=None,
        anchor_at=anchor,
        resets_at=None if grant.reset is None else cycle_end(anchor, grant.reset, at),
    )


def _reset(full: Sequence[tuple[Grant, Grant]], lasting: Sequence[Grant], at: datetime) -> ResetGrants:
    rolled = {
        before.id: compute_rollover(before, after, [each for each in lasting if each.rollover_of == before.id], at=at)
        for before, after in full
    }
    return ResetGrants(
        tuple(after for _, after in full),
        {grant_id: each.opened for grant_id, each in rolled.items() if each.opened is not None},
        tuple(grant for each in rolled.values() for grant in each.trimmed),
        tuple(grant for each in rolled.values() for grant in each.emptied),
    )
