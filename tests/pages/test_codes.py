"""Promotion codes on hosted pages: entered by the payer, they lower what is due (billing.md §14.4; security.md 10)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from sumac.billing.requests import RedirectMode, SetupRequest
from sumac.rewards.model import PromoCode
from tests.pages.shop import Shop, words_of
from tests.support.rewarding import TWENTY, offer_reward, redemptions
from tests.support.services import GOOD_CARD

GOOD = "4242424242424242"


@pytest.fixture
async def codes(shop: Shop) -> Shop:
    """A shop with a code for 20 % off, redeemable once, and one that takes half off."""
    await offer_reward(shop.services, "launch", TWENTY, PromoCode("LAUNCH20", 1))
    await offer_reward(shop.services, "half", replace(TWENTY, value=Decimal(50)), PromoCode("HALF"))
    return shop


async def page_for(shop: Shop, customer_id: str = "ada", **request: object) -> str:
    """The page on which the customer gets Pro."""
    url = (await shop.services.attach("pro", customer_id, **request)).payment_url

    assert url is not None

    return url


async def test_a_code_lowers_what_is_due(codes: Shop) -> None:
    """The payer is led to a page at the new price; paid, the plan costs that, and the code is spent."""
    url = await page_for(codes)
    assert "Promotion code" in words_of(await codes.visit(url))

    led = await codes.submit(url, code=" launch20 ")

    assert 303 == led.status_code
    lowered = led.headers["location"]
    said = words_of(await codes.visit(lowered))
    for words in ("$16.00 due today", "Launch (20% off) -$4.00", "at $16.00 per month", "Pay $16.00"):
        assert words in said.replace("\N{MINUS SIGN}", "-")
    await codes.submit(lowered, number=GOOD)
    assert (["16.00"], [1600]) == (await codes.services.totals(), await codes.services.charged())
    assert {"LAUNCH20": 1} == await redemptions(codes.services)


async def test_a_wrong_code_changes_nothing(codes: Shop) -> None:
    """What is wrong is said beside the code, which stays; the page can still be paid at its price."""
    url = await page_for(codes)
    for code, words in (("NONE", "Promotion code NONE not found"), ("", "Enter a promotion code")):
        refused = await codes.submit(url, code=code)

        assert (400, True) == (refused.status_code, words in words_of(refused))

    await codes.submit(url, number=GOOD)

    assert ["20.00"] == await codes.services.totals()


async def test_one_code_at_a_time(codes: Shop) -> None:
    """Another code takes the place of the first; they are never added up."""
    first = (await codes.submit(await page_for(codes), code="LAUNCH20")).headers["location"]
    second = (await codes.submit(first, code="HALF")).headers["location"]

    assert "$10.00 due today" in words_of(await codes.visit(second))
    closed = await codes.submit(first, code="HALF")
    assert closed.status_code in {400, 410}


async def test_a_spent_code_is_refused_on_the_page(codes: Shop) -> None:
    """The code of somebody else's purchase does not lower this one, nor does it twice."""
    led = (await codes.submit(await page_for(codes), code="LAUNCH20")).headers["location"]
    await codes.submit(led, number=GOOD)
    await codes.services.add_customer("bob")

    refused = await codes.submit(await page_for(codes, "bob"), code="LAUNCH20")

    assert (400, True) == (refused.status_code, "redeemed as often as it may be" in words_of(refused))


async def test_a_code_where_a_change_is_confirmed(codes: Shop) -> None:
    """The page that only asks takes a code as well, and leads to one at the new price."""
    await codes.services.add_card("ada", GOOD_CARD)
    await codes.services.attach("pro")
    receipt = await codes.services.attach("team", redirect_mode=RedirectMode.ALWAYS)
    assert receipt.payment_url is not None

    led = await codes.submit(receipt.payment_url, code="half")

    assert 303 == led.status_code
    assert "Half (50% off)" not in words_of(await codes.visit(receipt.payment_url))
    said = words_of(await codes.visit(led.headers["location"]))
    assert "$29.50 due today" in said
    wrong = await codes.submit(led.headers["location"], code="NONE")
    assert (400, True) == (wrong.status_code, "Promotion code NONE not found" in words_of(wrong))


async def test_a_page_that_stores_a_card_takes_no_code(codes: Shop) -> None:
    """There is nothing to lower on it."""
    url = await codes.services.billing.open_setup(codes.services.tenant, SetupRequest("ada"), actor="test")

    assert "Promotion code" not in words_of(await codes.visit(url))
