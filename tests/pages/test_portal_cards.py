"""The portal: adding a card, choosing the one that is charged, removing one, paying what is open."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from sumac.billing.provider import PaymentMethod
from sumac.core.tenant import Env
from sumac.invoices.model import InvoiceStatus
from tests.pages.shop import Shop, words_of
from tests.support import build

GOOD, DECLINES, ASKS = "4242424242424242", "4000000000000341", "4000000000003220"
FEBRUARY = datetime(2026, 2, 1, 12, tzinfo=UTC)


async def portal_of(shop: Shop, customer_id: str = "ada") -> str:
    """A link to the customer's portal."""
    return await shop.services.billing.open_portal(shop.services.tenant, customer_id, None)


async def cards_of(shop: Shop, customer_id: str = "ada") -> list[PaymentMethod]:
    """The customer's stored cards."""
    customer = await shop.services.customer(customer_id)
    return list(await shop.services.billing.cards.list_cards(shop.services.tenant, customer))


async def enter(shop: Shop, portal: str, number: str) -> httpx.Response:
    """Adds a card from the portal: the hosted page, the form on it, and where that leads."""
    asked = await shop.submit(f"{portal}/cards")
    return await shop.submit(asked.headers["location"], number=number)


async def past_due(shop: Shop) -> str:
    """Ada's renewal was declined; answers the link to her portal."""
    await shop.services.add_card()
    await shop.services.attach("pro")
    await shop.services.set_next_charge("decline")
    await shop.services.advance(FEBRUARY)

    assert {"pro": "past_due"} == await shop.services.statuses()
    return await portal_of(shop)


async def test_a_card_is_added_on_a_hosted_page(shop: Shop) -> None:
    """Nothing is charged; afterwards the card is the default one, and the portal says so and shows it."""
    portal = await portal_of(shop)
    asked = await shop.submit(f"{portal}/cards")
    again = await shop.submit(f"{portal}/cards")
    form = await shop.visit(asked.headers["location"])

    assert 303 == asked.status_code
    assert asked.headers["location"] == again.headers["location"]
    assert "Add a card" in words_of(form)
    assert "Nothing is charged today." in words_of(form)
    assert "due today" not in words_of(form)

    stored = await shop.submit(asked.headers["location"], number=GOOD)

    assert f"{portal}?said=card_added" == stored.headers["location"]
    words = words_of(await shop.visit_in_full(stored.headers["location"]))
    assert "Your card is stored and used for payments from now on." in words
    assert "Visa •••• 4242 Used for payments Remove" in words
    assert [] == await shop.services.charged()


async def test_a_refused_card_is_not_added(shop: Shop) -> None:
    """The page stays, says why, and takes another one."""
    portal = await portal_of(shop)
    asked = await shop.submit(f"{portal}/cards")
    refused = await shop.submit(asked.headers["location"], number="4000000000000002")

    assert "Your card was declined." in words_of(refused)
    assert [] == await cards_of(shop)

    await shop.submit(asked.headers["location"], number=GOOD)

    assert ["4242"] == [card.last4 for card in await cards_of(shop)]


async def test_when_a_card_expires(shop: Shop) -> None:
    """What was entered is shown in the portal, through the bank's question too; what makes no sense keeps the page."""
    portal = await portal_of(shop)
    page = (await shop.submit(f"{portal}/cards")).headers["location"]
    for expiry, sentence in (("4.30", "Write the expiry as month and year"), ("12 / 25", "Your card has expired.")):
        refused = await shop.submit(page, number=ASKS, expiry=expiry)

        assert 400 == refused.status_code
        assert sentence in words_of(refused)
        assert f'value="{expiry}"' in refused.text
    assert [] == await cards_of(shop)

    question = await shop.submit(page, number=ASKS, expiry="02 / 26")

    assert 'name="expiry" value="02 / 26"' in question.text

    await shop.submit(page, test_card=ASKS, expiry="02 / 26", confirmation="approve")

    assert "Visa •••• 3220 Used for payments Expires 02 / 26" in words_of(await shop.visit(portal))

    shop.services.clock.move_to(datetime(2026, 3, 1, tzinfo=UTC))

    assert "Visa •••• 3220 Used for payments Expired 02 / 26" in words_of(await shop.visit(await portal_of(shop)))


async def test_the_page_of_a_stored_card_says_so_again(shop: Shop) -> None:
    """Opened once more it is complete, and stores nothing."""
    asked = await shop.submit(f"{await portal_of(shop)}/cards")
    await shop.submit(asked.headers["location"], number=GOOD)
    again = await shop.visit(asked.headers["location"])
    done = await shop.visit(f"{asked.headers['location']}/done")

    assert 409 == again.status_code
    assert "This checkout is already complete" in words_of(again)
    assert "Your card is stored" in words_of(done)
    assert 1 == len(await cards_of(shop))


