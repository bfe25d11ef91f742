"""The checkout: what it shows, and every way of paying or not."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sumac.billing.requests import (
    RedirectMode,
)
from sumac.catalog import service as catalog
from sumac.storage.schema import bank_charges
from tests.pages.shop import Shop, words_of
from tests.support import build
from tests.support.bank import SlowBank

GOOD, REFUSED, DECLINES, ASKS = "4242424242424242", "4000000000000002", "4000000000000341", "4000000000003220"


async def payment_url(
    shop: Shop,
    plan_id: str = "pro",
    *,
    success_url: str | None = None,
    redirect_mode: RedirectMode = RedirectMode.IF_REQUIRED,
) -> str:
    """The page on which Ada gets a plan."""
    url = (await shop.services.attach(plan_id, success_url=success_url, redirect_mode=redirect_mode)).payment_url

    assert url is not None

    return url


async def charged_and_refunded(shop: Shop) -> list[tuple[int, int]]:
    """What the bank has charged and given back, charge by charge."""
    async with shop.services.database.reading(shop.services.tenant) as work:
        rows = await work.all(work.select(bank_charges).order_by(bank_charges.c.created_at, bank_charges.c.id))
    return [(row.amount_minor, row.refunded_minor) for row in rows]


async def test_shows_what_is_bought(shop: Shop) -> None:
    """The seller, the lines, what is due now, what follows, and that this is the sandbox."""
    answer = await shop.visit(await payment_url(shop))

    assert 200 == answer.status_code
    for words in (
        "Sandbox No real money moves here.",
        "Lumen Studio",
        "Subscribe to Pro",
        "$20.00 due today",
        "Pro - base price $20.00",
        "Renews on February 1, 2026 at $20.00 per month, charged automatically until you cancel.",
        "4000 0000 0000 0341 is saved, every later charge declines",
        "Pay $20.00",
    ):
        assert words in words_of(answer)


async def test_paying_starts_the_plan(shop: Shop) -> None:
    """The chosen test card pays; the thank-you page says what is active and leads to the invoice."""
    url = await payment_url(shop)
    paid = await shop.submit(url, test_card=GOOD, number="")
    thanks = await shop.visit(paid.headers["location"])
    invoice = (await shop.services.invoices())[0]

    assert 303 == paid.status_code
    assert 200 == thanks.status_code
    assert "Thank you Pro is active. You paid $20.00 to Lumen Studio." in words_of(thanks)
    assert f'href="/invoice/{invoice.token}"' in thanks.text
    assert {"pro": "active"} == await shop.services.statuses()
    assert "paid" == invoice.status


async def test_leads_back_to_the_seller(shop: Shop) -> None:
    """After paying the customer is where the seller wants, and the page's policy lets the form lead there."""
    url = await payment_url(shop, success_url="https://lumen.example/welcome?from=pay")
    page = await shop.visit(url)
    paid = await shop.submit(url, test_card=GOOD)

    assert "form-action 'self' https: http:" in page.headers["content-security-policy"]
    assert 303 == paid.status_code
    assert "https://lumen.example/welcome?from=pay" == paid.headers["location"]


async def test_leads_to_web_addresses_only(shop: Shop) -> None:
    """A success address that is no web address is neither followed nor linked."""
    url = await payment_url(shop, success_url="javascript:alert(1)")
    paid = await shop.submit(url, test_card=GOOD)
    thanks = await shop.visit(paid.headers["location"])

    assert paid.headers["location"].startswith("/checkout/")
    assert "javascript:" not in thanks.text
    assert "Continue" not in words_of(thanks)


async def test_typed_number_comes_first(shop: Shop) -> None:
    """A typed number is used instead of the chosen card; spaces in it do not matter."""
    answer = await shop.submit(await payment_url(shop), test_card=GOOD, number=" 4000 0000 0000 0002 ")

    assert 400 == answer.status_code
    assert "Your card was declined." in words_of(answer)


