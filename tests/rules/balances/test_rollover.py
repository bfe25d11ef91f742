"""What is left at a reset lives on, up to a cap (billing.md §9.3, §9.5)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from sumac.balances.model import Grant, RolledUnits
from sumac.balances.rules.rollover import (
    RolledOver,
    compute_cap,
    compute_expiry,
    compute_left,
    compute_rollover,
    rolled_grant,
    trim,
)
from sumac.catalog.model import Rollover
from tests.rules.offers import at, grant, usage_based

FEBRUARY, MARCH, APRIL = at("2026-02-01"), at("2026-03-01"), at("2026-04-01")
MONTH, FOREVER = Rollover("month", 1), Rollover("forever", 0)


def capped(limit: int | str, months: int = 2) -> Rollover:
    return Rollover("month", months, max=Decimal(limit))


def half(months: int = 2) -> Rollover:
    return Rollover("month", months, max_percentage=Decimal(50))


def older(units: int | str, expires_at: datetime | None = MARCH, used: int | str = 0, **changes: Any) -> Grant:  # noqa: ANN401  # fields of a grant
    """What rolled over before: so many units are left, `used` were used."""
    total = Decimal(units) + Decimal(used)
    return grant(
        "messages",
        str(total),
        used,
        **{"id": "older", "reset": None, "expires_at": expires_at, "rollover_of": "messages-grant", **changes},
    )


def roll(rollover: Rollover | None, included: int | str, used: int | str, *rolled: Grant, **changes: Any) -> RolledOver:  # noqa: ANN401  # fields of a grant
    """What a reset on 1 February leaves of a grant of which so much was used."""
    before = grant("messages", included, used, rollover=rollover, **changes)
    return compute_rollover(before, before, rolled, at=FEBRUARY)


@pytest.mark.parametrize(
    ("rollover", "included", "prepaid", "used", "expected"),
    [
        pytest.param(capped(500), 400, 0, 250, 150, id="below-the-cap"),
        pytest.param(capped(100), 300, 0, 50, 100, id="above-the-cap"),
        pytest.param(capped(80), 100, 0, 50, 50, id="first-cycle"),
        pytest.param(half(), 200, 0, 50, 100, id="half-of-it-at-most"),
        pytest.param(half(), 200, 0, 150, 50, id="less-than-half"),
        pytest.param(half(), 100, 100, 50, 100, id="half-of-what-was-bought-too"),
        pytest.param(half(), 0, 300, 100, 150, id="half-of-bought-units"),
        pytest.param(half(), 7, 0, 0, 3, id="a-percentage-comes-to-whole-units"),
        pytest.param(FOREVER, 200, 0, 0, 200, id="without-a-cap"),
        pytest.param(FOREVER, "0.3", 0, "0.1", "0.2", id="parts-of-a-unit"),
        pytest.param(MONTH, 100, 0, 100, None, id="used-up"),
        pytest.param(MONTH, 100, 0, 130, None, id="overdrawn"),
        pytest.param(Rollover("month", 0), 100, 0, 50, None, id="expires-at-once"),
        pytest.param(None, 100, 0, 50, None, id="nothing-rolls-over"),
    ],
)
def test_what_is_left_rolls_over(
    rollover: Rollover | None, included: int | str, prepaid: int, used: int | str, expected: int | str | None
) -> None:
    """The table of §9.5: what is left of the grant rolls over, no more of it than the cap."""
    opened = roll(rollover, included, used, prepaid=prepaid).opened

    assert (None if expected is None else Decimal(expected)) == (opened and opened.units)


def test_the_cap_is_on_everything_that_rolled_over() -> None:
    """100 a month, at most 80: 50 from before and 100 now come to a single parcel of 80."""
    before = older(50)
    outcome = roll(capped(80), 100, 0, before)

    assert RolledOver(RolledUnits(Decimal(80), APRIL), (), (before,)) == outcome


def test_the_soonest_to_expire_is_trimmed_first() -> None:
    """Of 30 that expire in March, 30 in April and 30 now, 70 stay: the first lose 20."""
    soon, later = older(30, MARCH, id="soon"), older(30, APRIL, id="later")
    outcome = roll(capped(70, 3), 30, 0, later, soon)

    assert (Decimal(30), ["soon"], ()) == (
        outcome.opened and outcome.opened.units,
        [each.id for each in outcome.trimmed],
        outcome.emptied,
    )
    assert [Decimal(10)] == [each.balance for each in outcome.trimmed]


def test_units_that_stay_for_good_are_trimmed_last() -> None:
    """What never expires loses units only once nothing else has any."""
    good, soon = older(50, None, id="good"), older(50, APRIL, id="soon")
    outcome = roll(capped(40, 1), 20, 0, good, soon)

    assert (None, ["soon"]) == (outcome.opened, [each.id for each in outcome.emptied])
    assert [("good", Decimal(40))] == [(each.id, each.balance) for each in outcome.trimmed]


def test_used_units_stay_used_when_the_rest_is_trimmed() -> None:
    """Trimming takes units that are left: granted falls with them, usage does not."""
    outcome = roll(capped(60), 30, 0, older(50, used=40))

    (trimmed,) = outcome.trimmed
    assert (Decimal(30), Decimal(70), Decimal(40)) == (trimmed.balance, trimmed.granted, trimmed.usage)


def test_what_rolled_over_and_is_used_up_is_over() -> None:
    """At the next reset, also where nothing new rolls over; what has units left stays as it is."""
    spent, rest = older(0, used=40, id="spent"), older(5, id="rest")

    assert RolledOver(None, (), (spent,)) == roll(FOREVER, 100, 100, spent, rest)


def test_a_lower_cap_of_the_new_period_counts() -> None:
    """The percentage is of what the grant gives from now on."""
    before = grant("messages", 0, 0, prepaid=200, rollover=half())
    after = grant("messages", 0, 0, prepaid=100, rollover=half())

    opened = compute_rollover(before, after, (), at=FEBRUARY).opened

    assert Decimal(50) == (opened and opened.units)


@pytest.mark.parametrize(
    ("rollover", "resets_at", "expected"),
    [
        pytest.param(MONTH, "2026-02-01", "2026-03-01", id="a-month"),
        pytest.param(Rollover("month", 3), "2026-01-31", "2026-04-30", id="the-last-day-of-a-shorter-month"),
        pytest.param(Rollover("month", 12), "2026-02-01 10:30", "2027-02-01 10:30", id="a-year"),
        pytest.param(Rollover("month"), "2026-02-01", "2026-03-01", id="no-length-is-a-month"),
        pytest.param(FOREVER, "2026-02-01", None, id="forever"),
        pytest.param(Rollover("forever", 3), "2026-02-01", None, id="forever-whatever-the-length"),
    ],
)
def test_expiry_is_counted_from_the_reset(rollover: Rollover, resets_at: str, expected: str | None) -> None:
    """Months after the instant of the reset, whenever it is looked at."""
    assert (at(expected) if expected else None) == compute_expiry(rollover, at(resets_at))


def test_what_is_long_overdue_and_expired_does_not_roll_over() -> None:
    """Units left in January expire on 1 March, and a reset made up for on that day leaves none of them."""
    left = grant("messages", 100, 40, rollover=MONTH)

    assert (1, 0) == (len(compute_left(left, at=FEBRUARY)), len(compute_left(left, at=MARCH)))
    assert () == compute_left(grant("messages", 100, 0, rollover=MONTH, reset=None), at=MARCH)


@pytest.mark.parametrize(
    ("rollover", "starting", "expected"),
    [
        pytest.param(FOREVER, 100, None, id="no-cap"),
        pytest.param(capped("12.5"), 100, "12.5", id="units"),
        pytest.param(half(), "99.9", 49, id="percentage-rounded-down"),
        pytest.param(Rollover("forever", max_percentage=Decimal("12.5")), "1e13", "1250000000000", id="largest"),
    ],
)
def test_caps(rollover: Rollover, starting: int | str, expected: int | str | None) -> None:
    """A number of units, or a share of what the grant gives."""
    assert (None if expected is None else Decimal(expected)) == compute_cap(rollover, Decimal(starting))


def test_trimming_keeps_the_order() -> None:
    """Parcels stay where they are, some with nothing; under the cap nothing changes."""
    parcels = [RolledUnits(Decimal(units), expiry) for units, expiry in ((5, None), (3, APRIL), (2, MARCH))]

    assert [5, 1, 0] == [each.units for each in trim(parcels, Decimal(6))]
    assert [2, 0, 0] == [each.units for each in trim(parcels, Decimal(2))]
    assert tuple(parcels) == trim(parcels, Decimal(10)) == trim(parcels, None)


def test_the_grant_of_units_that_rolled_over() -> None:
    """It is of the same plan and entity, gives only what was left, and never resets, costs or goes below zero."""
    source = grant(
        "messages", 100, 40, customer_plan_id="held", plan_id="pro", entity_key="ent", prepaid=5, adjustment=Decimal(3),
        overage_allowed=True, price=usage_based("0.1"), rollover=MONTH, balance_id="own",
    )  # fmt: skip
    rolled = rolled_grant(source, RolledUnits(Decimal(60), MARCH), grant_id="new", at=FEBRUARY)

    assert ("new", source.id, "held", "pro", "ent", FEBRUARY) == (
        rolled.id,
        rolled.rollover_of,
        rolled.customer_plan_id,
        rolled.plan_id,
        rolled.entity_key,
        rolled.created_at,
    )
    assert (Decimal(60), Decimal(60), MARCH) == (rolled.granted, rolled.balance, rolled.expires_at)
    assert (None, None, None, False, None) == (
        rolled.reset,
        rolled.resets_at,
        rolled.price,
        rolled.overage_allowed,
        rolled.rollover,
    )
