"""Whose billing control decides about a feature (billing.md §6.1).

The nearest tier with an entry for the feature wins wholesale: the entity's, then the customer's, then the plans'. Among
several plans the most restrictive entry wins where usage is limited, the newest plan's where something is sent or
bought.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Generic, TypeVar

from sumac.balances.controls import (
    NO_CONTROLS,
    AutoTopup,
    ControlSet,
    ControlSource,
    LimitType,
    OverageControl,
    SpendLimit,
    UsageAlert,
    UsageLimit,
    WindowAnchor,
    WindowInterval,
)
from sumac.balances.model import BalanceSnapshot, Grant, HeldPlan
from sumac.balances.rules.deduct import visible
from sumac.core.quantity import rounded

Entry = TypeVar("Entry")

DAYS = {WindowInterval.DAY: 1, WindowInterval.WEEK: 7, WindowInterval.MONTH: 30, WindowInterval.YEAR: 365}
HUNDRED = Decimal(100)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Tiers:
    """The entries that may decide about usage, of one entity when `entity_key` is set; `plans` oldest first."""

    entity_key: str | None
    entity: ControlSet
    customer: ControlSet
    plans: tuple[HeldPlan, ...]


@dataclass(frozen=True, slots=True)
class Decided(Generic[Entry]):
    """The entry that decides, whose it is, and the plan it comes with when it is a plan's."""

    entry: Entry
    source: ControlSource
    plan: HeldPlan | None = None


def tiers_of(snapshot: BalanceSnapshot, entity_key: str | None) -> Tiers | None:
    """Whose entries may decide; None when nobody has any.

    Plans of an entity decide about the usage of that entity only.
    """
    own = NO_CONTROLS if entity_key is None else snapshot.entity_controls.get(entity_key, NO_CONTROLS)
    plans = snapshot.plans
    if own is NO_CONTROLS and snapshot.controls is NO_CONTROLS:
        for plan in plans:
            if plan.controls is not NO_CONTROLS:
                break
        else:
            return None
    return Tiers(
        entity_key, own, snapshot.controls, tuple(each for each in plans if each.entity_key in {None, entity_key})
    )


def has_usage_limits(snapshot: BalanceSnapshot) -> bool:
    """Whether anybody limits usage by time, so that an answer may be another one at another time."""
    controls = (snapshot.controls, *snapshot.entity_controls.values(), *(plan.controls for plan in snapshot.plans))
    return any(each.usage_limits for each in controls)


def resolve_overage(tiers: Tiers, feature_id: str | None) -> Decided[OverageControl] | None:
    """Whether overage is allowed or forbidden, when anybody says so; forbidden beats allowed among plans."""
    found = _decisive(
        tiers, lambda controls: [each for each in controls.overage_allowed if each.feature_id == feature_id]
    )
    return min(found, key=lambda each: each.entry.enabled, default=None)


def resolve_spend_limit(
    tiers: Tiers, feature_id: str | None, allowance: Callable[[], Decimal]
) -> Decided[SpendLimit] | None:
    """The spend limit of the feature; among plans one that is enabled, then the lower number of units, wins.

    `allowance` is asked for the units that a percentage is of. In one tier an entry for the feature hides that for
    every feature.
    """

    def entries(controls: ControlSet) -> Sequence[SpendLimit]:
        own = [each for each in controls.spend_limits if each.feature_id == feature_id]
        return own or [each for each in controls.spend_limits if each.feature_id is None]

    def laxity(each: Decided[SpendLimit]) -> tuple[bool, bool, Decimal]:
        cap = spend_cap(each.entry, allowance)
        return (not each.entry.enabled, cap is None, cap or ZERO)

    found = _decisive(tiers, entries)
    return found[0] if len(found) == 1 else min(found, key=laxity, default=None)


def spend_cap(limit: SpendLimit, allowance: Callable[[], Decimal]) -> Decimal | None:
    """Units of overage that the limit allows; None when it says nothing: it is disabled, or a percentage of nothing."""
    if not limit.enabled or limit.overage_limit is None:
        return None
    if limit.limit_type is LimitType.ABSOLUTE:
        return limit.overage_limit
    base = allowance()
    return rounded(limit.overage_limit * base / HUNDRED) if base > 0 else None


