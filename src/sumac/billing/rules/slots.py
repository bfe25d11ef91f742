"""What comes with an entity and goes with it: slots of the items that give to each, and its own plans (§17.1)."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime

from sumac.billing.model import (
    Action,
    CustomerPlan,
    Decision,
    DropScheduled,
    EndPlan,
    ExpireUnits,
    Holding,
    PlanStatus,
    ReleaseLines,
    Snapshot,
)
from sumac.billing.rules.carry import grants_of
from sumac.billing.rules.provision import fresh_provisions
from sumac.billing.units import Provision


def shared_id_of(held: CustomerPlan, place: int) -> str:
    """The id that the slots of an item share: the item stands at this place in the plan."""
    return f"cus_ent_{held.id.removeprefix('cus_prod_')}_{place}"


def missing_slots(
    snapshot: Snapshot,
    *,
    entity_keys: Collection[str] | None = None,
    customer_plan_ids: Collection[str] | None = None,
    now: datetime,
) -> Iterator[tuple[Holding, Provision]]:
    """The slots that entities do not have yet, each full, with the plan that gives it.

    Of all entities and running plans, unless some are named.
    """
    for holding in snapshot.holdings:
        held = holding.held
        if not held.is_usable or (customer_plan_ids is not None and held.id not in customer_plan_ids):
            continue
        there = {(grant.entity_key, grant.shared_id) for grant in grants_of(snapshot.grants, held.id)}
        for each in fresh_provisions(holding, snapshot, now=now):
            if each.place is None or (each.entity_key, shared_id_of(held, each.place)) in there:
                continue
            if entity_keys is None or each.entity_key in entity_keys:
                yield holding, each


def decide_departure(snapshot: Snapshot, entity_key: str, *, now: datetime) -> Decision:
    """An entity goes: its plans are over at once, nothing is given back or billed, and what was only its is gone."""
    actions: list[Action] = []
    own = [each.held for each in (*snapshot.holdings, *snapshot.paused) if each.held.entity_key == entity_key]
    for held in own:
        if held.status is PlanStatus.SCHEDULED:
            actions.append(DropScheduled(held))
        else:
            over = replace(held, status=PlanStatus.EXPIRED, canceled_at=held.canceled_at or now, ends_at=now)
            actions.append(EndPlan(over))
    ids = {held.id for held in own}
    waiting = tuple(each.id for each in snapshot.held_lines if each.line.customer_plan_id in ids)
    if waiting:
        actions.append(ReleaseLines(waiting))
    units = [each for each in snapshot.grants if each.entity_key == entity_key and each.customer_plan_id not in ids]
    if units:
        actions.append(ExpireUnits(tuple(units)))
    return Decision(tuple(actions))
