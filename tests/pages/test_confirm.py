"""The confirm page: a change that needs no new card is asked about, and made once (billing.md §10.5)."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

import httpx
import pytest

from sumac.billing.requests import CancelAction, RedirectMode, UpdateRequest
from sumac.catalog.model import Customization, Proration
from sumac.core.money import Money
from sumac.customers import service as customers
from sumac.invoices.model import InvoiceStatus
from tests.pages.shop import Shop, words_of
from tests.support import build
from tests.support.bank import ConnectionLostError, LosingBank

GOOD, DECLINES = "4242424242424242", "4000000000000341"
HALF = datetime(2026, 1, 16, 12, tzinfo=UTC)


async def asked(
    shop: Shop,
    plan_id: str = "team",
    *,
    success_url: str | None = None,
    quantities: Mapping[str, Decimal] = MappingProxyType({}),
) -> str:
    """The address of the page that asks about a plan."""
    always = RedirectMode.ALWAYS
    receipt = await shop.services.attach(
        plan_id, redirect_mode=always, success_url=success_url, quantities=dict(quantities)
    )
    assert receipt.payment_url is not None
    return receipt.payment_url


async def upgrade(shop: Shop, *, success_url: str | None = None) -> str:
    """Ada holds Pro for half a month and is asked about Team."""
    await shop.services.add_card()
    await shop.services.attach("pro")
    shop.services.clock.move_to(HALF)
    return await asked(shop, success_url=success_url)


async def confirmed(
    shop: Shop, url: str, *, shown: str = "3950", currency: str = "usd", headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """Confirms a page on which this amount is due, in cents."""
    return await shop.submit(url, answer="yes", shown=shown, currency=currency, headers=headers)


async def test_it_says_what_changes_and_what_it_costs(shop: Shop) -> None:
    """Nothing happens before it is confirmed: the page names plans, lines, the next charge, the card."""
    url = await upgrade(shop)
    answer = await shop.visit(url)
    words = words_of(answer)

    assert "/c/co_" in url
    assert 200 == answer.status_code
    for part in (
        "Please confirm Change to Team $39.50 due today",
        "Pro ends now",
        "Team starts now",
        "Due today $39.50",
        "On February 1, 2026 $99.00",
        "Renews on February 1, 2026 at $99.00 per month, charged automatically until you cancel.",
        "Confirm and pay $39.50 Go back",
        "Visa •••• 4242 is charged at once.",
    ):
        assert part in words
    assert {"pro": "active"} == await shop.services.statuses()
    assert [2000] == await shop.services.charged()


async def test_confirming_makes_the_change_once(shop: Shop) -> None:
    """The card on file is charged, the plan is changed; sent again, nothing more happens."""
    url = await upgrade(shop)
    answers = [await confirmed(shop, url) for _ in range(2)]

    assert [f"{url.rpartition('/c/')[1]}{url.rpartition('/c/')[2]}/done"] * 2 == [
        answer.headers["location"] for answer in answers
    ]
    assert {"team": "active"} == await shop.services.statuses()
    assert [2000, 3950] == await shop.services.charged()

    done = words_of(await shop.visit(f"{url}/done"))
    again = await shop.visit(url)

    assert "Thank you Your change is made. You paid $39.50 to Lumen Studio. View invoice 2" in done
    assert 409 == again.status_code
    assert "This is already confirmed" in words_of(again)


async def test_it_leads_to_the_sellers_address(shop: Shop) -> None:
    """Confirmed, the browser goes where the seller said; turned down, back to the seller's site, with nothing done."""
    url = await upgrade(shop, success_url="https://lumen.example/app/done?ok=1")
    turned_down = await shop.submit(url, answer="no")

    assert "Nothing was changed" in words_of(turned_down)
    assert 'href="https://lumen.example/"' in turned_down.text
    assert {"pro": "active"} == await shop.services.statuses()

    assert "https://lumen.example/app/done?ok=1" == (await confirmed(shop, url)).headers["location"]


