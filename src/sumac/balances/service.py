"""Check and track, and the grants behind them (billing.md §4, §5). Functions take the work they run in."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sumac.balances import store
from sumac.balances.model import (
    Balance,
    EntryKind,
    Grant,
    GrantEntry,
    OverageBehavior,
    PlannedUsage,
    TrackRequest,
)
from sumac.balances.rules.access import Access, compute_access
from sumac.balances.rules.deduct import Taken
from sumac.balances.rules.sum import compute_balance
from sumac.balances.rules.usage import compute_usage
from sumac.catalog import service as catalog
from sumac.catalog.model import Feature, FeatureKind
from sumac.core.errors import BadRequest, NotFound
from sumac.core.ids import new_id
from sumac.core.quantity import LARGEST, rounded
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.events import service as events
from sumac.events.model import Deduction, UsageEvent
from sumac.storage.work import Work

ZERO = Decimal(0)


class SomethingDueError(Exception):
    """The customer has something due that must be settled before anything is read or counted; then try again."""

    def __init__(self, customer_key: str) -> None:
        super().__init__(customer_key)
        self.customer_key = customer_key


class SeatsBilledError(Exception):
    """The usage changes how many prorated seats are held: it is for billing to count it (billing.md §5.8).

    Nothing was written.
    """

    def __init__(self, request: TrackRequest) -> None:
        super().__init__(request.customer_id)
        self.request = request


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """May this customer use `required` units of the feature? With `send_event` they are counted at once if so."""

    customer_id: str
    feature_id: str
    required: Decimal = Decimal(1)
    send_event: bool = False
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """The access, and after a counted event the balances of the feature and of the credit systems that pay for it."""

    customer_id: str
    access: Access
    balances: Mapping[str, Balance | None] | None


@dataclass(frozen=True, slots=True)
class TrackAnswer:
    """What was counted: `balances` when several features are involved, `balance` when it is one."""

    customer_id: str
    request: TrackRequest
    balance: Balance | None
    balances: Mapping[str, Balance | None] | None
    deductions: tuple[Deduction, ...]


async def live_grants(work: Work, customer_key: str) -> Sequence[Grant]:
    """The customer's grants that have not ended, oldest first."""
    return await store.live(work, [customer_key])


async def usable_grants(work: Work, customer_key: str) -> Sequence[Grant]:
    """The live grants that the customer may use by now, oldest first."""
    return await store.usable(work, [customer_key])


async def usable_grants_of(work: Work, customer_keys: Collection[str]) -> Mapping[str, Sequence[Grant]]:
    """The grants that several customers may use, by customer key."""
    grouped: dict[str, list[Grant]] = {key: [] for key in customer_keys}
    for grant in await store.usable(work, customer_keys):
        grouped[grant.customer_key].append(grant)
    return grouped


async def open_grants(work: Work, opened: Sequence[Grant], *, cause: str, actor: str, at: datetime) -> None:
    """Adds grants, each with the entry that says where its units come from."""
    await store.add_all(work, opened)
    entries = [
        _entry(grant, EntryKind.GRANTED, grant.granted, grant.balance, cause=cause, actor=actor, at=at)
        for grant in opened
    ]
    await store.add_entries(work, entries)


async def end_grants(work: Work, ended: Sequence[Grant], *, cause: str, actor: str, at: datetime) -> None:
    """Ends grants; what was left on them is gone, and the entry says so."""
    for grant in ended:
        await store.change(work, replace(grant, ended_at=at))
    entries = [
        _entry(grant, EntryKind.ENDED, -grant.granted, -grant.balance, cause=cause, actor=actor, at=at)
        for grant in ended
    ]
    await store.add_entries(work, entries)


async def reset_grants(work: Work, full: Sequence[Grant], *, cause: str, actor: str, at: datetime) -> None:
    """Writes new balances and next resets; the entry records by how much the balance changed."""
    await _change_grants(work, full, EntryKind.RESET, cause=cause, actor=actor, at=at)


async def change_grants(work: Work, changed: Sequence[Grant], *, cause: str, actor: str, at: datetime) -> None:
    """Writes what grants give from now on, and when; the entry records by how much units and balance changed."""
    await _change_grants(work, changed, EntryKind.GRANTED, cause=cause, actor=actor, at=at)


async def reprice_grants(work: Work, repriced: Sequence[Grant]) -> None:
    """Writes what units of grants cost from now on; no balance changes, so there is no entry."""
    for grant in repriced:
        if grant.price is not None:
            await store.change_price(work, grant)


