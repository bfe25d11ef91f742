"""Two things at once for one customer (billing.md §10.1, §20.0 R7, security.md §5.4)."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from sumac.balances.service import SomethingDueError
from sumac.billing.collect import require_ready
from sumac.billing.requests import (
    CancelAction,
    RedirectMode,
)
from sumac.billing.service import Receipt
from sumac.core.clock import ManualClock
from sumac.core.errors import BadRequest, Conflict, Gone, Locked, NotFound, SumacError
from sumac.customers import service as customers
from sumac.invoices.model import InvoiceStatus
from sumac.storage.schema import bank_charges
from tests.support.bank import SlowBank
from tests.support.build import feature, free_plan, item, plan, price, usage_price
from tests.support.crowd import process
from tests.support.services import GOOD_CARD, Services

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)


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


async def one_of_each(shop: Services) -> None:
    """One subscription, one paid invoice, one charge; other invoices came to nothing."""
    assert {"pro": "active"} == await shop.statuses()
    paid = [invoice.total.minor for invoice in await shop.invoices() if invoice.status is InvoiceStatus.PAID]
    assert ([2000], [2000]) == (paid, await shop.charged())


async def test_parallel_attaches(shop: Services) -> None:
    """Of five at once one gives the plan; the others are told that it is attached, or that another is running."""
    answers = await asyncio.gather(*(shop.attach("pro") for _ in range(5)), return_exceptions=True)

    assert 1 == sum(isinstance(answer, Receipt) for answer in answers)
    assert 4 == sum(isinstance(answer, (Conflict, Locked)) for answer in answers)
    await one_of_each(shop)


async def test_parallel_attaches_of_different_plans(shop: Services) -> None:
    """Pro and Premium at once: one main plan runs, and what was charged is what the invoices say."""
    answers = await asyncio.gather(shop.attach("pro"), shop.attach("premium"), return_exceptions=True)

    assert all(isinstance(answer, (Receipt, SumacError)) for answer in answers)
    assert ["active"] == [status for status in (await shop.statuses()).values() if status == "active"]
    paid = [invoice.paid.minor for invoice in await shop.invoices() if invoice.status is InvoiceStatus.PAID]
    assert sorted(paid) == await shop.charged()


@pytest.mark.parametrize("plan_id", ["pro", "premium", "free"])
async def test_an_attach_while_another_is_charged(shop: Services, plan_id: str) -> None:
    """While the bank has not answered, a second billing operation is refused; then the first one is done."""
    slow = SlowBank(shop.bank)
    first = asyncio.create_task(shop.paid_through(slow).attach("pro"))
    await slow.asked.wait()

    with pytest.raises((Locked, Conflict)):
        await shop.attach(plan_id)
    slow.answer.set()
    await first

    await one_of_each(shop)


async def test_cancelling_while_an_upgrade_is_charged(shop: Services) -> None:
    """The plan cannot be cancelled in the middle of its being replaced."""
    await shop.attach("pro")
    slow = SlowBank(shop.bank)
    upgrade = asyncio.create_task(shop.paid_through(slow).attach("premium"))
    await slow.asked.wait()

    with pytest.raises(Locked):
        await shop.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="pro")
    slow.answer.set()
    await upgrade

    assert {"premium": "active"} == await shop.statuses()
    assert ["20.00", "30.00"] == await shop.totals()


async def test_a_page_is_paid_while_the_same_plan_is_charged(shop: Services) -> None:
    """Direct charge and completed page at once: one subscription, and the other money goes back."""
    slow = SlowBank(shop.bank)
    direct = asyncio.create_task(shop.paid_through(slow).attach("pro"))
    await slow.asked.wait()
    url = (await shop.attach("pro", redirect_mode=RedirectMode.ALWAYS)).payment_url or ""
    page = await shop.bank.find_checkout_by_token(url.rsplit("/", 1)[1])
    assert page is not None
    await shop.bank.complete_checkout(shop.tenant, page.id, GOOD_CARD)

    with pytest.raises(Locked):
        await shop.settle(url)
    slow.answer.set()
    await direct
    shop.clock.advance(timedelta(minutes=2))
    await shop.billing.settle_checkouts()

    assert (await shop.settle(url)).refunded
    await one_of_each(shop)


async def test_an_attach_races_a_page_that_is_completed(shop: Services) -> None:
    """Paying the page and attaching directly at the same moment: one subscription, one charge that stays."""
    url = (await shop.attach("pro", redirect_mode=RedirectMode.ALWAYS)).payment_url or ""

    answers = await asyncio.gather(shop.pay(url), shop.attach("pro"), return_exceptions=True)

    assert all(answer is None or isinstance(answer, (Receipt, Conflict, Gone, Locked)) for answer in answers)
    shop.clock.advance(timedelta(minutes=2))
    await shop.billing.resume_attempts()
    await shop.billing.settle_checkouts()
    await one_of_each(shop)


async def test_a_page_is_settled_from_two_sides(shop: Services) -> None:
    """The payer coming back and the job at the same time start the plan once."""
    url = (await shop.attach("pro", redirect_mode=RedirectMode.ALWAYS)).payment_url or ""
    page = await shop.bank.find_checkout_by_token(url.rsplit("/", 1)[1])
    assert page is not None
    await shop.bank.complete_checkout(shop.tenant, page.id, GOOD_CARD)

    settled = await asyncio.gather(*(shop.settle(url) for _ in range(4)))

    assert [(True, False)] * 4 == [(each.customer_plan_active, each.refunded) for each in settled]
    await one_of_each(shop)


async def test_a_page_is_paid_twice_at_once(shop: Services) -> None:
    """Two clicks on the pay button are one payment."""
    url = (await shop.attach("pro", redirect_mode=RedirectMode.ALWAYS)).payment_url or ""

    answers = await asyncio.gather(shop.pay(url), shop.pay(url), return_exceptions=True)

    assert 1 == sum(isinstance(answer, Conflict) for answer in answers)
    await one_of_each(shop)


async def test_a_failed_charge_is_paid_on_its_page_while_it_is_retried(shop: Services) -> None:
    """An open renewal is paid by the customer while our own retry charges the card: one of the two goes back."""
    await shop.attach("pro")
    await shop.set_next_charge("decline")
    await shop.advance(FEBRUARY)
    renewal = (await shop.invoices())[1]
    url = await shop.billing.open_payment(shop.tenant, renewal.id)
    slow = SlowBank(shop.bank)
    retry = asyncio.create_task(shop.paid_through(slow).billing.collect(shop.tenant, renewal.id))
    await slow.asked.wait()

    await shop.pay(url)
    slow.answer.set()
    await retry

    assert [InvoiceStatus.PAID] * 2 == [invoice.status for invoice in await shop.invoices()]
    assert [2000, 2000] == await shop.charged()


async def test_parallel_cancellations(shop: Services) -> None:
    """Cancelled three times at once, the rest of the period is given back once."""
    await shop.attach("pro")

    cancels = (shop.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="pro") for _ in range(3))
    answers = await asyncio.gather(*cancels, return_exceptions=True)

    assert 2 == sum(isinstance(answer, NotFound) for answer in answers)
    assert ({"free": "active"}, ["20.00", "-20.00"]) == (await shop.statuses(), await shop.totals())


async def test_workers_settle_one_renewal(shop: Services) -> None:
    """Four workers at once renew and charge a customer once."""
    await shop.attach("pro")
    shop.clock.move_to(FEBRUARY)

    await asyncio.gather(*(shop.billing.settle_due_customers() for _ in range(4)))
    await asyncio.gather(*(shop.billing.collect_due_invoices() for _ in range(4)))

    assert (["20.00", "20.00"], [2000, 2000]) == (await shop.totals(), await shop.charged())


async def test_the_clock_is_moved_twice_at_once(shop: Services) -> None:
    """Every period is billed once; a move that would go back says so."""
    await shop.attach("pro")
    april = datetime(2026, 4, 1, tzinfo=UTC)

    answers = await asyncio.gather(*(shop.advance(april) for _ in range(3)), return_exceptions=True)

    assert all(not isinstance(answer, BaseException) or isinstance(answer, BadRequest) for answer in answers)
    assert ["20.00"] * 4 == await shop.totals()
    assert [2000] * 4 == await shop.charged()


async def test_an_attach_at_the_boundary_settles_it_first(shop: Services) -> None:
    """An upgrade that arrives when the renewal is due is prorated against the renewed period."""
    await shop.attach("pro")
    await shop.track(150)
    shop.clock.move_to(FEBRUARY)

    await asyncio.gather(*(shop.attach("premium"), shop.billing.settle_due_customers()))

    assert ["20.00", "25.00", "30.00"] == await shop.totals()
    assert {"premium": "active"} == await shop.statuses()


async def test_a_process_whose_clock_is_behind(shop: Services, address: str) -> None:
    """After the renewal it must not decide about the period that is over; once its clock is there, it may."""
    await shop.attach("pro")
    behind = ManualClock(FEBRUARY - timedelta(milliseconds=1))
    shop.clock.move_to(FEBRUARY)
    await shop.billing.settle_due_customers()
    async with process(address, behind, shop.tenant) as other, other.database.work(other.tenant) as work:
        renewed = await customers.get_for_update(work, "ada")
        with pytest.raises(SomethingDueError):
            await require_ready(work, renewed)

        behind.move_to(FEBRUARY)
        await require_ready(work, renewed)


async def test_deleted_while_being_charged(shop: Services) -> None:
    """Nobody is left to give the plan to, so the money goes back."""
    payer = await shop.billing.provider_customer(shop.tenant, "ada")
    slow = SlowBank(shop.bank)
    attach = asyncio.create_task(shop.paid_through(slow).attach("pro"))
    await slow.asked.wait()
    async with shop.database.work(shop.tenant) as work:
        await customers.delete(work, "ada")
    slow.answer.set()

    with pytest.raises(NotFound):
        await attach

    async with shop.database.reading(shop.tenant) as work:
        rows = await work.all(work.select(bank_charges).where(bank_charges.c.bank_customer == payer))
    assert [(2000, 2000)] == [(row.amount_minor, row.refunded_minor) for row in rows]