async def test_the_same_question_has_one_page(shop: Shop) -> None:
    """Asked again it is the same address; another question closes it, and so does a change made without a page."""
    first = await upgrade(shop)

    assert first == await asked(shop)

    other = await asked(shop, success_url="https://lumen.example/")

    assert first != other
    for answer in (await shop.visit(first), await confirmed(shop, first)):
        assert 410 == answer.status_code

    await shop.services.attach("team")

    assert 410 == (await shop.visit(other)).status_code
    assert 410 == (await confirmed(shop, other)).status_code
    assert [2000, 3950] == await shop.services.charged()


async def test_never_more_than_was_shown(shop: Shop) -> None:
    """The price of the instant is charged when it is lower than shown; a higher one is asked about again."""
    url = await upgrade(shop)
    cheap = await confirmed(shop, url, shown="3949")

    assert 409 == cheap.status_code
    assert "The price has changed while this page was open." in words_of(cheap)
    assert [2000] == await shop.services.charged()

    shop.services.clock.advance(timedelta(minutes=50))
    await confirmed(shop, url)

    assert [2000, 3941] == await shop.services.charged()


@pytest.mark.parametrize(("shown", "currency"), [("", "usd"), ("-5", "usd"), ("1e3", "usd"), ("3950", "")])
async def test_a_form_without_the_amount_is_refused(shop: Shop, shown: str, currency: str) -> None:
    """Nobody confirms what was not shown."""
    url = await upgrade(shop)
    answer = await confirmed(shop, url, shown=shown, currency=currency)

    assert 400 == answer.status_code
    assert {"pro": "active"} == await shop.services.statuses()


async def test_it_expires(shop: Shop) -> None:
    """After an hour it is gone, and nothing can be confirmed on it."""
    url = await upgrade(shop)
    shop.services.clock.advance(timedelta(hours=1))

    assert 410 == (await shop.visit(url)).status_code
    assert 410 == (await confirmed(shop, url)).status_code
    assert {"pro": "active"} == await shop.services.statuses()


async def test_what_is_no_longer_possible_says_so(shop: Shop) -> None:
    """The plan is sold without seats by now: nothing that was asked about can be confirmed."""
    seats = build.held_item("seats", price=build.prepaid_price(5))
    await shop.services.offer(build.seats(), build.plan("crew", seats))
    await shop.services.add_card()
    await shop.services.attach("pro")
    shop.services.clock.move_to(HALF)
    url = await asked(shop, "crew", quantities={"seats": Decimal(10)})

    assert "Crew starts now, with 10 seats" in words_of(await shop.visit(url))

    await shop.services.change_plan("crew", items=())
    for answer in (await shop.visit(url), await confirmed(shop, url)):
        assert 409 == answer.status_code
        assert "This change is no longer possible" in words_of(answer)
    assert {"pro": "active"} == await shop.services.statuses()
    assert [2000] == await shop.services.charged()


async def test_a_price_that_went_up_is_asked_about_again(shop: Shop) -> None:
    """The plan to be replaced ended meanwhile, so that the new one costs its whole price."""
    url = await upgrade(shop)
    await shop.services.cancel(CancelAction.CANCEL_IMMEDIATELY, bill=False)
    answer = await confirmed(shop, url)

    assert 409 == answer.status_code
    assert "The price has changed while this page was open." in words_of(answer)
    assert "Confirm and pay $99.00" in words_of(answer)
    assert [2000] == await shop.services.charged()


async def test_a_declined_card_leads_to_the_payment_page(shop: Shop) -> None:
    """Nothing is changed until another card pays; the page says what is missing."""
    await shop.services.add_card()
    await shop.services.attach("pro")
    await shop.services.add_card(number=DECLINES)
    shop.services.clock.move_to(HALF)
    url = await asked(shop)
    answer = await confirmed(shop, url)
    waiting = await shop.visit(url)

    assert "/checkout/" in answer.headers["location"]
    assert "Your payment is still to be made" in words_of(waiting)
    assert "pro" in await shop.services.statuses()

    await shop.submit(answer.headers["location"], number=GOOD)

    assert {"team": "active"} == await shop.services.statuses()
    assert [2000, 3950] == await shop.services.charged()


