"""The portal: what a customer holds, and cancelling it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sumac.core.money import Money
from sumac.core.tenant import Tenant
from sumac.core.time import Cadence, Interval
from sumac.invoices.history import HistoryEntry, import_invoices
from sumac.invoices.model import InvoiceStatus
from tests.pages.conftest import PRO
from tests.pages.shop import Shop, words_of
from tests.support import build

GOOD, DECLINES = "4242424242424242", "4000000000000341"


async def portal_url(shop: Shop, customer_id: str = "ada", return_url: str | None = None) -> str:
    """A link to the customer's portal."""
    return await shop.services.billing.open_portal(shop.services.tenant, customer_id, return_url)


async def test_shows_what_the_customer_holds(shop: Shop) -> None:
    """Plans with price and renewal, balances with reset, cards, invoices with links, and the way back."""
    held = (build.held_item("seats", 5), build.held_item("sso"), build.held_item("storage", unlimited=True))
    await shop.services.offer(build.seats(), build.flag("sso", name="Single sign-on"), build.feature("storage"))
    await shop.services.offer(
        build.plan("boost", name="Boost", price=build.price(15, build.ONCE), add_on=True, items=held)
    )
    await shop.services.add_card()
    await shop.services.attach("pro")
    await shop.services.attach("boost")
    await shop.services.track(1_250)
    answer = await shop.visit(await portal_url(shop, return_url="https://lumen.example/app"))
    invoices = await shop.services.invoices()

    assert 200 == answer.status_code
    for words in (
        "Sandbox",
        "Return to Lumen Studio",
        "Ada Lovelace",
        "Pro Active $20.00 per month Renews on February 1, 2026 for $20.00 plus usage Cancel plan",
        "Boost Active $15.00 one-off Bought on January 1, 2026 What you have",
        "Messages 1,250 of 1,000 used Resets on February 1, 2026",
        "Seats 0 of 5 used",
        "Single sign-on Included",
        "Storage Unlimited",
        "Visa •••• 4242 Used for payments Remove Add a card",
        "Invoice 2 Paid January 1, 2026 · PDF $15.00 Invoice 1 Paid January 1, 2026 · PDF $20.00",
    ):
        assert words in words_of(answer)
    pages = [f"/invoice/{each.token}" for each in invoices]
    for address in ("https://lumen.example/app", *pages, *(f"{page}/pdf" for page in pages)):
        assert f'href="{address}"' in answer.text


async def test_a_plan_that_is_paused(shop: Shop) -> None:
    """It is listed with the day on which it goes on, nothing can be done to it, and its units do not count."""
    trial = build.trial(14, on_end="revert")
    item = build.item("messages", 500)
    await shop.services.offer(
        build.plan("tried", name="Premium", items=(item,), price=build.price(50), free_trial=trial)
    )
    await shop.services.add_card()
    await shop.services.attach("pro")
    await shop.services.attach("tried")
    answer = await shop.visit(await portal_url(shop))

    assert (
        "Pro Paused $20.00 per month Continues on January 15, 2026, after the trial, with the time that was left What"
    ) in words_of(answer)
    assert "Messages 0 of 500 used" in words_of(answer)
    held = (await shop.services.held("pro")).id
    assert held not in answer.text


async def test_a_customer_with_nothing(shop: Shop) -> None:
    """Empty sections say that they are empty; a return address that is no web address is no link."""
    words = words_of(await shop.visit(await portal_url(shop, return_url="javascript:alert(1)")))

    for sentence in ("You have no plan at the moment.", "No card is stored.", "There are no invoices yet."):
        assert sentence in words
    assert "Return" not in words


