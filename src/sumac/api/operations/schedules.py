"""billing.create_schedule (api.md §2.5)."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.schedules import ScheduleAnswer, ScheduleBody

router = OperationRouter("billing")


@router.operation("billing.create_schedule", scope="billing:write")
async def create_schedule(body: ScheduleBody, context: Context) -> ScheduleAnswer:
    """Lets a customer's plans follow phases: the first begins now, or in the past, each later one at its instant.

    A plan that is absent from the next phase ends when that begins, and what changes in the middle of a cycle is
    prorated. A plan that no phase has a place for stays as it is. A customer has one schedule: a new one replaces it.
    """
    receipt = await context.services.billing.perform(context.tenant, body.request(), actor=context.actor)
    return ScheduleAnswer.of(receipt, context.services.public_url, entity_id=body.entity_id)
