"""Whatever is attached: parts make up the whole, and there and back again is free (billing.md §2.3, §14.3)."""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sumac.billing.model import Decision, Holding, Snapshot, StartPlan
from sumac.billing.requests import AttachRequest, PlanTiming
from sumac.billing.rules.attach import decide_attach
from sumac.billing.rules.lines import prorate
from sumac.catalog.model import Plan
from sumac.core.money import Money, round_sum
from sumac.core.time import MILLISECOND, Period
from sumac.invoices.model import LineDraft
from sumac.invoices.rules.totals import compute_lines, compute_total
from tests.laws.strategies import LAW, paid_plans, rates, within_a_month
from tests.rules.offers import JANUARY, snapshot

MONTH = Period(JANUARY, JANUARY + timedelta(days=31))


def choose(draw: st.DrawFn, offer: Plan, *, once: bool) -> dict[str, Decimal]:
    """Bought units of the plan, of those paid for once only where wanted."""
    bought = [each for each in offer.items if each.is_prepaid and each.price is not None]
    return {
        each.feature_id: Decimal(draw(st.integers(0, 400)))
        for each in bought
        if each.price is not None and (once or each.price.cadence.recurs)
    }


@st.composite
def chosen(draw: st.DrawFn, plan_id: str, *, once: bool = False) -> tuple[Plan, dict[str, Decimal]]:
    """A paid plan and how much of it is bought."""
    offer = draw(paid_plans(plan_id))
    return offer, choose(draw, offer, once=once)


Chosen = tuple[Plan, dict[str, Decimal]]


def attached(state: Snapshot, wanted: Chosen, now: datetime) -> tuple[Decision, Snapshot]:
    """The decision of a switch at once, and the customer after it, with every line that reaches beyond `now`."""
    offer, quantities = wanted
    running = tuple(line for line in state.charges if line.period is not None and line.period.end > now)
    state = replace(state, charges=running)
    request = AttachRequest("acme", offer.id, quantities=quantities, timing=PlanTiming.IMMEDIATE)
    decision = decide_attach(state, offer, request, now=now)
    started = next(action.held for action in decision.actions if isinstance(action, StartPlan))
    lines = decision.invoice.lines if decision.invoice else ()
    charges = (*state.charges, *(line for line in lines if line.period is not None and line.period.end > now))
    number = int(state.plan_ids[0].rsplit("-", 1)[-1]) + 1
    return decision, replace(state, holdings=(Holding(started, offer),), charges=charges, plan_ids=(f"plan-{number}",))


def exact(decision: Decision) -> tuple[LineDraft, ...]:
    return decision.invoice.lines if decision.invoice else ()


@LAW
@given(one=chosen("one"), two=chosen("two"), now=within_a_month, recorded=st.booleans())
def test_there_and_back_again_is_free(one: Chosen, two: Chosen, now: datetime, *, recorded: bool) -> None:
    """Two switches at one instant come to nothing, whether credits come from the catalogue or from what was charged."""
    _, state = attached(snapshot(plan_ids=("plan-0",)), one, JANUARY)
    if not recorded:
        state = replace(state, charges=())
    there, state = attached(state, two, now)
    if not recorded:
        state = replace(state, charges=())
    back, _ = attached(state, one, now)

    total = sum((line.exact_minor for line in (*exact(there), *exact(back))), Decimal(0))
    assert abs(total) < Decimal("1e-9")


@LAW
@given(chosen("one"), st.lists(chosen("two") | chosen("three"), min_size=1, max_size=4), within_a_month)
def test_a_round_of_switches_is_free(one: Chosen, others: list[Chosen], now: datetime) -> None:
    """However many plans are tried at one instant, coming back has cost nothing."""
    _, state = attached(snapshot(plan_ids=("plan-0",)), one, JANUARY)
    total = Decimal(0)
    current = one[0].id
    for wanted in (*others, one):
        if wanted[0].id == current:
            continue
        decision, state = attached(state, wanted, now)
        current = wanted[0].id
        total += sum((line.exact_minor for line in exact(decision)), Decimal(0))

    assert abs(total) < Decimal("1e-9")


@LAW
@given(rates, st.lists(within_a_month, max_size=6))
def test_the_shares_of_a_split_period_are_the_whole(amount: Decimal, cuts: list[datetime]) -> None:
    """Cut anywhere, the parts of a period cost what the period costs."""
    ends = sorted({JANUARY, *cuts, MONTH.end})
    shares = [prorate(amount, MONTH, a) - prorate(amount, MONTH, b) for a, b in itertools.pairwise(ends)]

    assert abs(sum(shares, Decimal(0)) - amount) < Decimal("1e-15")
    assert all(share > 0 or (b - a) < MILLISECOND for share, a, b in zip(shares, ends, ends[1:], strict=False))


@LAW
@given(chosen("one", once=True), chosen("two", once=True), within_a_month)
def test_lines_add_up_to_the_total(one: Chosen, two: Chosen, now: datetime) -> None:
    """Rounded, the lines of every decision come to its total: the exact sum, rounded once."""
    first, state = attached(snapshot(plan_ids=("plan-0",)), one, JANUARY)
    second, _ = attached(state, two, now)
    for decision in (first, second):
        lines = compute_lines(exact(decision), "usd")
        total = compute_total(lines, "usd")

        assert total == sum((line.amount for line in lines), Money.zero("usd"))
        assert round_sum([line.exact_minor for line in exact(decision)]) == total.minor
