"""balances.create, .update, .delete, .list and .recalculate, also under their older addresses (api.md §2.4)."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.administer import (
    BalanceCreate,
    BalanceDelete,
    BalanceEdited,
    BalanceRecalculate,
    BalanceUpdate,
    EditUndo,
    RecalculationPreview,
)
from sumac.api.schemas.listed_balances import BalanceList, BalanceListRequest, ListedBalanceBody
from sumac.api.schemas.wire import Success
from sumac.balances import listing
from sumac.customers import entities
from sumac.customers import service as customers

router = OperationRouter("balances")


@router.operation("balances.create", scope="balances:write", paths=("/balances/create",))
async def create_balance(body: BalanceCreate, context: Context) -> Success:
    """Gives the customer, or one entity of theirs, units of a feature beside their plans."""
    await context.services.grants.give(context.tenant, body.request(), actor=context.actor)
    return Success(success=True)


@router.operation("balances.update", scope="balances:write", paths=("/balances/update",))
async def update_balance(body: BalanceUpdate, context: Context) -> BalanceEdited:
    """Sets what is left of a balance, what it grants, or when it resets and expires.

    What is left and granted stays so until the next reset. A balance below zero is overage: where it is priced, the
    next invoice charges it. Seats that are billed when they are taken are paid for first; otherwise 402
    `pay_invoice_failed`.
    """
    return BalanceEdited.of(await context.services.grants.edit(context.tenant, body.request(), actor=context.actor))


@router.operation("balances.undo_edit", scope="balances:write")
async def undo_edit(body: EditUndo, context: Context) -> BalanceEdited:
    """Takes back an edit of a balance, named by the entry that it was answered with; what was used since stays used.

    409 `edit_overtaken` once the balance was reset or has ended, `edit_already_undone` for the second time.
    """
    return BalanceEdited.of(
        await context.services.grants.undo(
            context.tenant, body.customer_id, body.entry_id, actor=context.actor, reason=body.reason
        )
    )


@router.operation("balances.delete", scope="balances:write", paths=("/balances/delete",))
async def delete_balance(body: BalanceDelete, context: Context) -> Success:
    """Takes away balances that were given, or that a free plan gives; 409 for paid and pooled ones."""
    await context.services.grants.remove(context.tenant, body.request(), actor=context.actor)
    return Success(success=True)


@router.operation("balances.list", scope="balances:read")
async def list_balances(body: BalanceListRequest, context: Context) -> BalanceList:
    """Sources of balances, running or over, newest first; what is used up for good is left out."""
    if body.customer_id is not None:
        await context.services.billing.bring_up_to_date(context.tenant, body.customer_id)
    async with context.reading() as work:
        customer = await customers.get(work, body.customer_id) if body.customer_id is not None else None
        named = None
        if body.entity_id is not None:
            named = await entities.list_named(work, body.entity_id, customer.key if customer else None)
        chosen = body.chosen(customer, None if named is None else [entity.key for entity in named])
        page = await listing.list_page(work, chosen, cursor=body.cursor(), limit=body.limit)
        rollovers = await listing.rollovers_of(work, page.items)
        owners = await customers.get_by_keys(work, {grant.customer_key for grant in page.items})
        parts = await entities.get_by_keys(work, {grant.entity_key for grant in page.items if grant.entity_key})
        listed = [
            ListedBalanceBody.listed(grant, rollovers.get(grant.id, ()), owner, parts, owner.now(work.now))
            for grant in page.items
            for owner in (owners[grant.customer_key],)
        ]
    return BalanceList(list=listed, has_more=page.next_cursor is not None, next_cursor=page.next_cursor)


@router.operation("balances.recalculate", scope="balances:write", paths=("/balances/recalculate",))
async def recalculate_balances(body: BalanceRecalculate, context: Context) -> Success:
    """Spreads what was used anew, so that no balance is overdrawn while another has something left."""
    await context.services.grants.recalculate(context.tenant, body.which(), actor=context.actor, reason=body.reason)
    return Success(success=True)


@router.operation("balances.preview_recalculate", scope="balances:read")
async def preview_recalculation(body: BalanceRecalculate, context: Context) -> RecalculationPreview:
    """What recalculating would change, per balance; nothing is written."""
    changed = await context.services.grants.preview_recalculation(context.tenant, body.which())
    async with context.reading() as work:
        customer = await customers.get(work, body.customer_id)
        parts = await customers.list_entities(work, customer.key)
    return RecalculationPreview.of(changed, parts)
