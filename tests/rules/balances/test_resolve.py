"""Whose control decides (billing.md §6.1)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from sumac.balances.controls import (
    NO_CONTROLS,
    AutoTopup,
    ControlSource,
    OverageControl,
    SpendLimit,
    ThresholdType,
    UsageAlert,
    UsageLimit,
    WindowAnchor,
    WindowInterval,
)
from sumac.balances.model import BalanceSnapshot, HeldPlan
from sumac.balances.rules.limits import limiting_of
from sumac.balances.rules.resolve import (
    Tiers,
    compute_allowance,
    is_unbilled,
    resolve_alerts,
    resolve_overage,
    resolve_spend_limit,
    resolve_topups,
    resolve_usage_limits,
    tiers_of,
)
from tests.rules.limited import (
    NOON,
    PAID,
    REJECT,
    asked,
    balances,
    controls,
    daily,
    held_plan,
    limited,
    overage,
    percentage,
    spend_limit,
    usage_limit,
    used,
)
from tests.rules.offers import JANUARY, grant

Entry = OverageControl | SpendLimit | UsageLimit
OFF_25 = spend_limit(25, enabled=False)
UTC, CYCLE = WindowAnchor.UTC, WindowAnchor.BILLING_CYCLE


def tiers(entity: Sequence[Entry], customer: Sequence[Entry], *plans: Sequence[Entry]) -> Tiers:
    """Entries of an entity, of its customer, and of plans, the first attached first."""
    held = tuple(
        held_plan(f"plan{number}", *entries, created_at=JANUARY + timedelta(days=number))
        for number, entries in enumerate(plans)
    )
    return Tiers("e1", controls(*entity), controls(*customer), held)


def hundred() -> Decimal:
    """What percentages are of."""
    return Decimal(100)


def nothing() -> Decimal:
    """No allowance at all."""
    return Decimal(0)


@pytest.mark.parametrize(
    ("given", "decided"),
    [
        pytest.param(tiers([], []), None, id="nobody"),
        pytest.param(tiers([], [overage("words")]), None, id="another-feature"),
        pytest.param(tiers([overage(enabled=False)], [overage()]), (False, "entity"), id="entity-false-beats-customer"),
        pytest.param(tiers([overage()], [overage(enabled=False)]), (True, "entity"), id="entity-true-beats-customer"),
        pytest.param(tiers([overage("words")], [overage()]), (True, "customer"), id="entity-says-nothing-of-it"),
        pytest.param(tiers([], [overage()], [overage(enabled=False)]), (True, "customer"), id="customer-beats-plan"),
        pytest.param(tiers([], [], [overage()]), (True, "plan"), id="plan"),
        pytest.param(
            tiers([], [], [overage()], [overage(enabled=False)]), (False, "plan"), id="disabled-beats-enabled"
        ),
        pytest.param(tiers([], [], [overage(enabled=False)], [overage()]), (False, "plan"), id="whichever-came-first"),
    ],
)
def test_overage_allowed(given: Tiers, decided: tuple[bool, str] | None) -> None:
    """The nearest tier with an entry decides; among plans forbidden beats allowed."""
    found = resolve_overage(given, "messages")

    assert decided == (None if found is None else (found.entry.enabled, found.source.value))


@pytest.mark.parametrize(
    ("given", "decided"),
    [
        pytest.param(tiers([], []), None, id="nobody"),
        pytest.param(tiers([], [OFF_25], [spend_limit(10)]), OFF_25, id="a-disabled-entry-hides-the-plans"),
        pytest.param(tiers([spend_limit(9)], [spend_limit(1)]), spend_limit(9), id="entity-beats-a-lower-customer"),
        pytest.param(
            tiers([], [spend_limit(None)], [spend_limit(10)]), spend_limit(None), id="fields-are-not-inherited"
        ),
        pytest.param(tiers([], [], [spend_limit(10)], [spend_limit(50)]), spend_limit(10), id="lower-first"),
        pytest.param(tiers([], [], [spend_limit(50)], [spend_limit(10)]), spend_limit(10), id="lower-later"),
        pytest.param(tiers([], [], [OFF_25], [spend_limit(50)]), spend_limit(50), id="enabled-beats-disabled"),
        pytest.param(tiers([], [], [percentage(20)], [spend_limit(21)]), percentage(20), id="20-percent-of-100"),
        pytest.param(tiers([], [], [percentage(20)], [spend_limit(19)]), spend_limit(19), id="less-than-20-percent"),
        pytest.param(tiers([], [], [spend_limit(None)], [spend_limit(50)]), spend_limit(50), id="a-limit-beats-none"),
        pytest.param(tiers([], [spend_limit(5, None)]), spend_limit(5, None), id="every-feature"),
        pytest.param(
            tiers([], [spend_limit(5, None), spend_limit(50)]), spend_limit(50), id="this-feature-before-every-feature"
        ),
        pytest.param(tiers([spend_limit(5, None)], [spend_limit(50)]), spend_limit(5, None), id="nearest-tier-first"),
    ],
)
def test_spend_limits(given: Tiers, decided: SpendLimit | None) -> None:
    """The nearest tier decides wholesale; among plans the lowest limit that is enabled."""
    found = resolve_spend_limit(given, "messages", hundred)

    assert decided == (None if found is None else found.entry)


def test_a_percentage_of_nothing_limits_nothing() -> None:
    """Without an allowance the other plan's limit is the lower one."""
    found = resolve_spend_limit(tiers([], [], [percentage(20)], [spend_limit(10**6)]), "messages", nothing)

    assert found is not None
    assert spend_limit(10**6) == found.entry


