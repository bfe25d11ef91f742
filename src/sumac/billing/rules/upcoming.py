"""The next invoices of a customer, as they would be if nothing happened until then (api.md §2.1)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sumac.billing.model import Snapshot
from sumac.billing.rules.discounts import rewards_after
from sumac.billing.rules.turn import compute_due_at, decide_turn
from sumac.invoices.model import InvoiceDraft


@dataclass(frozen=True, slots=True)
class Upcoming:
    """An invoice, and when it will be issued."""

    at: datetime
    draft: InvoiceDraft


def compute_upcoming(snapshot: Snapshot) -> Sequence[Upcoming]:
    """What turning each plan next will be charged, the soonest first: the decisions that will be made then.

    What was used so far, or set by hand, counts as it is now. Holds that are not finished are taken as they are.
    """
    settled = replace(snapshot, reservations=())
    due = {compute_due_at([each.held], ()) for each in snapshot.holdings}
    found: list[Upcoming] = []
    for at in sorted(instant for instant in due if instant is not None):
        decision = decide_turn(settled, at=at)
        settled = replace(settled, rewards=rewards_after(decision, settled, now=at))
        if decision.invoice is not None:
            found.append(Upcoming(at, decision.invoice))
    return found
