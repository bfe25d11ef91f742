"""What usage makes others want to be told: thresholds that are crossed, limits that are reached (billing.md §6.5)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

from sumac.balances.controls import NO_CONTROLS, ControlSet, ThresholdType, UsageAlert
from sumac.balances.model import Balance, BalanceSnapshot, Notice
from sumac.balances.rules.access import Access, LimitKind, compute_access
from sumac.balances.rules.deduct import visible
from sumac.balances.rules.limits import Limiting, limiting_of
from sumac.balances.rules.resolve import Tiers, resolve_alerts
from sumac.balances.rules.sum import compute_balance
from sumac.catalog.model import Feature
from sumac.core.quantity import QUANTITY_PRECISION
from sumac.customers.model import Entity

ALERT_TRIGGERED = "balances.usage_alert_triggered"
LIMIT_REACHED = "balances.limit_reached"
TINY = Decimal("1e-7")
HUNDRED = Decimal(100)
PERCENTAGES = (ThresholdType.USAGE_PERCENTAGE, ThresholdType.REMAINING_PERCENTAGE)
GROWING = (ThresholdType.USAGE, ThresholdType.USAGE_PERCENTAGE)


@dataclass(frozen=True, slots=True)
class Step:
    """A customer before and after one piece of usage, whose usage it was, and its properties."""

    before: BalanceSnapshot
    after: BalanceSnapshot
    entity: Entity | None
    properties: Mapping[str, Any]
    now: datetime

    @property
    def entity_key(self) -> str | None:
        """The key of the entity whose usage it was; None for the customer's own."""
        return self.entity.key if self.entity else None

    def body(self, feature_id: str, entity: Entity | None) -> dict[str, Any]:
        """Whom and what a notice is about."""
        about = {"customer_id": self.after.customer.public_id, "feature_id": feature_id}
        return about if entity is None else {**about, "entity_id": entity.public_id}


def compute_notices(step: Step, involved: Sequence[Feature]) -> tuple[Notice, ...]:
    """The alerts that fire and the limits that are reached, of the features that are tracked or have paid."""
    alerts = _alert_notices(step, involved) if _has_alerts(step) else ()
    return (*alerts, *_limit_notices(step, involved))


def is_crossed(alert: UsageAlert, before: Balance, after: Balance) -> bool:
    """Whether the usage between the two has crossed the threshold.

    Landing on it exactly counts, and being beyond it already does not. A percentage of nothing is never reached, and
    unlimited balances know no thresholds.
    """
    kind = alert.threshold_type
    if before.unlimited or after.unlimited or (kind in PERCENTAGES and (before.granted <= 0 or after.granted <= 0)):
        return False
    with localcontext() as context:
        context.prec = QUANTITY_PRECISION
        old, new = _beyond(alert, before), _beyond(alert, after)
    return old < 0 <= new if kind in GROWING else old > 0 >= new


def _beyond(alert: UsageAlert, balance: Balance) -> Decimal:
    """How far the balance is above the threshold; a percentage in units of a hundredth."""
    measured = balance.usage if alert.threshold_type in GROWING else balance.remaining
    if alert.threshold_type in PERCENTAGES:
        return measured * HUNDRED - alert.threshold * balance.granted
    return measured - alert.threshold


def _has_alerts(step: Step) -> bool:
    snapshot = step.before
    own = () if step.entity_key is None else _entity_controls(step).usage_alerts
    if own or snapshot.organization_alerts or snapshot.controls.usage_alerts:
        return True
    return any(plan.controls.usage_alerts for plan in snapshot.plans)


def _alert_notices(step: Step, involved: Sequence[Feature]) -> Iterator[Notice]:
    for feature in involved:
        for scope, entity, seen_by, alerts in _passes(step, feature.id):
            before = compute_balance(feature.id, visible(step.before.grants, seen_by))
            after = compute_balance(feature.id, visible(step.after.grants, seen_by))
            if before is None or after is None:
                continue
            for alert in alerts:
                if alert.enabled and is_crossed(alert, before, after):
                    yield _alert_notice(step, scope, entity, feature.id, alert)


