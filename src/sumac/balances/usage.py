"""Check and track in a transaction of the caller (billing.md §4, §5)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sumac.balances.model import Balance, BalanceSnapshot, PlannedUsage, TrackAnswer, UsageDecision
from sumac.balances.posting import post
from sumac.balances.requests import CheckRequest, OverageBehavior, TrackRequest
from sumac.balances.rules.access import Access, compute_access
from sumac.balances.rules.deduct import visible
from sumac.balances.rules.limits import limiting_of
from sumac.balances.rules.sum import compute_balance
from sumac.balances.rules.usage import check_value, compute_answer, decide_usage, find_entity, tracked_features
from sumac.balances.service import require_settled
from sumac.balances.view import load_snapshot
from sumac.catalog.model import Feature, FeatureKind
from sumac.core.errors import BadRequest, NotFound
from sumac.core.ids import new_id
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.events import service as events
from sumac.storage.work import Work


class SeatsBilledError(Exception):
    """The usage changes how many prorated seats are held: it is for billing to count it (billing.md §5.8).

    Nothing was written.
    """

    def __init__(self, request: TrackRequest) -> None:
        super().__init__(request.customer_id)
        self.request = request


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """The access, and after a counted event the balances of the feature and of the credit systems that pay for it."""

    customer_id: str
    access: Access
    balances: Mapping[str, Balance | None] | None
    entity_id: str | None = None


def judge(snapshot: BalanceSnapshot, request: CheckRequest, *, now: datetime) -> Access:
    """Whether the customer, or the entity of theirs, may use as much.

    Raises NotFound `feature_not_found` and `entity_not_found`, BadRequest for an event on a boolean feature.
    """
    check_value("required_balance", request.required)
    feature = _feature(snapshot, request.feature_id)
    if request.send_event and feature.kind is FeatureKind.BOOLEAN:
        message = f"send_event: {feature.id} is a boolean feature; there is nothing to count"
        raise BadRequest(message)
    entity = find_entity(snapshot, request.entity_id)
    entity_key = entity.key if entity else None
    limiting = limiting_of(snapshot, entity_key=entity_key, properties=request.properties, now=now)
    return compute_access(feature, request.required, visible(snapshot.grants, entity_key), snapshot.features, limiting)


def tracked_by(request: CheckRequest) -> TrackRequest:
    """The usage that a check with `send_event` counts when it is allowed."""
    return TrackRequest(
        request.customer_id,
        request.feature_id,
        entity_id=request.entity_id,
        value=request.required,
        properties=request.properties,
        overage_behavior=OverageBehavior.REJECT,
    )


def checked_answer(
    after: BalanceSnapshot, tracked: TrackRequest, access: Access, decision: UsageDecision
) -> CheckAnswer:
    """The answer to a check whose units were counted."""
    counted = compute_answer(after, tracked, decision.events)
    entity = find_entity(after, tracked.entity_id)
    left = compute_balance(access.feature_id, visible(after.grants, entity.key if entity else None))
    return CheckAnswer(counted.customer_id, replace(access, balance=left), counted.balances, tracked.entity_id)


def checked(left: CheckAnswer, counted: TrackAnswer) -> CheckAnswer:
    """The answer to a check that allowed its units, once they are counted as seats; `left` is one of afterwards."""
    return CheckAnswer(counted.customer_id, replace(left.access, allowed=True), counted.balances, left.entity_id)


async def track(work: Work, request: TrackRequest) -> TrackAnswer:
    """Counts usage: takes it from the grants and appends the event, in the caller's transaction.

    Raises NotFound for an unknown customer, feature, entity or event name; BadRequest `insufficient_balance` with
    reject; Conflict `duplicate_idempotency_key`; SomethingDueError; SeatsBilledError.
    """
    snapshot = await load_settled(work, request.customer_id, lock=True)
    tracked = tracked_features(request, snapshot.features)
    if request.idempotency_key is not None:
        await events.claim_key(work, request.idempotency_key)
    decision = decide(snapshot, request, now=snapshot.customer.now(work.now), tracked=tracked)
    await post(work, snapshot.customer.key, decision)
    return compute_answer(snapshot.after(decision), request, decision.events, tracked)


async def plan_usage(work: Work, customer: Customer, request: TrackRequest) -> PlannedUsage:
    """What counting usage of prorated seats would change; its idempotency key is taken, nothing else is written.

    The customer's row is locked. Raises as `track` does.
    """
    snapshot = await load_snapshot(work, customer)
    tracked = tracked_features(request, snapshot.features)
    if request.idempotency_key is not None:
        await events.claim_key(work, request.idempotency_key)
    now = customer.now(work.now)
    event_ids = _fresh_ids(tracked, now=now)
    decision = decide_usage(snapshot, request, now=now, event_ids=event_ids, tracked=tracked)
    return PlannedUsage(request, tuple(event_ids), decision.seats)


async def count_planned(
    work: Work, customer: Customer, request: TrackRequest, event_ids: Sequence[str], paid_seats: Mapping[str, Decimal]
) -> None:
    """Counts usage once it is settled how many seats stay paid for, per prorated grant that it changes.

    Raises BadRequest `insufficient_balance` when it does not fit any more.
    """
    snapshot = await load_snapshot(work, customer)
    now = customer.now(work.now)
    decision = decide_usage(snapshot, request, now=now, event_ids=event_ids, paid_seats=paid_seats)
    await post(work, customer.key, decision)


async def counted_usage(work: Work, customer: Customer, planned: PlannedUsage) -> TrackAnswer | None:
    """The answer to planned usage, or None unless it was counted."""
    recorded = await events.find(work, customer.key, planned.event_ids)
    if not recorded:
        return None
    return compute_answer(await load_snapshot(work, customer), planned.request, recorded)


async def forget_usage(work: Work, request: TrackRequest) -> None:
    """Frees the idempotency key of planned usage that is not counted after all."""
    if request.idempotency_key is not None:
        await events.release_key(work, request.idempotency_key)


async def load_settled(work: Work, customer_id: str, *, lock: bool) -> BalanceSnapshot:
    """The customer's snapshot; with `lock` at the instant at which the work has the customer to itself.

    Raises NotFound, and SomethingDueError when something must be settled first.
    """
    customer = await (customers.get_for_update if lock else customers.get)(work, customer_id)
    if lock:
        work.catch_up()
    require_settled(customer, work.now)
    return await load_snapshot(work, customer)


def decide(
    snapshot: BalanceSnapshot, request: TrackRequest, *, now: datetime, tracked: Sequence[Feature] | None = None
) -> UsageDecision:
    """What the usage comes to. Raises as `track` does."""
    tracked = tracked or tracked_features(request, snapshot.features)
    decision = decide_usage(snapshot, request, now=now, event_ids=_fresh_ids(tracked, now=now), tracked=tracked)
    if decision.seats:
        raise SeatsBilledError(request)
    return decision


def count(
    request: TrackRequest, snapshot: BalanceSnapshot, at: datetime
) -> tuple[UsageDecision, Callable[[BalanceSnapshot], TrackAnswer]]:
    """What the usage comes to, and how to answer once it is carried out. Raises as `track` does."""
    tracked = tracked_features(request, snapshot.features)
    decision = decide(snapshot, request, now=at, tracked=tracked)
    return decision, lambda after: compute_answer(after, request, decision.events, tracked)


def _fresh_ids(tracked: Sequence[Feature], *, now: datetime) -> Sequence[str]:
    """An id for the event of each feature that is tracked."""
    return [new_id("evt", now=now) for _ in tracked]


def _feature(snapshot: BalanceSnapshot, feature_id: str) -> Feature:
    for feature in snapshot.features:
        if feature.id == feature_id:
            return feature
    message = f"Feature {feature_id} not found"
    raise NotFound(message, code="feature_not_found")