def compute_allowance(feature_id: str | None, grants: Iterable[Grant], plans: Iterable[HeldPlan]) -> Decimal:
    """What the main recurring plans include of the feature: no add-ons, nothing bought, nothing rolled over (§6.3)."""
    main = {plan.customer_plan_id for plan in plans if plan.recurring and not plan.add_on}
    return sum(
        (
            grant.included
            for grant in grants
            if grant.feature_id == feature_id and grant.customer_plan_id in main and grant.rollover_of is None
        ),
        ZERO,
    )


def allowance_of(snapshot: BalanceSnapshot, tiers: Tiers, feature_id: str | None) -> Decimal:
    """What percentages of the feature are of, for the customer or for the entity."""
    return compute_allowance(feature_id, visible(snapshot.grants, tiers.entity_key), snapshot.plans)


def is_unbilled(snapshot: BalanceSnapshot, grant: Grant) -> bool:
    """Whether the spend limit that decides about the grant's feature says that its overage is not billed."""
    tiers = tiers_of(snapshot, grant.entity_key)
    if tiers is None:
        return False
    limit = resolve_spend_limit(tiers, grant.feature_id, partial(allowance_of, snapshot, tiers, grant.feature_id))
    return limit is not None and limit.entry.enabled and limit.entry.skip_overage_billing


def resolve_usage_limits(tiers: Tiers, feature_id: str | None) -> Sequence[Decided[UsageLimit]]:
    """The usage limits of the feature, one for each filter.

    Among plans one that is enabled beats one that is not, then the fewer units per day, then the calendar's windows.
    """
    found = _decisive(tiers, lambda controls: [each for each in controls.usage_limits if each.feature_id == feature_id])
    by_filter: dict[tuple[tuple[str, str], ...], Decided[UsageLimit]] = {}
    for each in found:
        before = by_filter.get(each.entry.filter)
        if before is None or _laxity(each.entry) < _laxity(before.entry):
            by_filter[each.entry.filter] = each
    return tuple(by_filter.values())


def resolve_alerts(tiers: Tiers, feature_id: str | None) -> Sequence[Decided[UsageAlert]]:
    """The alerts of the feature and of every feature; of plans those of the newest with any."""
    found = _decisive(
        tiers, lambda controls: [each for each in controls.usage_alerts if each.feature_id in {None, feature_id}]
    )
    return _newest(found)


def resolve_topups(tiers: Tiers) -> Mapping[str, Decided[AutoTopup]]:
    """The automatic top-up of each feature that has one: the customer's, else that of the newest plan with one."""
    decided: dict[str, Decided[AutoTopup]] = {}
    for plan in tiers.plans:
        decided |= {each.feature_id: Decided(each, ControlSource.PLAN, plan) for each in plan.controls.auto_topups}
    return decided | {each.feature_id: Decided(each, ControlSource.CUSTOMER) for each in tiers.customer.auto_topups}


def _decisive(tiers: Tiers, entries: Callable[[ControlSet], Sequence[Entry]]) -> Sequence[Decided[Entry]]:
    """The entries of the nearest tier that has any."""
    for source, controls in ((ControlSource.ENTITY, tiers.entity), (ControlSource.CUSTOMER, tiers.customer)):
        if controls is not NO_CONTROLS and (own := entries(controls)):
            return [Decided(entry, source) for entry in own]
    return [
        Decided(entry, ControlSource.PLAN, plan)
        for plan in tiers.plans
        if plan.controls is not NO_CONTROLS
        for entry in entries(plan.controls)
    ]


def _laxity(limit: UsageLimit) -> tuple[bool, Fraction, bool]:
    return (
        not limit.enabled,
        Fraction(limit.limit) / DAYS[limit.interval],
        limit.anchor is WindowAnchor.BILLING_CYCLE,
    )


def _newest(found: Sequence[Decided[Entry]]) -> Sequence[Decided[Entry]]:
    return [each for each in found if each.plan is found[-1].plan]
