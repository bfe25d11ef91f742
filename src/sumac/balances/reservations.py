"""Reserving units and saying what they came to, in a transaction of the caller (billing.md §7)."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sumac.balances import reservation_rows as rows
from sumac.balances import store, usage
from sumac.balances.model import BalanceSnapshot, Grant, Reservation
from sumac.balances.posting import post
from sumac.balances.requests import CheckRequest, FinalizeAction, FinalizeRequest, LockRequest
from sumac.balances.rules.access import Access
from sumac.balances.rules.reserve import check_reservable, decide_finalize, decide_reserve, reserved_usage
from sumac.balances.service import require_settled
from sumac.balances.usage import CheckAnswer
from sumac.balances.view import load_snapshot
from sumac.core.errors import BadRequest, Conflict
from sumac.core.ids import new_id
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.storage.work import Work

LOCK_ID_MAX = 256
LONGEST = timedelta(hours=24)
REMEMBERED = timedelta(hours=24)
REMEMBERED_AFTER_EXPIRY = timedelta(hours=1)
DOES_NOT_FIT = ("insufficient_balance", "usage_limit_exceeded")


async def reserve(work: Work, request: LockRequest) -> CheckAnswer:
    """Holds units for the caller if the customer may use as many; nothing is held when the answer is no.

    Raises Conflict `lock_already_exists`; NotFound for an unknown customer, feature or entity; BadRequest for a feature
    whose units cannot be reserved, an id that is too long, an expiry that is past or more than a day ahead;
    SomethingDueError.
    """
    snapshot = await usage.load_settled(work, request.customer_id, lock=True)
    now = snapshot.customer.now(work.now)
    lock_id = new_id("lck", now=now) if request.lock_id is None else request.lock_id
    _check_terms(lock_id, request.expires_at, now=now)
    access = _judge(snapshot, request, now=now)
    check_reservable(snapshot, request)
    await _make_room(work, lock_id, now=now)
    if access.balance is None and not access.allowed:
        return CheckAnswer(snapshot.customer.public_id, access, None, request.entity_id)
    snapshot = replace(snapshot, reservations=tuple(await rows.open_of(work, snapshot.customer.key)))
    event_id, reservation_id = new_id("evt", now=now), new_id("rsv", now=now)
    try:
        decision = decide_reserve(
            snapshot, request, lock_id=lock_id, now=now, event_id=event_id, reservation_id=reservation_id
        )
    except BadRequest as refused:
        if refused.code not in DOES_NOT_FIT:
            raise
        return CheckAnswer(snapshot.customer.public_id, replace(access, allowed=False), None, request.entity_id)
    if decision.reservation is not None and not await rows.add(work, decision.reservation):
        raise _taken(lock_id)
    await post(work, snapshot.customer.key, decision)
    await _expect(work, snapshot.customer, request.expires_at)
    held = replace(access, allowed=True)
    return usage.checked_answer(snapshot.after(decision), reserved_usage(request), held, decision)


async def finalize(work: Work, request: FinalizeRequest) -> None:
    """Settles a reservation for what it came to; one that is unknown, finished or expired is left as it is.

    Raises SomethingDueError.
    """
    found = await rows.find(work, request.lock_id)
    if found is None or found.finished_at is not None:
        return
    customer = await customers.get_locked(work, found.customer_key)
    work.catch_up()
    require_settled(customer, work.now)
    reservation = await rows.find(work, request.lock_id)
    if reservation is not None and reservation.finished_at is None:
        await _finish(work, customer, reservation, request, at=customer.now(work.now))


async def expire(work: Work, customer: Customer, expired: Collection[Reservation], *, at: datetime) -> None:
    """Gives back everything that these open reservations hold, at that instant."""
    for reservation in expired:
        release = FinalizeRequest(reservation.lock_id, FinalizeAction.RELEASE)
        await _finish(work, customer, reservation, release, at=at)


async def list_expiring(work: Work, customer_key: str) -> Sequence[Reservation]:
    """The customer's open reservations that will expire, the oldest first."""
    return [each for each in await rows.open_of(work, customer_key) if each.expires_at is not None]


def _check_terms(lock_id: str, expires_at: datetime | None, *, now: datetime) -> None:
    if len(lock_id) > LOCK_ID_MAX:
        message = f"lock.lock_id: must have at most {LOCK_ID_MAX} characters"
        raise BadRequest(message)
    if expires_at is not None and not now < expires_at <= now + LONGEST:
        message = "lock.expires_at: must be in the future, at most 24 hours ahead"
        raise BadRequest(message)


async def _make_room(work: Work, lock_id: str, *, now: datetime) -> None:
    """Raises Conflict `lock_already_exists` while the id is remembered; a finished one is for some time."""
    known = await rows.find(work, lock_id)
    if known is None:
        return
    expires_at = known.expires_at
    until = known.created_at + REMEMBERED if expires_at is None else expires_at + REMEMBERED_AFTER_EXPIRY
    if known.finished_at is None or now < until:
        raise _taken(lock_id)
    await rows.remove(work, known)


def _taken(lock_id: str) -> Conflict:
    return Conflict(f"There is a lock {lock_id} already", code="lock_already_exists")


def _judge(snapshot: BalanceSnapshot, request: LockRequest, *, now: datetime) -> Access:
    asked = CheckRequest(
        request.customer_id,
        request.feature_id,
        request.required,
        send_event=True,
        properties=request.properties,
        entity_id=request.entity_id,
    )
    return usage.judge(snapshot, asked, now=now)


async def _expect(work: Work, customer: Customer, expires_at: datetime | None) -> None:
    """Sees to it that the customer is due when the reservation expires."""
    if expires_at is not None and (customer.due_at is None or expires_at < customer.due_at):
        await customers.set_due(work, customer.key, expires_at)


async def _finish(
    work: Work, customer: Customer, reservation: Reservation, request: FinalizeRequest, *, at: datetime
) -> None:
    snapshot = await load_snapshot(work, customer)
    decision = decide_finalize(
        snapshot,
        reservation,
        request,
        now=at,
        event_id=new_id("evt", now=at),
        absent=await _absent(work, snapshot, reservation),
    )
    await rows.finish(work, reservation, at=at)
    await post(work, customer.key, decision)


async def _absent(work: Work, snapshot: BalanceSnapshot, reservation: Reservation) -> Sequence[Grant]:
    """Grants that the reservation took from and that the customer may not use by now: withheld or ended."""
    usable = {grant.id for grant in snapshot.grants}
    absent = {held.grant_id for held in reservation.receipt} - usable
    return await store.find(work, reservation.customer_key, absent) if absent else []
