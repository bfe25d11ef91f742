"""Cut short anywhere, carried on by the jobs, the books end the same (design.md decision 4, payments.md §4.8)."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from sumac.invoices.model import InvoiceStatus
from tests.support.bank import ConnectionLostError, LosingBank, MuteBank
from tests.support.build import feature, free_plan, item, plan, price, usage_price
from tests.support.services import GOOD_CARD, Services

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
RESUMED = timedelta(minutes=1)
BOTH_WAYS = pytest.mark.parametrize("on_the_way_back", [False, True], ids=["before-the-charge", "after-the-charge"])


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer on Free with a good card, and plans to buy."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 10), auto_enable=True),
        plan("pro", item("messages", 100, price=usage_price("0.10"))),
        plan("premium", item("messages", 500), price=price(50)),
    )
    await services.add_customer(card=GOOD_CARD)
    return services


def broken(shop: Services, *, on_the_way_back: bool) -> Services:
    return shop.paid_through(LosingBank(shop.bank, on_the_way_back=on_the_way_back))


async def work_off(shop: Services) -> None:
    """Every job, until none finds anything."""
    jobs: tuple[Callable[[], Awaitable[int]], ...] = (
        shop.billing.settle_due_customers,
        shop.billing.collect_due_invoices,
        shop.billing.resume_attempts,
        shop.billing.settle_checkouts,
    )
    while any([await job() for job in jobs]):
        pass


async def books(shop: Services) -> tuple[object, ...]:
    """Plans, invoices, balance and the money taken."""
    documents = [
        (invoice.number, invoice.status, invoice.total, invoice.paid, [line.amount.minor for line in invoice.lines])
        for invoice in await shop.invoices()
    ]
    return await shop.statuses(), documents, await shop.remaining(), await shop.charged()


@BOTH_WAYS
async def test_an_attach_cut_short_at_the_charge(shop: Services, *, on_the_way_back: bool) -> None:
    """The intent is on disk, so the job finishes the attach with one charge, whether the first one arrived or not."""
    with pytest.raises(ConnectionLostError):
        await broken(shop, on_the_way_back=on_the_way_back).attach("pro")
    assert {"free": "active"} == await shop.statuses()
    assert [InvoiceStatus.OPEN] == [invoice.status for invoice in await shop.invoices()]

    shop.clock.advance(RESUMED)
    await work_off(shop)

    lines = [(1, InvoiceStatus.PAID, 2000)]
    assert lines == [(invoice.number, invoice.status, invoice.paid.minor) for invoice in await shop.invoices()]
    assert ({"pro": "active"}, 100, [2000]) == (await shop.statuses(), await shop.remaining(), await shop.charged())


@BOTH_WAYS
async def test_the_books_are_those_of_an_undisturbed_attach(shop: Services, *, on_the_way_back: bool) -> None:
    """An upgrade cut short ends in the same plans, invoices, balances and charges as one that was not."""
    await shop.attach("pro")
    await shop.track(150)
    await shop.add_customer("bob", card=GOOD_CARD)
    await shop.attach("pro", "bob")
    await shop.track(150, customer_id="bob")
    shop.clock.move_to(datetime(2026, 1, 16, 12, tzinfo=UTC))

    await shop.attach("premium", "bob")
    with pytest.raises(ConnectionLostError):
        await broken(shop, on_the_way_back=on_the_way_back).attach("premium")
    shop.clock.advance(RESUMED)
    await work_off(shop)

    for which in (shop.statuses, shop.totals, shop.charged):
        assert await which("bob") == await which("ada")
    assert await shop.remaining(customer_id="bob") == await shop.remaining()
    assert {"premium": "active"} == await shop.statuses()
    assert ["20.00", "20.00"] == await shop.totals()


@BOTH_WAYS
async def test_a_resumed_attach_that_is_declined(shop: Services, *, on_the_way_back: bool) -> None:
    """A decline found out later leaves the old plan and is given up ten minutes after."""
    await shop.set_next_charge("decline")
    with pytest.raises(ConnectionLostError):
        await broken(shop, on_the_way_back=on_the_way_back).attach("pro")

    shop.clock.advance(RESUMED)
    await work_off(shop)
    assert ({"free": "active"}, []) == (await shop.statuses(), await shop.charged())
    shop.clock.advance(timedelta(minutes=10))
    await work_off(shop)

    assert [InvoiceStatus.VOID] == [invoice.status for invoice in await shop.invoices()]


@BOTH_WAYS
async def test_a_renewal_cut_short_at_the_charge(shop: Services, *, on_the_way_back: bool) -> None:
    """The renewal's invoice is on disk and collected once."""
    await shop.attach("pro")
    shop.clock.move_to(FEBRUARY)
    disturbed = broken(shop, on_the_way_back=on_the_way_back)
    await disturbed.billing.settle_due_customers()
    assert 0 == await disturbed.billing.collect_due_invoices()
    assert [InvoiceStatus.PAID, InvoiceStatus.OPEN] == [invoice.status for invoice in await shop.invoices()]

    shop.clock.advance(RESUMED)
    await work_off(shop)

    assert [InvoiceStatus.PAID, InvoiceStatus.PAID] == [invoice.status for invoice in await shop.invoices()]
    assert [2000, 2000] == await shop.charged()


