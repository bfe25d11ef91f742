"""Links that outlive the page they lead to (billing.md §10.5)."""

import asyncio
from datetime import timedelta

import pytest

from sumac.billing.provider import CheckoutRequest
from sumac.billing.requests import RedirectMode
from sumac.core.errors import BadRequest, Conflict, Gone, Locked
from sumac.core.money import Money
from tests.support.bank import SlowBank
from tests.support.build import ONCE, feature, free_plan, item, plan, price, trial, usage_price
from tests.support.services import GOOD_CARD, Services

LONG = timedelta(days=90)


@pytest.fixture
async def shop(services: Services) -> Services:
    """Plans, and a customer on Free without a card."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 10), auto_enable=True),
        plan("pro", item("messages", 100, price=usage_price("0.10"))),
        plan("premium", item("messages", 500), price=price(50)),
        plan("other", item("messages", 30), price=price(5), group="other"),
        plan("topup", item("messages", 50, reset=None), price=price(10, ONCE)),
        plan("trial", item("messages", 200), free_trial=trial(14), price=price(30)),
    )
    await services.add_customer()
    return services


async def asked(shop: Services, plan_id: str = "pro", **changes: object) -> str:
    """The long-lived link to a plan."""
    return (await shop.attach(plan_id, "ada", long_lived=True, **changes)).payment_url or ""


async def page_of(shop: Services, url: str) -> CheckoutRequest:
    """The page at an address, as it is shown."""
    page = await shop.bank.find_checkout_by_token(url.rsplit("/", 1)[1])
    assert page is not None
    return page.request


async def test_long_after(shop: Services) -> None:
    """Nothing is given before it is paid, and it can be paid until the last hour of the ninetieth day, once."""
    url = await asked(shop, success_url="https://shop.test/done")
    first = await shop.follow(url)

    assert ({"free": "active"}, []) == (await shop.statuses(), await shop.invoices())
    assert first == await shop.follow(url)
    shop.clock.advance(LONG - timedelta(minutes=10))
    await shop.billing.settle_checkouts()
    page = await shop.follow(url)
    assert first != page
    assert ("Subscribe to Pro", 2000, "https://shop.test/done") == (
        (await page_of(shop, page)).heading,
        (await page_of(shop, page)).total.minor,
        (await page_of(shop, page)).success_url,
    )
    await shop.pay(page)

    assert ({"pro": "active"}, [2000]) == (await shop.statuses(), await shop.charged())
    with pytest.raises(Conflict) as done:
        await shop.follow(url)
    assert "checkout_completed" == done.value.code


async def test_ninety_days(shop: Services) -> None:
    """After that it leads nowhere, and asking again gives another one."""
    url = await asked(shop)
    shop.clock.advance(LONG)
    with pytest.raises(Gone):
        await shop.follow(url)

    assert url != await asked(shop)
    assert 1 == await shop.billing.settle_checkouts()
    assert {"free": "active"} == await shop.statuses()


async def test_the_same_request_is_the_same_link(shop: Services) -> None:
    """Asked again it is the same one, in parallel too; another request closes it, long-lived or not."""
    url = await asked(shop)
    page = await shop.follow(url)

    assert url == await asked(shop)
    await shop.attach("premium")
    for refused in (shop.follow(url), shop.pay(page)):
        with pytest.raises(Gone):
            await refused
    answers = await asyncio.gather(*(asked(shop, "topup") for _ in range(4)), return_exceptions=True)
    assert 1 == len({answer for answer in answers if isinstance(answer, str)})


async def test_a_price_that_changed_meanwhile(shop: Services) -> None:
    """The link quotes again: the page with the old price is closed, and the new price is what is paid."""
    url = await asked(shop)
    old = await shop.follow(url)
    await shop.change_plan("pro", price=price(25))
    new = await shop.follow(url)

    assert 2500 == (await page_of(shop, new)).total.minor
    with pytest.raises(Gone):
        await shop.pay(old)
    await shop.pay(new)
    assert ({"pro": "active"}, [2500]) == (await shop.statuses(), await shop.charged())


async def test_a_customer_who_has_it_by_now(shop: Services) -> None:
    """Bought directly meanwhile, the link is closed; nothing is bought a second time."""
    url = await asked(shop)
    page = await shop.follow(url)
    await shop.add_card()
    await shop.attach("pro")

    for refused in (shop.follow(url), shop.pay(page)):
        with pytest.raises(Gone):
            await refused
    assert ({"pro": "active"}, [2000]) == (await shop.statuses(), await shop.charged())


async def test_a_card_that_came_meanwhile_is_not_charged_by_looking(shop: Services) -> None:
    """Following a link never pays: there is a page even for a customer who has stored a card since."""
    url = await asked(shop)
    await shop.add_card()
    page = await shop.follow(url)

    assert ({"free": "active"}, []) == (await shop.statuses(), await shop.charged())
    await shop.pay(page)
    assert ({"pro": "active"}, [2000]) == (await shop.statuses(), await shop.charged())


async def test_what_is_no_longer_possible(shop: Services) -> None:
    """A plan until a day that is past by now is refused when the link is followed, and charged to nobody."""
    url = await asked(shop, "pro", ends_at=shop.clock.now() + timedelta(days=30))
    await shop.follow(url)
    shop.clock.advance(timedelta(days=31))

    with pytest.raises(BadRequest):
        await shop.follow(url)
    assert ({"free": "active"}, []) == (await shop.statuses(), await shop.charged())


async def test_what_costs_nothing_by_now(shop: Services) -> None:
    """Where there is nothing to pay any more the link leads to a question: following it changes nothing by itself."""
    url = await asked(shop)
    await shop.change_plan("pro", price=None, items=(item("messages", 100),))
    question_url = await shop.follow(url)
    assert {"free": "active"} == await shop.statuses()
    question = await shop.billing.confirmations.find(question_url.rsplit("/", 1)[1])
    assert question is not None
    await shop.billing.confirm(question, shown=Money(0, "usd"))

    assert {"pro": "active"} == await shop.statuses()
    with pytest.raises(Gone):
        await shop.follow(url)


async def test_a_purchase_is_made_once(shop: Services) -> None:
    """A one-off plan could be bought again, but not by the same link."""
    url = await asked(shop, "topup")
    await shop.pay(await shop.follow(url))
    with pytest.raises(Conflict):
        await shop.follow(url)

    assert [1000] == await shop.charged()


async def test_another_subscription_meanwhile(shop: Services) -> None:
    """A customer who is billed by now is asked to confirm instead, on the card there is."""
    url = await asked(shop)
    await shop.add_card()
    subscribed = (await shop.attach("other", redirect_mode=RedirectMode.ALWAYS)).payment_url or ""
    await shop.pay(subscribed)
    with pytest.raises(Gone):
        await shop.follow(url)
    again = await asked(shop, redirect_mode=RedirectMode.ALWAYS)

    assert "/c/co_" in again
    question = await shop.billing.confirmations.find(again.rsplit("/", 1)[1])
    assert question is not None
    assert question.expires_at == shop.clock.now() + LONG


async def test_given_for_long(shop: Services) -> None:
    """Given at once with a long-lived link, it can be paid for as long, unless dunning ends it earlier."""
    receipt = await shop.attach("topup", long_lived=True, enable_immediately=True)
    url = receipt.payment_url or ""
    shop.clock.advance(timedelta(days=80))
    await shop.billing.settle_checkouts()
    assert {"free": "active", "topup": "active"} == await shop.statuses()
    await shop.pay(await shop.follow(url))

    assert [1000] == await shop.charged()


async def test_given_for_long_and_never_paid(shop: Services) -> None:
    """A renewal that nobody pays runs through dunning like any other, and ends the plan before the link does."""
    url = (await shop.attach("pro", long_lived=True, enable_immediately=True)).payment_url or ""
    page = await shop.follow(url)
    for _ in range(90):
        shop.clock.advance(timedelta(days=1))
        await shop.billing.settle_due_customers()
        await shop.billing.collect_due_invoices()
        await shop.billing.settle_checkouts()

    assert ({"free": "active"}, []) == (await shop.statuses(), await shop.charged())
    assert not [invoice for invoice in await shop.invoices() if invoice.status.value == "open"]
    for refused in (shop.follow(url), shop.pay(page)):
        with pytest.raises((Gone, Conflict)):
            await refused


async def test_given_for_long_and_paid_after_its_renewal(shop: Services) -> None:
    """Paid while the renewal is past due, the link takes the first invoice; the card stored with it pays the next."""
    url = (await shop.attach("pro", long_lived=True, enable_immediately=True)).payment_url or ""
    for _ in range(32):
        shop.clock.advance(timedelta(days=1))
        await shop.billing.settle_due_customers()
        await shop.billing.collect_due_invoices()
    assert {"pro": "past_due"} == await shop.statuses()

    await shop.pay(await shop.follow(url))
    for _ in range(9):
        shop.clock.advance(timedelta(days=1))
        await shop.billing.collect_due_invoices()

    assert ({"pro": "active"}, [2000, 2000]) == (await shop.statuses(), await shop.charged())


async def test_given_for_long_and_renewed(shop: Services) -> None:
    """A plan whose renewals a card pays is not ended for its first invoice: that is charged when the link is over."""
    await shop.attach("pro", long_lived=True, enable_immediately=True)
    await shop.add_card()
    for _ in range(90):
        shop.clock.advance(timedelta(days=1))
        await shop.billing.settle_due_customers()
        await shop.billing.collect_due_invoices()
    assert [2000, 2000, 2000] == await shop.charged()
    await shop.billing.settle_checkouts()
    await shop.billing.collect_due_invoices()

    assert ({"pro": "active"}, [2000] * 4) == (await shop.statuses(), await shop.charged())


async def test_nothing_is_locked_by_a_link(shop: Services) -> None:
    """While a link is open everything else can be done; while something else runs it asks for patience or is closed."""
    url = await asked(shop)
    await shop.billing.close_pages(shop.tenant, "ada")
    with pytest.raises(Gone):
        await shop.follow(url)
    url = await asked(shop)
    await shop.track(3)
    await shop.add_card(number=GOOD_CARD)
    slow = SlowBank(shop.bank)
    direct = asyncio.create_task(shop.paid_through(slow).attach("topup"))
    await slow.asked.wait()
    with pytest.raises(Locked):
        await asked(shop, "premium", redirect_mode=RedirectMode.ALWAYS)
    slow.answer.set()
    await direct

    assert [1000] == await shop.charged()


async def test_a_trial_behind_a_link(shop: Services) -> None:
    """A trial that needs a card begins once the card is stored, not when the link was made."""
    url = await asked(shop, "trial")
    shop.clock.advance(timedelta(days=60))
    page = await shop.follow(url)
    assert "setup" == (await page_of(shop, page)).mode
    await shop.pay(page)

    assert shop.clock.now() + timedelta(days=14) == (await shop.held("trial")).trial_ends_at
    with pytest.raises(Conflict):
        await shop.follow(url)


async def test_what_is_no_link(shop: Services) -> None:
    """Addresses of other pages are none."""
    page = (await shop.attach("pro")).payment_url or ""

    assert None is await shop.billing.links.find(page.rsplit("/", 1)[1])
    assert None is await shop.billing.links.find("co_unknown")
