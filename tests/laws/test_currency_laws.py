"""Whatever the currency: lines add up, no line is a unit off, a switch there and back is free (billing.md §2.3)."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from sumac.billing.model import Holding, StartPlan
from sumac.billing.requests import AttachRequest, PlanTiming
from sumac.billing.rules.attach import decide_attach
from sumac.catalog.model import BasePrice, CurrencyAmount, ItemPrice, Plan
from sumac.catalog.rules.currency import priced_in
from sumac.core.money import THREE_DECIMAL, ZERO_DECIMAL, Money, exact_minor, minor_digits
from sumac.invoices.model import LineDraft
from sumac.invoices.rules.totals import compute_lines, compute_total
from tests.laws.strategies import LAW, paid_plans, within_a_month
from tests.rules.offers import held, snapshot

Priced = TypeVar("Priced", BasePrice, ItemPrice)

TWO_DECIMAL = ("usd", "eur", "gbp", "chf", "isk", "huf", "inr")
currencies = st.sampled_from(sorted([*ZERO_DECIMAL, *THREE_DECIMAL, *TWO_DECIMAL]))
majors = st.decimals(-(10**9), 10**9, places=10)
rates = st.decimals(0, 10**6, places=10)


@LAW
@given(st.lists(majors, max_size=12), currencies)
def test_lines_add_up_and_none_is_a_unit_off(amounts: list[Decimal], currency: str) -> None:
    """The lines come to the exact total rounded once, and each differs from its exact amount by less than a unit."""
    drafts = [LineDraft("", "", exact_minor(amount, currency), Decimal(1), "pro", None, None) for amount in amounts]
    lines = compute_lines(drafts, currency)
    total = compute_total(lines, currency)

    assert total == sum((line.amount for line in lines), Money.zero(currency))
    assert total == Money.from_major(sum(amounts, Decimal(0)), currency)
    unit = Fraction(1, 10 ** minor_digits(currency))
    for amount, line in zip(amounts, lines, strict=True):
        assert abs(Fraction(line.amount.major) - Fraction(amount)) < unit


@LAW
@given(majors, currencies)
def test_an_amount_of_money_is_whole_units(amount: Decimal, currency: str) -> None:
    """To minor units and back it loses less than one unit, and a second time nothing."""
    money = Money.from_major(amount, currency)

    assert abs(Fraction(money.major) - Fraction(amount)) * 10 ** minor_digits(currency) <= Fraction(1, 2)
    assert money == Money.from_major(money.major, currency)


@st.composite
def offers(draw: st.DrawFn, plan_id: str) -> Plan:
    """A paid plan, each of its prices offered in yen and dinars too."""
    offer = draw(paid_plans(plan_id))
    items = tuple(replace(each, price=_offered(draw, each.price)) if each.price else each for each in offer.items)
    return replace(offer, price=_offered(draw, offer.price) if offer.price else None, items=items)


def _offered(draw: st.DrawFn, price: Priced) -> Priced:
    listed = tuple(CurrencyAmount(code, draw(rates)) for code in ("jpy", "kwd"))
    return replace(price, additional_currencies=listed)


@LAW
@given(offers("pro"), st.permutations(["usd", "jpy", "kwd"]))
def test_a_price_depends_on_the_currency_and_not_on_the_way(offer: Plan, way: list[str]) -> None:
    """However often a plan was turned into other currencies, it comes back as it was."""
    turned = offer
    for currency in way:
        turned = priced_in(turned, currency, default="usd")

        assert turned == priced_in(offer, currency, default="usd")
    assert offer == priced_in(turned, "usd", default="usd")


@LAW
@given(offers("one"), offers("two"), within_a_month, st.sampled_from(["usd", "jpy", "kwd"]))
def test_there_and_back_again_is_free_in_any_currency(one: Plan, two: Plan, now: datetime, currency: str) -> None:
    """The invoices of two switches at the same instant come to nothing (nothing that is paid once is chosen here)."""
    first, second = (priced_in(offer, currency, default="usd") for offer in (one, two))
    there, holding = _switch(held(first), second, now, currency)
    back, _ = _switch(holding, first, now, currency)
    totals = [compute_total(compute_lines(lines, currency), currency) for lines in (there, back)]

    assert Money.zero(currency) == sum(totals, Money.zero(currency))


def _switch(holding: Holding, offer: Plan, now: datetime, currency: str) -> tuple[tuple[LineDraft, ...], Holding]:
    state = snapshot(holding, currency=currency)
    request = AttachRequest("acme", offer.id, timing=PlanTiming.IMMEDIATE)
    decision = decide_attach(state, offer, request, now=now)
    started = next(action.held for action in decision.actions if isinstance(action, StartPlan))
    return decision.invoice.lines if decision.invoice else (), Holding(started, offer)
