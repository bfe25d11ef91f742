"""subscriptions.list and purchases.list (api.md §2.16)."""

from collections.abc import Mapping

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.subscriptions import (
    HoldingListRequest,
    ListedPurchaseBody,
    ListedSubscriptionBody,
    PurchaseList,
    SubscriptionList,
)
from sumac.billing.load import HoldingFilter
from sumac.billing.model import (
    Holding,
)
from sumac.core.page import Page
from sumac.customers import entities
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.storage.work import Work

router = OperationRouter("subscriptions")


@router.operation("subscriptions.list", scope="billing:read")
async def list_subscriptions(body: HoldingListRequest, context: Context) -> SubscriptionList:
    """Recurring plans that customers hold, will hold or have held, newest first."""
    await _settle(body, context)
    async with context.reading() as work:
        page, owners = await _page(work, body, context, recurring=True)
        named = await _entity_ids(work, page)
        listed = [
            ListedSubscriptionBody.listed(
                each,
                owners[each.held.customer_key].public_id,
                named.get(each.held.id),
                now=owners[each.held.customer_key].now(work.now),
            )
            for each in page.items
        ]
    return SubscriptionList(list=listed, has_more=page.next_cursor is not None, next_cursor=page.next_cursor)


@router.operation("purchases.list", scope="billing:read")
async def list_purchases(body: HoldingListRequest, context: Context) -> PurchaseList:
    """Plans that customers bought once, newest first."""
    await _settle(body, context)
    async with context.reading() as work:
        page, owners = await _page(work, body, context, recurring=False)
        named = await _entity_ids(work, page)
    listed = [
        ListedPurchaseBody.listed(each, owners[each.held.customer_key].public_id, named.get(each.held.id))
        for each in page.items
    ]
    return PurchaseList(list=listed, has_more=page.next_cursor is not None, next_cursor=page.next_cursor)


async def _settle(body: HoldingListRequest, context: Context) -> None:
    if body.customer_id is not None:
        await context.services.billing.bring_up_to_date(context.tenant, body.customer_id)


async def _page(
    work: Work, body: HoldingListRequest, context: Context, *, recurring: bool
) -> tuple[Page[Holding], Mapping[str, Customer]]:
    """A page of what is held, and who holds it by customer key."""
    customer = await customers.get(work, body.customer_id) if body.customer_id else None
    key = customer.key if customer else None
    entity_keys = None
    if body.entity_id is not None:
        entity_keys = [entity.key for entity in await entities.list_named(work, body.entity_id, key)]
    chosen = HoldingFilter(recurring, key, body.plan_id, body.plan_statuses(), entity_keys)
    page = await context.services.billing.list_page(work, chosen, cursor=body.cursor(), limit=body.limit)
    return page, await customers.get_by_keys(work, {each.held.customer_key for each in page.items})


async def _entity_ids(work: Work, page: Page[Holding]) -> Mapping[str, str]:
    """The ids of the entities whose plans are on the page, by customer plan; those of deleted ones are not known."""
    held = {each.held.id: each.held.entity_key for each in page.items if each.held.entity_key is not None}
    found = await entities.get_by_keys(work, set(held.values()))
    return {plan_id: found[key].public_id for plan_id, key in held.items() if key in found}
