"""subscriptions.list and purchases.list (api.md §2.16)."""

from collections.abc import Mapping

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.later import refuse_entity
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
        listed = [
            ListedSubscriptionBody.listed(
                each,
                owners[each.held.customer_key].public_id,
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
    listed = [ListedPurchaseBody.listed(each, owners[each.held.customer_key].public_id) for each in page.items]
    return PurchaseList(list=listed, has_more=page.next_cursor is not None, next_cursor=page.next_cursor)


async def _settle(body: HoldingListRequest, context: Context) -> None:
    refuse_entity(body.entity_id)
    if body.customer_id is not None:
        await context.services.billing.bring_up_to_date(context.tenant, body.customer_id)


async def _page(
    work: Work, body: HoldingListRequest, context: Context, *, recurring: bool
) -> tuple[Page[Holding], Mapping[str, Customer]]:
    """A page of what is held, and who holds it by customer key."""
    customer = await customers.get(work, body.customer_id) if body.customer_id else None
    chosen = HoldingFilter(recurring, customer.key if customer else None, body.plan_id, body.plan_statuses())
    page = await context.services.billing.list_page(work, chosen, cursor=body.cursor(), limit=body.limit)
    return page, await customers.get_by_keys(work, {each.held.customer_key for each in page.items})
