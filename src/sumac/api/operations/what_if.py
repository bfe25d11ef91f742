"""plans.what_if: a past period of real usage under a changed plan (decision 0023)."""

from sumac.analytics.service import compare_terms
from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.what_if import WhatIfBody, WhatIfRequest
from sumac.catalog import service as catalog
from sumac.customers import service as customers

router = OperationRouter("plans")


@router.operation("plans.what_if", scope="plans:read")
async def compare_plan(body: WhatIfRequest, context: Context) -> WhatIfBody:
    """What customers would have paid for a past period had the plan been changed, beside what it costs them as it is.

    Each holder of the version, page by page: recurring price, prepaid units and overage of their real usage on both
    terms, which features would have run out and when (by the day), which units would have been refused. All periods
    are counted from the start of the one replayed. Discounts, taxes, rollovers, and units from elsewhere are left out.
    Nothing is written.
    """
    cursor = body.cursor()
    async with context.reading() as work:
        before = await catalog.get_plan(work, body.plan_id, body.version)
        edit = await catalog.propose_edit(work, before, body.changes.changed(before), held_versions=())
        named = [(await customers.get(work, each)).key for each in dict.fromkeys(body.customer_ids or ())]
        period = body.replayed(work.now)
        found = await compare_terms(
            work,
            before,
            edit.after,
            period,
            customer_keys=None if body.customer_ids is None else named,
            cursor=cursor,
            limit=body.limit,
        )
        owners = await customers.get_by_keys(work, {each.customer_key for each in found.compared})
        return WhatIfBody.of(before, period, found, owners)