async def test_refused_cards_keep_the_page(shop: Shop) -> None:
    """The reason is said, nothing is bought or charged, the choice is kept, and another card can pay."""
    url = await payment_url(shop)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"test_card": REFUSED}, "Your card was declined."),
        ({"test_card": DECLINES}, "Your card was declined; try another one"),
        ({"test_card": "4000000000009995"}, "Your card has insufficient funds."),
        ({"number": "4111111111111111"}, "The sandbox takes test cards only"),
        ({"number": "hello"}, "This is not a card number"),
        ({"number": "  "}, "Enter a card number, or choose a test card."),
    ]
    for fields, reason in cases:
        answer = await shop.submit(url, **fields)

        assert 400 == answer.status_code
        assert reason in words_of(answer)
        assert 'role="alert"' in answer.text
        if "test_card" in fields:
            assert f'value="{fields["test_card"]}" checked' in answer.text
    assert {} == await shop.services.statuses()
    assert [] == list(await shop.services.invoices())

    await shop.submit(url, test_card=GOOD)

    assert {"pro": "active"} == await shop.services.statuses()


async def test_a_typed_number_is_never_shown_again(shop: Shop) -> None:
    """A refused page does not repeat what was typed."""
    answer = await shop.submit(await payment_url(shop), number="4111111111111111")

    assert "4111111111111111" not in answer.text


async def test_card_that_asks_is_approved(shop: Shop) -> None:
    """Nothing is charged before the customer approves on a page of its own."""
    url = await payment_url(shop)
    asked = await shop.submit(url, number=ASKS)

    assert 200 == asked.status_code
    assert "Do you make this payment?" in words_of(asked)
    assert "ending in 3220" in words_of(asked)
    assert {} == await shop.services.statuses()

    approved = await shop.submit(url, test_card=ASKS, confirmation="approve")

    assert 303 == approved.status_code
    assert {"pro": "active"} == await shop.services.statuses()


async def test_card_that_asks_is_not_approved(shop: Shop) -> None:
    """Refusing leads back to the form; the page can still be paid."""
    url = await payment_url(shop)
    await shop.submit(url, number=ASKS)
    answer = await shop.submit(url, test_card=ASKS, confirmation="refuse")

    assert 400 == answer.status_code
    assert "You did not confirm the payment, so nothing was charged." in words_of(answer)
    assert {} == await shop.services.statuses()
    assert 200 == (await shop.visit(url)).status_code


async def test_an_invoice_is_paid_with_another_card(shop: Shop) -> None:
    """After a declined charge the page is about the invoice, and ends with it."""
    await shop.services.add_card(number=DECLINES)
    url = await payment_url(shop)
    page = await shop.visit(url)
    thanks = await shop.visit((await shop.submit(url, test_card=GOOD)).headers["location"])

    assert "Pay invoice 1" in words_of(page)
    assert "Payment received You paid $20.00 to Lumen Studio. View invoice 1" in words_of(thanks)
    assert {"pro": "active"} == await shop.services.statuses()


async def test_sent_twice_pays_once(shop: Shop) -> None:
    """Two clicks at the same moment and one afterwards: one plan, one paid invoice, the same end of the way."""
    url = await payment_url(shop)
    first, second = await asyncio.gather(shop.submit(url, test_card=GOOD), shop.submit(url, test_card=GOOD))
    third = await shop.submit(url, test_card=GOOD)

    assert {303} == {answer.status_code for answer in (first, second, third)}
    assert first.headers["location"] == second.headers["location"] == third.headers["location"]
    assert ["20.00"] == await shop.services.totals()
    assert [(2_000, 0)] == await charged_and_refunded(shop)
    assert {"pro": "active"} == await shop.services.statuses()


async def test_completed_says_so(shop: Shop) -> None:
    """Opened again, the page says that it is complete, still knows what for, and offers no form."""
    url = await payment_url(shop, success_url="https://lumen.example/")
    await shop.submit(url, test_card=GOOD)
    answer = await shop.visit(url)

    assert 409 == answer.status_code
    assert "This checkout is already complete Nothing more is charged. Pro is active." in words_of(answer)
    assert 'href="https://lumen.example/"' in answer.text
    assert "<form" not in answer.text