async def test_another_card_is_chosen(shop: Shop) -> None:
    """It is asked first and then done; a second form changes nothing more."""
    for number in (GOOD, ASKS):
        await shop.services.add_card(number=number)
        shop.services.clock.advance(timedelta(seconds=1))
    portal = await portal_of(shop)
    other = (await cards_of(shop))[1]
    asked = await shop.visit(f"{portal}/cards/{other.id}/default")

    assert "Use this card for payments? Everything that is due from now on is charged to Visa •••• 4242." in words_of(
        asked
    )
    assert "3220" == (await cards_of(shop))[0].last4

    answers = [await shop.submit(f"{portal}/cards/{other.id}/default") for _ in range(2)]

    assert [303, 303] == [answer.status_code for answer in answers]
    assert "4242" == (await cards_of(shop))[0].last4
    assert "Payments are made with this card from now on." in words_of(
        await shop.visit_in_full(answers[0].headers["location"])
    )


async def test_a_card_is_removed(shop: Shop) -> None:
    """It is asked first, naming the card that takes over; a second form, or one about no card, changes nothing."""
    for number in (GOOD, DECLINES):
        await shop.services.add_card(number=number)
        shop.services.clock.advance(timedelta(seconds=1))
    portal = await portal_of(shop)
    declines, good = await cards_of(shop)
    asked = await shop.visit(f"{portal}/cards/{declines.id}/remove")

    assert "Visa •••• 0341 is forgotten. Payments are made with Visa •••• 4242 from then on." in words_of(asked)
    assert 2 == len(await cards_of(shop))

    answers = [await shop.submit(f"{portal}/cards/{declines.id}/remove") for _ in range(2)]

    assert [303, 303] == [answer.status_code for answer in answers]
    assert [good.last4] == [card.last4 for card in await cards_of(shop)]
    assert (await cards_of(shop))[0].is_default
    assert 404 == (await shop.visit(f"{portal}/cards/{declines.id}/remove")).status_code
    assert 404 == (await shop.submit(f"{portal}/cards/{declines.id}/default")).status_code
    assert 303 == (await shop.visit(f"{portal}/cards/{good.id}/refund")).status_code


async def test_the_last_card_stays_while_it_is_needed(shop: Shop) -> None:
    """A plan that renews keeps it, and the page says which; once nothing is charged any more it can go."""
    await shop.services.add_card()
    await shop.services.attach("team")
    portal = await portal_of(shop)
    (card,) = await cards_of(shop)
    asked = await shop.visit(f"{portal}/cards/{card.id}/remove")
    sent = await shop.submit(f"{portal}/cards/{card.id}/remove")

    assert 200 == asked.status_code
    assert 409 == sent.status_code
    for answer in (asked, sent):
        assert "Visa •••• 4242 is your only card. Team is still charged to it. Add another card first" in words_of(
            answer
        )
        assert "Remove card" not in words_of(answer)
    assert 1 == len(await cards_of(shop))

    await shop.submit(f"{portal}/plans/{(await shop.services.held('team')).id}/cancel")
    await shop.submit(f"{portal}/cards/{card.id}/remove")

    assert [] == await cards_of(shop)


async def test_the_last_card_stays_while_an_invoice_is_open(shop: Shop) -> None:
    """What is owed is to be paid first, even when no plan runs."""
    portal = await past_due(shop)
    await shop.services.offer(build.free_plan("free", group="free"))
    (card,) = await cards_of(shop)
    held = await shop.services.held("pro")
    await shop.submit(f"{portal}/plans/{held.id}/cancel")
    sent = await shop.submit(f"{portal}/cards/{card.id}/remove")

    assert 409 == sent.status_code
    assert 1 == len(await cards_of(shop))


async def test_a_new_card_pays_what_is_open(shop: Shop) -> None:
    """Past due invoices are tried again at once with the card that was just stored, and the plan is active again."""
    portal = await past_due(shop)
    await shop.services.add_card(number=DECLINES)
    await enter(shop, portal, GOOD)

    assert {"pro": "active"} == await shop.services.statuses()
    assert [2000, 2000] == await shop.services.charged()
    assert "To pay" not in words_of(await shop.visit(portal))


async def test_choosing_another_card_pays_what_is_open(shop: Shop) -> None:
    """So it does when a card that is stored already is chosen; the question says so."""
    portal = await past_due(shop)
    shop.services.clock.advance(timedelta(seconds=1))
    await shop.services.add_card(number=DECLINES)
    good = (await cards_of(shop))[1]
    asked = await shop.visit(f"{portal}/cards/{good.id}/default")
    await shop.submit(f"{portal}/cards/{good.id}/default")

    assert "What is open now is charged to it at once." in words_of(asked)
    assert {"pro": "active"} == await shop.services.statuses()
    assert [2000, 2000] == await shop.services.charged()


