"""Something else at once with a plan that was given before its page is paid (billing.md §10.5)."""

import asyncio
from datetime import timedelta

import pytest

from sumac.billing.service import Receipt
from sumac.core.errors import Gone, Locked, SumacError
from sumac.invoices.model import InvoiceStatus
from tests.support.bank import SlowBank
from tests.support.build import feature, free_plan, item, plan, price
from tests.support.services import Services

HOUR = timedelta(hours=1)


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer on Free without a card, a plan and an add-on."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 10), auto_enable=True),
        plan("pro", item("messages", 100)),
        plan("extra", item("messages", 30), price=price(5), add_on=True),
    )
    await services.add_customer()
    return services


async def given(shop: Services) -> str:
    """Gives Pro ahead of its payment; the link to pay it by."""
    return (await shop.attach("pro", enable_immediately=True)).payment_url or ""


async def paid(shop: Services) -> list[int]:
    """The totals of the paid invoices in cents."""
    return [each.total.minor for each in await shop.invoices() if each.status is InvoiceStatus.PAID]


async def test_parallel_requests(shop: Services) -> None:
    """Five at once come to one plan, one invoice and one link."""
    answers = await asyncio.gather(
        *(shop.attach("pro", enable_immediately=True) for _ in range(5)), return_exceptions=True
    )
    links = {answer.payment_url for answer in answers if isinstance(answer, Receipt)}

    assert 1 == len(links)
    assert all(isinstance(answer, Receipt | Locked) for answer in answers)
    assert ({"pro": "active"}, ["20.00"]) == (await shop.statuses(), await shop.totals())


async def test_an_attach_races_the_payment(shop: Services) -> None:
    """Paying the page and attaching directly at the same moment: one subscription, one charge that stays."""
    page = await shop.follow(await given(shop))
    await shop.add_card()

    answers = await asyncio.gather(shop.pay(page), shop.attach("pro"), return_exceptions=True)

    assert all(answer is None or isinstance(answer, (Receipt, SumacError)) for answer in answers)
    shop.clock.advance(timedelta(minutes=2))
    await shop.billing.resume_attempts()
    await shop.billing.settle_checkouts()
    assert ({"pro": "active"}, [2000]) == (await shop.statuses(), await shop.charged())
    assert [2000] == await paid(shop)


async def test_the_page_is_paid_while_the_same_is_charged(shop: Services) -> None:
    """Money that comes for a page whose plan was bought directly meanwhile goes back."""
    url = await given(shop)
    await shop.add_card()
    slow = SlowBank(shop.bank)
    direct = asyncio.create_task(shop.paid_through(slow).attach("pro"))
    await slow.asked.wait()
    with pytest.raises(Gone):
        await shop.follow(url)
    slow.answer.set()
    await direct

    assert ({"pro": "active"}, [2000]) == (await shop.statuses(), await shop.charged())


async def test_the_time_is_up_while_something_is_charged(shop: Services) -> None:
    """What was given stays while another operation runs, and is given up once that is over."""
    await given(shop)
    await shop.add_card()
    slow = SlowBank(shop.bank)
    direct = asyncio.create_task(shop.paid_through(slow).attach("extra"))
    await slow.asked.wait()
    shop.clock.advance(HOUR)
    await shop.billing.settle_checkouts()
    assert {"pro": "active"} == await shop.statuses()
    slow.answer.set()
    await direct
    await shop.billing.settle_checkouts()

    assert {"free": "active", "extra": "active"} == await shop.statuses()
