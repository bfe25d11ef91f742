"""When windows of usage limits begin and end, and what moves their counters (billing.md §6.4)."""

from dataclasses import replace
from datetime import datetime

import pytest

from sumac.balances.controls import UsageLimit, WindowAnchor, WindowInterval
from sumac.balances.model import BalanceSnapshot, Grant
from sumac.balances.rules.windows import bounds
from sumac.core.time import Cadence, Interval
from tests.rules.limited import NOON, counters, daily, held_plan, limited, usage_limit, used
from tests.rules.offers import at, grant

DAY, WEEK, MONTH, YEAR = WindowInterval.DAY, WindowInterval.WEEK, WindowInterval.MONTH, WindowInterval.YEAR
CAP_5 = usage_limit(5)
HUNDRED = [grant("messages", 100)]


def month_of(grant_: Grant, plans: bool = True) -> BalanceSnapshot:  # noqa: FBT001, FBT002  # a column
    """A customer with that grant alone, and the plan it came with."""
    held = held_plan("pro", anchor_at=at("2026-01-20")) if plans else None
    return limited([grant_], plans=[held] if held else [])


MONTHLY_15 = grant("messages", 9, anchor_at=at("2025-12-15"), resets_at=at("2026-01-15"))
MOVED = grant("messages", 9, anchor_at=at("2025-12-15"), resets_at=at("2026-01-18"))
OF_PLAN = grant("messages", 9, reset=None, customer_plan_id="held-pro")
END_OF_MONTH = grant("messages", 9, anchor_at=at("2025-12-31"), resets_at=at("2026-02-28"))


@pytest.mark.parametrize(
    ("interval", "anchor", "before", "now", "start", "end"),
    [
        pytest.param(DAY, "utc", limited([]), NOON, "2026-01-10", "2026-01-11", id="a-day"),
        pytest.param(WEEK, "utc", limited([]), NOON, "2026-01-05", "2026-01-12", id="weeks-begin-on-monday"),
        pytest.param(WEEK, "utc", limited([]), at("2026-01-12"), "2026-01-12", "2026-01-19", id="monday-is-the-next"),
        pytest.param(
            MONTH, "utc", month_of(MONTHLY_15), NOON, "2026-01-01", "2026-02-01", id="calendar-whatever-resets"
        ),
        pytest.param(YEAR, "utc", limited([]), NOON, "2026-01-01", "2027-01-01", id="a-year"),
        pytest.param(MONTH, "billing_cycle", limited([]), NOON, "2026-01-01", "2026-02-01", id="none-is-the-calendar"),
        pytest.param(
            WEEK, "billing_cycle", limited([]), NOON, "2026-01-05", "2026-01-12", id="none-weeks-of-the-calendar"
        ),
        pytest.param(
            MONTH,
            "billing_cycle",
            month_of(MONTHLY_15, plans=False),
            NOON,
            "2025-12-15",
            "2026-01-15",
            id="by-its-resets",
        ),
        pytest.param(
            MONTH,
            "billing_cycle",
            month_of(MONTHLY_15, plans=False),
            at("2026-01-15"),
            "2026-01-15",
            "2026-02-15",
            id="the-instant-of-a-reset",
        ),
        pytest.param(
            DAY,
            "billing_cycle",
            month_of(replace(MONTHLY_15, anchor_at=at("2025-12-15 08:00"), resets_at=at("2026-01-15 08:00"))),
            NOON,
            "2026-01-10 08:00",
            "2026-01-11 08:00",
            id="days-begin-at-the-hour-of-the-reset",
        ),
        pytest.param(
            MONTH, "billing_cycle", month_of(MOVED), NOON, "2025-12-18", "2026-01-18", id="a-reset-on-another-day"
        ),
        pytest.param(
            MONTH,
            "billing_cycle",
            month_of(END_OF_MONTH),
            at("2026-02-10"),
            "2026-01-31",
            "2026-02-28",
            id="short-months",
        ),
        pytest.param(MONTH, "billing_cycle", month_of(OF_PLAN), NOON, "2025-12-20", "2026-01-20", id="the-plans-cycle"),
        pytest.param(
            MONTH,
            "billing_cycle",
            limited([OF_PLAN], plans=[held_plan("pro", anchor_at=at("2026-01-20"), recurring=False)]),
            NOON,
            "2026-01-01",
            "2026-02-01",
            id="a-purchase-has-no-cycle",
        ),
        pytest.param(
            MONTH,
            "billing_cycle",
            limited([replace(MONTHLY_15, feature_id="credits")]),
            NOON,
            "2026-01-01",
            "2026-02-01",
            id="credits-that-do-not-pay-for-it",
        ),
    ],
)
def test_when_windows_begin_and_end(
    interval: WindowInterval, anchor: str, before: BalanceSnapshot, now: datetime, start: str, end: str
) -> None:
    """By the calendar in UTC, or from the resets of the grant that owns the feature."""
    limit = usage_limit(5, interval=interval, anchor=WindowAnchor(anchor))
    period = bounds(limit, before, entity_key=None, now=now)

    assert (at(start), at(end)) == (period.start, period.end)


