"""Billing controls as they are shown: whose they are, and what usage limits have counted (billing.md §6.1)."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sumac.api.schemas.wire import as_number
from sumac.balances.controls import ControlSet, ControlSource, PurchaseLimit, UsageLimit
from sumac.balances.model import BalanceSnapshot
from sumac.balances.rules.resolve import (
    Decided,
    Tiers,
    allowance_of,
    resolve_alerts,
    resolve_overage,
    resolve_spend_limit,
    resolve_topups,
    resolve_usage_limits,
    tiers_of,
)
from sumac.balances.rules.windows import gauge_of, key_of
from sumac.billing.rules.topup import in_window
from sumac.billing.topup_model import TopupState
from sumac.core.time import to_ms
from sumac.customers.model import Entity

KINDS = ("auto_topups", "spend_limits", "usage_limits", "usage_alerts", "overage_allowed")

Lists = dict[str, list[dict[str, Any]]]


def customer_controls(limits: BalanceSnapshot, plans: Mapping[str, Mapping[str, Any]], now: datetime) -> Lists:
    """The entries of the customer, and those of their plans that decide, each with its source.

    `plans` are the lists of each plan as they are stored, by the id of the customer's plan.
    """
    show = partial(_shown, limits=limits, now=now)
    shown = {
        kind: [show(own, entry, ControlSource.CUSTOMER) for own, entry in entries]
        for kind, entries in _kept(limits.customer.billing_controls, limits.controls).items()
    }
    tiers = tiers_of(limits, None)
    deciding = _deciding(tiers, limits) if tiers is not None else frozenset()
    for held in limits.plans:
        for kind, entries in _kept(plans.get(held.customer_plan_id, {}), held.controls).items():
            decisive = [show(own, entry, ControlSource.PLAN) for own, entry in entries if id(own) in deciding]
            if decisive:
                shown.setdefault(kind, []).extend(decisive)
    return shown


def entity_controls(entity: Entity, controls: ControlSet, limits: BalanceSnapshot, now: datetime) -> Lists:
    """The entries of the entity itself."""
    show = partial(_shown, source=ControlSource.ENTITY, limits=limits, now=now, entity_key=entity.key)
    return {
        kind: [show(own, entry) for own, entry in entries]
        for kind, entries in _kept(entity.billing_controls, controls).items()
    }


def with_purchases(shown: Lists, states: Mapping[str, TopupState], now: datetime) -> Lists:
    """The same with the purchase limits of automatic top-ups as they stand: what was bought, and when it ends.

    Where no window runs, the next one would begin now.
    """
    entries = [{**entry, "purchase_limit": _purchases(entry, states, now)} for entry in shown.get("auto_topups", ())]
    return {**shown, "auto_topups": entries} if entries else shown


def _purchases(entry: Mapping[str, Any], states: Mapping[str, TopupState], now: datetime) -> dict[str, Any]:
    limit = entry.get("purchase_limit")
    state = states.get(entry["feature_id"])
    if limit is None:
        return {"interval": None, "interval_count": None, "limit": None, "count": 0, "next_reset_at": to_ms(now)}
    kept = PurchaseLimit(limit["interval"], limit["interval_count"], limit["limit"])
    running = in_window(state or TopupState("", entry["feature_id"]), kept, now=now)
    return {**limit, "count": running.purchases, "next_reset_at": to_ms(running.window_ends_at or now)}


def _kept(stored: Mapping[str, Any], controls: ControlSet) -> dict[str, list[tuple[object, Mapping[str, Any]]]]:
    """The entries of each list that there is, together with how they are stored."""
    return {
        kind: list(zip(getattr(controls, kind), stored[kind], strict=True))
        for kind in KINDS
        if stored.get(kind) is not None
    }


def _shown(
    own: object,
    entry: Mapping[str, Any],
    source: ControlSource,
    *,
    limits: BalanceSnapshot,
    now: datetime,
    entity_key: str | None = None,
) -> dict[str, Any]:
    """An entry as it is stored, what a usage limit has counted, and the source, which an entity's goes without."""
    shown = dict(entry)
    if isinstance(own, UsageLimit):
        windows = {key_of(each): each for each in limits.windows}
        gauge = gauge_of(Decided(own, source), limits, windows, entity_key=entity_key, now=now)
        shown["usage"] = as_number(gauge.window.used)
    if source is not ControlSource.ENTITY:
        shown["source"] = source.value
    return shown


def _deciding(tiers: Tiers, limits: BalanceSnapshot) -> frozenset[int]:
    """Which objects, by identity, decide about the features that entries of plans name."""
    named = {entry.feature_id for plan in tiers.plans for kind in KINDS for entry in getattr(plan.controls, kind)}
    found: list[Decided[Any] | None] = [*resolve_topups(tiers).values()]
    for feature_id in named:
        found.append(resolve_overage(tiers, feature_id))
        found.append(resolve_spend_limit(tiers, feature_id, partial(allowance_of, limits, tiers, feature_id)))
        found += [*resolve_usage_limits(tiers, feature_id), *resolve_alerts(tiers, feature_id)]
    return frozenset(id(each.entry) for each in found if each is not None)
