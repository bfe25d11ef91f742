"""The page that stores a card and then does what was asked with it (billing.md §13.3)."""

from datetime import timedelta

import pytest

from sumac.billing.requests import AttachRequest, CancelAction, SetupRequest
from sumac.core.errors import Conflict, NotFound
from tests.pages.shop import Shop, words_of

GOOD, DECLINES = "4242424242424242", "4000000000000341"


async def setup_url(shop: Shop, plan_id: str | None = "team", *, success_url: str | None = None) -> str:
    """The page on which Ada stores a card, and gets a plan with it."""
    attach = None if plan_id is None else AttachRequest("ada", plan_id, success_url=success_url)
    request = SetupRequest("ada", attach, success_url)
    return await shop.services.billing.open_setup(shop.services.tenant, request, actor="test")


async def test_it_says_what_is_charged(shop: Shop) -> None:
    """Beforehand the page names the plan, the lines, the sum; afterwards what was paid."""
    url = await setup_url(shop)
    words = words_of(await shop.visit(url))

    for part in (
        "Subscribe to Team $99.00 due today Team - base price $99.00",
        "Renews on February 1, 2026 at $99.00 per month",
        "Save card and pay $99.00",
        "Your card is kept for later charges, and $99.00 is charged to it at once.",
    ):
        assert part in words
    assert "Nothing is charged today" not in words

    await shop.submit(url, number=GOOD)

    assert {"team": "active"} == await shop.services.statuses()
    assert [9900] == await shop.services.charged()
    done = words_of(await shop.visit(f"{url}/done"))
    assert "Thank you Team is active. You paid $99.00 to Lumen Studio." in done
    assert 409 == (await shop.visit(url)).status_code
    assert [9900] == await shop.services.charged()


async def test_just_a_card(shop: Shop) -> None:
    """Without a plan nothing is charged, and the next attach takes the card."""
    url = await setup_url(shop, None)

    assert "Nothing is charged today." in words_of(await shop.visit(url))

    await shop.submit(url, number=GOOD)
    receipt = await shop.services.attach("team")

    assert receipt.payment_url is None
    assert [9900] == await shop.services.charged()


async def test_the_same_page_while_the_price_stands(shop: Shop) -> None:
    """Asked again it is the same address, with another plan it is not; what cannot be attached has no page."""
    first = await setup_url(shop)

    assert first == await setup_url(shop)
    assert first != await setup_url(shop, "pro")
    with pytest.raises(NotFound):
        await setup_url(shop, "unknown")

    await shop.submit(first, number=GOOD)
    with pytest.raises(Conflict):
        await setup_url(shop)


async def test_a_card_that_declines_is_stored_all_the_same(shop: Shop) -> None:
    """The plan waits for its invoice; the page says so, now and later, and never that it was paid."""
    url = await setup_url(shop, success_url="https://lumen.example/done")
    stored = await shop.submit(url, number=DECLINES)
    words = words_of(await shop.visit(f"{url}/done"))

    assert f"{url.partition('/checkout')[1]}{url.partition('/checkout')[2]}/done" == stored.headers["location"]
    assert "Your payment is still to be made Your card is stored but was not charged." in words
    assert "Pay invoice 1" in words
    assert "You paid" not in words
    assert {} == await shop.services.statuses()

    (invoice,) = await shop.services.invoices()
    page = await shop.submit(f"/invoice/{invoice.token}/pay")
    await shop.submit(page.headers["location"], number=GOOD)

    assert {"team": "active"} == await shop.services.statuses()
    assert "Team is active. You paid $99.00" in words_of(await shop.visit(f"{url}/done"))


async def test_never_paid_says_so(shop: Shop) -> None:
    """After ten minutes the plan is given up, and the page tells."""
    url = await setup_url(shop)
    await shop.submit(url, number=DECLINES)
    shop.services.clock.advance(timedelta(minutes=11))
    await shop.services.billing.resume_attempts()
    words = words_of(await shop.visit(f"{url}/done"))

    assert "The invoice was not paid in time, so your plan did not start." in words
    assert {} == await shop.services.statuses()


async def test_what_became_dearer_is_left(shop: Shop) -> None:
    """The plan to be replaced is gone meanwhile and the new one costs more than the page said: the card is kept."""
    await shop.services.add_card()
    await shop.services.attach("pro")
    url = await setup_url(shop)
    await shop.services.cancel(CancelAction.CANCEL_IMMEDIATELY, bill=False)
    await shop.submit(url, number=GOOD)
    words = words_of(await shop.visit(f"{url}/done"))

    assert "This is no longer possible" in words
    assert "Your card is stored, and nothing was charged." in words
    assert {} == await shop.services.statuses()
    assert [2000] == await shop.services.charged()