async def test_cancel_and_keep(shop: Shop) -> None:
    """Each asks first and says the date; only the sent form changes anything, and each can be undone by the other."""
    await shop.services.add_card()
    await shop.services.attach("pro")
    url = await portal_url(shop)
    path = f"{url}/plans/{(await shop.services.held('pro')).id}"
    asked = await shop.visit(f"{path}/cancel")

    assert "Cancel Pro? You keep everything until February 1, 2026." in words_of(asked)
    assert not (await shop.services.held("pro")).is_canceling

    sent = await shop.submit(f"{path}/cancel")

    assert 303 == sent.status_code
    assert "Pro Ends soon $20.00 per month Ends on February 1, 2026 Keep plan" in words_of(await shop.visit(url))
    assert "It goes on at $20.00 per month" in words_of(await shop.visit(f"{path}/keep"))
    assert (await shop.services.held("pro")).is_canceling

    await shop.submit(f"{path}/keep")

    assert not (await shop.services.held("pro")).is_canceling


async def test_sent_twice_cancels_once(shop: Shop) -> None:
    """The second form finds nothing to do, and a choice that is not offered leads back to the portal."""
    await shop.services.add_card()
    await shop.services.attach("pro")
    url = await portal_url(shop)
    path = f"{url}/plans/{(await shop.services.held('pro')).id}"
    answers = [await shop.submit(f"{path}/cancel") for _ in range(2)]
    others = [
        await shop.visit(f"{path}/cancel"),
        await shop.submit(f"{path}/refund"),
        await shop.visit(f"{path}/refund"),
    ]

    assert {303} == {answer.status_code for answer in (*answers, *others)}
    assert {"pro": "active"} == await shop.services.statuses()


async def test_a_free_plan_is_not_cancelled(shop: Shop) -> None:
    """There is no button for it, and no form does it."""
    await shop.services.offer(build.free_plan("free", group="free", auto_enable=True))
    await shop.services.add_customer("bob", name="Bob")
    url = await portal_url(shop, "bob")
    held = await shop.services.held("free", "bob")
    await shop.submit(f"{url}/plans/{held.id}/cancel")

    assert "Free Active Free Since January 1, 2026" in words_of(await shop.visit(url))
    assert not (await shop.services.held("free", "bob")).is_canceling


async def test_every_state_of_a_plan_has_its_words(shop: Shop) -> None:
    """Trial, overdue, scheduled: the state, and the date or the step that matters in it."""
    await shop.services.add_card()
    await shop.services.attach("growth")
    await shop.services.attach("team")
    await shop.services.attach("pro")
    url = await portal_url(shop)
    before = words_of(await shop.visit(url))
    await shop.services.add_card(number=DECLINES)
    await shop.services.advance(datetime(2026, 1, 16, tzinfo=UTC))
    after = words_of(await shop.visit(url))

    assert "Growth Trial $49.00 per month Trial until January 15, 2026, then $49.00" in before
    assert "Team Ends soon $99.00 per month Ends on" in before
    assert "Pro Starts later $20.00 per month Starts on" in before
    assert "Payment overdue" in after
    assert "Pay what is open above to keep this plan" in after


async def test_what_is_due_is_settled_first(shop: Shop) -> None:
    """Nobody sees a period that is over."""
    await shop.services.add_card()
    await shop.services.attach("pro")
    await shop.services.track(400)
    url = await portal_url(shop)
    await shop.services.advance(datetime(2026, 1, 31, tzinfo=UTC))
    before = words_of(await shop.visit(url))
    await shop.services.advance(datetime(2026, 2, 1, tzinfo=UTC))
    after = words_of(await shop.visit(url))

    assert "400 of 1,000 used Resets on February 1, 2026" in before
    assert "0 of 1,000 used Resets on March 1, 2026" in after


async def test_the_same_card_is_listed_once(shop: Shop) -> None:
    """Entered twice, shown once; the default card first."""
    for number in (GOOD, GOOD, "4000000000003220"):
        await shop.services.add_card(number=number)
    words = words_of(await shop.visit(await portal_url(shop)))

    assert "Visa •••• 3220 Used for payments Remove Visa •••• 4242 Use for payments Remove Add a card Invoices" in words


