"""Ten to fifty callers at one customer at once, through several processes: one subscription, one charge, always."""

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from sumac.billing.requests import CancelAction, RedirectMode
from sumac.billing.service import Receipt
from sumac.invoices.model import InvoiceStatus
from sumac.storage.schema import refunds
from tests.support.build import feature, free_plan, item, plan, price, usage_price
from tests.support.crowd import Call, at_once
from tests.support.services import GOOD_CARD, Services

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
SEEDS = pytest.mark.parametrize("seed", range(3))


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


def attach(plan_id: str) -> Call:
    return lambda shop: shop.attach(plan_id)


def settle(url: str) -> Call:
    return lambda shop: shop.settle(url)


def pay(url: str) -> Call:
    return lambda shop: shop.pay(url)


def cancel(shop: Services) -> Awaitable[object]:
    return shop.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="pro")


def turn(shop: Services) -> Awaitable[object]:
    return shop.billing.settle_due_customers()


def collect(shop: Services) -> Awaitable[object]:
    return shop.billing.collect_due_invoices()


async def work_off(shop: Services) -> None:
    """The jobs, until everything that was begun is over."""
    for _ in range(3):
        shop.clock.advance(timedelta(minutes=1))
        await shop.billing.settle_due_customers()
        await shop.billing.collect_due_invoices()
        await shop.billing.resume_attempts()
        await shop.billing.settle_checkouts()


async def assert_books(shop: Services, statuses: dict[str, str], paid: list[int]) -> None:
    """These plans, these paid invoices, and exactly their money at the bank; nothing is left open or owed back."""
    found = await shop.invoices()

    assert statuses == await shop.statuses()
    assert paid == [invoice.paid.minor for invoice in found if invoice.status is InvoiceStatus.PAID]
    assert sorted(paid) == await shop.charged()
    assert InvoiceStatus.OPEN not in {invoice.status for invoice in found}
    async with shop.database.reading(shop.tenant) as work:
        assert [] == list(await work.all(work.select(refunds).where(refunds.c.refunded_at.is_(None))))


@SEEDS
async def test_fifty_attaches(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """One of them gives the plan, all others are refused."""
    answers = await at_once(crowd, seed, [attach("pro")] * 50)

    assert 1 == sum(isinstance(answer, Receipt) for answer in answers)
    await work_off(shop)
    await assert_books(shop, {"pro": "active"}, [2000])


@SEEDS
async def test_attaches_race_a_page_that_is_completed(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """Ten attach directly while the page is paid and told about ten times: what was paid twice goes back."""
    url = (await shop.attach("pro", redirect_mode=RedirectMode.ALWAYS)).payment_url or ""

    await at_once(crowd, seed, [pay(url), *[attach("pro")] * 10, *[settle(url)] * 10])

    await work_off(shop)
    await assert_books(shop, {"pro": "active"}, [2000])


@SEEDS
async def test_attaches_race_a_renewal(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """Ten upgrades and ten workers at the boundary: the renewal first, once, then one upgrade of the new period."""
    await shop.attach("pro")
    await shop.track(150)
    shop.clock.move_to(FEBRUARY)

    await at_once(crowd, seed, [*[attach("premium")] * 10, *[turn] * 5, *[collect] * 5])

    await work_off(shop)
    await assert_books(shop, {"premium": "active"}, [2000, 2500, 3000])


@SEEDS
async def test_cancels_race_a_renewal(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """Ten cancellations at the boundary: the month is renewed once, and comes back as credit once."""
    await shop.attach("pro")
    shop.clock.move_to(FEBRUARY)

    await at_once(crowd, seed, [*[cancel] * 10, *[turn] * 5, *[collect] * 5])

    await work_off(shop)
    assert ({"free": "active"}, ["20.00", "20.00", "-20.00"]) == (await shop.statuses(), await shop.totals())
    assert [2000, 2000] == await shop.charged()


@SEEDS
async def test_paying_races_the_retries(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """A declined renewal is paid on its page while ten workers retry it and the portal tries it ten times."""
    await shop.attach("pro")
    await shop.set_next_charge("decline")
    shop.clock.move_to(FEBRUARY)
    await turn(shop)
    await collect(shop)
    renewal, customer = (await shop.invoices())[1], await shop.customer()
    url = await shop.billing.open_payment(shop.tenant, renewal.id)
    shop.clock.advance(timedelta(days=1))

    def by_hand(process: Services) -> Awaitable[object]:
        return process.billing.retry_open_invoices(process.tenant, customer.key)

    await at_once(crowd, seed, [pay(url), *[collect] * 10, *[by_hand] * 10, *[settle(url)] * 5])

    await work_off(shop)
    await assert_books(shop, {"pro": "active"}, [2000, 2000])


@SEEDS
async def test_a_declined_attach_is_paid_from_every_side(shop: Services, crowd: Sequence[Services], seed: int) -> None:
    """On its page, by the portal, and asked for again, ten times each: one subscription, one charge that stays."""
    await shop.set_next_charge("decline")
    receipt = await shop.attach("pro")
    assert receipt.invoice is not None
    invoice_id, url = receipt.invoice.id, receipt.payment_url or ""

    def by_hand(process: Services) -> Awaitable[object]:
        return process.billing.collect(process.tenant, invoice_id)

    await at_once(crowd, seed, [pay(url), *[by_hand] * 10, *[attach("pro")] * 10, *[settle(url)] * 10])

    await work_off(shop)
    await assert_books(shop, {"pro": "active"}, [2000])
