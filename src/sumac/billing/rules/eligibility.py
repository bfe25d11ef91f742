"""What attaching a plan would mean for a customer (api.md §2.0 `customer_eligibility`)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sumac.billing.model import Snapshot
from sumac.billing.rules.transition import find_current, is_upgrade
from sumac.catalog.model import Plan
from sumac.catalog.rules.shape import is_one_off

AttachAction = Literal["activate", "upgrade", "downgrade", "none", "purchase"]


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether the customer holds the plan, and what attaching it would do."""

    trial_available: bool
    status: Literal["active", "scheduled"] | None
    canceling: bool
    trialing: bool
    attach_action: AttachAction


def compute_eligibility(snapshot: Snapshot, plan: Plan, *, now: datetime) -> Eligibility:
    """The customer's standing towards the plan."""
    held = [each.held for each in (*snapshot.holdings, *snapshot.paused) if each.plan.id == plan.id]
    running = next((each for each in held if each.is_usable), None)
    waits = any(not each.is_usable for each in held)
    trial_ends_at = running.trial_ends_at if running else None
    return Eligibility(
        trial_available=plan.free_trial is not None and plan.id not in snapshot.trials_used,
        status="active" if running else ("scheduled" if waits else None),
        canceling=running is not None and running.is_canceling,
        trialing=trial_ends_at is not None and now < trial_ends_at,
        attach_action=_action(snapshot, plan),
    )


def _action(snapshot: Snapshot, plan: Plan) -> AttachAction:
    if is_one_off(plan):
        return "purchase"
    current = find_current(snapshot.holdings, plan)
    if current is None:
        return "activate"
    if current.plan.id == plan.id:
        return "activate" if current.held.is_canceling else "none"
    return "upgrade" if is_upgrade(current.plan, plan) else "downgrade"