async def test_a_payment_not_made_in_time_changes_nothing(shop: Shop) -> None:
    """Ten minutes later the change is dropped, and the page says so."""
    await shop.services.add_card()
    await shop.services.attach("pro")
    await shop.services.add_card(number=DECLINES)
    shop.services.clock.move_to(HALF)
    url = await asked(shop)
    await confirmed(shop, url)
    shop.services.clock.advance(timedelta(minutes=11))
    await shop.services.billing.resume_attempts()

    assert InvoiceStatus.VOID is (await shop.services.invoices())[-1].status
    assert "The payment was not made in time" in words_of(await shop.visit(url))
    assert {"pro": "active"} == await shop.services.statuses()


async def test_a_downgrade_costs_nothing_today(shop: Shop) -> None:
    """What ends and what starts with the next period, and what that costs."""
    await shop.services.add_card()
    await shop.services.attach("team")
    url = await asked(shop, "pro")
    words = words_of(await shop.visit(url))

    for part in (
        "Team ends on February 1, 2026",
        "Pro starts on February 1, 2026",
        "$0.00 due today",
        "On February 1, 2026 $20.00 plus usage",
        "Nothing is charged today. Later charges go to Visa •••• 4242.",
    ):
        assert part in words

    await confirmed(shop, url, shown="0")

    assert {"team": "active", "pro": "scheduled"} == await shop.services.statuses()
    assert "Your change is made." in words_of(await shop.visit(f"{url}/done"))


async def test_another_downgrade_takes_the_place_of_the_first(shop: Shop) -> None:
    """The plan that was to start does not, and the page says so."""
    await shop.services.offer(build.plan("mini", price=build.price(5)))
    await shop.services.add_card()
    await shop.services.attach("team")
    await shop.services.attach("pro")
    url = await asked(shop, "mini")
    words = words_of(await shop.visit(url))

    assert "Pro does not start on February 1, 2026 any more" in words
    assert "Mini starts on February 1, 2026" in words

    await confirmed(shop, url, shown="0")

    assert {"team": "active", "mini": "scheduled"} == await shop.services.statuses()


async def test_a_trial_is_confirmed(shop: Shop) -> None:
    """Until when it is free, and what follows."""
    await shop.services.add_card()
    await shop.services.attach("pro")
    pilot = build.plan("pilot", price=build.price(30), free_trial=build.trial(14))
    await shop.services.offer(pilot)
    words = words_of(await shop.visit(await asked(shop, "pilot")))

    assert "Pilot starts now, free until January 15, 2026" in words
    assert "On January 15, 2026 $30.00" in words


async def test_credit_pays_first(shop: Shop) -> None:
    """The customer's credit is on the page, and only the rest goes to the card."""
    await shop.services.offer(
        build.plan("large", group="large", price=build.price(200)),
        build.plan("small", group="large", price=build.price(10)),
    )
    await shop.services.add_card()
    await shop.services.attach("large")
    shop.services.clock.move_to(HALF)
    await shop.services.attach("small", timing="immediate")
    url = await asked(shop, "team")
    words = words_of(await shop.visit(url))

    assert "Your credit −$" in words
    assert "$0.00 due today" in words


async def test_a_change_of_quantity_is_confirmed(shop: Shop) -> None:
    """What is asked of a plan that goes on: how many units it has from now on, and what they cost until its renewal."""
    seats = build.held_item("seats", price=build.prepaid_price(5), proration=Proration("prorate_immediately", "none"))
    await shop.services.offer(build.seats(), build.plan("crew", seats))
    await shop.services.add_card()
    await shop.services.attach("crew", quantities={"seats": Decimal(10)})
    shop.services.clock.move_to(HALF)
    request = UpdateRequest("ada", "crew", quantities={"seats": Decimal(20)}, redirect_mode=RedirectMode.ALWAYS)
    receipt = await shop.services.billing.perform(shop.services.tenant, request, actor="test")
    assert receipt.payment_url is not None
    words = words_of(await shop.visit(receipt.payment_url))

    for part in ("Crew changes now, with 20 seats", "$25.00 due today", "On February 1, 2026 $120.00"):
        assert part in words

    await confirmed(shop, receipt.payment_url, shown="2500")

    assert {"seats": Decimal(20)} == (await shop.services.held("crew")).quantities
    assert [2500, 7000] == await shop.services.charged()


