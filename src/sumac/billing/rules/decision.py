"""The one calculator: a snapshot, a request and an instant give a decision (design.md decision 3)."""

from collections.abc import Sequence
from datetime import datetime

from sumac.billing.model import ChangePlan, Decision, KeepPlan, ReplaceTerms, SchedulePlan, Snapshot, StartPlan
from sumac.billing.requests import (
    AttachRequest,
    BillingRequest,
    CancelRequest,
    MultiAttachRequest,
    ScheduleRequest,
    UpdateRequest,
)
from sumac.billing.rules.attach import decide_attach
from sumac.billing.rules.cancel import decide_cancel
from sumac.billing.rules.discounts import with_discounts
from sumac.billing.rules.multi import decide_multi_attach, decide_multi_cancel
from sumac.billing.rules.schedule import decide_schedule
from sumac.billing.rules.target import find_target
from sumac.billing.rules.update import decide_update
from sumac.catalog.model import Plan

TOUCHED = (StartPlan, SchedulePlan, ReplaceTerms, ChangePlan, KeepPlan)


def decide(snapshot: Snapshot, plans: Sequence[Plan], request: BillingRequest, *, now: datetime) -> Decision:
    """What shall happen. `plans` are the ones the request names, in its order, customised where it says so.

    The rewards that are asked for are for these plans of the customer.
    Raises what the rule of the request raises: BadRequest, NotFound, Conflict.
    """
    decision = _decided(snapshot, plans, request, now)
    about = [find_target(snapshot.holdings, request).held.id] if isinstance(request, UpdateRequest) else []
    named = {plan.id for plan in plans}
    about += [each.held.id for each in decision.actions if isinstance(each, TOUCHED) and each.held.plan_id in named]
    return with_discounts(decision, snapshot, about=tuple(dict.fromkeys(about)), plans=plans, now=now)


def _decided(snapshot: Snapshot, plans: Sequence[Plan], request: BillingRequest, now: datetime) -> Decision:
    match request:
        case AttachRequest():
            return decide_attach(snapshot, plans[0], request, now=now)
        case MultiAttachRequest():
            return decide_multi_attach(snapshot, plans, request, now=now)
        case ScheduleRequest():
            return decide_schedule(snapshot, plans, request, now=now)
        case UpdateRequest():
            return decide_update(snapshot, plans[0], request, now=now)
        case CancelRequest():
            return decide_cancel(snapshot, request, now=now)
        case _:
            return decide_multi_cancel(snapshot, request, now=now)