def test_what_percentages_are_of() -> None:
    """Included units of main recurring plans; no add-on, one-off, prepaid, edited, rolled-over or loose units."""
    plans = [
        held_plan("main"),
        held_plan("other"),
        held_plan("extra", add_on=True),
        held_plan("once", recurring=False),
    ]
    grants = [
        grant("messages", 100, 70, id="a", customer_plan_id="held-main", prepaid=500, adjustment=Decimal(7)),
        grant("messages", 50, id="b", customer_plan_id="held-other"),
        grant("messages", 1000, id="c", customer_plan_id="held-extra", add_on=True),
        grant("messages", 1000, id="d", customer_plan_id="held-once"),
        grant("messages", 1000, id="e"),
        grant("messages", 1000, id="f", customer_plan_id="held-main", rollover_of="a"),
        grant("words", 1000, id="g", customer_plan_id="held-main"),
    ]

    assert 150 == compute_allowance("messages", grants, plans)


@pytest.mark.parametrize(
    ("given", "decided"),
    [
        pytest.param(tiers([], []), [], id="nobody"),
        pytest.param(tiers([], [usage_limit(9)], [usage_limit(5)]), [usage_limit(9)], id="customer-beats-plan"),
        pytest.param(
            tiers([], [usage_limit(9, enabled=False)], [usage_limit(5)]),
            [usage_limit(9, enabled=False)],
            id="a-disabled-entry-hides-the-plans",
        ),
        pytest.param(
            tiers([usage_limit(7, properties={"region": "eu"})], [usage_limit(9)]),
            [usage_limit(7, properties={"region": "eu"})],
            id="an-entry-with-a-filter-hides-all-of-the-feature",
        ),
        pytest.param(tiers([], [], [usage_limit(9)], [usage_limit(5)]), [usage_limit(5)], id="lower-limit"),
        pytest.param(
            tiers([], [], [usage_limit(5, enabled=False)], [usage_limit(9)]), [usage_limit(9)], id="enabled-first"
        ),
        pytest.param(
            tiers([], [], [usage_limit(299)], [usage_limit(10, interval=WindowInterval.DAY)]),
            [usage_limit(299)],
            id="299-a-month-below-10-a-day",
        ),
        pytest.param(
            tiers([], [], [usage_limit(301)], [usage_limit(10, interval=WindowInterval.DAY)]),
            [usage_limit(10, interval=WindowInterval.DAY)],
            id="301-a-month-above-10-a-day",
        ),
        pytest.param(
            tiers(
                [],
                [],
                [usage_limit(70, interval=WindowInterval.WEEK)],
                [usage_limit("3649.9999999999", interval=WindowInterval.YEAR)],
            ),
            [usage_limit("3649.9999999999", interval=WindowInterval.YEAR)],
            id="a-hair-below-10-a-day-in-a-year",
        ),
        pytest.param(
            tiers([], [], [usage_limit(300)], [daily(10)], [usage_limit(70, interval=WindowInterval.WEEK)]),
            [daily(10)],
            id="equal-rates-the-calendar-wins",
        ),
        pytest.param(
            tiers([], [], [usage_limit(5), usage_limit(3, properties={"region": "eu"})], [usage_limit(4)]),
            [usage_limit(4), usage_limit(3, properties={"region": "eu"})],
            id="each-filter-by-itself",
        ),
    ],
)
def test_usage_limits(given: Tiers, decided: Sequence[UsageLimit]) -> None:
    """The nearest tier decides wholesale; among plans enabled first, then the lower rate per day, then utc."""
    assert decided == [each.entry for each in resolve_usage_limits(given, "messages")]


