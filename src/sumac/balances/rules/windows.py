"""The windows of usage limits: when they begin and end, whose usage they count, and how much (billing.md §6.4).

A count goes on as long as the bounds of its window are the same; when they are over, or a change of plan moves them, it
begins at zero.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sumac.balances.controls import ControlSource, UsageLimit, WindowAnchor, WindowInterval
from sumac.balances.model import BalanceSnapshot, Grant, HeldPlan, UsageWindow
from sumac.balances.rules.deduct import visible
from sumac.balances.rules.resolve import Decided
from sumac.core.quantity import rounded
from sumac.core.time import Cadence, Interval, Period, cycle, cycle_start

WindowKey = tuple[str, str, str]
ALL_USAGE = ""
CUSTOMER = ""
MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
NEW_YEAR = datetime(1970, 1, 1, tzinfo=UTC)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Gauge:
    """A usage limit that is in force, and the window that counts for it now."""

    limit: UsageLimit
    window: UsageWindow

    @property
    def headroom(self) -> Decimal:
        """Units that may be used yet before the window ends."""
        return max(ZERO, self.limit.limit - self.window.used)

    def counted(self, amount: Decimal) -> UsageWindow:
        """The window once so much more (less, when negative) is counted; never below zero."""
        return replace(self.window, used=max(ZERO, rounded(self.window.used + amount)))


def key_of(window: UsageWindow) -> WindowKey:
    """What tells the windows of one customer apart."""
    return window.feature_id, window.entity_key, window.condition


def condition_of(limit: UsageLimit) -> str:
    """The filter as a text; "" counts all usage."""
    return json.dumps(limit.filter, ensure_ascii=False) if limit.filter else ALL_USAGE


def counts(limit: UsageLimit, properties: Mapping[str, Any]) -> bool:
    """Whether usage with these properties is counted: every one the filter names has its value, compared as texts."""
    return all(name in properties and text_of(properties[name]) == value for name, value in limit.filter)


def text_of(value: Any) -> str | None:  # noqa: ANN401  # a value of JSON
    """A property as the text that filters compare: numbers without needless zeros; None for what has none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, Mapping | list):
        return None
    number = Decimal(str(value))
    return str(int(number)) if number == number.to_integral_value() else f"{number.normalize():f}"


def gauge_of(
    decided: Decided[UsageLimit],
    snapshot: BalanceSnapshot,
    windows: Mapping[WindowKey, UsageWindow],
    *,
    entity_key: str | None,
    now: datetime,
) -> Gauge:
    """The limit with its running window.

    An entity's own limit, or that of its plan, counts the usage of that entity; the customer's, and those of the
    customer's plans, count everybody's together.
    """
    limit = decided.entry
    whose = counter_of(decided, entity_key)
    period = bounds(limit, snapshot, entity_key=whose or None, now=now)
    fresh = UsageWindow(
        snapshot.customer.key, limit.feature_id, whose, condition_of(limit), period.start, period.end, ZERO
    )
    running = windows.get(key_of(fresh))
    kept = running is not None and (running.starts_at, running.ends_at) == (period.start, period.end)
    return Gauge(limit, running if kept and running is not None else fresh)


def counter_of(decided: Decided[UsageLimit], entity_key: str | None) -> str:
    """Whose count it is: the entity's key, or "" for the customer's."""
    if decided.source is ControlSource.ENTITY:
        return entity_key or CUSTOMER
    return (decided.plan.entity_key if decided.plan is not None else None) or CUSTOMER


def bounds(limit: UsageLimit, snapshot: BalanceSnapshot, *, entity_key: str | None, now: datetime) -> Period:
    """When the window that runs now began and will end.

    Windows of the billing cycle are counted from the resets of the grant that owns them, or from the cycle of its plan:
    a plan's grant before one without, a plan that is paid before one that is past due, main before add-on, oldest
    first. Where there is none they are those of the calendar in UTC: weeks begin on Monday.
    """
    anchor = None
    if limit.anchor is WindowAnchor.BILLING_CYCLE:
        anchor = _billing_anchor(limit.feature_id, snapshot, entity_key)
    if anchor is None:
        anchor = MONDAY if limit.interval is WindowInterval.WEEK else NEW_YEAR
    return cycle(anchor, Cadence(Interval(limit.interval)), now)


def _billing_anchor(feature_id: str, snapshot: BalanceSnapshot, entity_key: str | None) -> datetime | None:
    grants = [each for each in visible(snapshot.grants, entity_key) if each.rollover_of is None]
    own = [each for each in grants if each.feature_id == feature_id]
    if not own:
        systems = {each.id for each in snapshot.features if each.credit_cost_of(feature_id) is not None}
        own = [each for each in grants if each.feature_id in systems]
    plans = {plan.customer_plan_id: plan for plan in snapshot.plans}
    for grant in sorted(own, key=lambda each: _rank(each, plans)):
        anchor = _anchor_of(grant, plans.get(grant.customer_plan_id or ""))
        if anchor is not None:
            return anchor
    return None


def _rank(grant: Grant, plans: Mapping[str, HeldPlan]) -> tuple[object, ...]:
    plan = plans.get(grant.customer_plan_id or "")
    return (plan is None, plan is not None and plan.past_due, grant.add_on, grant.created_at, grant.id)


def _anchor_of(grant: Grant, plan: HeldPlan | None) -> datetime | None:
    """An instant at which the grant's cycle begins: its anchor, unless its next reset was set to another day."""
    if grant.resets_at is not None and grant.reset is not None:
        aligned = cycle_start(grant.anchor_at, grant.reset, grant.resets_at) == grant.resets_at
        return grant.anchor_at if aligned else grant.resets_at
    return plan.anchor_at if plan is not None and plan.recurring else None
