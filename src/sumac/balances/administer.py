"""Balances as people administer them, each change with its entry (billing.md §8). Functions take their work.

The snapshot is of a customer whose row is locked and of whom nothing is due.
"""

from collections.abc import Collection, Sequence

from sumac.balances import service, store
from sumac.balances.model import BalanceSnapshot, Grant, GrantEntry
from sumac.balances.requests import EditRequest, GiveRequest, RemoveRequest, Which
from sumac.balances.rules.edit import decide_edit, seats_of_edit
from sumac.balances.rules.give import decide_give
from sumac.balances.rules.remove import Removal, decide_recalculation, decide_removal
from sumac.balances.rules.unedit import EDIT, UNDO, decide_undo, is_edit
from sumac.balances.usage import SeatsBilledError
from sumac.core.errors import NotFound
from sumac.core.ids import new_id
from sumac.storage.work import Work

GIVEN = "given"
RECALCULATED = "recalculated"
REMOVED = "removed"


async def give(work: Work, snapshot: BalanceSnapshot, request: GiveRequest, *, actor: str) -> Grant:
    """Gives units beside every plan. Raises as `decide_give` does."""
    now = snapshot.customer.now(work.now)
    live = await store.live(work, [snapshot.customer.key])
    given = decide_give(snapshot, live, request, grant_id=new_id("cus_ent", now=now), now=now)
    await service.open_grants(work, [given], cause=GIVEN, actor=actor, at=now, reason=request.reason)
    return given


async def edit(work: Work, snapshot: BalanceSnapshot, request: EditRequest, *, actor: str) -> Sequence[GrantEntry]:
    """Sets what is left, granted, or when; answers the entries, all of one cause, none where nothing changed.

    Raises as `decide_edit` does, SeatsBilledError for prorated seats.
    """
    now = snapshot.customer.now(work.now)
    seats = seats_of_edit(snapshot, request, now=now)
    if seats is not None:
        raise SeatsBilledError(seats)
    edited = decide_edit(snapshot, request, now=now)
    cause = new_id(EDIT, now=now)
    return await service.edit_grants(work, edited, cause=cause, actor=actor, at=now, reason=request.reason)


async def undo(
    work: Work, snapshot: BalanceSnapshot, entry_id: str, *, actor: str, reason: str | None = None
) -> Sequence[GrantEntry]:
    """Takes back the edit that an entry is of, with compensating entries, which are answered.

    Raises NotFound `entry_not_found`, and as `decide_undo` does.
    """
    customer = snapshot.customer
    now = customer.now(work.now)
    chosen = await store.find_entry(work, customer.key, entry_id)
    if chosen is None:
        message = f"Entry {entry_id} not found"
        raise NotFound(message, code="entry_not_found")
    edit = await store.entries_caused_by(work, customer.key, chosen.cause) if is_edit(chosen) else [chosen]
    grant_ids = [entry.grant_id for entry in edit]
    books = await store.entries_of(work, customer.key, grant_ids)
    live = [grant for grant in await store.find(work, customer.key, grant_ids) if grant.ended_at is None]
    undone = decide_undo(edit, live, books, now=now)
    cause = f"{UNDO}{chosen.cause}"
    return await service.edit_grants(work, undone, cause=cause, actor=actor, at=now, reason=reason)


async def remove(
    work: Work, snapshot: BalanceSnapshot, request: RemoveRequest, *, paid_plans: Collection[str], actor: str
) -> Removal:
    """Takes balances away; `paid_plans` are the customer plans that cost anything. Raises as `decide_removal` does."""
    now = snapshot.customer.now(work.now)
    carrier_id = new_id("cus_ent", now=now)
    removal = decide_removal(snapshot, request, paid_plans=paid_plans, carrier_id=carrier_id, now=now)
    reason = request.reason
    await service.end_grants(work, removal.ended, cause=REMOVED, actor=actor, at=now, reason=reason)
    await service.edit_grants(work, removal.changed, cause=REMOVED, actor=actor, at=now, reason=reason)
    if removal.carrier is not None:
        await service.open_grants(work, [removal.carrier], cause=REMOVED, actor=actor, at=now, reason=reason)
    return removal


async def recalculate(
    work: Work, snapshot: BalanceSnapshot, which: Which, *, actor: str, reason: str | None = None
) -> Sequence[Grant]:
    """Spreads what was used anew; answers the grants that changed. Raises as `decide_recalculation` does."""
    now = snapshot.customer.now(work.now)
    changed = decide_recalculation(snapshot, which)
    await service.edit_grants(work, changed, cause=RECALCULATED, actor=actor, at=now, reason=reason)
    return changed