def test_alerts_and_topups_are_those_of_the_newest_plan() -> None:
    """What is sent or bought is not a question of restriction."""

    def alerting(threshold: int) -> UsageAlert:
        return UsageAlert("messages", enabled=True, threshold=Decimal(threshold), threshold_type=ThresholdType.USAGE)

    def topping_up(quantity: int) -> AutoTopup:
        return AutoTopup("messages", enabled=True, threshold=Decimal(1), quantity=Decimal(quantity))

    def plan(number: int) -> HeldPlan:
        own = replace(controls(), usage_alerts=(alerting(number),), auto_topups=(topping_up(number),))
        return held_plan(f"plan{number}", controls=own)

    every = replace(alerting(3), feature_id=None)
    of_plans = Tiers(None, controls(), controls(), (plan(1), plan(2), held_plan("plain")))
    own = replace(
        of_plans, customer=replace(controls(), usage_alerts=(alerting(9), every), auto_topups=(topping_up(9),))
    )

    assert [alerting(2)] == [each.entry for each in resolve_alerts(of_plans, "messages")]
    assert [alerting(9), every] == [each.entry for each in resolve_alerts(own, "messages")]
    assert [every] == [each.entry for each in resolve_alerts(own, "words")]
    assert [] == resolve_alerts(of_plans, "words")
    assert {"messages": (topping_up(2), plan(2))} == {
        key: (each.entry, each.plan) for key, each in resolve_topups(of_plans).items()
    }
    assert {"messages": (topping_up(9), ControlSource.CUSTOMER)} == {
        key: (each.entry, each.source) for key, each in resolve_topups(own).items()
    }


def test_whose_entries_count() -> None:
    """Plans of another entity say nothing; without any entry there is nothing to look at."""
    own, other, shared = (
        held_plan("own", overage(), entity_key="e1"),
        held_plan("other", overage(enabled=False), entity_key="e2"),
        held_plan("shared"),
    )
    before = limited([], plans=[own, other, shared], entities={"e1": [], "e2": []})
    of_e1, of_customer = tiers_of(before, "e1"), tiers_of(before, None)

    assert of_e1 is not None
    assert (own, shared) == of_e1.plans
    assert of_customer is not None
    assert (shared,) == of_customer.plans
    assert tiers_of(before, "e2") is not None


def test_nothing_is_limited_without_entries() -> None:
    """The usual case costs nothing: nothing is resolved, nothing counted."""
    plans = [held_plan("plain", controls=NO_CONTROLS)]
    before = limited([grant("messages", 100)], plans=plans, controls=NO_CONTROLS)

    assert tiers_of(before, None) is None
    assert tiers_of(before, "e1") is None
    assert limiting_of(before, entity_key=None, properties={}, now=NOON) is None
    assert asked(before, 100).allowed
    assert ([0], ()) == (balances(used(before, 100, REJECT)), used(before, 100).windows)


@pytest.mark.parametrize(
    ("before", "unbilled"),
    [
        pytest.param(limited([], controls=NO_CONTROLS), False, id="nobody-says-anything"),
        pytest.param(limited([], overage()), False, id="nobody-says-anything-of-it"),
        pytest.param(limited([], spend_limit(25)), False, id="billed-up-to-the-limit"),
        pytest.param(limited([], spend_limit(25, skip_overage_billing=True)), True, id="not-billed"),
        pytest.param(limited([], spend_limit(None, None, skip_overage_billing=True)), True, id="nothing-is-billed"),
        pytest.param(limited([], spend_limit(25, enabled=False, skip_overage_billing=True)), False, id="disabled"),
        pytest.param(limited([], spend_limit(25, "words", skip_overage_billing=True)), False, id="another-feature"),
        pytest.param(
            limited([], spend_limit(25), plans=[held_plan("pro", spend_limit(9, skip_overage_billing=True))]),
            False,
            id="hidden-by-the-customers-entry",
        ),
        pytest.param(
            limited([], spend_limit(25), entities={"e1": [spend_limit(None, skip_overage_billing=True)]}),
            True,
            id="the-entitys-own-entry",
        ),
    ],
)
def test_overage_that_is_not_billed(before: BalanceSnapshot, *, unbilled: bool) -> None:
    """The entry that decides says so, of the feature, while it is enabled (billing.md §6.3)."""
    whose = "e1" if before.entities else None

    assert unbilled is is_unbilled(before, grant("messages", 0, 9, entity_key=whose, **PAID))