def _passes(step: Step, feature_id: str) -> Iterator[tuple[str, Entity | None, str | None, Sequence[UsageAlert]]]:
    """Each list of alerts: its name, the entity its notices name, by whose eyes it looks, and what is on it.

    The customer's look at everything of the customer, and those of their plans do where the customer has none for the
    feature; an entity's look at what that entity may use, and the organization's at what the usage could use.
    """
    snapshot, entity, key = step.before, step.entity, step.entity_key
    common = tuple(plan for plan in snapshot.plans if plan.entity_key is None)
    of_customer = resolve_alerts(Tiers(None, NO_CONTROLS, snapshot.controls, common), feature_id)
    yield "customer", None, None, [each.entry for each in of_customer]
    if key is not None:
        own = tuple(plan for plan in snapshot.plans if plan.entity_key == key)
        of_entity = resolve_alerts(Tiers(key, _entity_controls(step), NO_CONTROLS, own), feature_id)
        yield "entity", entity, key, [each.entry for each in of_entity]
    of_everybody = [each for each in snapshot.organization_alerts if each.feature_id in {None, feature_id}]
    yield "organization", entity, key, of_everybody


def _entity_controls(step: Step) -> ControlSet:
    return step.before.entity_controls.get(step.entity_key or "", NO_CONTROLS)


def _alert_notice(step: Step, scope: str, entity: Entity | None, feature_id: str, alert: UsageAlert) -> Notice:
    named = {} if alert.name is None else {"name": alert.name}
    crossed = {**named, "threshold": alert.threshold, "threshold_type": alert.threshold_type.value}
    whose = entity.key if entity else ""
    key = f"{ALERT_TRIGGERED}:{scope}:{whose}:{feature_id}:{alert.threshold_type}:{alert.threshold:f}"
    return Notice(ALERT_TRIGGERED, {**step.body(feature_id, entity), "usage_alert": crossed}, key)


def _limit_notices(step: Step, involved: Sequence[Feature]) -> Iterator[Notice]:
    """The features that a tiny amount could be used of before, and not any more."""
    limiting = _limiting(step, step.after)
    for feature in involved:
        if limiting is None and _is_plenty(step, feature.id):
            continue
        after = _access(step, step.after, feature, limiting)
        if after.held_by is None or not _access(step, step.before, feature, _limiting(step, step.before)).allowed:
            continue
        body = {**step.body(feature.id, step.entity), "limit_type": after.held_by.value}
        cap = _cap_of(after, feature, limiting)
        if cap:
            body["filter"] = {"properties": dict(cap)}
        yield Notice(LIMIT_REACHED, body, f"{LIMIT_REACHED}:{step.entity_key or ''}:{feature.id}:{after.held_by}")


def _is_plenty(step: Step, feature_id: str) -> bool:
    """Whether it can be told without judging that something is left."""
    grants = visible(step.after.grants, step.entity_key)
    return any(grant.feature_id == feature_id and grant.balance > TINY for grant in grants)


def _access(step: Step, snapshot: BalanceSnapshot, feature: Feature, limiting: Limiting | None) -> Access:
    return compute_access(feature, TINY, visible(snapshot.grants, step.entity_key), snapshot.features, limiting)


def _limiting(step: Step, snapshot: BalanceSnapshot) -> Limiting | None:
    return limiting_of(snapshot, entity_key=step.entity_key, properties=step.properties, now=step.now)


def _cap_of(access: Access, feature: Feature, limiting: Limiting | None) -> tuple[tuple[str, str], ...]:
    """The filter of the usage limit that is reached; empty for one that counts everything, or for another limit."""
    if limiting is None or access.held_by is not LimitKind.USAGE_LIMIT:
        return ()
    ids = dict.fromkeys((feature.id, access.feature_id))
    reached = [gauge for feature_id in ids for gauge in limiting.gauges(feature_id) if gauge.headroom < TINY]
    return min((gauge.limit.filter for gauge in reached), default=(), key=len)
