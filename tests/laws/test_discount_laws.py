"""Whatever rewards a customer has: what is shown is invoiced, and nothing goes below zero (billing.md §14.4)."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sumac.billing.model import Decision
from sumac.billing.rules.discounts import rewards_after
from sumac.billing.rules.turn import decide_turn
from sumac.core.money import Money
from sumac.invoices.model import Invoice
from sumac.invoices.rules.document import compute_document
from sumac.rewards.model import AppliedReward, DiscountTerms, RewardDuration, RewardKind, RewardUse
from sumac.rewards.rules.standing import left_minor
from tests.laws.strategies import LAW, within_a_month
from tests.rules.decisions import FEBRUARY, MARCH
from tests.rules.offers import ADD_ON, GROWTH, JANUARY, PREMIUM, PRO, held, snapshot
from tests.rules.rewarded import attached, credits_of, has, use

PLANS = [PRO, PREMIUM, GROWTH, ADD_ON]
HELD = [None, ["held-pro"], ["held-add-on"], ["held-pro", "held-add-on"]]


@st.composite
def terms(draw: st.DrawFn) -> DiscountTerms:
    """A discount of any kind, for some or all plans, for any time."""
    kind = draw(st.sampled_from([RewardKind.PERCENTAGE, RewardKind.FIXED, RewardKind.INVOICE_CREDITS]))
    is_part = kind is RewardKind.PERCENTAGE
    duration = draw(st.sampled_from(list(RewardDuration)))
    return DiscountTerms(
        kind=kind,
        value=draw(st.decimals("0.01", 100 if is_part else 150, places=2)),
        currency=None if is_part else draw(st.sampled_from(["usd", "usd", "eur"])),
        duration=duration,
        months=draw(st.integers(1, 3)) if duration is RewardDuration.MONTHS else None,
        plan_ids=draw(st.none() | st.lists(st.sampled_from(["pro", "premium", "add-on"]), min_size=1).map(tuple)),
    )


@st.composite
def rewards(draw: st.DrawFn) -> tuple[AppliedReward, ...]:
    """Some rewards that the customer has, of their own or of plans."""
    count = draw(st.integers(0, 4))
    return tuple(has(draw(terms()), f"r{number}", draw(st.sampled_from(HELD))) for number in range(count))


asked = st.lists(terms(), max_size=3).map(
    lambda several: [use(each, f"n{number}") for number, each in enumerate(several)]
)


def issued(decision: Decision) -> Invoice | None:
    """The invoice that carrying out the decision issues."""
    if decision.invoice is None:
        return None
    return compute_document(decision.invoice, "cus_1", invoice_id="inv", token="t", provider_invoice="in", now=JANUARY)


def check(decision: Decision) -> None:
    """The document adds up both ways, and no line is below what it gives back."""
    invoice = issued(decision)
    if invoice is None:
        return
    zero = Money.zero("usd")

    assert invoice.total == sum((line.total for line in invoice.lines), zero)
    assert invoice.discount == sum((each.amount for each in invoice.discounts), zero)
    assert all(0 <= line.discount_minor <= max(0, line.amount.minor) for line in invoice.lines)
    assert all(each.amount.minor > 0 for each in invoice.discounts)


@LAW
@given(st.sampled_from(PLANS[1:]), rewards(), asked, within_a_month)
def test_the_preview_is_the_invoice(
    offer: object, owned: tuple[AppliedReward, ...], wanted: list[RewardUse], now: datetime
) -> None:
    """Deciding twice about the same comes to the same document, and the one that is issued adds up."""
    state = snapshot(held(PRO), held(replace(ADD_ON, id="other")), rewards=owned)

    shown, done = (attached(state, offer, *wanted, now=now) for _ in range(2))  # type: ignore[arg-type]  # a plan

    assert issued(shown) == issued(done)
    check(done)


@LAW
@given(rewards())
def test_renewals_use_rewards_up(owned: tuple[AppliedReward, ...]) -> None:
    """No renewal takes more than is left of credits, and what is once is on one invoice."""
    state = snapshot(held(PRO), held(ADD_ON), rewards=owned)
    for at in (FEBRUARY, MARCH):
        decision = decide_turn(state, at=at)
        check(decision)
        after = rewards_after(decision, state, now=at)
        renewed = {each.held.id: each.held for each in decision.actions if hasattr(each, "held")}
        holdings = tuple(replace(each, held=renewed[each.held.id]) for each in state.holdings)
        state = replace(state, rewards=after, holdings=holdings)

    for each in state.rewards:
        if each.terms.kind is RewardKind.INVOICE_CREDITS:
            assert left_minor(each) >= 0
        elif each.terms.duration is RewardDuration.ONE_OFF:
            assert each.invoices <= 1


@LAW
@given(st.integers(1, 10_000), st.integers(1, 6))
def test_credits_are_spent_to_the_last_cent(dollars: int, months: int) -> None:
    """What was taken and what is left are the whole, however many invoices it lasted."""
    reward = has(replace(credits_of(1), value=Decimal(dollars) / 100))
    state = snapshot(held(PRO), rewards=(reward,))
    taken = 0
    for month in range(2, 2 + months):
        at = FEBRUARY.replace(month=month)
        decision = decide_turn(state, at=at)
        invoice = issued(decision)
        taken += invoice.discount.minor if invoice else 0
        renewed = next(each.held for each in decision.actions if hasattr(each, "held"))
        state = replace(
            state,
            rewards=rewards_after(decision, state, now=at),
            holdings=(replace(state.holdings[0], held=renewed),),
        )

    assert taken == min(dollars, 2000 * months)
    assert dollars - taken == left_minor(state.rewards[0])
