"""What counted usage leads to beside what it counts: notices, and more to be bought (billing.md §6.5, §6.6)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sumac.balances.model import BalanceSnapshot, UsageDecision
from sumac.balances.rules.alerts import TINY, Step, compute_notices
from sumac.balances.rules.resolve import tiers_of
from sumac.balances.rules.topups import compute_topups, has_topups
from sumac.catalog.model import Feature
from sumac.customers.model import Entity


def followed(
    snapshot: BalanceSnapshot,
    decision: UsageDecision,
    tracked: Sequence[Feature],
    entity: Entity | None,
    properties: Mapping[str, Any],
    *,
    now: datetime,
) -> UsageDecision:
    """The decision with what it leads to; `tracked` are the features it counted, for the entity if there is one."""
    if _leads_to_nothing(snapshot, decision, tracked):
        return decision
    after = snapshot.after(decision)
    changed = {grant.feature_id for grant in decision.grants} | {window.feature_id for window in decision.windows}
    involved = [each for each in snapshot.features if each.id in changed or (changed and each in tracked)]
    notices = compute_notices(Step(snapshot, after, entity, properties, now), involved) if involved else ()
    return replace(decision, notices=notices, topups=to_buy(after, tracked))


def _leads_to_nothing(snapshot: BalanceSnapshot, decision: UsageDecision, tracked: Sequence[Feature]) -> bool:
    """Whether that can be told at a glance, as for most usage: nobody has a control, and something is left."""
    if snapshot.organization_alerts or tiers_of(snapshot, None) is not None or snapshot.entity_controls:
        return False
    ids = {feature.id for feature in tracked}
    return all(grant.balance > TINY and grant.feature_id in ids for grant in decision.grants)


def to_buy(snapshot: BalanceSnapshot, tracked: Sequence[Feature]) -> tuple[str, ...]:
    """The features that pay for the tracked ones of which so little is left that more is to be bought."""
    return compute_topups(snapshot, payers_of(tracked, snapshot.features)) if has_topups(snapshot) else ()


def payers_of(tracked: Sequence[Feature], features: Sequence[Feature]) -> Sequence[str]:
    """The features whose balances may pay for the tracked ones: themselves, and the credit systems."""
    systems = [system.id for system in features if any(system.credit_cost_of(each.id) is not None for each in tracked)]
    return [*(each.id for each in tracked), *systems]
