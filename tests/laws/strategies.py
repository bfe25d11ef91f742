"""What the laws are tried on: instants, cadences, amounts, grants and plans, the same ones on every run."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st

from sumac.balances.model import Grant
from sumac.catalog.model import BasePrice, Plan, PlanItem
from sumac.core.time import Cadence, Interval
from tests.rules.offers import JANUARY, MONTHLY, ONCE, YEARLY, grant, item, prepaid, usage_based

LAW = settings(max_examples=75, derandomize=True, deadline=None, database=None)
"""Deterministic and bounded: a failing example fails again, and the laws together stay under a minute."""

YEARS = timedelta(days=365 * 6)
RECURRING = [interval for interval in Interval if interval is not Interval.ONE_OFF]
BILLED = [Interval.WEEK, Interval.MONTH, Interval.QUARTER, Interval.SEMI_ANNUAL, Interval.YEAR]

instants = st.datetimes(datetime(2023, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001  # the zone is the argument beside it
    lambda instant: instant.replace(microsecond=instant.microsecond // 1000 * 1000)
)
cadences = st.builds(Cadence, st.sampled_from(RECURRING), st.integers(1, 6))
billed_cadences = st.builds(Cadence, st.sampled_from(BILLED), st.integers(1, 3))
within_a_month = st.integers(0, 31 * 86_400_000 - 1).map(lambda ms: JANUARY + timedelta(milliseconds=ms))
quantities = st.decimals(0, 10_000, places=4)
whole_quantities = st.integers(0, 500).map(Decimal)
rates = st.decimals("0.01", 500, places=2)
costs = st.sampled_from(["0.1", "0.2", "0.5", "1", "2", "4"]).map(Decimal)


@st.composite
def grants_of(draw: st.DrawFn, feature_id: str, *, limit: int = 4) -> list[Grant]:
    """Some grants of a feature: monthly, yearly or lasting, with and without overage, used up to some degree."""
    found = []
    for number in range(draw(st.integers(0, limit))):
        unlimited = draw(st.integers(0, 9)) == 0
        paid = draw(st.booleans())
        cap = draw(st.none() | whole_quantities) if paid else None
        included = Decimal(0) if unlimited else draw(whole_quantities)
        used = draw(st.integers(0, int(included)).map(Decimal))
        over = draw(st.integers(0, int(cap) if cap is not None else 300).map(Decimal)) if paid else Decimal(0)
        found.append(
            grant(
                feature_id,
                str(included),
                str(included + over if over else used),
                id=f"{feature_id}-{number}",
                reset=draw(st.sampled_from([MONTHLY, YEARLY, None])),
                overage_allowed=paid,
                max_purchase=cap,
                price=usage_based("0.10") if paid else None,
                add_on=draw(st.booleans()),
                unlimited=unlimited,
            )
        )
    return found


@st.composite
def paid_plans(draw: st.DrawFn, plan_id: str) -> Plan:
    """A plan with a base price, seats bought in advance, units bought once and units paid for after use."""
    items: list[PlanItem] = []
    if draw(st.booleans()):
        units = draw(st.sampled_from([1, 5, 100]))
        price = prepaid(str(draw(rates)), cadence=draw(billed_cadences), units=units)
        items.append(item("seats", units * draw(st.integers(0, 3)), price=price))
    if draw(st.booleans()):
        items.append(item("words", 0, reset=None, price=prepaid(str(draw(rates)), cadence=ONCE, units=100)))
    if draw(st.booleans()):
        items.append(item("messages", draw(st.integers(0, 1000)), price=usage_based(str(draw(rates)))))
    return Plan(
        plan_id,
        1,
        plan_id.title(),
        JANUARY,
        price=BasePrice(draw(rates), draw(billed_cadences)),
        items=tuple(items),
    )
