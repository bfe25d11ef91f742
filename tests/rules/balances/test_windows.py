"""Usage limits: hard caps in windows (billing.md §6.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.controls import WindowInterval
from sumac.balances.model import BalanceSnapshot, Grant
from sumac.balances.requests import OverageBehavior, TrackRequest
from sumac.balances.rules.access import LimitKind
from sumac.balances.rules.limits import limiting_of, uncounted
from sumac.balances.rules.usage import decide_usage
from sumac.balances.rules.windows import text_of
from sumac.core.errors import BadRequest
from tests.rules.limited import (
    CAP,
    NOON,
    OVERFLOW,
    PAID,
    REJECT,
    asked,
    balances,
    counters,
    held_plan,
    limited,
    spend_limit,
    usage_limit,
    used,
)
from tests.rules.offers import ACTION1, ACTION2, CREDITS, FEATURES, MESSAGES, at, grant

DAY, WEEK, MONTH, YEAR = WindowInterval.DAY, WindowInterval.WEEK, WindowInterval.MONTH, WindowInterval.YEAR
CAP_5 = usage_limit(5)
HUNDRED = [grant("messages", 100)]
EU = usage_limit(5, properties={"region": "eu"})


@pytest.mark.parametrize(
    ("before", "tracked", "behavior", "left", "counted"),
    [
        pytest.param(limited(HUNDRED, CAP_5), [10, 3], CAP, [95], 5, id="ten-then-three"),
        pytest.param(limited(HUNDRED, CAP_5), [3, 2], REJECT, [95], 5, id="exactly-the-cap"),
        pytest.param(limited(HUNDRED, usage_limit(0)), [1], CAP, [100], None, id="zero-blocks-all"),
        pytest.param(limited(HUNDRED, usage_limit(5, enabled=False)), [9], CAP, [91], None, id="disabled"),
        pytest.param(limited(HUNDRED, usage_limit(5, "words")), [9], CAP, [91], None, id="of-another-feature"),
        pytest.param(limited(HUNDRED, usage_limit("0.3")), ["0.1", "0.2", "0.1"], CAP, ["99.7"], "0.3", id="tenths"),
        pytest.param(limited([grant("messages", 3)], CAP_5), [10], CAP, [0], 3, id="what-the-balance-did-not-cover"),
        pytest.param(limited([grant("messages", 3)], CAP_5), [10], OVERFLOW, [-7], 10, id="overflow-counts-all"),
        pytest.param(limited(HUNDRED, CAP_5), [3, 10], OVERFLOW, [87], 13, id="overflow-beyond-the-cap"),
        pytest.param(limited(HUNDRED, CAP_5), [5, -3], CAP, [98], 5, id="what-is-given-back-is-not-counted"),
        pytest.param(limited([], CAP_5), [3], CAP, [], None, id="nothing-held"),
        pytest.param(
            limited([grant("messages", unlimited=True, reset=None)], CAP_5), [9], CAP, [-9], None, id="unlimited"
        ),
        pytest.param(limited([grant("messages", 2, **PAID)], CAP_5), [9], CAP, [-3], 5, id="overage-is-usage"),
        pytest.param(
            limited([grant("messages", 2, **PAID)], CAP_5, spend_limit(1)), [9], CAP, [-1], 3, id="spend-limit-first"
        ),
        pytest.param(
            limited(
                [grant("messages", 100), grant("messages", 3, id="old", rollover_of="messages-grant", reset=None)],
                CAP_5,
            ),
            [9],
            CAP,
            [98, 0],
            5,
            id="what-rolled-over-is-counted",
        ),
    ],
)
def test_track(
    before: BalanceSnapshot,
    tracked: Sequence[int | str],
    behavior: OverageBehavior,
    left: Sequence[int | str],
    counted: int | str | None,
) -> None:
    """Usage stops at the cap; the counter counts what was used, whoever paid."""
    after = before
    for value in tracked:
        after = used(after, value, behavior)

    assert [Decimal(each) for each in left] == balances(after)
    assert ({} if counted is None else {("messages", ""): Decimal(counted)}) == counters(after)


def test_overflow_leaves_no_headroom() -> None:
    """Cap 5, used 3, 10 with overflow: the counter is at 13, and nothing more is counted."""
    after = used(used(limited(HUNDRED, CAP_5), 3), 10, OVERFLOW)

    assert balances(after) == balances(used(after, 1))
    assert {("messages", ""): 13} == counters(used(after, 1))


@pytest.mark.parametrize(
    ("before", "required", "allowed"),
    [
        (limited(HUNDRED, CAP_5), 5, True),
        (limited(HUNDRED, CAP_5), "5.0000000001", False),
        (used(limited(HUNDRED, CAP_5), 3), 2, True),
        (used(limited(HUNDRED, CAP_5), 3), 3, False),
        (used(limited(HUNDRED, CAP_5), 9, OVERFLOW), 0, True),
        (used(limited(HUNDRED, CAP_5), 9, OVERFLOW), -1, True),
        (limited(HUNDRED, usage_limit(0)), "0.0000000001", False),
        (limited([grant("messages", unlimited=True, reset=None)], CAP_5), 10**9, True),
        (limited(HUNDRED, CAP_5, EU), 5, True),
    ],
)
def test_check(before: BalanceSnapshot, required: int | str, *, allowed: bool) -> None:
    """The headroom of the window must cover what is required; track with reject agrees."""
    access = asked(before, required)

    assert allowed is access.allowed
    assert (None if allowed else LimitKind.USAGE_LIMIT) == access.held_by
    if allowed:
        used(before, required, REJECT)
    else:
        with pytest.raises(BadRequest) as refused:
            used(before, required, REJECT)

        assert "usage_limit_exceeded" == refused.value.code


def test_the_balance_is_named_where_it_would_not_do_either() -> None:
    """A request beyond both the cap and the balance is refused for the balance."""
    with pytest.raises(BadRequest) as refused:
        used(limited([grant("messages", 3)], CAP_5), 9, REJECT)

    assert "insufficient_balance" == refused.value.code


def test_a_units_cap_where_credits_pay() -> None:
    """Credits 100 at 0.2, cap 5 on action1: 5 units, then nothing; credits 99."""
    before = used(limited([grant("credits", 100)], usage_limit(5, "action1")), 5, feature_id="action1")

    assert [99] == balances(before)
    assert before == used(before, 1, feature_id="action1")
    assert {("action1", ""): 5} == counters(before)
    assert LimitKind.USAGE_LIMIT == asked(before, 1, "action1").held_by


def test_caps_on_units_do_not_hold_the_credits() -> None:
    """action1 cap 5 and action2 cap 4 filled at 0.2 and 0.6: credits 96.6, and a check of 50 credits says yes."""
    before = limited([grant("credits", 100)], usage_limit(5, "action1"), usage_limit(4, "action2"))
    filled = used(used(before, 50, feature_id="action1"), 50, feature_id="action2")

    assert [Decimal("96.6")] == balances(filled)
    assert asked(filled, 50, "credits").allowed
    assert [Decimal("46.6")] == balances(used(filled, 50, REJECT, "credits"))


def test_a_cap_on_credits_holds_the_credits_alone() -> None:
    """Two credits a window: the units' own balance is not held, ten units at 0.2 are paid with credits, no more."""
    own = [grant("action1", 7), grant("credits", 100)]
    before = limited(own, usage_limit(2, "credits"))
    after = used(before, 100, feature_id="action1")

    assert asked(before, 7, "action1").allowed
    assert asked(before, 10, "action1").allowed
    assert LimitKind.USAGE_LIMIT == asked(before, "10.1", "action1").held_by
    assert [0, 98] == balances(after)
    assert {("credits", ""): 2} == counters(after)
    assert [0, 98] == balances(used(after, 1, feature_id="credits"))
    with pytest.raises(BadRequest) as refused:
        used(after, 1, REJECT, "credits")
    assert "usage_limit_exceeded" == refused.value.code