async def test_old_and_unknown_links(shop: Shop) -> None:
    """A link that is unknown or older than a day says to ask for a new one, on every page of the portal."""
    await shop.services.add_card()
    await shop.services.attach("pro")
    url = await portal_url(shop)
    held = await shop.services.held("pro")
    shop.services.clock.advance(timedelta(days=1))
    for address in (url, "/portal/unknown"):
        for answer in (
            await shop.visit(address),
            await shop.visit(f"{address}/plans/{held.id}/cancel"),
            await shop.submit(f"{address}/plans/{held.id}/cancel"),
        ):
            assert 404 == answer.status_code
            assert "ask for a new link" in words_of(answer)
    assert not (await shop.services.held("pro")).is_canceling


async def test_only_the_newest_invoices_are_listed(shop: Shop) -> None:
    """A long life does not make a long page."""
    await shop.services.add_card()
    await shop.services.offer(build.plan("weekly", group="weekly", price=build.price(1, Cadence(Interval.WEEK))))
    await shop.services.attach("weekly")
    await shop.services.advance(datetime(2026, 8, 6, tzinfo=UTC))
    answer = await shop.visit(await portal_url(shop))

    assert 32 == len(await shop.services.invoices())
    assert 24 == answer.text.count('class="label" href="/invoice/')
    assert "These are your newest invoices." in words_of(answer)


async def test_another_sellers_link_shows_its_own_customer(shop: Shop) -> None:
    """Two sellers know the same customer id: each link shows, and changes, only its own seller's customer."""
    other = await Shop.opened(shop.services, shop.browser, "Other Shop")
    await other.services.offer(build.feature("messages"), PRO)
    await other.services.add_customer("ada", name="Other Ada", card=GOOD)
    await shop.services.add_card()
    held: dict[Tenant, str] = {}
    for each in (shop, other):
        await each.services.attach("pro")
        held[each.services.tenant] = (await each.services.held("pro")).id
    url = await portal_url(other)
    words = words_of(await other.visit(url))
    foreign = f"{url}/plans/{held[shop.services.tenant]}/cancel"

    assert "Other Ada" in words
    assert "Other Shop" in words
    assert "Lumen" not in words
    assert "Lovelace" not in words
    assert {404} == {(await shop.visit(foreign)).status_code, (await shop.submit(foreign)).status_code}
    assert not (await shop.services.held("pro")).is_canceling
    assert not (await other.services.held("pro")).is_canceling


async def test_invoices_issued_elsewhere_are_history(shop: Shop) -> None:
    """They are listed, lead to their own page where there is one, are not to be paid here, and keep no card."""
    customer = await shop.services.customer()
    entry = HistoryEntry(
        customer_key=customer.key,
        provider_invoice="in_1",
        status=InvoiceStatus.OPEN,
        total=Money(4_500, "usd"),
        created_at=datetime(2025, 11, 1, tzinfo=UTC),
        plan_ids=(),
        processor="stripe",
        paid=None,
        refunded=Money.zero("usd"),
        hosted_url="https://invoices.example/1",
    )
    entries = [entry, replace(entry, provider_invoice="in_2", hosted_url=None, total=Money(4_600, "usd"))]
    async with shop.services.database.work(shop.services.tenant) as work:
        linked, bare = await import_invoices(work, entries, now=work.now)
    await shop.services.add_card()
    (card,) = await shop.services.billing.cards.list_cards(shop.services.tenant, await shop.services.customer())
    url = await portal_url(shop)
    answer = await shop.visit(url)
    words = words_of(answer)

    assert "Invoice Open November 1, 2025 $45.00" in words
    assert "Invoice Open November 1, 2025 $46.00" in words
    assert "To pay" not in words
    assert "PDF" not in words
    assert f'href="/invoice/{linked.token}"' in answer.text
    assert bare.token not in answer.text
    for invoice in (linked, bare):
        assert 404 == (await shop.submit(f"{url}/pay/{invoice.token}")).status_code

    await shop.submit(f"{url}/cards/{card.id}/remove")

    assert "No card is stored." in words_of(await shop.visit(url))
