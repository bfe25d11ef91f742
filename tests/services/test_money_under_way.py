"""An invoice is given up while its payment is under way: the bank is asked until it knows, and the money goes back."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from sumac.billing.provider import Outcome
from sumac.billing.requests import CancelAction
from sumac.invoices.model import InvoiceStatus
from sumac.organizations.settings import update_billing_settings
from sumac.storage.schema import bank_charges
from tests.support.bank import SlowBank
from tests.support.build import feature, free_plan, item, plan, price
from tests.support.services import GOOD_CARD, Services

DECLINING = "4000 0000 0000 0341"
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
ONE_DAY = timedelta(days=1)


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer whose Pro is past due since February, with debts void at the end and a good card again."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 10), auto_enable=True),
        plan("pro", item("messages", 100)),
        plan("premium", item("messages", 500), price=price(50)),
    )
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro")
    await services.add_card(number=DECLINING)
    services.clock.move_to(FEBRUARY)
    await services.billing.settle_due_customers()
    await services.billing.collect_due_invoices()
    await services.add_card(number=GOOD_CARD)
    assert {"pro": "past_due"} == await services.statuses()
    return services


async def decide(shop: Services, **changes: object) -> None:
    """Changes the tenant's settings."""
    async with shop.database.work(shop.tenant) as work:
        await update_billing_settings(work, changes)


async def under_way(shop: Services) -> int:
    """How many charges the bank has not said the last word about."""
    async with shop.database.reading(shop.tenant) as work:
        rows = await work.all(work.select(bank_charges).where(bank_charges.c.status == Outcome.PROCESSING))
    return len(rows)


async def work_on(shop: Services) -> None:
    """Lets the jobs run for some minutes."""
    for _ in range(3):
        shop.clock.advance(timedelta(minutes=2))
        await shop.billing.resume_attempts()
        await shop.billing.collect_due_invoices()


async def documents(shop: Services) -> list[InvoiceStatus]:
    """Where each invoice stands, oldest first."""
    return [invoice.status for invoice in await shop.invoices()]


@pytest.mark.parametrize("outcome", ["pending", "pending_then_decline"])
async def test_cancelled_while_the_debt_is_being_paid(shop: Services, outcome: str) -> None:
    """The debt is void with the plan: what arrives for it later goes back, what fails is forgotten."""
    await decide(shop, void_invoices_on_cancellation=True)
    await shop.set_next_charge(outcome)
    _, renewal = await shop.invoices()
    await shop.billing.collect(shop.tenant, renewal.id)

    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY)

    await work_on(shop)
    assert [InvoiceStatus.PAID, InvoiceStatus.VOID] == await documents(shop)
    assert ([2000], 0) == (await shop.charged(), await under_way(shop))


@pytest.mark.parametrize("outcome", ["succeed", "pending", "pending_then_decline"])
async def test_cancelled_while_the_bank_is_asked(shop: Services, outcome: str) -> None:
    """Void before the bank has said that the payment is under way, or made: it goes back once, all the same."""
    await decide(shop, void_invoices_on_cancellation=True)
    await shop.set_next_charge(outcome)
    slow = SlowBank(shop.bank)
    _, renewal = await shop.invoices()
    collecting = asyncio.create_task(shop.paid_through(slow).billing.collect(shop.tenant, renewal.id))
    await slow.asked.wait()

    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY)
    slow.answer.set()
    await collecting

    await work_on(shop)
    assert [InvoiceStatus.PAID, InvoiceStatus.VOID] == await documents(shop)
    assert ([2000], 0) == (await shop.charged(), await under_way(shop))


async def test_the_bank_is_asked_again(shop: Services) -> None:
    """While the bank does not know yet, later: after as long as it has taken so far."""
    await decide(shop, void_invoices_on_cancellation=True)
    await shop.set_next_charge("pending")
    _, renewal = await shop.invoices()
    await shop.billing.collect(shop.tenant, renewal.id)
    await shop.cancel(CancelAction.CANCEL_IMMEDIATELY)
    seen = []

    for _ in range(5):
        shop.clock.advance(timedelta(seconds=14))
        await shop.billing.resume_attempts()
        seen.append(await under_way(shop))

    assert [1, 1, 1, 1, 1] == seen
    shop.clock.advance(timedelta(seconds=14))
    await shop.billing.resume_attempts()
    assert ([2000], 0) == (await shop.charged(), await under_way(shop))


@pytest.mark.parametrize("outcome", ["succeed", "pending", "pending_then_decline"])
async def test_the_last_retry_fails_while_an_upgrade_is_being_paid(shop: Services, outcome: str) -> None:
    """The plan ends and its debt is a loss; the upgrade is given up, and nothing stands in the way of another one."""
    await decide(shop, retry_days=(1,))
    shop.clock.move_to(FEBRUARY + ONE_DAY - timedelta(seconds=20))
    slow = SlowBank(shop.bank)
    await shop.set_next_charge(outcome)
    upgrade = asyncio.create_task(shop.paid_through(slow).attach("premium"))
    await slow.asked.wait()
    await shop.add_card(number=DECLINING)
    shop.clock.move_to(FEBRUARY + ONE_DAY)
    await shop.billing.collect_due_invoices()
    slow.answer.set()
    await upgrade

    await work_on(shop)
    assert [InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE, InvoiceStatus.VOID] == await documents(shop)
    assert ({"free": "active"}, [2000], 0) == (await shop.statuses(), await shop.charged(), await under_way(shop))
    await shop.add_card(number=GOOD_CARD)
    await shop.attach("premium")
    assert {"premium": "active"} == await shop.statuses()


async def test_the_last_retry_fails_while_an_upgrade_waits_for_its_payer(shop: Services) -> None:
    """It is given up with the plan that it was about, before its ten minutes are over."""
    await decide(shop, retry_days=(1,))
    await shop.add_card(number=DECLINING)
    shop.clock.move_to(FEBRUARY + ONE_DAY - timedelta(seconds=20))
    await shop.attach("premium")

    shop.clock.move_to(FEBRUARY + ONE_DAY)
    await shop.billing.collect_due_invoices()

    assert [InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE, InvoiceStatus.VOID] == await documents(shop)
    assert {"free": "active"} == await shop.statuses()
