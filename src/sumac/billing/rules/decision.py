"""The one calculator: a snapshot, a request and an instant give a decision (design.md decision 3)."""

from collections.abc import Sequence
from datetime import datetime

from sumac.billing.model import Decision, Snapshot
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
from sumac.billing.rules.multi import decide_multi_attach, decide_multi_cancel
from sumac.billing.rules.schedule import decide_schedule
from sumac.billing.rules.update import decide_update
from sumac.catalog.model import Plan


def decide(snapshot: Snapshot, plans: Sequence[Plan], request: BillingRequest, *, now: datetime) -> Decision:
    """What shall happen. `plans` are the ones the request names, in its order, customised where it says so.

    Raises what the rule of the request raises: BadRequest, NotFound, Conflict.
    """
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
