"""What is kept of billing controls: entries of customers, entities and plans, and the counts of usage limits."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from sumac.balances.controls import NO_CONTROLS, ControlSet, UsageAlert
from sumac.balances.model import BalanceSnapshot, Grant, HeldPlan, UsageWindow
from sumac.balances.rules.windows import text_of
from sumac.catalog.model import Feature
from sumac.customers.model import Customer, Entity
from sumac.organizations.settings import get_billing_settings
from sumac.storage.prepared import Row, replacing
from sumac.storage.schema import TENANT, customer_plans, plans, usage_windows
from sumac.storage.work import Work

CONTROLS = TypeAdapter(ControlSet)
COUNTED = replacing(usage_windows, ("starts_at", "ends_at", "used"))
USABLE = ("active", "past_due")
PAST_DUE = "past_due"
NOBODY: Mapping[str, ControlSet] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class KeptLimits:
    """The entries that may decide about the usage of one customer, and the running counts."""

    plans: tuple[HeldPlan, ...] = ()
    controls: ControlSet = NO_CONTROLS
    entity_controls: Mapping[str, ControlSet] = field(default_factory=dict)
    windows: tuple[UsageWindow, ...] = ()
    organization_alerts: tuple[UsageAlert, ...] = ()


async def load(work: Work, customer: Customer, entities: Sequence[Entity]) -> KeptLimits:
    """What limits the customer's usage, and that of their entities."""
    held = (await held_plans(work, [customer.key]))[customer.key]
    controls = parse_controls(customer.billing_controls)
    own = ((entity.key, parse_controls(entity.billing_controls)) for entity in entities)
    of_entities = {key: each for key, each in own if each is not NO_CONTROLS}
    counted = any(each.usage_limits for each in (controls, *of_entities.values(), *(plan.controls for plan in held)))
    windows = (await running_windows(work, [customer.key]))[customer.key] if counted else ()
    of_tenant = parse_controls({"usage_alerts": (await get_billing_settings(work)).usage_alerts})
    return KeptLimits(tuple(held), controls, of_entities or NOBODY, tuple(windows), of_tenant.usage_alerts)


async def snapshots(
    work: Work, customers: Sequence[Customer], grants: Mapping[str, Sequence[Grant]], features: Sequence[Feature]
) -> Mapping[str, BalanceSnapshot]:
    """What limits the usage of several customers, by customer key; nothing of their entities."""
    keys = [customer.key for customer in customers]
    held, windows = await held_plans(work, keys), await running_windows(work, keys)
    return {
        customer.key: BalanceSnapshot(
            customer=customer,
            grants=tuple(grants[customer.key]),
            features=tuple(features),
            plans=tuple(held.get(customer.key, ())),
            controls=parse_controls(customer.billing_controls),
            windows=tuple(windows.get(customer.key, ())),
        )
        for customer in customers
    }


async def held_plans(work: Work, customer_keys: Collection[str]) -> Mapping[str, Sequence[HeldPlan]]:
    """The plans that give access to each of the customers, oldest first."""
    statement = (
        work.select_columns(customer_plans, *customer_plans.c, plans.c.add_on, plans.c.billing_controls)
        .join(
            plans,
            sa.and_(plans.c[TENANT] == customer_plans.c[TENANT], plans.c.id == customer_plans.c.plan_id),
        )
        .where(customer_plans.c.customer_key.in_(customer_keys), customer_plans.c.status.in_(USABLE))
        .order_by(customer_plans.c.created_at, customer_plans.c.id)
    )
    found: dict[str, list[HeldPlan]] = defaultdict(list)
    for row in await work.all(statement):
        found[row.customer_key].append(_held_plan(row))
    return found


async def running_windows(work: Work, customer_keys: Collection[str]) -> Mapping[str, Sequence[UsageWindow]]:
    """The counts of each of the customers, those of windows that are over, too."""
    found: dict[str, list[UsageWindow]] = defaultdict(list)
    for row in await work.all(work.select(usage_windows).where(usage_windows.c.customer_key.in_(customer_keys))):
        found[row.customer_key].append(_window(row))
    return found


def row(window: UsageWindow) -> Row:
    """A count as a row."""
    return {
        "customer_key": window.customer_key,
        "feature_id": window.feature_id,
        "entity_key": window.entity_key,
        "condition": window.condition,
        "starts_at": window.starts_at,
        "ends_at": window.ends_at,
        "used": window.used,
    }


def parse_controls(stored: Mapping[str, Any] | None) -> ControlSet:
    """The entries from the JSON they are kept as; NO_CONTROLS itself when there are none."""
    if not stored or not any(stored.values()):
        return NO_CONTROLS
    lists: dict[str, list[dict[str, Any]]] = {
        name: [{"feature_id": None, **entry} for entry in entries] for name, entries in stored.items()
    }
    for limit in lists.get("usage_limits", ()):
        limit["filter"] = _conditions(limit.get("filter"))
    return CONTROLS.validate_python(lists)


def _conditions(stored: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    return sorted((name, text_of(value) or "") for name, value in stored["properties"].items()) if stored else []


def _held_plan(row: sa.Row[Any]) -> HeldPlan:
    return HeldPlan(
        customer_plan_id=row.id,
        plan_id=row.plan_id,
        created_at=row.created_at,
        anchor_at=row.anchor_at,
        add_on=row.add_on,
        recurring=row.recurring,
        past_due=row.status == PAST_DUE,
        entity_key=row.entity_key,
        controls=parse_controls(row.billing_controls),
    )


def _window(row: sa.Row[Any]) -> UsageWindow:
    return UsageWindow(
        customer_key=row.customer_key,
        feature_id=row.feature_id,
        entity_key=row.entity_key,
        condition=row.condition,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        used=row.used,
    )
