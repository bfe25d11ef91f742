"""The same decisions in currencies of no, two and three decimals (billing.md §2.3, §2.4, §14.5)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.billing.model import Decision
from sumac.billing.requests import CancelAction, CancelRequest
from sumac.billing.rules.cancel import decide_cancel
from sumac.catalog.model import Plan, Tier, TierAmount, TierBehavior
from sumac.catalog.rules.currency import priced_in
from sumac.core.money import Money
from sumac.invoices.rules.totals import compute_lines, compute_total
from tests.rules.decisions import FEBRUARY, HALF, attach, metered, turn
from tests.rules.offers import JANUARY, MONTHLY, held, item, plan, prepaid, snapshot, usage_based
from tests.support.build import in_currencies, price

USAGE = usage_based("0.10", additional_currencies=in_currencies(eur="0.095", jpy="1.5", kwd="0.0015"))
SEATS = prepaid("10", additional_currencies=in_currencies(eur=9, jpy=1001, kwd="3.335"))


def band(end: int | None, amount: str, **others: str) -> Tier:
    """Units up to `end` at this rate, in dollars and in others."""
    to = None if end is None else Decimal(end)
    listed = tuple(TierAmount(currency, Decimal(rate)) for currency, rate in others.items())
    return Tier(to, Decimal(amount), additional_currencies=listed)


def offer(plan_id: str, amount: int, **others: str) -> Plan:
    """A monthly plan with 100 messages and as many seats as are chosen, sold in dollars and in others."""
    made = plan(plan_id, None, item("messages", 100, price=USAGE), item("seats", price=SEATS))
    return replace(made, price=price(amount, MONTHLY, **others))


PRO = offer("pro", 20, eur="18.5", jpy="2000", kwd="1.005")
PREMIUM = offer("premium", 50, eur="46.25", jpy="5001", kwd="2.5")


def sold(what: Plan, currency: str) -> Plan:
    return priced_in(what, currency, default="usd")


def billed(decision: Decision, currency: str) -> list[str]:
    """The lines of the invoice in major units, then its total."""
    assert decision.invoice is not None
    assert currency == decision.invoice.currency

    lines = compute_lines(decision.invoice.lines, currency)
    return [f"{each.major:f}" for each in (*(line.amount for line in lines), compute_total(lines, currency))]


@pytest.mark.parametrize(
    ("currency", "expected"),
    [
        ("usd", ["-10.00", "25.00", "15.00"]),
        ("eur", ["-9.25", "23.13", "13.88"]),
        ("jpy", ["-1000", "2501", "1501"]),
        ("kwd", ["-0.502", "1.250", "0.748"]),
    ],
)
def test_an_upgrade_in_the_middle_of_a_month(currency: str, expected: list[str]) -> None:
    """Half of each price; the exact sum is rounded once, half up, and the lines come to it."""
    decision = attach(snapshot(held(sold(PRO, currency)), currency=currency), sold(PREMIUM, currency), HALF)

    assert expected == billed(decision, currency)


@pytest.mark.parametrize(
    ("currency", "expected"),
    [
        ("usd", ["20.00", "30.00", "50.00"]),
        ("eur", ["18.50", "27.00", "45.50"]),
        ("jpy", ["2000", "3003", "5003"]),
        ("kwd", ["1.005", "10.005", "11.010"]),
    ],
)
def test_a_first_invoice(currency: str, expected: list[str]) -> None:
    """The base price and three seats, exact to the last decimal the currency has."""
    decision = attach(snapshot(currency=currency), sold(PRO, currency), quantities={"seats": 3})

    assert expected == billed(decision, currency)


@pytest.mark.parametrize(
    ("currency", "expected"),
    [
        ("usd", ["20.00", "0.70", "20.70"]),
        ("eur", ["18.50", "0.67", "19.17"]),
        ("jpy", ["2000", "11", "2011"]),
        ("kwd", ["1.005", "0.011", "1.016"]),
    ],
)
def test_a_renewal_with_usage(currency: str, expected: list[str]) -> None:
    """Seven messages beyond the included ones, at a rate finer than the currency, are rounded with the rest."""
    holding = held(sold(PRO, currency))
    rate = sold(PRO, currency).items[0].price
    assert rate is not None
    grant = metered(holding, 100, 107, f"{rate.amount:f}")
    decision = turn(holding, at_=FEBRUARY, grants=[grant], currency=currency)

    assert expected == billed(decision, currency)


@pytest.mark.parametrize(
    ("currency", "expected"),
    [("usd", ["-10.00"]), ("eur", ["-9.25"]), ("jpy", ["-1000"]), ("kwd", ["-0.503"])],
)
def test_a_cancellation_gives_back_the_unused_half(currency: str, expected: list[str]) -> None:
    """A credit is rounded as a charge is: half of a fils goes away from zero."""
    state = snapshot(held(sold(PRO, currency)), currency=currency)
    decision = decide_cancel(state, CancelRequest("acme", CancelAction.CANCEL_IMMEDIATELY, "pro"), now=HALF)

    assert [*expected, *expected] == billed(decision, currency)


BANDS = (band(10, "5", jpy="500", kwd="1.5005"), band(None, "3", jpy="300", kwd="1.0005"))


@pytest.mark.parametrize(
    ("behavior", "currency", "expected"),
    [
        (TierBehavior.GRADUATED, "usd", "65.00"),
        (TierBehavior.GRADUATED, "jpy", "6500"),
        (TierBehavior.GRADUATED, "kwd", "20.008"),
        (TierBehavior.VOLUME, "usd", "45.00"),
        (TierBehavior.VOLUME, "jpy", "4500"),
        (TierBehavior.VOLUME, "kwd", "15.008"),
    ],
)
def test_tiers(behavior: TierBehavior, currency: str, expected: str) -> None:
    """Fifteen seats in bands: each band has its own rates in each currency."""
    tiered = replace(SEATS, amount=None, additional_currencies=(), tiers=BANDS, tier_behavior=behavior)
    team = plan("team", None, item("seats", price=tiered))
    decision = attach(snapshot(currency=currency), sold(team, currency), JANUARY, quantities={"seats": 15})

    assert [expected, expected] == billed(decision, currency)


def test_an_invoice_in_francs() -> None:
    """A currency without decimals, the worked example: 23 188 and 10 come to 23 198."""
    kigali = plan("pro", 23_188, item("seats", price=prepaid("10")))
    decision = attach(snapshot(currency="rwf"), priced_in(kigali, "rwf", default="rwf"), quantities={"seats": 1})

    assert ["23188", "10", "23198"] == billed(decision, "rwf")
    assert decision.invoice is not None
    assert Money(23_198, "rwf") == compute_total(compute_lines(decision.invoice.lines, "rwf"), "rwf")