@pytest.mark.parametrize("feature_id", ["credits", "action1"])
def test_credits_that_rolled_over_are_not_counted(feature_id: str) -> None:
    """A credit system's counter counts what was taken from its grants, not what rolled over."""
    before = limited(
        [grant("credits", 100), grant("credits", 3, id="old", rollover_of="credits-grant", reset=None)],
        usage_limit(2, "credits"),
    )
    value = 9 if feature_id == "credits" else 45
    after = used(before, value, feature_id=feature_id)

    assert [98, 0] == balances(after)
    assert {("credits", ""): 2} == counters(after)
    assert asked(before, 5, "credits").allowed
    assert LimitKind.USAGE_LIMIT == asked(before, "5.1", "credits").held_by
    assert [98, 0] == balances(used(before, 5, REJECT, "credits"))


@pytest.mark.parametrize(
    ("properties", "counted"),
    [
        ({"region": "eu", "plan": "x"}, True),
        ({"region": "us", "plan": "x"}, False),
        ({"plan": "x"}, False),
        ({}, False),
    ],
)
def test_a_filter_of_one_property(properties: Mapping[str, Any], *, counted: bool) -> None:
    """Usage without the property's value is not counted and not held."""
    before = limited(HUNDRED, EU)

    assert [95 if counted else 91] == balances(used(before, 9, **properties))
    assert (not counted) is asked(before, 9, **properties).allowed
    assert bool(counters(used(before, 1, **properties))) is counted