async def _change_grants(
    work: Work, after: Sequence[Grant], kind: EntryKind, *, cause: str, actor: str, at: datetime
) -> None:
    if not after:
        return
    before = {grant.id: grant for grant in await store.find(work, after[0].customer_key, [each.id for each in after])}
    entries = []
    for grant in after:
        await store.change(work, grant)
        granted = grant.granted - before[grant.id].granted
        change = grant.balance - before[grant.id].balance
        entries.append(_entry(grant, kind, granted, change, cause=cause, actor=actor, at=at))
    await store.add_entries(work, entries)


async def check(work: Work, request: CheckRequest) -> CheckAnswer:
    """Answers a check; with `send_event` counts the units in the same transaction if they are allowed.

    Raises NotFound for an unknown customer or feature, BadRequest for an event on a boolean feature, SomethingDueError,
    SeatsBilledError.
    """
    _check_value("required_balance", request.required)
    lock = request.send_event
    customer = await _settled_customer(work, request.customer_id, lock=lock)
    feature = await catalog.get_feature(work, request.feature_id)
    if request.send_event and feature.kind is FeatureKind.BOOLEAN:
        message = f"send_event: {feature.id} is a boolean feature; there is nothing to count"
        raise BadRequest(message)
    features = await catalog.list_features(work)
    access = compute_access(feature, request.required, await usable_grants(work, customer.key), features)
    if not (request.send_event and access.allowed):
        return CheckAnswer(customer.public_id, access, None)
    tracked = TrackRequest(
        request.customer_id,
        feature.id,
        value=request.required,
        properties=request.properties,
        overage_behavior=OverageBehavior.REJECT,
    )
    counted = await _count(work, customer, [feature], features, tracked)
    grants = await usable_grants(work, customer.key)
    after = replace(access, balance=compute_balance(access.feature_id, grants))
    return CheckAnswer(customer.public_id, after, counted.balances)


async def checked(work: Work, request: CheckRequest, counted: TrackAnswer) -> CheckAnswer:
    """The answer to a check that allowed its units, once they are counted as seats."""
    left = (await check(work, replace(request, send_event=False))).access
    return CheckAnswer(counted.customer_id, replace(left, allowed=True), counted.balances)


async def track(work: Work, request: TrackRequest) -> TrackAnswer:
    """Counts usage: takes it from the grants and appends the event, in the caller's transaction.

    Raises NotFound for an unknown customer, feature or event name; BadRequest `insufficient_balance` with reject;
    Conflict `duplicate_idempotency_key`; SomethingDueError; SeatsBilledError.
    """
    _check_value("value", request.value)
    customer = await _settled_customer(work, request.customer_id, lock=True)
    features = await catalog.list_features(work)
    tracked = _tracked_features(request, features)
    if request.idempotency_key is not None:
        await events.claim_key(work, request.idempotency_key)
    return await _count(work, customer, tracked, features, request)


async def plan_usage(work: Work, customer: Customer, request: TrackRequest) -> PlannedUsage:
    """What counting usage of prorated seats would change; its idempotency key is taken, nothing else is written.

    The customer's row is locked. Raises as `track` does.
    """
    now = customer.now(work.now)
    features = await catalog.list_features(work)
    tracked = _tracked_features(request, features)
    if request.idempotency_key is not None:
        await events.claim_key(work, request.idempotency_key)
    _occurrence(request, now)
    grants = await usable_grants(work, customer.key)
    _, changes = compute_usage(grants, tracked, features, request)
    return PlannedUsage(request, tuple(new_id("evt", now=now) for _ in tracked), changes)


async def count_planned(
    work: Work, customer: Customer, request: TrackRequest, event_ids: Sequence[str], paid_seats: Mapping[str, Decimal]
) -> None:
    """Counts usage once it is settled how many seats stay paid for, per prorated grant that it changes.

    Raises BadRequest `insufficient_balance` when it does not fit any more.
    """
    features = await catalog.list_features(work)
    tracked = _tracked_features(request, features)
    await _count(work, customer, tracked, features, request, event_ids=event_ids, paid_seats=paid_seats)


async def counted_usage(work: Work, customer: Customer, planned: PlannedUsage) -> TrackAnswer | None:
    """The answer to planned usage, or None unless it was counted."""
    recorded = await events.find(work, customer.key, planned.event_ids)
    if not recorded:
        return None
    features = await catalog.list_features(work)
    tracked = _tracked_features(planned.request, features)
    return await _track_answer(work, customer, tracked, features, planned.request, recorded)


async def forget_usage(work: Work, request: TrackRequest) -> None:
    """Frees the idempotency key of planned usage that is not counted after all."""
    if request.idempotency_key is not None:
        await events.release_key(work, request.idempotency_key)


