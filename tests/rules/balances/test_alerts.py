"""Thresholds that are crossed and limits that are reached (billing.md §6.5)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.controls import NO_CONTROLS
from sumac.balances.model import BalanceSnapshot, Notice
from sumac.balances.rules.access import LimitKind
from sumac.balances.rules.alerts import ALERT_TRIGGERED, LIMIT_REACHED
from tests.rules.limited import (
    OVERFLOW,
    PAID,
    alert,
    controls,
    decided,
    held_plan,
    limited,
    overage,
    spend_limit,
    usage_limit,
    used,
)
from tests.rules.offers import at, grant

INCLUDED, MAX_PURCHASE = LimitKind.INCLUDED, LimitKind.MAX_PURCHASE
SPEND_LIMIT, USAGE_LIMIT = LimitKind.SPEND_LIMIT, LimitKind.USAGE_LIMIT
EVERY_FEATURE = None


def alerts(before: BalanceSnapshot, *usage: Any, **about: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401  # as tracked
    """The bodies of the alerts that fire when this is tracked."""
    return [each.body for each in notices(before, *usage, **about) if each.kind == ALERT_TRIGGERED]


def notices(before: BalanceSnapshot, *usage: Any, **about: Any) -> Sequence[Notice]:  # noqa: ANN401  # as tracked
    """What others are told when this is tracked."""
    return decided(before, *usage, **about).notices


def reached(before: BalanceSnapshot, *usage: Any, **about: Any) -> list[tuple[str, str]]:  # noqa: ANN401  # as tracked
    """The features of which a limit is reached when this is tracked, and which limit."""
    found = [each.body for each in notices(before, *usage, **about) if each.kind == LIMIT_REACHED]
    return [(body["feature_id"], body["limit_type"]) for body in found]


@pytest.mark.parametrize(
    ("kind", "threshold", "used_before", "tracked", "fires"),
    [
        pytest.param("usage", 50, 40, 9, False, id="usage-below"),
        pytest.param("usage", 50, 40, 10, True, id="usage-exactly"),
        pytest.param("usage", 50, 40, 30, True, id="usage-beyond"),
        pytest.param("usage", 50, 50, 1, False, id="usage-crossed-already"),
        pytest.param("usage", 50, 60, -20, False, id="usage-given-back"),
        pytest.param("usage", 0, 0, 1, False, id="usage-zero-is-where-it-begins"),
        pytest.param("usage_percentage", 25, 49, "0.9999999999", False, id="usage-percentage-a-hair-below"),
        pytest.param("usage_percentage", 25, 49, 1, True, id="usage-percentage-exactly"),
        pytest.param("usage_percentage", 25, 50, 1, False, id="usage-percentage-crossed-already"),
        pytest.param("usage_percentage", "33.3333333333", 66, "0.6666666666", True, id="usage-percentage-of-thirds"),
        pytest.param("usage_percentage", 120, 230, 10, True, id="usage-percentage-above-a-hundred"),
        pytest.param("remaining", 150, 40, 9, False, id="remaining-above"),
        pytest.param("remaining", 150, 40, 10, True, id="remaining-exactly"),
        pytest.param("remaining", 150, 50, 1, False, id="remaining-crossed-already"),
        pytest.param("remaining", 0, 150, 100, True, id="remaining-nothing"),
        pytest.param("remaining", 150, 60, -20, False, id="remaining-given-back"),
        pytest.param("remaining_percentage", 75, 49, "0.9999999999", False, id="remaining-percentage-a-hair-above"),
        pytest.param("remaining_percentage", 75, 49, 1, True, id="remaining-percentage-exactly"),
        pytest.param("remaining_percentage", 75, 50, 1, False, id="remaining-percentage-crossed-already"),
        pytest.param("remaining_percentage", 100, 0, 1, False, id="remaining-percentage-all-is-where-it-begins"),
    ],
)
def test_an_alert_fires_when_its_threshold_is_crossed(
    kind: str, threshold: int | str, used_before: int, tracked: int | str, *, fires: bool
) -> None:
    """Usage from below to the threshold or beyond, what remains from above to it or below."""
    before = limited([grant("messages", 200, used_before, **PAID)], alert(threshold, kind, name="mark"))
    told = {"name": "mark", "threshold": Decimal(threshold), "threshold_type": kind}
    body = {"customer_id": "acme", "feature_id": "messages", "usage_alert": told}

    assert ([body] if fires else []) == alerts(before, tracked)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(limited([grant("messages", 100)], alert(50, enabled=False)), id="disabled"),
        pytest.param(limited([grant("messages", 100)], alert(50, feature_id="words")), id="another-feature"),
        pytest.param(limited([grant("messages", unlimited=True)], alert(50, "usage")), id="unlimited"),
        pytest.param(limited([grant("messages", **PAID)], alert(10, "usage_percentage")), id="a-percentage-of-nothing"),
        pytest.param(limited([], alert(10, "usage")), id="nothing-held"),
        pytest.param(
            limited([grant("messages", 100)], alert(50, enabled=False), plans=[held_plan("pro", alert(50))]),
            id="a-disabled-entry-hides-the-plans",
        ),
        pytest.param(
            limited([grant("messages", 100)], plans=[held_plan("pro", alert(50), entity_key="one")]),
            id="the-plan-of-an-entity",
        ),
    ],
)
def test_no_alert(before: BalanceSnapshot) -> None:
    """What is switched off, hidden, about something else or about a number that does not exist never fires."""
    assert [] == alerts(before, 60)


@pytest.mark.parametrize(
    ("before", "thresholds"),
    [
        pytest.param(limited([grant("messages", 100)], alert(50, feature_id=EVERY_FEATURE)), [50], id="every-feature"),
        pytest.param(
            limited([grant("messages", 100)], alert(50), alert(50, "usage"), alert(45), alert(30)),
            [50, 50, 45],
            id="each-by-itself",
        ),
        pytest.param(limited([grant("messages", 100)], plans=[held_plan("pro", alert(50))]), [50], id="the-plan"),
        pytest.param(
            limited([grant("messages", 100)], alert(60), plans=[held_plan("pro", alert(50))]),
            [60],
            id="the-customer-before-the-plan",
        ),
        pytest.param(
            limited([grant("messages", 100)], alert(60), organization_alerts=(alert(50), alert(9, feature_id="words"))),
            [60, 50],
            id="the-organization-beside-the-customer",
        ),
    ],
)
def test_whose_alerts_fire(before: BalanceSnapshot, thresholds: list[int]) -> None:
    """The customer's own, else their plans'; the organization's whoever else has any."""
    assert thresholds == [body["usage_alert"]["threshold"] for body in alerts(before, 60)]