@BOTH_WAYS
async def test_the_clock_carries_on_where_it_was_cut_short(shop: Services, *, on_the_way_back: bool) -> None:
    """Moving the customer's clock again finishes what a broken move began, with one charge per period."""
    await shop.attach("pro")
    with pytest.raises(ConnectionLostError):
        await broken(shop, on_the_way_back=on_the_way_back).advance(FEBRUARY + timedelta(days=40))

    await shop.advance(FEBRUARY + timedelta(days=40))

    assert ["20.00", "20.00", "20.00"] == await shop.totals()
    assert [2000, 2000, 2000] == await shop.charged()


async def test_a_page_nobody_came_back_from(shop: Services) -> None:
    """Paid at the bank, but we were never told: the job finds out and starts the plan, once."""
    await shop.add_customer("bob")
    url = (await shop.attach("pro", "bob")).payment_url or ""
    page = await shop.bank.find_checkout_by_token(url.rsplit("/", 1)[1])
    assert page is not None
    await shop.bank.complete_checkout(shop.tenant, page.id, GOOD_CARD)
    assert {"free": "active"} == await shop.statuses("bob")

    shop.clock.advance(timedelta(minutes=2))
    await work_off(shop)

    assert {"pro": "active"} == await shop.statuses("bob")
    assert (["20.00"], [2000]) == (await shop.totals("bob"), await shop.charged("bob"))


async def test_a_page_that_cannot_be_asked_about_holds_up_no_other(shop: Services) -> None:
    """The bank says nothing about one page: the others are settled, and that one is when it answers again."""
    pages = []
    for customer_id in ("bob", "cleo"):
        await shop.add_customer(customer_id)
        url = (await shop.attach("pro", customer_id)).payment_url or ""
        page = await shop.bank.find_checkout_by_token(url.rsplit("/", 1)[1])
        assert page is not None
        await shop.bank.complete_checkout(shop.tenant, page.id, GOOD_CARD)
        pages.append(page.id)
    shop.clock.advance(timedelta(minutes=2))

    assert 1 == await shop.paid_through(MuteBank(shop.bank, pages[0])).billing.settle_checkouts()
    assert ({"free": "active"}, {"pro": "active"}) == (await shop.statuses("bob"), await shop.statuses("cleo"))
    assert 1 == await shop.billing.settle_checkouts()
    assert {"pro": "active"} == await shop.statuses("bob")


@BOTH_WAYS
async def test_a_refund_cut_short(shop: Services, *, on_the_way_back: bool) -> None:
    """Money taken for what was no longer possible goes back in the end, once."""
    await shop.set_next_charge("decline")
    url = (await shop.attach("pro")).payment_url or ""
    shop.clock.advance(timedelta(minutes=10))
    await shop.billing.resume_attempts()
    with pytest.raises(ConnectionLostError):
        await broken(shop, on_the_way_back=on_the_way_back).pay(url)

    shop.clock.advance(timedelta(minutes=2))
    await work_off(shop)

    assert ({"free": "active"}, []) == (await shop.statuses(), await shop.charged())


async def test_jobs_run_twice_change_nothing(shop: Services) -> None:
    """When everything is worked off, working again finds nothing and leaves the books as they are (decision 12)."""
    await shop.attach("pro")
    await shop.track(130)
    shop.clock.move_to(FEBRUARY)
    await work_off(shop)
    before = await books(shop)

    await work_off(shop)

    assert before == await books(shop)
    assert {"pro": "active"} == await shop.statuses()


async def test_one_failure_holds_up_no_other(shop: Services) -> None:
    """A customer whose charge cannot be asked about is tried again later; the next one is served at once."""
    await shop.add_customer("bob", card=GOOD_CARD)
    for customer_id in ("ada", "bob"):
        with pytest.raises(ConnectionLostError):
            await broken(shop, on_the_way_back=False).attach("pro", customer_id)
    shop.clock.advance(RESUMED)
    ada = (await shop.customer("ada")).key

    assert (
        1 == await shop.paid_through(LosingBank(shop.bank, on_the_way_back=False, only=ada)).billing.resume_attempts()
    )
    assert ({"free": "active"}, {"pro": "active"}) == (await shop.statuses("ada"), await shop.statuses("bob"))
    shop.clock.advance(RESUMED)
    assert 1 == await shop.billing.resume_attempts()
    assert {"pro": "active"} == await shop.statuses("ada")
