"""Customers whose usage is limited: the snapshots that usage is decided from, and the verbs to use them by."""

# ruff: noqa: ANN401  # `changes` are fields of the value being made, of any type

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sumac.balances.controls import (
    AutoTopup,
    ControlSet,
    LimitType,
    OverageControl,
    SpendLimit,
    ThresholdType,
    UsageAlert,
    UsageLimit,
    WindowAnchor,
    WindowInterval,
)
from sumac.balances.model import BalanceSnapshot, Grant, HeldPlan, UsageDecision
from sumac.balances.requests import OverageBehavior, TrackRequest
from sumac.balances.rules.access import Access, compute_access
from sumac.balances.rules.deduct import visible
from sumac.balances.rules.limits import limiting_of
from sumac.balances.rules.usage import decide_usage, find_entity
from sumac.customers.model import Customer, Entity
from tests.rules.offers import FEATURES, JANUARY, at, usage_based

CAP, REJECT, OVERFLOW = OverageBehavior.CAP, OverageBehavior.REJECT, OverageBehavior.OVERFLOW
Entry = OverageControl | SpendLimit | UsageLimit | UsageAlert | AutoTopup
PAID: Mapping[str, Any] = {"overage_allowed": True, "price": usage_based("0.50")}
NOON = at("2026-01-10 12:00")


def overage(feature_id: str = "messages", *, enabled: bool = True) -> OverageControl:
    """Overage is allowed, or forbidden."""
    return OverageControl(feature_id, enabled)


def spend_limit(limit: int | str | None, feature_id: str | None = "messages", **changes: Any) -> SpendLimit:
    """So many units of overage and no more."""
    cap = None if limit is None else Decimal(limit)
    return replace(SpendLimit(feature_id, enabled=True, overage_limit=cap), **changes)


def percentage(limit: int | str, feature_id: str | None = "messages", **changes: Any) -> SpendLimit:
    """Overage of so many percent of what the main plans include."""
    return spend_limit(limit, feature_id, limit_type=LimitType.PERCENTAGE, **changes)


def usage_limit(limit: int | str, feature_id: str = "messages", **changes: Any) -> UsageLimit:
    """So many units a month and no more."""
    filtered = tuple(sorted(changes.pop("properties", {}).items()))
    plain = UsageLimit(feature_id, enabled=True, limit=Decimal(limit), interval=WindowInterval.MONTH, filter=filtered)
    return replace(plain, **changes)


def daily(limit: int | str, feature_id: str = "messages", **changes: Any) -> UsageLimit:
    """So many units in each UTC day."""
    return usage_limit(limit, feature_id, interval=WindowInterval.DAY, anchor=WindowAnchor.UTC, **changes)


def alert(
    threshold: int | str, kind: str = "remaining", feature_id: str | None = "messages", **changes: Any
) -> UsageAlert:
    """Tells when so much is used or left."""
    plain = UsageAlert(feature_id, enabled=True, threshold=Decimal(threshold), threshold_type=ThresholdType(kind))
    return replace(plain, **changes)


def topup(threshold: int | str, quantity: int | str, feature_id: str = "messages", **changes: Any) -> AutoTopup:
    """Buys so many units when no more than the threshold is left."""
    plain = AutoTopup(feature_id, enabled=True, threshold=Decimal(threshold), quantity=Decimal(quantity))
    return replace(plain, **changes)


def controls(*entries: Entry) -> ControlSet:
    """The entries of somebody."""
    return ControlSet(
        overage_allowed=tuple(each for each in entries if isinstance(each, OverageControl)),
        spend_limits=tuple(each for each in entries if isinstance(each, SpendLimit)),
        usage_limits=tuple(each for each in entries if isinstance(each, UsageLimit)),
        usage_alerts=tuple(each for each in entries if isinstance(each, UsageAlert)),
        auto_topups=tuple(each for each in entries if isinstance(each, AutoTopup)),
    )


def held_plan(plan_id: str = "pro", *entries: Entry, **changes: Any) -> HeldPlan:
    """A main plan held since January, with entries."""
    plain = HeldPlan(
        customer_plan_id=f"held-{plan_id}",
        plan_id=plan_id,
        created_at=JANUARY,
        anchor_at=JANUARY,
        add_on=False,
        recurring=True,
        past_due=False,
        entity_key=None,
        controls=controls(*entries),
    )
    return replace(plain, **changes)


def entity(key: str) -> Entity:
    """An entity with the same key and id."""
    return Entity(key, "cus_1", "seats", JANUARY, id=key)


def limited(
    grants: Sequence[Grant],
    *entries: Entry,
    plans: Sequence[HeldPlan] = (),
    entities: Mapping[str, Sequence[Entry]] | None = None,
    **changes: Any,
) -> BalanceSnapshot:
    """A customer with these grants, entries, plans and entities with entries of theirs."""
    plain = BalanceSnapshot(
        customer=Customer("cus_1", JANUARY, id="acme"),
        grants=tuple(grants),
        features=tuple(FEATURES.values()),
        entities=tuple(entity(key) for key in entities or {}),
        plans=tuple(plans),
        controls=controls(*entries),
        entity_controls={key: controls(*own) for key, own in (entities or {}).items() if own},
    )
    return replace(plain, **changes)


def used(
    before: BalanceSnapshot,
    value: int | str,
    behavior: OverageBehavior = CAP,
    feature_id: str = "messages",
    *,
    entity_id: str | None = None,
    now: datetime = NOON,
    **properties: Any,
) -> BalanceSnapshot:
    """The customer once so much was tracked."""
    return before.after(decided(before, value, behavior, feature_id, entity_id=entity_id, now=now, **properties))


def decided(
    before: BalanceSnapshot,
    value: int | str,
    behavior: OverageBehavior = CAP,
    feature_id: str = "messages",
    *,
    entity_id: str | None = None,
    now: datetime = NOON,
    **properties: Any,
) -> UsageDecision:
    """What tracking so much comes to."""
    request = TrackRequest(
        "acme",
        feature_id,
        entity_id=entity_id,
        value=Decimal(value),
        properties=properties,
        overage_behavior=behavior,
    )
    return decide_usage(before, request, now=now, event_ids=["evt_1"])


def asked(
    before: BalanceSnapshot,
    required: int | str,
    feature_id: str = "messages",
    *,
    entity_id: str | None = None,
    now: datetime = NOON,
    **properties: Any,
) -> Access:
    """The answer to a check."""
    owner = find_entity(before, entity_id)
    key = owner.key if owner else None
    limiting = limiting_of(before, entity_key=key, properties=properties, now=now)
    grants = visible(before.grants, key)
    return compute_access(FEATURES[feature_id], Decimal(required), grants, before.features, limiting)


def balances(snapshot: BalanceSnapshot) -> list[Decimal]:
    """What is left of each grant."""
    return [each.balance for each in snapshot.grants]


def counters(snapshot: BalanceSnapshot) -> Mapping[tuple[str, str], Decimal]:
    """What each usage limit has counted, by feature and entity."""
    return {(each.feature_id, each.entity_key): each.used for each in snapshot.windows}