def test_an_alert_is_about_each_feature_that_changes() -> None:
    """Usage that credits pay for crosses the threshold of the credits, not one of a feature that is not held."""
    before = limited([grant("credits", 100)], alert(90, feature_id=EVERY_FEATURE))

    assert ["credits"] == [body["feature_id"] for body in alerts(before, 50, feature_id="action1")]


def test_what_rolled_over_remains() -> None:
    """Units that rolled over count as remaining: the alert is about everything that is left."""
    rolled_over = grant("messages", 50, id="kept", rollover_of="messages-grant", reset=None)
    before = limited([grant("messages", 100), rolled_over], alert(100))

    assert [] == alerts(before, 49)
    assert 1 == len(alerts(before, 50))


def test_each_alert_by_the_eyes_of_whose_it_is() -> None:
    """Three alerts about 150 that fall to 50: only those of the entity and of the tracked subject name the entity."""
    pooled, own = grant("messages", 100, id="pooled"), grant("messages", 50, id="own", entity_key="one")
    other = grant("messages", 1000, id="other", entity_key="two")
    before = limited(
        [pooled, own],
        alert(70),
        entities={"one": [alert(60)], "two": [alert(55)]},
        organization_alerts=(alert(50),),
    )
    told = [(body.get("entity_id"), body["usage_alert"]["threshold"]) for body in alerts(before, 100, entity_id="one")]
    crowded = replace(before, grants=(*before.grants, other))
    seen = [body["usage_alert"]["threshold"] for body in alerts(crowded, 100, entity_id="one")]

    assert [(None, 70), ("one", 60), ("one", 50)] == told
    assert [60, 50] == seen
    assert [70, 50] == [body["usage_alert"]["threshold"] for body in alerts(before, 100)]


def test_the_plan_of_an_entity_warns_of_that_entity() -> None:
    """Alerts of a plan that an entity holds look at what the entity may use, unless the entity has its own."""
    plan = held_plan("seat", alert(30), entity_key="one")
    before = limited([grant("messages", 40, entity_key="one")], entities={"one": [], "two": []}, plans=[plan])
    own = replace(before, entity_controls={"one": controls(alert(35))})

    assert ["one"] == [body["entity_id"] for body in alerts(before, 10, entity_id="one")]
    assert [] == alerts(before, 10)
    assert [35] == [body["usage_alert"]["threshold"] for body in alerts(own, 10, entity_id="one")]