async def _count(
    work: Work,
    customer: Customer,
    tracked: Sequence[Feature],
    features: Sequence[Feature],
    request: TrackRequest,
    *,
    event_ids: Sequence[str] = (),
    paid_seats: Mapping[str, Decimal] | None = None,
) -> TrackAnswer:
    now = customer.now(work.now)
    occurred_at = _occurrence(request, now)
    deductions, changes = compute_usage(await usable_grants(work, customer.key), tracked, features, request)
    if changes and paid_seats is None:
        raise SeatsBilledError(request)
    paid = paid_seats or {}
    recorded: list[UsageEvent] = []
    ids = event_ids or [new_id("evt", now=now) for _ in tracked]
    for feature, taken, event_id in zip(tracked, deductions, ids, strict=True):
        for each in taken:
            kept = paid.get(each.grant.id, each.grant.paid_seats) - each.grant.overage
            await store.change(work, replace(each.grant, replaceables=max(ZERO, kept)))
        recorded.append(
            UsageEvent(
                id=event_id,
                customer_key=customer.key,
                feature_id=feature.id,
                event_name=request.event_name,
                value=rounded(request.value),
                properties=request.properties,
                occurred_at=occurred_at,
                counted_at=now,
                deductions=tuple(_deduction(each) for each in taken),
            ),
        )
    await events.append(work, recorded)
    return await _track_answer(work, customer, tracked, features, request, recorded)


def _occurrence(request: TrackRequest, now: datetime) -> datetime:
    occurred_at = request.occurred_at or now
    if occurred_at > now:
        message = "timestamp: must not be in the future"
        raise BadRequest(message, code="invalid_inputs")
    return occurred_at


async def _track_answer(
    work: Work,
    customer: Customer,
    tracked: Sequence[Feature],
    features: Sequence[Feature],
    request: TrackRequest,
    recorded: Sequence[UsageEvent],
) -> TrackAnswer:
    grants = await usable_grants(work, customer.key)
    involved = list(dict.fromkeys(feature.id for feature in tracked))
    for feature in tracked:
        linked = (each.id for each in features if each.credit_cost_of(feature.id) is not None)
        involved += [system for system in linked if system not in involved]
    deductions = tuple(deduction for event in recorded for deduction in event.deductions)
    touched = {deduction.feature_id for deduction in deductions} or {tracked[0].id}
    balances = {feature_id: compute_balance(feature_id, grants) for feature_id in involved}
    several = len(tracked) > 1 or len(touched) > 1
    return TrackAnswer(
        customer_id=customer.public_id,
        request=request,
        balance=None if several else balances[next(iter(touched))],
        balances=balances if len(involved) > 1 else None,
        deductions=deductions,
    )


async def _settled_customer(work: Work, customer_id: str, *, lock: bool) -> Customer:
    customer = await (customers.get_for_update if lock else customers.get)(work, customer_id)
    if customer.due_at is not None and customer.due_at <= customer.now(work.now):
        raise SomethingDueError(customer.key)
    return customer


def _tracked_features(request: TrackRequest, features: Sequence[Feature]) -> Sequence[Feature]:
    if (request.feature_id is None) == (request.event_name is None):
        message = "feature_id: give exactly one of feature_id and event_name"
        raise BadRequest(message, code="invalid_inputs")
    if request.feature_id is not None:
        found = [feature for feature in features if feature.id == request.feature_id]
        missing = f"Feature {request.feature_id} not found"
    else:
        if request.overage_behavior is OverageBehavior.REJECT:
            message = "overage_behavior: reject cannot be combined with event_name"
            raise BadRequest(message)
        found = [feature for feature in features if request.event_name in feature.event_names]
        missing = f"No feature listens to the event name {request.event_name}"
    if not found:
        raise NotFound(missing, code="feature_not_found")
    if any(feature.kind is FeatureKind.BOOLEAN for feature in found):
        message = f"{found[0].id} is a boolean feature; there is nothing to count"
        raise BadRequest(message)
    return found


def _check_value(name: str, value: Decimal) -> None:
    if not value.is_finite() or abs(value) > LARGEST:
        message = f"{name}: must be a number between -{LARGEST:f} and {LARGEST:f}"
        raise BadRequest(message, code="invalid_inputs")


def _deduction(taken: Taken) -> Deduction:
    grant = taken.grant
    return Deduction(grant.id, grant.feature_id, grant.plan_id, grant.reset, grant.resets_at, taken.amount)


def _entry(
    grant: Grant,
    kind: EntryKind,
    granted_change: Decimal,
    balance_change: Decimal,
    *,
    cause: str,
    actor: str,
    at: datetime,
) -> GrantEntry:
    return GrantEntry(
        id=new_id("ent", now=at),
        customer_key=grant.customer_key,
        grant_id=grant.id,
        feature_id=grant.feature_id,
        kind=kind,
        granted_change=granted_change,
        balance_change=balance_change,
        cause=cause,
        actor=actor,
        at=at,
        granted_after=ZERO if kind is EntryKind.ENDED else grant.granted,
        balance_after=ZERO if kind is EntryKind.ENDED else grant.balance,
    )
