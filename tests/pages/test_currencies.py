"""Every page speaks the customer's currency, with exactly its decimals: none, two or three."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sumac.billing.requests import RedirectMode
from sumac.catalog.model import BasePrice, CurrencyAmount
from tests.pages.shop import Shop, words_of
from tests.support import build

GOOD = "4242424242424242"
HALF = datetime(2026, 1, 16, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Prices:
    """What two plans cost in a currency, and what changing between them in the middle of the month costs."""

    basic: str
    large: str
    change: str
    basic_minor: int
    change_minor: int


EXPECTED = {
    "usd": Prices("$19.99", "$59.99", "$20.00", 1999, 2000),
    "jpy": Prices("¥2,000", "¥6,001", "¥2,001", 2000, 2001),
    "kwd": Prices("KWD 6.125", "KWD 18.250", "KWD 6.063", 6125, 6063),
}
BASIC = {"usd": "19.99", "jpy": "2000", "kwd": "6.125"}
LARGE = {"usd": "59.99", "jpy": "6001", "kwd": "18.250"}


def priced(amounts: dict[str, str]) -> BasePrice:
    """The same price in every currency, by the month."""
    others = tuple(
        CurrencyAmount(currency, Decimal(amount)) for currency, amount in amounts.items() if currency != "usd"
    )
    return BasePrice(Decimal(amounts["usd"]), build.MONTHLY, others)


@pytest.mark.parametrize("currency", EXPECTED)
async def test_a_checkout_a_change_and_the_portal(shop: Shop, currency: str) -> None:
    """Paid on the hosted page, changed on the confirm page, shown in the portal: the amounts are the bank's."""
    expected = EXPECTED[currency]
    await shop.services.offer(
        build.plan("basic", group="size", price=priced(BASIC)), build.plan("large", group="size", price=priced(LARGE))
    )
    url = (await shop.services.attach("basic", currency=currency)).payment_url
    assert url is not None
    page = words_of(await shop.visit(url))

    assert f"{expected.basic} due today" in page
    assert f"Pay {expected.basic}" in page
    assert f"at {expected.basic} per month" in page

    await shop.submit(url, number=GOOD)
    done = words_of(await shop.visit(f"{url}/done"))
    portal = await shop.services.billing.open_portal(shop.services.tenant, "ada", None)
    held = words_of(await shop.visit(portal))

    assert f"You paid {expected.basic} to" in done
    assert f"Basic Active {expected.basic} per month Renews on February 1, 2026 for {expected.basic}" in held
    assert [expected.basic_minor] == await shop.services.charged()

    shop.services.clock.move_to(HALF)
    question = (await shop.services.attach("large", redirect_mode=RedirectMode.ALWAYS)).payment_url
    assert question is not None
    asked = words_of(await shop.visit(question))

    assert f"Confirm and pay {expected.change}" in asked
    assert f"On February 1, 2026 {expected.large}" in asked

    await shop.submit(question, answer="yes", shown=str(expected.change_minor), currency=currency)
    invoice = (await shop.services.invoices())[-1]

    assert sorted([expected.basic_minor, expected.change_minor]) == await shop.services.charged()
    assert expected.change in words_of(await shop.visit(f"/invoice/{invoice.token}"))
