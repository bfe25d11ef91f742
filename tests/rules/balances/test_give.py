"""Units given by hand (billing.md §8.2)."""

# ruff: noqa: ANN401  # `changes` and `which` are fields of the value being made, of any type

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.model import Grant
from sumac.balances.requests import GiveRequest
from sumac.balances.rules.give import decide_give
from sumac.catalog.model import Rollover
from sumac.core.errors import BadRequest, Conflict, NotFound
from sumac.core.time import Cadence, Interval
from tests.rules.limited import NOON, limited
from tests.rules.offers import at, grant

MONTHLY, ONCE = Cadence(Interval.MONTH), Cadence(Interval.ONE_OFF)
MARCH, APRIL = at("2026-03-10"), at("2026-04-10")
FOREVER = Rollover("forever", 0)


def given(feature_id: str = "messages", live: Sequence[Grant] = (), **changes: Any) -> Grant:
    """What is given, at noon of the tenth of January, to a customer with the entity desk."""
    if isinstance(changes.get("included"), int):
        changes["included"] = Decimal(changes["included"])
    before = limited(live, entities={"desk": ()})
    return decide_give(before, live, GiveRequest("acme", feature_id, **changes), grant_id="new", now=NOON)


@pytest.mark.parametrize(
    ("changes", "resets_at", "anchor_at"),
    [
        ({"included": 50}, None, NOON),
        ({"included": 50, "reset": ONCE}, None, NOON),
        ({"included": 50, "reset": MONTHLY}, at("2026-02-10 12:00"), NOON),
        ({"included": 50, "reset": Cadence(Interval.WEEK, 2)}, at("2026-01-24 12:00"), NOON),
        ({"included": 50, "reset": MONTHLY, "resets_at": at("2026-01-20")}, at("2026-01-20"), at("2026-01-20")),
        ({"included": 50, "reset": MONTHLY, "resets_at": MARCH, "expires_at": APRIL}, MARCH, MARCH),
        ({"included": 50, "reset": MONTHLY, "expires_at": APRIL}, None, NOON),
        ({"included": 50, "expires_at": APRIL}, None, NOON),
        ({"unlimited": True}, None, NOON),
    ],
)
def test_when_it_resets(changes: Mapping[str, Any], resets_at: datetime | None, anchor_at: datetime) -> None:
    """A month after it was given, or when asked for verbatim; never, where it just expires."""
    made = given(**changes)

    assert (resets_at, anchor_at) == (made.resets_at, made.anchor_at)
    assert changes.get("expires_at") == made.expires_at
    assert bool(changes.get("unlimited")) is made.unlimited


def test_what_is_given_is_all_there() -> None:
    """It belongs to no plan, has the caller's name, and is the entity's if one is named."""
    made = given(included=50, balance_id="gift", entity_id="desk", reset=MONTHLY, rollover=FOREVER)

    assert (Decimal(50), Decimal(50), Decimal(0)) == (made.granted, made.balance, made.usage)
    assert (None, None, "gift", "desk", FOREVER) == (
        made.customer_plan_id, made.plan_id, made.public_id, made.entity_key, made.rollover,
    )  # fmt: skip


def test_a_flag_has_no_units() -> None:
    """A boolean feature is given as it is; it may expire."""
    made = given("sso", expires_at=APRIL)

    assert (Decimal(0), False, APRIL) == (made.granted, made.unlimited, made.expires_at)


@pytest.mark.parametrize(
    ("feature_id", "changes", "problem"),
    [
        ("messages", {}, "exactly one of included_grant and unlimited"),
        ("messages", {"included": 5, "unlimited": True}, "exactly one of included_grant and unlimited"),
        ("messages", {"included": -1}, "must not be negative"),
        ("messages", {"included": Decimal("Infinity")}, "must be a number"),
        ("messages", {"unlimited": True, "reset": MONTHLY}, "never resets"),
        ("seats", {"included": 5, "reset": MONTHLY}, "never reset"),
        ("messages", {"included": 5, "rollover": FOREVER}, "rollover: needs a reset"),
        ("messages", {"included": 5, "rollover": FOREVER, "reset": ONCE}, "rollover: needs a reset"),
        ("messages", {"included": 5, "resets_at": MARCH}, "next_reset_at: needs a reset"),
        ("messages", {"included": 5, "resets_at": MARCH, "reset": ONCE}, "next_reset_at: needs a reset"),
        ("messages", {"included": 5, "reset": MONTHLY, "resets_at": NOON}, "next_reset_at: must be in the future"),
        ("messages", {"included": 5, "expires_at": NOON}, "expires_at: must be in the future"),
        (
            "messages",
            {"included": 5, "reset": MONTHLY, "resets_at": MARCH, "expires_at": MARCH},
            "after the next reset",
        ),
        (
            "messages",
            {"included": 5, "reset": MONTHLY, "rollover": FOREVER, "expires_at": at("2026-02-10")},
            "after the next reset",
        ),
        ("seats", {"included": 5, "entity_id": "desk"}, "is an entity of seats itself"),
        ("sso", {"included": 5}, "boolean"),
        ("sso", {"unlimited": True}, "boolean"),
        ("sso", {"reset": MONTHLY}, "boolean"),
        ("sso", {"rollover": FOREVER}, "boolean"),
    ],
)
def test_what_is_refused(feature_id: str, changes: Mapping[str, Any], problem: str) -> None:
    """Each is refused with a sentence that says why."""
    with pytest.raises(BadRequest, match=problem):
        given(feature_id, **changes)


def test_a_rollover_may_outlive_the_first_reset() -> None:
    """What expires after the first reset would come may roll over."""
    assert FOREVER == given(included=5, reset=MONTHLY, rollover=FOREVER, expires_at=APRIL).rollover


@pytest.mark.parametrize(
    ("feature_id", "live", "changes"),
    [
        ("messages", [grant("words", 1, balance_id="gift")], {"included": 5, "balance_id": "gift"}),
        ("messages", [grant("words", 1, id="theirs")], {"included": 5, "balance_id": "theirs"}),
        ("sso", [grant("sso")], {}),
        ("sso", [grant("sso", entity_key="desk")], {"entity_id": "desk"}),
    ],
)
def test_what_is_taken(feature_id: str, live: Sequence[Grant], changes: Mapping[str, Any]) -> None:
    """A name is given once per customer, and a flag once."""
    with pytest.raises(Conflict) as caught:
        given(feature_id, live, **changes)

    assert "balance_already_exists" == caught.value.code


@pytest.mark.parametrize(
    ("live", "changes"),
    [
        ([grant("sso", entity_key="desk")], {}),
        ([replace(grant("sso"), plan_id="pro", customer_plan_id="held-pro")], {}),
        ([grant("messages")], {}),
    ],
)
def test_a_flag_beside_others(live: Sequence[Grant], changes: Mapping[str, Any]) -> None:
    """One of an entity, and one that comes with a plan, are others; so are units of another feature."""
    assert "sso" == given("sso", live, **changes).feature_id


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"feature_id": "unknown"}, "feature_not_found"), ({"entity_id": "nobody"}, "entity_not_found")],
)
def test_what_is_not_there(changes: Mapping[str, Any], code: str) -> None:
    """Features and entities that nobody knows are not found."""
    with pytest.raises(NotFound) as caught:
        given(**{"feature_id": "messages", "included": 5, **changes})

    assert code == caught.value.code
