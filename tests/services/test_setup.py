"""A card ahead of a charge, and a plan that follows it (billing.md §13.3)."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from sumac.billing.requests import AttachRequest, SetupRequest
from sumac.billing.service import Receipt
from sumac.core.errors import BadRequest, Conflict, Gone, Locked, NotFound
from sumac.invoices.model import InvoiceStatus
from tests.support.bank import ConnectionLostError, LosingBank
from tests.support.build import MONTHLY, feature, free_plan, item, plan, price
from tests.support.services import GOOD_CARD, Services

ACTOR, DECLINING = "key_1", "4000 0000 0000 0341"


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer on Free without a card, and plans to buy."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 10), auto_enable=True),
        plan("pro", item("messages", 100), price=price(20)),
        plan("premium", item("messages", 500), price=price(50)),
        plan("extra", item("messages", 50), price=price(5, MONTHLY), add_on=True),
    )
    await services.add_customer()
    return services


async def set_up(shop: Services, plan_id: str | None = None, success_url: str | None = None) -> str:
    """The address of the page."""
    attach = None if plan_id is None else AttachRequest("ada", plan_id)
    return await shop.billing.open_setup(shop.tenant, SetupRequest("ada", attach, success_url), actor=ACTOR)


async def complete(shop: Services, url: str, number: str = GOOD_CARD) -> None:
    """Enters a card on the page, as its host alone would see it."""
    page = await shop.bank.find_checkout_by_token(url.rsplit("/", 1)[1])
    assert page is not None
    await shop.bank.complete_checkout(shop.tenant, page.id, number)


async def cards(shop: Services) -> Sequence[str | None]:
    """The last digits of the stored cards, the default one first."""
    return [card.last4 for card in await shop.billing.cards.list_cards(shop.tenant, await shop.customer())]


async def one_of_pro(shop: Services) -> None:
    """One subscription, one paid invoice, one charge."""
    assert {"pro": "active"} == await shop.statuses()
    paid = [invoice.total.minor for invoice in await shop.invoices() if invoice.status is InvoiceStatus.PAID]
    assert ([2000], [2000]) == (paid, await shop.charged())


async def test_a_card_is_stored(shop: Services) -> None:
    """Nothing is charged; the next paid plan is, without a page. A later card is the default one then."""
    await shop.pay(await set_up(shop))

    assert (["4242"], []) == (await cards(shop), await shop.charged())
    assert None is (await shop.attach("pro")).payment_url
    await one_of_pro(shop)

    await shop.pay(await set_up(shop), DECLINING)
    assert ["0341", "4242"] == await cards(shop)


async def test_a_plan_follows_the_card(shop: Services) -> None:
    """Nothing is given before the page is completed; then the plan is charged to the new card."""
    url = await set_up(shop, "pro")
    assert {"free": "active"} == await shop.statuses()

    await shop.pay(url)
    await one_of_pro(shop)


async def test_a_free_plan_follows_the_card(shop: Services) -> None:
    """What costs nothing takes effect with the card, without an invoice."""
    await shop.pay(await set_up(shop, "pro"))
    await shop.pay(await set_up(shop, "free"))

    held = await shop.held("pro")
    assert (True, ["20.00"]) == (held.is_canceling, await shop.totals())


async def test_the_new_card_is_charged(shop: Services) -> None:
    """Also where there is another one, that would have been declined."""
    await shop.add_card(number=DECLINING)
    await shop.pay(await set_up(shop, "pro"))

    await one_of_pro(shop)


@pytest.mark.parametrize(("plan_id", "error"), [("ghost", NotFound), ("pro", Conflict)])
async def test_what_is_not_possible_has_no_page(shop: Services, plan_id: str, error: type[Exception]) -> None:
    """A plan that does not exist, or is held already, is an error at once."""
    await shop.pay(await set_up(shop, "pro"))
    with pytest.raises(error):
        await set_up(shop, plan_id)


async def test_the_same_page_again(shop: Services) -> None:
    """Asked again the address is the same; for another plan, or to another address afterwards, it is another."""
    first = await set_up(shop, "pro")

    assert first == await set_up(shop, "pro")
    others = {await set_up(shop), await set_up(shop, "premium"), await set_up(shop, "pro", "https://lumen.test/")}
    assert 4 == len({first, *others})


async def test_a_card_that_is_declined(shop: Services) -> None:
    """The charge fails after the card was stored: the plan waits for its invoice to be paid (billing.md §10.6)."""
    await shop.pay(await set_up(shop, "pro"), DECLINING)
    (invoice,) = await shop.invoices()
    assert (InvoiceStatus.OPEN, {"free": "active"}) == (invoice.status, await shop.statuses())

    await shop.pay(await shop.billing.open_payment(shop.tenant, invoice.id))
    await one_of_pro(shop)


async def test_a_card_that_is_declined_and_nobody_pays(shop: Services) -> None:
    """After ten minutes the invoice is void and nothing was given."""
    await shop.pay(await set_up(shop, "pro"), DECLINING)
    shop.clock.advance(timedelta(minutes=11))
    await shop.billing.resume_attempts()

    (invoice,) = await shop.invoices()
    assert (InvoiceStatus.VOID, {"free": "active"}) == (invoice.status, await shop.statuses())


async def test_a_page_nobody_came_back_from(shop: Services) -> None:
    """The job finds the completed page, charges once, and coming back late tells what it came to."""
    url = await set_up(shop, "pro")
    await complete(shop, url)
    shop.clock.advance(timedelta(minutes=2))
    await shop.billing.settle_checkouts()
    await one_of_pro(shop)

    settled = await shop.settle(url)
    assert (True, False, "pro") == (settled.customer_plan_active, settled.refunded, settled.plan_id)
    await one_of_pro(shop)


@pytest.mark.parametrize("on_the_way_back", [False, True])
async def test_the_connection_breaks_at_the_charge(shop: Services, *, on_the_way_back: bool) -> None:
    """The card is stored and the plan decided; the charge is asked for again under its key, and is one."""
    losing = shop.paid_through(LosingBank(shop.bank, on_the_way_back=on_the_way_back))
    url = await set_up(losing, "pro")
    await complete(shop, url)
    with pytest.raises(ConnectionLostError):
        await losing.settle(url)
    shop.clock.advance(timedelta(minutes=2))
    await shop.billing.resume_attempts()

    await one_of_pro(shop)


async def test_what_costs_more_by_then_is_not_done(shop: Services) -> None:
    """The page said $20: with another price the card is stored and nothing is charged."""
    url = await set_up(shop, "pro")
    await shop.change_plan("pro", price=price(30))
    await shop.pay(url)

    assert ({"free": "active"}, [], ["4242"]) == (await shop.statuses(), await shop.charged(), await cards(shop))


async def test_attached_directly_before_the_page_is_completed(shop: Services) -> None:
    """The page is closed: nobody can complete it any more."""
    url = await set_up(shop, "pro")
    await shop.add_card()
    await shop.attach("pro")

    with pytest.raises(Gone):
        await complete(shop, url)
    await one_of_pro(shop)


async def test_attached_directly_after_the_page_is_completed(shop: Services) -> None:
    """What the page was for is carried out and charged first, so the plan is there already."""
    url = await set_up(shop, "pro")
    await complete(shop, url)
    with pytest.raises(Conflict):
        await shop.attach("pro")

    await one_of_pro(shop)
    await shop.settle(url)
    await one_of_pro(shop)


async def test_an_attach_races_the_page(shop: Services) -> None:
    """Completing the page and attaching directly at once: one subscription, one charge."""
    await shop.add_card()
    url = await set_up(shop, "pro")
    answers = await asyncio.gather(shop.pay(url), shop.attach("pro"), return_exceptions=True)

    assert all(answer is None or isinstance(answer, (Receipt, Conflict, Gone, Locked)) for answer in answers)
    shop.clock.advance(timedelta(minutes=2))
    await shop.billing.resume_attempts()
    await shop.billing.settle_checkouts()
    await one_of_pro(shop)


async def test_the_page_is_settled_from_many_sides(shop: Services) -> None:
    """The payer coming back and the job at once charge once."""
    url = await set_up(shop, "pro")
    await complete(shop, url)
    shop.clock.advance(timedelta(minutes=2))
    answers = await asyncio.gather(
        *(shop.settle(url) for _ in range(3)), shop.billing.settle_checkouts(), return_exceptions=True
    )

    assert all(not isinstance(answer, BaseException) or isinstance(answer, Locked) for answer in answers)
    shop.clock.advance(timedelta(minutes=2))
    await shop.billing.resume_attempts()
    await one_of_pro(shop)


async def test_a_page_without_a_provider(shop: Services) -> None:
    """Where none is connected there is nobody to store a card with."""
    bare = type(shop.billing)(shop.database, {}, public_url="http://127.0.0.1:1")
    with pytest.raises(BadRequest) as raised:
        await bare.open_setup(shop.tenant, SetupRequest("ada"), actor=ACTOR)

    assert "stripe_config_not_found" == raised.value.code
