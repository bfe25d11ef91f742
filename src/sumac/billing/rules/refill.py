"""Units that are full again, what of them rolls over, and units whose time is up (billing.md §9.2 to §9.5)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sumac.balances.model import Grant
from sumac.balances.rules.rollover import compute_rollover
from sumac.billing.model import Action, ChangePlan, ExpireUnits, Holding, ResetGrants, Snapshot
from sumac.billing.rules.carry import grants_of
from sumac.billing.rules.quantity import regranted
from sumac.billing.rules.seats import renewed_seats
from sumac.core.time import cycle_end

ZERO = Decimal(0)


def refill(
    snapshot: Snapshot, over: Collection[str], renewed: Mapping[str, Holding], *, at: datetime
) -> Iterator[Action]:
    """What becomes of the customer's units at `at`, those of the plans that are `over` left out.

    `renewed` are the plans whose new period begins then, as they go on: bought units may change with it.
    """
    live = [grant for grant in snapshot.grants if grant.customer_plan_id not in over]
    expired = tuple(grant for grant in live if grant.expires_at is not None and grant.expires_at <= at)
    changed: dict[str, Grant] = {}
    for each in renewed.values():
        own = grants_of(live, each.held.id)
        for grant in (*regranted(own, each), *renewed_seats(own, each, at)):
            changed[grant.id] = grant
    lasting = [grant for grant in live if grant not in expired]
    full: list[tuple[Grant, Grant]] = []
    for grant in lasting:
        anew = _begun_anew(grant, renewed, at)
        if grant.reset is not None and grant.resets_at is not None and (anew or grant.resets_at <= at):
            anchor = at if anew else grant.anchor_at
            full.append((grant, _full_again(changed.pop(grant.id, grant), anchor, cycle_end(anchor, grant.reset, at))))
    for each in renewed.values():
        grants = tuple(grant for grant in changed.values() if grant.customer_plan_id == each.held.id)
        if grants:
            yield ChangePlan(each.held, grants)
    if full:
        yield _reset(full, lasting, at)
    if expired:
        yield ExpireUnits(expired)


def _begun_anew(grant: Grant, renewed: Mapping[str, Holding], at: datetime) -> bool:
    """Whether the periods of its plan are counted anew from now on."""
    holder = renewed.get(grant.customer_plan_id or "")
    return holder is not None and holder.held.anchor_at == at


def _full_again(grant: Grant, anchor: datetime, resets_at: datetime) -> Grant:
    """The grant as it gives its units anew: what was edited since the last time is forgotten."""
    balance = grant.included + grant.prepaid
    return replace(grant, balance=balance, adjustment=ZERO, edited_at=None, anchor_at=anchor, resets_at=resets_at)


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