async def test_what_is_past_due_is_paid_from_the_portal(shop: Shop) -> None:
    """The portal says what is owed; the card on file pays it after a question, once, however often it is sent."""
    portal = await past_due(shop)
    invoice = (await shop.services.invoices())[-1]
    shown = words_of(await shop.visit(portal))
    asked = await shop.visit(f"{portal}/pay/{invoice.token}")

    assert "To pay $20.00 Invoice 2 of February 1, 2026 Pay" in shown
    assert "Pro Payment overdue" in shown
    assert "Pay $20.00 It is charged to Visa •••• 4242 at once." in words_of(asked)
    assert [2000] == await shop.services.charged()

    answers = [await shop.submit(f"{portal}/pay/{invoice.token}") for _ in range(2)]

    assert {f"/portal/{portal.rsplit('/', 1)[1]}?said=paid"} == {answer.headers["location"] for answer in answers}
    assert [2000, 2000] == await shop.services.charged()
    assert {"pro": "active"} == await shop.services.statuses()
    assert 303 == (await shop.visit(f"{portal}/pay/{invoice.token}")).status_code


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        ("decline", "Your card was declined, so nothing was paid. Pay with another card."),
        ("require_action", "Your bank wants you to confirm this payment."),
    ],
)
async def test_a_payment_that_does_not_go_through(shop: Shop, outcome: str, sentence: str) -> None:
    """The page says why, and offers the payment page, where another card pays."""
    portal = await past_due(shop)
    invoice = (await shop.services.invoices())[-1]
    await shop.services.set_next_charge(outcome)
    refused = await shop.submit(f"{portal}/pay/{invoice.token}")

    assert 402 == refused.status_code
    assert sentence in words_of(refused)
    assert [2000] == await shop.services.charged()

    page = await shop.submit(f"/invoice/{invoice.token}/pay")
    await shop.submit(page.headers["location"], number=GOOD)

    assert InvoiceStatus.PAID is (await shop.services.invoices())[-1].status
    assert {"pro": "active"} == await shop.services.statuses()
    assert [2000, 2000] == await shop.services.charged()


async def test_a_payment_under_way(shop: Shop) -> None:
    """Money that takes its time is not taken twice."""
    portal = await past_due(shop)
    invoice = (await shop.services.invoices())[-1]
    await shop.services.set_next_charge("pending")
    answers = [await shop.submit(f"{portal}/pay/{invoice.token}") for _ in range(2)]

    assert {303} == {answer.status_code for answer in answers}
    assert "Your payment is under way." in words_of(await shop.visit_in_full(answers[0].headers["location"]))


async def test_an_invoice_that_was_given_up_is_not_charged(shop: Shop) -> None:
    """Once the last try has failed, the portal asks for nothing, and a form that is sent late does nothing."""
    portal = await past_due(shop)
    invoice = (await shop.services.invoices())[-1]
    await shop.services.add_card(number=DECLINES)
    await shop.services.advance(datetime(2026, 3, 1, tzinfo=UTC))
    sent = await shop.submit(f"{portal}/pay/{invoice.token}")

    assert InvoiceStatus.UNCOLLECTIBLE is (await shop.services.invoices())[-1].status
    assert 303 == sent.status_code
    assert "To pay" not in words_of(await shop.visit(portal))
    assert [2000] == await shop.services.charged()


async def test_without_a_card_the_payment_page_is_all_there_is(shop: Shop) -> None:
    """Nothing on file, nothing to charge at once."""
    portal = await past_due(shop)
    payer = await shop.services.billing.provider_customer(shop.services.tenant, "ada")
    for card in await cards_of(shop):
        await shop.services.bank.remove_payment_method(shop.services.tenant, payer, card.id, key=card.id)
    invoice = (await shop.services.invoices())[-1]
    asked = await shop.visit(f"{portal}/pay/{invoice.token}")

    assert "Pay $20.00 Pay by card Go back" in words_of(asked)
    assert "Pay $20.00 Pay by card Go back" in words_of(await shop.submit(f"{portal}/pay/{invoice.token}"))


async def test_without_a_provider_there_is_nothing_to_enter_or_pay(shop: Shop) -> None:
    """Where no payment provider is connected the portal offers neither a card nor a payment."""
    live = await Shop.opened(shop.services, shop.browser, "Live Shop", Env.LIVE)
    await live.services.add_customer("bob", name="Bob")
    portal = await portal_of(live, "bob")

    assert "Add a card" not in words_of(await live.visit(portal))
    assert 400 == (await live.submit(f"{portal}/cards")).status_code


async def test_nobody_reaches_anothers_cards_and_invoices(shop: Shop) -> None:
    """A link opens its own customer's things only, whatever ids stand in the address; forms of other sites are none."""
    portal = await past_due(shop)
    invoice = (await shop.services.invoices())[-1]
    (card,) = await cards_of(shop)
    await shop.services.add_customer("eve", card=GOOD)
    foreign = await portal_of(shop, "eve")
    for address in (f"{foreign}/cards/{card.id}/default", f"{foreign}/pay/{invoice.token}"):
        assert 404 == (await shop.visit(address)).status_code
        assert 404 == (await shop.submit(address)).status_code
    await shop.submit(f"{foreign}/cards/{card.id}/remove")
    elsewhere = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    for address in (f"{portal}/cards", f"{portal}/cards/{card.id}/remove", f"{portal}/pay/{invoice.token}"):
        assert 403 == (await shop.submit(address, headers=elsewhere)).status_code

    assert [card] == await cards_of(shop)
    assert [2000] == await shop.services.charged()