async def test_confirmed_twice_at_once(shop: Shop) -> None:
    """Two windows, one change and one charge."""
    url = await upgrade(shop)
    answers = await asyncio.gather(*(confirmed(shop, url) for _ in range(2)))

    assert {answer.status_code for answer in answers} <= {303, 423}
    assert {"team": "active"} == await shop.services.statuses()
    assert [2000, 3950] == await shop.services.charged()


async def test_while_another_operation_runs(shop: Shop) -> None:
    """Money is under way for another plan: the page asks to come back, and works afterwards."""
    url = await upgrade(shop)
    await shop.services.set_next_charge("pending")
    await shop.services.attach("growth", customize=Customization(sets_trial=True))
    other = await asked(shop)
    busy = await confirmed(shop, other)

    assert 410 == (await shop.visit(url)).status_code
    assert 423 == busy.status_code
    assert "Another change of yours is being made." in words_of(busy)

    shop.services.clock.advance(timedelta(minutes=2))
    await shop.services.billing.resume_attempts()
    await confirmed(shop, other)

    assert {"team": "active", "growth": "active"} == await shop.services.statuses()


async def test_unknown_links_and_foreign_forms(shop: Shop) -> None:
    """An unknown link is 404; a form from another site is refused; a page opens for its own seller only."""
    url = await upgrade(shop)
    elsewhere = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}

    assert 404 == (await shop.visit("/c/co_unknown")).status_code
    assert 404 == (await confirmed(shop, "/c/co_unknown")).status_code
    assert 303 == (await shop.visit(f"{url}/done")).status_code
    assert 403 == (await confirmed(shop, url, headers=elsewhere)).status_code
    assert {"pro": "active"} == await shop.services.statuses()


async def test_pages_of_a_deleted_customer(shop: Shop) -> None:
    """Deleting closes the page; it says what it says of every page that is gone, and names nobody."""
    url = await upgrade(shop)
    portal = await shop.services.billing.open_portal(shop.services.tenant, "ada", None)
    key = (await shop.services.customer()).key
    await shop.services.billing.close_pages(shop.services.tenant, "ada")
    async with shop.services.database.work(shop.services.tenant) as work:
        await customers.delete(work, "ada")
    for answer in (await shop.visit(url), await confirmed(shop, url), await shop.visit(portal)):
        assert 404 == answer.status_code
        assert "ask for a new link" in words_of(answer) or "start again" in words_of(answer)
        assert key not in answer.text


@pytest.mark.parametrize("on_the_way_back", [False, True])
async def test_cut_short_while_the_card_is_charged(shop: Shop, *, on_the_way_back: bool) -> None:
    """The connection breaks before or after the charge: the job carries on, and there is one charge and one change."""
    url = await upgrade(shop)
    page = await shop.services.billing.confirmations.find(url.rpartition("/")[2])
    assert page is not None
    broken = shop.services.paid_through(LosingBank(shop.services.bank, on_the_way_back=on_the_way_back))
    with pytest.raises(ConnectionLostError):
        await broken.billing.confirm(page, shown=Money(3950, "usd"))

    assert {"pro": "active"} == await shop.services.statuses()
    assert "Your payment is still to be made" in words_of(await shop.visit(url))

    shop.services.clock.advance(timedelta(minutes=2))
    await shop.services.billing.resume_attempts()

    assert {"team": "active"} == await shop.services.statuses()
    assert [2000, 3950] == await shop.services.charged()
    assert "This is already confirmed" in words_of(await shop.visit(url))