def test_a_filter_of_several_properties() -> None:
    """All of them must be equal, as texts; limits with other filters count by themselves."""
    both = usage_limit(5, properties={"batch": "2", "test": "true"})
    before = limited(HUNDRED, both, EU)
    first = used(used(before, 9, batch=Decimal("2.0"), test=True), 2, batch=2, test="true", region="eu")
    after = used(first, 2, batch=2, region="eu")

    assert ([95], [93]) == (balances(first), balances(after))
    assert {'[["batch", "2"], ["test", "true"]]': 5, '[["region", "eu"]]': 2} == {
        each.condition: each.used for each in after.windows
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("eu", "eu"),
        (True, "true"),
        (False, "false"),
        (2, "2"),
        (Decimal("2.50"), "2.5"),
        (0.1, "0.1"),
        (1e21, "1000000000000000000000"),
        (None, None),
        ({"a": 1}, None),
        (["a"], None),
    ],
)
def test_properties_as_texts(value: object, text: str | None) -> None:
    """What a filter compares; null, objects and lists are equal to nothing."""
    assert text == text_of(value)


def test_a_plan_that_is_left_keeps_the_count() -> None:
    """Pro to Premium with the same anchor at 3 of 5: 5 more are 2."""
    before = used(limited(HUNDRED, CAP_5), 3)
    after = used(replace(before, grants=(grant("messages", 500, id="premium"),)), 5)

    assert [498] == balances(after)
    assert {("messages", ""): 5} == counters(after)


def test_set_usage_does_not_open_the_window() -> None:
    """An exhausted cap stays so when the balance is made whole."""
    before = used(limited(HUNDRED, CAP_5), 5)

    assert not asked(replace(before, grants=tuple(HUNDRED)), 1).allowed


def slots(*keys: str) -> Sequence[Grant]:
    """Ten units for each entity."""
    return [grant("messages", 10, id=key, entity_key=key) for key in keys]


