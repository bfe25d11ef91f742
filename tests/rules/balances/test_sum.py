"""How grants add up to a balance (api.md §2.0, billing.md §3)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.model import Grant
from sumac.balances.rules.deduct import visible
from sumac.balances.rules.sum import by_source, compute_balance, compute_headroom, shown
from tests.rules.offers import JANUARY, at, grant, usage_based

OVERAGE: dict[str, Any] = {"overage_allowed": True, "price": usage_based("0.10")}


def test_nothing_held_is_no_balance() -> None:
    """Grants of other features do not count."""
    assert compute_balance("messages", [grant("words", 100)]) is None
    assert compute_balance("messages", []) is None


@pytest.mark.parametrize(
    ("each", "granted", "remaining", "usage", "overage"),
    [
        pytest.param(grant("messages", 100, 30), 100, 70, 30, 0, id="free-monthly"),
        pytest.param(grant("messages", 2, 4, prepaid=3), 5, 1, 4, 0, id="prepaid"),
        pytest.param(grant("messages", 5, 7, **OVERAGE), 5, 0, 7, 2, id="paid-after-use"),
        pytest.param(grant("seats", 5, 8, reset=None), 5, 0, 8, 3, id="held-beyond-the-grant"),
        pytest.param(grant("messages", 100, -20), 100, 120, -20, 0, id="raised-above-the-grant"),
        pytest.param(grant("messages", 100, 100), 100, 0, 100, 0, id="used-up"),
    ],
)
def test_one_grant(each: Grant, granted: int, remaining: int, usage: int, overage: int) -> None:
    """The table of billing.md §3.2: remaining never drops below zero, what is beyond is overage."""
    balance = compute_balance(each.feature_id, [each])

    assert balance is not None
    assert (granted, remaining, usage) == (balance.granted, balance.remaining, balance.usage)
    assert overage == each.overage


def test_several_grants() -> None:
    """Granted, remaining and usage are sums; a sibling's rest does not hide another's overage."""
    monthly = grant("messages", 100, 130, id="a", **OVERAGE)
    lasting = grant("messages", 0, 20, id="b", prepaid=50, reset=None)
    balance = compute_balance("messages", [monthly, grant("words", 7), lasting])

    assert balance is not None
    assert (150, 30, 150) == (balance.granted, balance.remaining, balance.usage)
    assert (monthly, lasting) == balance.grants
    assert balance.overage_allowed


def test_an_unlimited_grant_makes_the_balance_unlimited() -> None:
    """Granted and remaining are zero, usage counts on, everything else is empty (api.md §2.0)."""
    endless = grant("messages", 0, 40, id="a", unlimited=True)
    balance = compute_balance(
        "messages", [endless, grant("messages", 100, 10, id="b", max_purchase=Decimal(5), **OVERAGE)]
    )

    assert balance is not None
    assert balance.unlimited
    assert (0, 0, 50) == (balance.granted, balance.remaining, balance.usage)
    assert not balance.overage_allowed
    assert balance.max_purchase is None
    assert balance.next_reset_at is None


def test_the_earliest_reset_counts() -> None:
    """Grants that never reset have no say."""
    early = grant("messages", 1, id="a", resets_at=at("2026-01-08"))
    late = grant("messages", 1, id="b", resets_at=at("2026-02-01"))
    balance = compute_balance("messages", [grant("messages", 1, id="c", reset=None), late, early])
    lasting = compute_balance("messages", [grant("messages", 1, reset=None)])

    assert balance is not None
    assert lasting is not None
    assert JANUARY + timedelta(days=7) == balance.next_reset_at
    assert lasting.next_reset_at is None


@pytest.mark.parametrize(
    ("caps", "expected"),
    [((), None), ((None,), None), ((300,), 300), ((300, 20), 320), ((300, None), None), ((0,), 0)],
)
def test_max_purchase_is_the_sum_of_the_caps(caps: tuple[int | None, ...], expected: int | None) -> None:
    """None when anything may be bought without end, or nothing is priced; unpriced grants have no say."""
    priced = [
        grant("messages", 1, id=str(number), max_purchase=None if cap is None else Decimal(cap), **OVERAGE)
        for number, cap in enumerate(caps)
    ]
    balance = compute_balance("messages", [grant("messages", 100), *priced])

    assert balance is not None
    assert expected == balance.max_purchase


@pytest.mark.parametrize(
    ("used", "expected"),
    [(0, 320), (100, 320), (150, 270), (400, 20), (500, 20)],
)
def test_headroom_is_what_may_still_be_bought(used: int, expected: int) -> None:
    """Overage used counts against its own grant's cap, and never gives another grant more."""
    first = grant("messages", 100, used, id="a", max_purchase=Decimal(300), **OVERAGE)
    second = grant("messages", 0, 0, id="b", max_purchase=Decimal(20), **OVERAGE)
    balance = compute_balance("messages", [first, second, grant("messages", 50, id="c")])

    assert balance is not None
    assert expected == compute_headroom(balance)


