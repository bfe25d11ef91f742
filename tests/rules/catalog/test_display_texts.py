"""How prices and items read (api.md §2.0, display texts)."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sumac.catalog.model import (
    BasePrice,
    BillingMethod,
    Display,
    Feature,
    FeatureKind,
    ItemPrice,
    PlanItem,
    Tier,
)
from sumac.catalog.rules.text import amount_text, item_texts, money_text, price_texts
from sumac.core.money import Money
from sumac.core.time import Cadence, Interval

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
MONTHLY = Cadence(Interval.MONTH)
MESSAGES = Feature("messages", "Messages", FeatureKind.METERED, True, CREATED, Display("message", "messages"))
SEATS = Feature("seats", "Seats", FeatureKind.METERED, False, CREATED, Display("seat", "seats"))
SIGN_ON = Feature("sso", "Single sign-on", FeatureKind.BOOLEAN, False, CREATED)
CREDITS = Feature("credits", "AI credits", FeatureKind.CREDIT_SYSTEM, True, CREATED)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("30", "usd", "$30"),
        ("0.01", "usd", "$0.01"),
        ("8.5", "usd", "$8.50"),
        ("0.0025", "usd", "$0.0025"),
        ("12500", "eur", "€12,500"),
        ("30", "chf", "30 chf"),
        ("3000", "jpy", "¥3,000"),
        ("1.5", "jpy", "¥1.5"),
        ("1.005", "kwd", "1.005 kwd"),
        ("1.5", "kwd", "1.500 kwd"),
    ],
)
def test_amounts(amount: str, currency: str, text: str) -> None:
    """Whole amounts without decimals, others with those of the currency or as many as they have."""
    assert text == amount_text(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (2000, "usd", "$20.00"),
        (123456, "eur", "€1,234.56"),
        (2000, "jpy", "¥2,000"),
        (1250, "kwd", "KWD 1.250"),
        (3000, "chf", "CHF 30.00"),
    ],
)
def test_sums(minor: int, currency: str, text: str) -> None:
    """A sum has exactly the decimals of its currency."""
    assert text == money_text(Money(minor, currency))


@pytest.mark.parametrize(
    ("cadence", "text"),
    [
        (MONTHLY, "per month"),
        (Cadence(Interval.MONTH, 3), "per 3 months"),
        (Cadence(Interval.SEMI_ANNUAL), "per half year"),
        (Cadence(Interval.YEAR), "per year"),
        (Cadence(Interval.ONE_OFF), "one-off"),
    ],
)
def test_base_prices(cadence: Cadence, text: str) -> None:
    """The amount, then how often."""
    assert ("$30", text) == price_texts(BasePrice(Decimal(30), cadence), "usd")


def usage(amount: str, billing_units: int = 1) -> ItemPrice:
    return ItemPrice(MONTHLY, BillingMethod.USAGE_BASED, Decimal(amount), billing_units=Decimal(billing_units))


def tiers(first: str, last: str) -> ItemPrice:
    bands = (Tier(Decimal(500), Decimal(first)), Tier(None, Decimal(last)))
    return ItemPrice(MONTHLY, BillingMethod.USAGE_BASED, tiers=bands)


@pytest.mark.parametrize(
    ("item", "feature", "texts"),
    [
        pytest.param(PlanItem("messages", Decimal(1000)), MESSAGES, ("1,000 messages", None), id="included"),
        pytest.param(PlanItem("messages", Decimal(1)), MESSAGES, ("1 message", None), id="just-one"),
        pytest.param(
            PlanItem("messages", Decimal(1000), price=usage("2", 500)),
            MESSAGES,
            ("1,000 messages", "then $2 per 500 messages"),
            id="included-and-priced",
        ),
        pytest.param(PlanItem("seats", price=usage("8")), SEATS, ("$8", "per seat per month"), id="priced"),
        pytest.param(PlanItem("messages", unlimited=True), MESSAGES, ("Unlimited messages", None), id="unlimited"),
        pytest.param(
            PlanItem("messages", price=tiers("2", "1")),
            MESSAGES,
            ("$2 - $1", "per message per month"),
            id="tiers",
        ),
        pytest.param(
            PlanItem("messages", price=tiers("2", "2")),
            MESSAGES,
            ("$2", "per message per month"),
            id="tiers-of-one-rate",
        ),
        pytest.param(PlanItem("sso"), SIGN_ON, ("Single sign-on", None), id="boolean"),
        pytest.param(PlanItem("credits", Decimal(50)), CREDITS, ("50 AI credits", None), id="named-by-the-feature"),
    ],
)
def test_items(item: PlanItem, feature: Feature, texts: tuple[str, str | None]) -> None:
    """What is included first, what more costs second."""
    assert texts == item_texts(item, feature, "usd")
