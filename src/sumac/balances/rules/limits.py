"""What limits one piece of usage beside the balance: overage controls, spend limits, usage limits (billing.md §6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sumac.balances.model import BalanceSnapshot, UsageWindow
from sumac.balances.requests import OverageBehavior
from sumac.balances.rules.deduct import Deducted, FeatureLimits, Source, compute_deduction
from sumac.balances.rules.resolve import (
    Tiers,
    allowance_of,
    resolve_overage,
    resolve_spend_limit,
    resolve_usage_limits,
    spend_cap,
    tiers_of,
)
from sumac.balances.rules.windows import Gauge, WindowKey, counts, gauge_of, key_of
from sumac.catalog.model import Feature, FeatureKind

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Limiting:
    """What may limit one piece of usage: whose it is, its properties, when it is, and what was counted so far."""

    snapshot: BalanceSnapshot
    tiers: Tiers
    properties: Mapping[str, Any]
    now: datetime
    windows: Mapping[WindowKey, UsageWindow]

    def of(self, feature_id: str) -> FeatureLimits:
        """What limits the overage of the feature's grants."""
        allowance = partial(allowance_of, self.snapshot, self.tiers, feature_id)
        overage = resolve_overage(self.tiers, feature_id)
        spend = resolve_spend_limit(self.tiers, feature_id, allowance)
        return FeatureLimits(
            overage=None if overage is None else overage.entry.enabled,
            spend_cap=None if spend is None else spend_cap(spend.entry, allowance),
        )

    def gauges(self, feature_id: str) -> Sequence[Gauge]:
        """The usage limits of the feature that count this usage, with their running windows."""
        return [
            gauge_of(decided, self.snapshot, self.windows, entity_key=self.tiers.entity_key, now=self.now)
            for decided in resolve_usage_limits(self.tiers, feature_id)
            if decided.entry.enabled and counts(decided.entry, self.properties)
        ]

    def after(self, counted: Sequence[UsageWindow]) -> "Limiting":
        """The same, once these windows are counted."""
        windows = {**self.windows, **{key_of(each): each for each in counted}}
        return Limiting(self.snapshot, self.tiers, self.properties, self.now, windows)


def limiting_of(
    snapshot: BalanceSnapshot, *, entity_key: str | None, properties: Mapping[str, Any], now: datetime
) -> Limiting | None:
    """What may limit the usage of the customer, or of the entity; None when there is no control at all."""
    tiers = tiers_of(snapshot, entity_key)
    if tiers is None:
        return None
    return Limiting(snapshot, tiers, properties, now, {key_of(each): each for each in snapshot.windows})


def headroom_of(gauges: Sequence[Gauge]) -> Decimal | None:
    """Units that every one of the limits still lets pass; None when there is no limit."""
    return min((gauge.headroom for gauge in gauges), default=None)


def deduct_within(
    limiting: Limiting, feature: Feature, sources: Sequence[Source], value: Decimal, behavior: OverageBehavior
) -> tuple[Deducted, tuple[UsageWindow, ...]]:
    """What the usage takes within its limits, and the windows that have counted it.

    A metered feature's limit counts what was used of it, whoever paid; that of a credit system counts the credits that
    were taken, without those that rolled over. Overflow passes usage limits, and they count it; what is given back and
    what an unlimited grant absorbs is not counted.
    """
    limits = {key: limiting.of(key) for key in dict.fromkeys(source.grant.feature_id for source in sources)}
    if value <= 0 or any(source.grant.unlimited for source in sources):
        return compute_deduction(sources, value, behavior, limits), ()
    metered = feature.kind is FeatureKind.METERED
    own = limiting.gauges(feature.id) if metered else ()
    systems = {key: limiting.gauges(key) for key in limits if not (metered and key == feature.id)}
    wanted = value
    if behavior is not OverageBehavior.OVERFLOW:
        headroom = headroom_of(own)
        wanted = value if headroom is None else min(value, headroom)
        for key, gauges in systems.items():
            limit = limits[key]
            limits[key] = FeatureLimits(limit.overage, limit.spend_cap, headroom_of(gauges))
    deducted = compute_deduction(sources, wanted, behavior, limits)
    counted = [gauge.counted(wanted - deducted.shortfall) for gauge in own]
    counted += [gauge.counted(_drained(key, deducted)) for key, gauges in systems.items() for gauge in gauges]
    before = {key_of(gauge.window): gauge.window for gauges in (own, *systems.values()) for gauge in gauges}
    changed = tuple(window for window in counted if window.used != before[key_of(window)].used)
    return Deducted(deducted.taken, deducted.shortfall + value - wanted), changed


def is_held_by_window(limiting: Limiting, sources: Sequence[Source], value: Decimal) -> bool:
    """Whether units that do not fit would, if no usage limit counted them."""
    limits = {key: limiting.of(key) for key in dict.fromkeys(source.grant.feature_id for source in sources)}
    return compute_deduction(sources, value, OverageBehavior.REJECT, limits).shortfall <= 0


def uncounted(
    limiting: Limiting, feature: Feature, units: Decimal, credits_: Mapping[str, Decimal], *, since: datetime
) -> tuple[UsageWindow, ...]:
    """The windows once so many tracked units, and credits by system, that were counted at `since` count no more.

    Windows that began after that never counted them.
    """
    amounts = {**credits_, feature.id: units} if feature.kind is FeatureKind.METERED else credits_
    return tuple(
        gauge.counted(-amount)
        for feature_id, amount in amounts.items()
        for gauge in limiting.gauges(feature_id)
        if amount and gauge.window.starts_at <= since and gauge.window.used
    )


def _drained(feature_id: str, deducted: Deducted) -> Decimal:
    return sum(
        (
            taken.amount
            for taken in deducted.taken
            if taken.grant.feature_id == feature_id and taken.grant.rollover_of is None
        ),
        ZERO,
    )