def test_headroom_without_end() -> None:
    """One uncapped price is enough."""
    capped = grant("messages", 100, id="a", max_purchase=Decimal(300), **OVERAGE)
    uncapped = grant("messages", 0, id="b", **OVERAGE)
    balance = compute_balance("messages", [capped, uncapped])

    assert balance is not None
    assert compute_headroom(balance) is None


@pytest.mark.parametrize(
    ("entity_key", "granted"),
    [pytest.param(None, 200, id="the-customer"), ("one", 150), ("two", 150), pytest.param("three", 100, id="another")],
)
def test_who_sees_what(entity_key: str | None, granted: int) -> None:
    """The customer sees everything, an entity its own and the customer's, nobody a sibling's (billing.md §3.3)."""
    slots = [grant("messages", 50, id=f"slot-{key}", entity_key=key) for key in ("one", "two")]
    balance = compute_balance("messages", visible([grant("messages", 100), *slots], entity_key))

    assert balance is not None
    assert granted == balance.granted


def test_slots_of_one_item_are_one_source() -> None:
    """Grants that share an id stand together, in the order of the first of each; others by themselves."""
    one, two = (grant("messages", 50, id=key, entity_key=key, shared_id="shared") for key in ("one", "two"))
    own = grant("messages", 100, id="own")

    assert ((one, two), (own,)) == by_source([one, own, two])


USED_UP = grant("messages", 50, 50, id="used-up", reset=None)


@pytest.mark.parametrize(
    ("each", "drained"),
    [
        (USED_UP, True),
        (replace(USED_UP, included=Decimal(0), adjustment=Decimal(50)), True),
        (replace(USED_UP, included=Decimal(0), prepaid=Decimal(50)), True),
        (replace(USED_UP, balance=Decimal("0.1")), False),
        (replace(USED_UP, balance=Decimal(-1)), False),
        (replace(USED_UP, included=Decimal(0)), False),
        (replace(USED_UP, unlimited=True), False),
        (replace(USED_UP, customer_plan_id="held-pro"), False),
        (replace(USED_UP, rollover_of="messages-grant"), False),
        (replace(USED_UP, edited_at=JANUARY), False),
        (grant("messages", 50, 50), False),
    ],
)
def test_used_up_for_good(each: Grant, drained: bool) -> None:  # noqa: FBT001  # one row of the table
    """What came beside every plan, never resets and has nothing left (billing.md §1.7)."""
    assert drained is each.is_drained


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        ([USED_UP], None),
        ([grant("messages", 100, 30)], (100, 70, 30)),
        ([grant("messages", 100, 30), USED_UP], (100, 70, 30)),
        (
            [
                grant("messages", 100, 30),
                USED_UP,
                grant("messages", 9, 4, id="rolled", reset=None, rollover_of="messages-grant"),
            ],
            (109, 75, 34),
        ),
    ],
)
def test_what_is_used_up_is_not_shown(grants: list[Grant], expected: tuple[int, int, int] | None) -> None:
    """It counts neither as granted nor as used any more; what rolled over does."""
    balance = compute_balance("messages", grants)
    assert balance is not None
    seen = shown(balance)

    assert expected == (None if seen is None else (seen.granted, seen.remaining, seen.usage))
