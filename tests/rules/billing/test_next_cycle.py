"""What the next cycle will cost (api.md §2.5 `next_cycle`; billing.md §10.4, §11)."""

from datetime import datetime
from decimal import Decimal

import pytest

from sumac.billing.model import (
    Holding,
)
from sumac.billing.rules.preview import NextCycle, UsageAhead, compute_next_cycle
from sumac.core.time import Period
from tests.rules.offers import (
    FEATURES,
    FREE,
    JANUARY,
    ONE_OFF,
    PREMIUM,
    PRO,
    PRO_TRIAL,
    YEARLY,
    at,
    canceling,
    held,
    item,
    plan,
    prepaid,
    scheduled,
)

FEBRUARY, MARCH = at("2026-02-01"), at("2026-03-01")
TRIAL_END = at("2026-01-15")

Upcoming = tuple[datetime, list[Decimal]]


def next_cycle(holding: Holding) -> NextCycle | None:
    return compute_next_cycle(holding, FEATURES, currency="usd")


def facts(holding: Holding) -> Upcoming | None:
    """Start and lines in cents."""
    upcoming = next_cycle(holding)
    return None if upcoming is None else (upcoming.starts_at, [line.exact_minor for line in upcoming.lines])


@pytest.mark.parametrize(
    ("holding", "expected"),
    [
        pytest.param(held(PRO), (FEBRUARY, [2000]), id="monthly"),
        pytest.param(held(FREE), None, id="free"),
        pytest.param(held(ONE_OFF), None, id="one-off"),
        pytest.param(canceling(held(PRO), FEBRUARY), None, id="canceling"),
        pytest.param(canceling(held(PRO), MARCH), (FEBRUARY, [2000]), id="ends-later"),
        pytest.param(
            held(PRO_TRIAL, anchor_at=TRIAL_END, trial_ends_at=TRIAL_END, period_end=TRIAL_END),
            (TRIAL_END, [2000]),
            id="on-trial",
        ),
        pytest.param(scheduled(PRO, FEBRUARY, anchor_at=JANUARY), (FEBRUARY, [2000]), id="scheduled"),
        pytest.param(
            scheduled(PRO, at("2026-02-15"), anchor_at=JANUARY),
            (at("2026-02-15"), [1000]),
            id="scheduled-within-a-cycle",
        ),
        pytest.param(scheduled(FREE, FEBRUARY), None, id="scheduled-free"),
        pytest.param(
            scheduled(plan("mixed", 20, *ONE_OFF.items), FEBRUARY, quantities={"messages": Decimal(100)}),
            (FEBRUARY, [2000, 1000]),
            id="scheduled-with-what-is-paid-once",
        ),
        pytest.param(
            held(plan("mixed", 20, *ONE_OFF.items), quantities={"messages": Decimal(100)}),
            (FEBRUARY, [2000]),
            id="what-is-paid-once-is-over",
        ),
        pytest.param(
            held(
                plan("mixed", 20, item("seats", 0, price=prepaid("120", cadence=YEARLY))),
                quantities={"seats": Decimal(1)},
            ),
            (FEBRUARY, [2000]),
            id="a-year-not-yet-over",
        ),
    ],
)
def test_next_cycle(holding: Holding, expected: Upcoming | None) -> None:
    """The whole recurring price from the end of this cycle; nothing where nothing follows."""
    assert expected == facts(holding)


def test_usage_that_will_be_added() -> None:
    """Items billed after use are named with the cycle they will be used in."""
    upcoming = next_cycle(held(PREMIUM))

    assert upcoming is not None
    assert (UsageAhead("premium", PREMIUM.items[0], Period(FEBRUARY, MARCH)),) == upcoming.usage
    assert [Period(FEBRUARY, MARCH)] == [line.period for line in upcoming.lines]
