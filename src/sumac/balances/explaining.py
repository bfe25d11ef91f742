"""Answers why a balance is what it is, or was (billing.md §1.7). Functions take the work they read in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sumac.balances import books, reservation_rows, store
from sumac.balances.books import Ended
from sumac.balances.model import Grant, Reservation
from sumac.balances.rules.deduct import visible
from sumac.balances.rules.explain import Explanation, Opened, explain
from sumac.balances.service import require_settled
from sumac.catalog import service as catalog
from sumac.catalog.model import Feature, FeatureKind
from sumac.core.errors import BadRequest
from sumac.core.page import DEFAULT_LIMIT, Cursor, Page, page_of
from sumac.customers import entities
from sumac.customers import service as customers
from sumac.customers.model import Customer, Entity
from sumac.events import ledger
from sumac.events import service as events
from sumac.events.ledger import TakenFilter
from sumac.events.model import TakenSince, UsageEvent
from sumac.storage.work import Work

ENTRIES_MAX = 100
"""Entries listed of one source; what was before is summed."""
ENDED_MAX = 20
"""Sources listed that are over."""


@dataclass(frozen=True, slots=True)
class ExplainRequest:
    """Please explain what is shown of a feature, to the customer or to an entity, at an instant, None for now.

    Of the events that took something at most `limit` are listed, after the cursor.
    """

    customer_id: str
    feature_id: str
    entity_id: str | None = None
    at: datetime | None = None
    cursor: Cursor | None = None
    limit: int = DEFAULT_LIMIT


@dataclass(frozen=True, slots=True)
class ExplainedBalance:
    """The explanation, and what is beside the sums: events one by one, open reservations, sources that are over.

    Those are used up, or have ended. `entities` are those that sources belong to, by key.
    """

    customer: Customer
    entity: Entity | None
    entities: Mapping[str, Entity]
    feature: Feature
    at: datetime
    explanation: Explanation
    events: Page[UsageEvent]
    reservations: Sequence[Reservation]
    used_up: Sequence[Grant]
    ended: Sequence[Ended]


async def explain_balance(work: Work, request: ExplainRequest) -> ExplainedBalance:
    """Why the balance is what it is.

    Raises NotFound for an unknown customer, feature or entity; BadRequest for an instant that is not there yet;
    SomethingDueError.
    """
    customer = await customers.get(work, request.customer_id)
    require_settled(customer, work.now)
    now = customer.now(work.now)
    at = now if request.at is None else request.at
    if at > now:
        message = "at: must not be in the future"
        raise BadRequest(message, code="invalid_inputs")
    feature = await catalog.get_feature(work, request.feature_id)
    entity = None if request.entity_id is None else await entities.get(work, request.entity_id, customer.key)
    opened = await _opened(work, customer, feature, entity, at)
    known = None if at < now else {grant.id: grant for grant in await store.usable(work, [customer.key])}
    held = [each for each in opened if known is None or each.grant.id in known]
    drained = [each for each in held if known is not None and each.grant.is_drained]
    held = [each for each in held if each not in drained]
    chosen = _chosen(customer, feature, held, at)
    explanation = explain(feature, held, await ledger.sums(work, chosen), entries_max=ENTRIES_MAX)
    used_up = [each.grant for each in drained]
    used_up += [each.grant for each in explanation.sources if not each.counted]
    ended = await books.ended_by(work, customer.key, feature.id, at, ENDED_MAX, entity.key if entity else None)
    page = await _events(work, chosen, request)
    grants = (*(each.grant for each in held), *used_up, *(each.grant for each in ended))
    owners = {*(grant.entity_key for grant in grants), *(event.entity_key for event in page.items)}
    return ExplainedBalance(
        customer=customer,
        entity=entity,
        entities=await entities.get_by_keys(work, {key for key in owners if key is not None}),
        feature=feature,
        at=at,
        explanation=explanation,
        events=page,
        reservations=await reservation_rows.open_at(work, customer.key, at),
        used_up=sorted(used_up, key=lambda grant: grant.created_at, reverse=True)[:ENDED_MAX],
        ended=ended,
    )


async def _opened(
    work: Work, customer: Customer, feature: Feature, entity: Entity | None, at: datetime
) -> Sequence[Opened]:
    """The books of the grants that the customer, or the entity, saw at the instant."""
    opened = await books.opened_at(work, customer.key, feature.id, at)
    seen = {grant.id for grant in visible([each.grant for each in opened], entity.key if entity else None)}
    return [each for each in opened if each.grant.id in seen]


def _chosen(customer: Customer, feature: Feature, opened: Sequence[Opened], at: datetime) -> TakenFilter:
    """What usage took from the grants since they were opened; only credits pay for other features than their own."""
    since = [TakenSince(each.grant.id, each.opening.at, each.turned_at) for each in opened]
    if feature.kind is FeatureKind.BOOLEAN:
        since = []
    return TakenFilter(customer.key, since, at, [feature.id] if feature.kind is FeatureKind.METERED else [])


async def _events(work: Work, chosen: TakenFilter, request: ExplainRequest) -> Page[UsageEvent]:
    """The events that took anything, each with what it took from these grants only."""
    ids = await ledger.page(work, chosen, request.cursor, request.limit)
    found = await events.find(work, chosen.customer_key, ids)
    return page_of(
        [_within(event, chosen) for event in found], request.limit, lambda event: Cursor(event.id, event.counted_at)
    )


def _within(event: UsageEvent, chosen: TakenFilter) -> UsageEvent:
    since = {each.grant_id: each for each in chosen.since}
    taken = [each for each in event.deductions if each.grant_id in since and since[each.grant_id].counts(event, each)]
    return replace(event, deductions=tuple(taken))
