"""balances.create, .update, .delete and .recalculate, also under their older addresses (api.md §2.4)."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.administer import (
    BalanceCreate,
    BalanceDelete,
    BalanceEdited,
    BalanceRecalculate,
    BalanceUpdate,
    RecalculationPreview,
)
from sumac.api.schemas.wire import Success
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


@router.operation("balances.delete", scope="balances:write", paths=("/balances/delete",))
async def delete_balance(body: BalanceDelete, context: Context) -> Success:
    """Takes away balances that were given, or that a free plan gives; 409 for paid and pooled ones."""
    await context.services.grants.remove(context.tenant, body.request(), actor=context.actor)
    return Success(success=True)


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
        entities = await customers.list_entities(work, customer.key)
    return RecalculationPreview.of(changed, entities)