def test_entities_share_the_customers_counter() -> None:
    """Cap 5 and three entities that use 2, 2 and 1: nobody gets more, not even the one that used 1."""
    after = limited(slots("e1", "e2", "e3"), CAP_5, entities={"e1": [], "e2": [], "e3": []})
    for key, value in (("e1", 2), ("e2", 2), ("e3", 3)):
        after = used(after, value, entity_id=key)

    assert [8, 8, 9] == balances(after)
    assert {("messages", ""): 5} == counters(after)
    assert [8, 8, 9] == balances(used(after, 1, entity_id="e3"))
    assert not asked(after, 1, entity_id="e3").allowed


def test_an_entity_with_its_own_limit_counts_by_itself() -> None:
    """Its counter begins when the limit is set, and what it uses is not counted against the customer's."""
    before = used(limited(slots("e1", "e2"), CAP_5, entities={"e1": [], "e2": []}), 4, entity_id="e1")
    armed = limited(before.grants, CAP_5, entities={"e1": [usage_limit(3)], "e2": []}, windows=before.windows)
    after = used(armed, 9, entity_id="e1")

    assert {("messages", ""): 4, ("messages", "e1"): 3} == counters(after)
    assert [3, 9] == balances(used(after, 9, entity_id="e2"))


def test_the_limit_of_an_entitys_plan_counts_that_entity() -> None:
    """Each entity on the plan has the plan's units to itself; usage of the customer is not held."""
    plans = [held_plan(f"pro-{key}", CAP_5, entity_key=key) for key in ("e1", "e2")]
    before = limited(slots("e1", "e2"), plans=plans, entities={"e1": [], "e2": []})
    after = used(used(before, 9, entity_id="e1"), 2, entity_id="e2")

    assert {("messages", "e1"): 5, ("messages", "e2"): 2} == counters(after)
    assert [0, 3] == balances(used(after, 10))


def test_what_is_held_and_given_up_is_not_counted() -> None:
    """Four held, one used in the end: five more make it six, four of them counted up to the cap."""
    before = used(limited(HUNDRED, CAP_5), 4, REJECT)
    limiting = limiting_of(before, entity_key=None, properties={}, now=NOON)
    assert limiting is not None

    lowered = uncounted(limiting, MESSAGES, Decimal(3), {}, since=NOON)
    later = uncounted(limiting, MESSAGES, Decimal(3), {}, since=at("2025-12-31"))

    assert [1] == [each.used for each in lowered]
    assert () == later
    assert {("messages", ""): 5} == counters(used(replace(before, windows=lowered), 5))


def test_held_credits_that_are_given_up() -> None:
    """Units count for the feature's limit, credits for that of the credit system; none goes below zero."""
    before = used(
        limited([grant("credits", 100)], usage_limit(50, "action1"), usage_limit(50, "credits")),
        10,
        feature_id="action1",
    )
    limiting = limiting_of(before, entity_key=None, properties={}, now=NOON)
    assert limiting is not None

    lowered = uncounted(limiting, ACTION1, Decimal(4), {"credits": Decimal("0.8")}, since=NOON)
    emptied = uncounted(limiting, CREDITS, Decimal(99), {"credits": Decimal(99)}, since=NOON)

    assert {"action1": 6, "credits": Decimal("1.2")} == {each.feature_id: each.used for each in lowered}
    assert {"credits": 0} == {each.feature_id: each.used for each in emptied}


def test_one_event_for_several_features() -> None:
    """What the first feature took of the credits counts before the second is looked at: 0.6, then 1.4 of 1.8."""
    listening = tuple(
        replace(each, event_names=("call",)) if each in {ACTION1, ACTION2} else each for each in FEATURES.values()
    )
    before = limited([grant("credits", 100)], usage_limit(2, "credits"), features=listening)
    request = TrackRequest("acme", event_name="call", value=Decimal(3))
    decision = decide_usage(before, request, now=NOON, event_ids=["evt_1", "evt_2"])

    assert [Decimal("0.6"), Decimal("1.4")] == [event.deductions[0].value for event in decision.events]
    assert {("credits", ""): 2} == counters(before.after(decision))
