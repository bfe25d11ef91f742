"""events.list and events.aggregate (api.md §2.7)."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.aggregate import AggregateBody, AggregateRequest, SeriesWriter
from sumac.api.schemas.events import EventBody, EventList, EventListRequest, TimeRange
from sumac.billing.rules.billed import billed_by
from sumac.catalog import service as catalog
from sumac.catalog.model import Feature, FeatureKind
from sumac.core.errors import NotFound
from sumac.core.time import Period
from sumac.customers import entities
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.events import history
from sumac.events import service as events
from sumac.events.model import GroupKind, Series, SeriesRequest, UsageFilter
from sumac.events.rules.bins import BinSize, Span, cut, reach_back
from sumac.events.rules.groups import NO_GROUP, OTHER
from sumac.storage.work import Work

UTC = ZoneInfo("UTC")
router = OperationRouter("events")


@router.operation("events.list", scope="balances:read", paths=("/events/list",))
async def list_events(body: EventListRequest, context: Context) -> EventList:
    """Usage events, newest first."""
    cursor = body.cursor()
    async with context.reading() as work:
        customer = await customers.get(work, body.customer_id) if body.customer_id else None
        named = await _entity_keys(work, customer, body.entity_id)
        span: Period | TimeRange = body.custom_range or TimeRange()
        if body.range is not None:
            span = await _period(work, body.range, context, customer)
        chosen = events.EventFilter(
            customer_key=customer.key if customer else None,
            entity_keys=named,
            feature_ids=body.feature_ids(),
            occurred_from=span.start,
            occurred_before=span.end,
        )
        page = await events.list_page(work, chosen, cursor=cursor, limit=body.limit)
        known = await customers.get_by_keys(work, {event.customer_key for event in page.items})
    listed = [EventBody.of(event, known[event.customer_key].public_id) for event in page.items]
    return EventList(list=listed, next_cursor=page.next_cursor)


@router.operation("events.aggregate", scope="balances:read", paths=("/events/aggregate", "/query"))
async def aggregate_events(body: AggregateRequest, context: Context) -> AggregateBody:
    """Usage over time: sums and counts by hour, day, week or month, in groups, and by the balance that paid.

    Bins are those of the time zone; the first one and the last one count what lies in the range. Without a range it is
    the current billing cycle of the customer's main plan, or the calendar month. Groups by property and plan, filters
    and deductions read the events one by one: up to 100,000 of them.
    """
    async with context.reading() as work:
        customer = await customers.get(work, body.customer_id) if body.customer_id else None
        named = await _entity_keys(work, customer, body.entity_id)
        features = await catalog.features_by_id(work)
        for feature_id in body.feature_ids():
            if feature_id not in features:
                message = f"Feature {feature_id} not found"
                raise NotFound(message, code="feature_not_found")
        size, zone = body.size(), body.zone()
        period = body.period()
        if period is None:
            period = await _period(work, body.range or Span.ONE_CYCLE, context, customer, size, zone)
        request = SeriesRequest(
            UsageFilter(
                body.feature_ids(),
                customer_key=customer.key if customer else None,
                entity_keys=named,
                properties=body.filter_by or {},
            ),
            period,
            cut(period, size, zone),
            body.grouping(),
            by_balance=body.aggregate_on is not None,
            any_may_pay=any(_is_credit_system(features[each]) for each in body.feature_ids()),
        )
        series = await history.aggregate(work, request)
        names = await _names(work, request, series)
    return SeriesWriter(request, series, measure=body.measure, names=names, features=features).body()


async def _entity_keys(work: Work, customer: Customer | None, entity_id: str | None) -> tuple[str, ...] | None:
    """The keys of the entities of that id, of one customer or of anybody; None for all usage."""
    if entity_id is None:
        return None
    named = await entities.list_named(work, entity_id, customer.key if customer else None)
    return tuple(entity.key for entity in named)


async def _period(
    work: Work,
    span: Span,
    context: Context,
    customer: Customer | None,
    size: BinSize = BinSize.DAY,
    zone: ZoneInfo = UTC,
) -> Period:
    billed = None
    if customer is not None:
        holdings = await context.services.billing.holdings(work, [customer.key])
        billed = billed_by(holdings.get(customer.key, ()))
    now = work.now if customer is None else customer.now(work.now)
    return reach_back(span, now=now, size=size, zone=zone, billed=billed)


async def _names(work: Work, request: SeriesRequest, series: Series) -> Mapping[str, str]:
    """The ids of the customers and entities that groups and balances of the series are named by."""
    kind = request.grouping.kind if request.grouping else None
    groups = {group for of in (series.groups or {}).values() for each in of.values() for group in each}
    uses = [use for of_bin in (series.balances or {}).values() for use in of_bin]
    owners = {use.entity_key for use in uses if use.entity_key is not None}
    if kind in {GroupKind.CUSTOMER, GroupKind.ENTITY}:
        groups |= {group for use in uses for group in use.groups}
    groups -= {NO_GROUP, OTHER}
    found = await customers.get_by_keys(work, groups) if kind is GroupKind.CUSTOMER else {}
    owned = await entities.get_by_keys(work, owners | (groups if kind is GroupKind.ENTITY else set()))
    names = {key: customer.public_id for key, customer in found.items()}
    return names | {key: entity.public_id for key, entity in owned.items()}


def _is_credit_system(feature: Feature) -> bool:
    return feature.kind in {FeatureKind.CREDIT_SYSTEM, FeatureKind.AI_CREDIT_SYSTEM}