async def test_completed_at_the_bank_only(shop: Shop) -> None:
    """A payment whose answer was lost is carried out when the customer comes back to the page."""
    url = await payment_url(shop)
    page = await shop.services.bank.find_checkout_by_token(url.rpartition("/")[2])

    assert page is not None

    await shop.services.bank.complete_checkout(page.tenant, page.id, GOOD)

    assert {} == await shop.services.statuses()

    await shop.visit(url)

    assert {"pro": "active"} == await shop.services.statuses()


async def test_done_before_it_is_done(shop: Shop) -> None:
    """The thank-you page of a checkout nobody has paid leads to the checkout."""
    url = await payment_url(shop)
    answer = await shop.visit(f"{url}/done")

    assert 303 == answer.status_code
    assert url.endswith(answer.headers["location"])


async def test_expired(shop: Shop) -> None:
    """After its hour the page shows no form and takes no card."""
    url = await payment_url(shop)
    shop.services.clock.advance(timedelta(hours=1))
    shown, sent = await shop.visit(url), await shop.submit(url, test_card=GOOD)

    assert {410} == {shown.status_code, sent.status_code}
    assert "This page has expired Nothing was charged." in words_of(shown)
    assert "<form" not in shown.text
    assert {} == await shop.services.statuses()


async def test_unknown(shop: Shop) -> None:
    """An unknown page is a page that says so, whatever is done to it."""
    for answer in (
        await shop.visit("/checkout/unknown"),
        await shop.submit("/checkout/unknown", test_card=GOOD),
        await shop.visit("/checkout/unknown/done"),
    ):
        assert 404 == answer.status_code
        assert "We cannot find this page" in words_of(answer)


async def test_setup_charges_nothing(shop: Shop) -> None:
    """For a trial the card is stored, nothing is charged, and the page says what will be."""
    url = await payment_url(shop, "growth")
    page = await shop.visit(url)
    saved = await shop.submit(url, test_card=GOOD)
    thanks = await shop.visit(saved.headers["location"])

    assert "$0.00 due today" in words_of(page)
    assert "Free until January 15, 2026, then $49.00 per month, charged automatically until you cancel." in words_of(
        page
    )
    assert "Save card and continue" in words_of(page)
    assert "Growth is active." in words_of(thanks)
    assert "You paid" not in words_of(thanks)
    assert [] == list(await shop.services.invoices())


async def test_paid_while_another_operation_runs(shop: Shop) -> None:
    """The card was taken but the customer is busy elsewhere: the page says to reload, and then how it ended."""
    slow = SlowBank(shop.services.bank)
    await shop.services.add_card()
    direct = asyncio.create_task(shop.services.paid_through(slow).attach("pro"))
    await slow.asked.wait()
    url = await payment_url(shop, redirect_mode=RedirectMode.ALWAYS)
    sent = await shop.submit(url, test_card=GOOD)
    waiting = await shop.visit(sent.headers["location"])
    slow.answer.set()
    await direct
    ended = await shop.visit(sent.headers["location"])

    assert (303, 423, 200) == (sent.status_code, waiting.status_code, ended.status_code)
    assert "Your card was accepted and we are finishing." in words_of(waiting)
    assert "Your payment goes back to you" in words_of(ended)
    assert {"pro": "active"} == await shop.services.statuses()


async def test_no_longer_possible_gives_the_money_back(shop: Shop) -> None:
    """Paid for something that changed meanwhile: the money goes back, the page says so, also when asked again."""
    url = await payment_url(shop, success_url="https://lumen.example/")
    async with shop.services.database.work(shop.services.tenant) as work:
        before = await catalog.get_plan(work, "pro")
        await catalog.update_plan(work, before, replace(before, price=build.price(25)), held_versions=())
    sent = await shop.submit(url, test_card=GOOD)

    assert 303 == sent.status_code
    assert sent.headers["location"].endswith("/done")
    for answer in (await shop.visit(sent.headers["location"]), await shop.visit(url)):
        assert "Your payment goes back to you" in words_of(answer)
        assert "The $20.00 you paid goes back to your card." in words_of(answer)
        assert "lumen.example" not in answer.text
    assert {} == await shop.services.statuses()
    assert [(2_000, 2_000)] == await charged_and_refunded(shop)
