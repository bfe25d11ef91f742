"""events.list (api.md §2.7)."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.events import EventBody, EventList, EventListRequest
from sumac.customers import entities
from sumac.customers import service as customers
from sumac.events import service as events

router = OperationRouter("events")


@router.operation("events.list", scope="balances:read", paths=("/events/list",))
async def list_events(body: EventListRequest, context: Context) -> EventList:
    """Usage events, newest first."""
    cursor = body.cursor()
    async with context.reading() as work:
        customer = await customers.get(work, body.customer_id) if body.customer_id else None
        named = None
        if body.entity_id is not None:
            named = await entities.list_named(work, body.entity_id, customer.key if customer else None)
        span = body.custom_range
        chosen = events.EventFilter(
            customer_key=customer.key if customer else None,
            entity_keys=None if named is None else [entity.key for entity in named],
            feature_ids=body.feature_ids(),
            occurred_from=span.start if span else None,
            occurred_before=span.end if span else None,
        )
        page = await events.list_page(work, chosen, cursor=cursor, limit=body.limit)
        known = await customers.get_by_keys(work, {event.customer_key for event in page.items})
    listed = [EventBody.of(event, known[event.customer_key].public_id) for event in page.items]
    return EventList(list=listed, next_cursor=page.next_cursor)
