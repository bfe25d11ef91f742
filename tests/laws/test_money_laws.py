"""Parts sum to the whole; split periods add up; there and back again is free (billing.md §2.3)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from sumac.billing.model import (
    Decision,
    Holding,
    StartPlan,
)
from sumac.billing.requests import (
    AttachRequest,
    PlanTiming,
)
from sumac.billing.rules.attach import decide_attach
from sumac.billing.rules.lines import advance_lines, credit_lines, prorate
from sumac.catalog.model import Plan
from sumac.core.money import DECIMAL_PRECISION, Money, apportion, round_half_up
from sumac.core.time import Cadence, Period, cycle
from sumac.invoices.model import LineDraft
from sumac.invoices.rules.totals import compute_lines, compute_total
from tests.laws.strategies import LAW, billed_cadences, instants, paid_plans, rates, within_a_month
from tests.rules.offers import FEATURES, JANUARY, held, snapshot

amounts = st.lists(st.decimals(-(10**9), 10**9, places=12), max_size=12)
TINY = Decimal("1e-30")


def exact(parts: Sequence[Decimal]) -> Fraction:
    """The sum, as a fraction: no decimal context has a say."""
    return sum((Fraction(part) for part in parts), Fraction(0))


def half_up(value: Fraction) -> int:
    """The nearest whole number, halves away from zero, by the plainest arithmetic."""
    whole = int(abs(value) + Fraction(1, 2))
    return whole if value >= 0 else -whole


@LAW
@given(amounts)
def test_apportioned_parts_sum_to_the_rounded_whole(parts: list[Decimal]) -> None:
    """Nothing is lost and nothing is made; no part is a whole unit off."""
    whole = apportion(parts)

    assert half_up(exact(parts)) == sum(whole)
    assert all(abs(Fraction(part) - unit) < 1 for part, unit in zip(parts, whole, strict=True))


@LAW
@given(amounts, st.sampled_from(["usd", "jpy", "kwd"]))
def test_an_invoice_is_the_sum_of_its_lines(parts: list[Decimal], currency: str) -> None:
    """Lines as shown add up to the total, which is the exact sum rounded once."""
    drafts = [LineDraft("", "", part, Decimal(1), "pro", None, None) for part in parts]
    lines = compute_lines(drafts, currency)

    assert Money(half_up(exact(parts)), currency) == compute_total(lines, currency)


@LAW
@given(st.lists(st.tuples(st.integers(1, 10**7), instants), min_size=1, max_size=4), instants, billed_cadences)
def test_prorated_lines_round_as_their_true_sum(
    prices: list[tuple[int, datetime]], anchor: datetime, cadence: Cadence
) -> None:
    """Shares that no decimal can hold are rounded as if they were fractions."""
    parts, truth = [], Fraction(0)
    for cents, now in prices:
        period = cycle(anchor, cadence, now)
        parts.append(prorate(Decimal(cents), period, now))
        truth += Fraction(cents) * _milliseconds(now, period.end) / _milliseconds(period.start, period.end)

    assert half_up(truth) == sum(apportion(parts))


def _milliseconds(start: datetime, end: datetime) -> int:
    delta = end - start
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000


@LAW
@given(instants, billed_cadences, instants, rates, st.lists(st.integers(0, 10**9), max_size=5))
def test_shares_of_a_split_period_add_up(
    anchor: datetime, cadence: Cadence, now: datetime, amount: Decimal, cuts: list[int]
) -> None:
    """A period cut anywhere costs as much in pieces as it does whole."""
    period = cycle(anchor, cadence, now)
    length = period.end - period.start
    marks = sorted({period.start, *(period.start + length * (cut % 1000) / 1000 for cut in cuts), period.end})
    marks = [mark.replace(microsecond=mark.microsecond // 1000 * 1000) for mark in marks]
    with localcontext() as context:
        context.prec = DECIMAL_PRECISION
        pieces = [prorate(amount, period, left) - prorate(amount, period, right) for left, right in pairwise(marks)]
        difference = abs(sum(pieces, Decimal(0)) - amount)

    assert difference < TINY
    assert all(piece >= 0 for piece in pieces)


@LAW
@given(instants, billed_cadences, instants, instants, rates)
def test_the_share_falls_with_time(
    anchor: datetime, cadence: Cadence, first: datetime, second: datetime, amount: Decimal
) -> None:
    """Later is never dearer, and no share is more than the whole or less than nothing."""
    period = cycle(anchor, cadence, first)
    earlier, later = sorted((first, second))

    assert amount >= prorate(amount, period, earlier) >= prorate(amount, period, later) >= 0


@LAW
@given(paid_plans("pro"), within_a_month, st.integers(0, 900))
def test_what_is_charged_is_given_back(plan: Plan, now: datetime, seats: int) -> None:
    """A plan started and left at the same instant costs what is paid once, and nothing else."""
    chosen = {"seats": Decimal(seats)}
    holding = held(plan, quantities=chosen)
    charged = advance_lines(holding, FEATURES, currency="usd", now=now)
    credited = credit_lines(holding, FEATURES, currency="usd", now=now)
    assume(now != JANUARY or holding.held.period_end != now)

    assert 0 == round_half_up(sum((line.exact_minor for line in (*charged, *credited)), Decimal(0)))


def switch(holding: Holding, plan: Plan, now: datetime) -> tuple[Decision, Holding]:
    """The plan takes the other's place at once; what the customer holds then."""
    request = AttachRequest("acme", plan.id, timing=PlanTiming.IMMEDIATE)
    decision = decide_attach(snapshot(holding), plan, request, now=now)
    (start,) = [action for action in decision.actions if isinstance(action, StartPlan)]
    return decision, Holding(replace(start.held, id=f"held-{plan.id}"), plan)


def total(decision: Decision) -> int:
    """Whole cents of the invoice; 0 without one."""
    lines = compute_lines(decision.invoice.lines, "usd") if decision.invoice else ()
    return compute_total(lines, "usd").minor


@LAW
@given(paid_plans("one"), paid_plans("two"), within_a_month)
def test_there_and_back_again_is_free(one: Plan, two: Plan, now: datetime) -> None:
    """Another plan and back at the same instant costs nothing but what is paid once (nothing chosen here)."""
    there, holding = switch(held(one), two, now)
    back, _ = switch(holding, one, now)

    assert 0 == total(there) + total(back)


@LAW
@given(paid_plans("one"), paid_plans("two"), within_a_month)
def test_an_invoice_of_a_switch_is_its_lines(one: Plan, two: Plan, now: datetime) -> None:
    """The total is the sum of the credit and the charge, rounded once."""
    decision, _ = switch(held(one), two, now)
    drafts = decision.invoice.lines if decision.invoice else ()
    period_lines = [line for line in drafts if line.period is not None]

    assert abs(total(decision) - exact([line.exact_minor for line in drafts])) <= Fraction(1, 2)
    assert all(_within(line.period, now) for line in period_lines)


def _within(period: Period | None, now: datetime) -> bool:
    return period is not None and period.start == now < period.end