def test_which_grant_owns_the_windows() -> None:
    """A plan's before a loose one, paid before past due, main before add-on, oldest, id; else what pays for it."""
    days = {
        key: at(f"2025-12-{day}") for day, key in enumerate(("loose", "late", "extra", "newer", "b", "a"), start=11)
    }
    plans = [held_plan(key, past_due=key == "late") for key in days]

    def owned_by(*keys: str, feature_id: str = "action1") -> int:
        grants = [
            grant(
                feature_id,
                9,
                id=key,
                anchor_at=days[key],
                reset=Cadence(Interval.MONTH),
                resets_at=days[key].replace(year=2026, month=1),
                customer_plan_id=None if key == "loose" else f"held-{key}",
                add_on=key == "extra",
                created_at=at("2025-12-31" if key == "newer" else "2025-12-01"),
            )
            for key in keys
        ]
        return bounds(usage_limit(5, "action1"), limited(grants, plans=plans), entity_key=None, now=NOON).end.day

    assert [16, 15, 14, 13, 12, 11] == [
        owned_by(*keys)
        for keys in (
            ("loose", "late", "extra", "newer", "b", "a"),
            ("loose", "late", "extra", "newer", "b"),
            ("loose", "late", "extra", "newer"),
            ("loose", "late", "extra"),
            ("loose", "late"),
            ("loose",),
        )
    ]
    assert 15 == owned_by("loose", "b", feature_id="credits")


RE_ANCHORED = grant("messages", 500, id="new", anchor_at=NOON, resets_at=at("2026-02-10 12:00"))
CAP_5_UTC = usage_limit(5, anchor=WindowAnchor.UTC)


@pytest.mark.parametrize(
    ("before", "then", "limit", "now", "counted"),
    [
        pytest.param(CAP_5, grant("messages", 500, id="new"), CAP_5, NOON, 4, id="another-plan-of-the-same-cycle"),
        pytest.param(CAP_5, RE_ANCHORED, CAP_5, NOON, 1, id="another-cycle-begins-at-zero"),
        pytest.param(CAP_5_UTC, RE_ANCHORED, CAP_5_UTC, NOON, 4, id="the-calendar-does-not-move"),
        pytest.param(CAP_5, HUNDRED[0], CAP_5, at("2026-01-31 23:59"), 4, id="the-last-minute"),
        pytest.param(CAP_5, HUNDRED[0], CAP_5, at("2026-02-01"), 1, id="the-next-window"),
        pytest.param(CAP_5, HUNDRED[0], daily(5), NOON, 1, id="another-interval-begins-at-zero"),
        pytest.param(CAP_5, HUNDRED[0], usage_limit(4), NOON, 4, id="another-limit-keeps-the-count"),
        pytest.param(CAP_5, HUNDRED[0], usage_limit(3), NOON, 3, id="nothing-more-under-a-lower-one"),
    ],
)
def test_counters_move(before: UsageLimit, then: Grant, limit: UsageLimit, now: datetime, counted: int) -> None:
    """A count of 3 goes on as long as the bounds of its window are the same; then one unit more is tracked."""
    windows = used(limited(HUNDRED, before), 3).windows

    assert {("messages", ""): counted} == counters(used(limited([then], limit, windows=windows), 1, now=now))