def test_alerts_of_several_lists_are_told_apart() -> None:
    """Of two notices with one key only the first within a minute is kept: scope, entity and threshold are in it."""
    grants = [grant("messages", 100, id="pooled"), grant("messages", 50, id="own", entity_key="one")]
    before = limited(
        grants, alert(70), alert(60), entities={"one": [alert(70)]}, organization_alerts=(alert(70), alert(70, "usage"))
    )
    keys = [each.key for each in notices(before, 100, entity_id="one") if each.kind == ALERT_TRIGGERED]

    assert 5 == len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("before", "tracked", "told"),
    [
        pytest.param(limited([grant("messages", 100)]), 100, [("messages", INCLUDED)], id="all-is-used"),
        pytest.param(limited([grant("messages", 100)]), "99.999", [], id="a-thousandth-is-left"),
        pytest.param(limited([grant("messages", 100)]), "99.99999999", [("messages", INCLUDED)], id="less-than-tiny"),
        pytest.param(limited([grant("messages", 100, 100)]), 5, [], id="nothing-was-left-before"),
        pytest.param(limited([grant("messages", 100, 40)]), -5, [], id="given-back"),
        pytest.param(limited([grant("messages", unlimited=True)]), 10**9, [], id="unlimited"),
        pytest.param(limited([grant("messages", 100, **PAID)]), 500, [], id="overage-without-end"),
        pytest.param(
            limited([grant("messages", 100, **PAID, max_purchase=Decimal(50))]),
            150,
            [("messages", MAX_PURCHASE)],
            id="max-purchase",
        ),
        pytest.param(
            limited([grant("messages", 100, **PAID)], spend_limit(20)),
            120,
            [("messages", SPEND_LIMIT)],
            id="spend-limit",
        ),
        pytest.param(limited([grant("messages", 100, **PAID)], spend_limit(20)), 119, [], id="below-the-spend-limit"),
        pytest.param(
            limited([grant("messages", 100, **PAID)], overage(enabled=False)),
            100,
            [("messages", INCLUDED)],
            id="overage-is-forbidden",
        ),
        pytest.param(
            limited([grant("messages", 100)], usage_limit(5)), 5, [("messages", USAGE_LIMIT)], id="usage-limit"
        ),
        pytest.param(limited([grant("messages", 100)], usage_limit(5)), 4, [], id="below-the-usage-limit"),
    ],
)
def test_a_limit_is_reached_once(
    before: BalanceSnapshot, tracked: int | str, told: list[tuple[str, LimitKind]]
) -> None:
    """It is told when a tiny amount was allowed before and is not afterwards, with what does not allow it."""
    assert told == reached(before, tracked)
    assert not told or [] == reached(used(before, tracked), 1)


def test_an_entity_reaches_its_limit() -> None:
    """It is about the entity whose usage it was: what others have left does not help it."""
    before = limited(
        [grant("messages", 10, id="own", entity_key="one"), grant("messages", 10, id="other", entity_key="two")],
        entities={"one": [], "two": []},
    )
    told = [each.body for each in notices(before, 10, entity_id="one")]

    assert [{"customer_id": "acme", "feature_id": "messages", "entity_id": "one", "limit_type": "included"}] == told
    assert [] == reached(before, 10)


def test_credits_run_out() -> None:
    """The credits are told of, and the feature that nothing pays for any more; what is left elsewhere pays on."""
    before = limited([grant("credits", 10)])
    beside = limited([grant("credits", 10), grant("action1", 50)])

    assert [("action1", INCLUDED), ("credits", INCLUDED)] == reached(before, 50, feature_id="action1")
    assert [] == reached(beside, 50, feature_id="action1")
    assert [("action1", INCLUDED), ("credits", INCLUDED)] == reached(beside, 100, feature_id="action1")


def test_a_limit_with_a_filter_says_so() -> None:
    """A limit on some usage is told with which; one that counts all of it comes first."""
    europe = usage_limit(5, properties={"region": "eu"})
    filtered = notices(limited([grant("messages", 100)], europe), 5, region="eu")
    both = notices(limited([grant("messages", 100)], europe, usage_limit(5)), 5, region="eu")

    assert [{"properties": {"region": "eu"}}] == [each.body["filter"] for each in filtered]
    assert [None] == [each.body.get("filter") for each in both]
    assert () == notices(limited([grant("messages", 100)], europe), 5, region="us")


def test_credits_held_by_their_usage_limit() -> None:
    """A limit on the credits holds the feature that they pay for, and is told for both."""
    before = limited([grant("credits", 100)], usage_limit(10, "credits"))

    assert [("action1", USAGE_LIMIT), ("credits", USAGE_LIMIT)] == reached(before, 50, feature_id="action1")


def test_overflow_and_another_day() -> None:
    """Usage that passes its limit has reached it; a window that begins anew can be filled anew."""
    before = limited([grant("messages", 100)], usage_limit(5))
    later = used(before, 10, OVERFLOW)

    assert [("messages", USAGE_LIMIT)] == reached(before, 10, OVERFLOW)
    assert [("messages", USAGE_LIMIT)] == reached(later, 5, now=at("2026-02-10"))


def test_who_has_no_controls_at_all_reaches_limits_too() -> None:
    """Where nobody has a control, what is left decides: of the feature, and of what pays for it."""
    plain = replace(limited([grant("messages", 10)]), controls=NO_CONTROLS)
    paid = replace(limited([grant("credits", 10)]), controls=NO_CONTROLS)
    of_entity = replace(
        limited([grant("messages", 100, entity_key="one")], entities={"one": []}, controls=NO_CONTROLS),
        plans=(held_plan("seat", entity_key="one", controls=NO_CONTROLS),),
    )

    assert [] == reached(plain, 9)
    assert [("messages", INCLUDED)] == reached(plain, 10)
    assert [] == reached(paid, 49, feature_id="action1")
    assert [("action1", INCLUDED), ("credits", INCLUDED)] == reached(paid, 50, feature_id="action1")
    assert [] == reached(of_entity, 99, entity_id="one")
    assert [("messages", INCLUDED)] == reached(of_entity, 100, entity_id="one")
