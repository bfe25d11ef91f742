"""Several workers over one database do each thing once, and one that dies delays it (design.md decision 12)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from sumac.billing import service
from sumac.core.clock import ManualClock
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.invoices.model import InvoiceStatus
from sumac.storage.schema import customer_plans
from sumac.storage.schema import customers as customers_table
from tests.support.bank import SlowBank
from tests.support.build import feature, item, plan, usage_price
from tests.support.crowd import process
from tests.support.services import GOOD_CARD, Services

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
OVERDUE = FEBRUARY - timedelta(days=1)
CUSTOMERS = [f"customer-{number:02}" for number in range(24)]
on_postgresql = pytest.mark.parametrize("address", ["postgresql"], indirect=True)


@pytest.fixture
async def shop(services: Services) -> Services:
    """Many customers on Pro, whose month is over by now."""
    await services.offer(feature(), plan("pro", item("messages", 10, price=usage_price("0.10"))))
    for customer_id in CUSTOMERS:
        await services.add_customer(customer_id, card=GOOD_CARD)
        await services.attach("pro", customer_id)
    services.clock.move_to(FEBRUARY)
    return services


@pytest.fixture
async def other(address: str, clock: ManualClock, tenant: Tenant, shop: Services) -> AsyncIterator[Services]:
    """Another worker's services: connections of its own to the same database."""
    del shop
    async with process(address, clock, tenant) as opened:
        yield opened


@on_postgresql
async def test_two_workers_share_the_renewals(shop: Services, other: Services) -> None:
    """Each customer is turned by one of them, each invoice collected by one of them, and neither stands by."""
    workers = (shop.billing, other.billing)

    turned = await asyncio.gather(*(worker.settle_due_customers() for worker in workers))
    collected = await asyncio.gather(*(worker.collect_due_invoices() for worker in workers))

    assert (len(CUSTOMERS), len(CUSTOMERS)) == (sum(turned), sum(collected))
    assert 0 < min(turned)
    assert 0 < min(collected)
    for customer_id in CUSTOMERS:
        assert (["20.00"] * 2, [2000] * 2) == (await shop.totals(customer_id), await shop.charged(customer_id))
        assert 1 == (await shop.invoices(customer_id))[1].attempts_made


async def test_ten_workers_at_once(shop: Services) -> None:
    """However many look at the same moment, on either engine, the sum of what they did is what there was to do."""
    turned = await asyncio.gather(*(shop.billing.settle_due_customers() for _ in range(10)))
    collected = await asyncio.gather(*(shop.billing.collect_due_invoices() for _ in range(10)))

    assert (len(CUSTOMERS), len(CUSTOMERS)) == (sum(turned), sum(collected))
    assert [2000] * 2 * len(CUSTOMERS) == [cents for each in CUSTOMERS for cents in await shop.charged(each)]


async def test_what_a_worker_is_busy_with_is_left_to_it(shop: Services, other: Services) -> None:
    """While one waits for the bank's answer the other finds that invoice taken, and does the rest."""
    await shop.billing.settle_due_customers()
    slow = SlowBank(shop.bank)
    busy = asyncio.create_task(shop.paid_through(slow).billing.collect_due_invoices())
    await slow.asked.wait()

    assert len(CUSTOMERS) - 1 == await other.billing.collect_due_invoices()
    slow.answer.set()

    assert 1 == await busy
    assert {1} == {(await shop.invoices(each))[1].attempts_made for each in CUSTOMERS}


async def test_customers_that_cannot_be_settled_hold_up_nobody(shop: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two batches of them stand before all others: those are renewed all the same."""
    monkeypatch.setattr(service, "BATCH", 3)
    broken = CUSTOMERS[:6]
    async with shop.database.work(shop.tenant) as work:
        for customer_id in broken:
            held = customer_plans.c.customer_key == (await customers.get(work, customer_id)).key
            await work.update(customer_plans, held, values={"quantities": {"messages": "many"}})
            await work.update(customers_table, customers_table.c.id == customer_id, values={"due_at": OVERDUE})

    while await shop.billing.settle_due_customers():
        pass

    assert {1} == {len(await shop.invoices(customer_id)) for customer_id in broken}
    assert {2} == {len(await shop.invoices(customer_id)) for customer_id in CUSTOMERS[6:]}


async def test_a_dead_worker_delays_and_loses_nothing(shop: Services, other: Services) -> None:
    """What it had in hand is taken up a minute later by another, with the charge it made counted once."""
    await shop.billing.settle_due_customers()
    slow = SlowBank(shop.bank)
    dying = asyncio.create_task(shop.paid_through(slow).billing.collect_due_invoices())
    await slow.asked.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)

    assert len(CUSTOMERS) - 1 == await other.billing.collect_due_invoices()
    assert 0 == await other.billing.collect_due_invoices()
    shop.clock.advance(timedelta(minutes=1))

    assert 1 == await other.billing.collect_due_invoices()
    for customer_id in CUSTOMERS:
        assert [2000] * 2 == await shop.charged(customer_id)
        assert InvoiceStatus.PAID == (await shop.invoices(customer_id))[1].status


async def renew_and_die(shop: Services, customer_id: str) -> None:
    """Renews a customer, and ends before it is committed."""
    key = (await shop.customer(customer_id)).key
    async with shop.database.work(shop.tenant) as work:
        customer = await customers.get_locked(work, key)
        await shop.billing.turn(work, customer, at=FEBRUARY, has_card=True)
        raise asyncio.CancelledError


async def test_a_dead_worker_in_the_middle_of_a_renewal(shop: Services, other: Services) -> None:
    """A renewal that was not committed is as if it had not begun: the next worker turns the customer at once."""
    with pytest.raises(asyncio.CancelledError):
        await renew_and_die(shop, CUSTOMERS[0])

    assert len(CUSTOMERS) == await other.billing.settle_due_customers()
    assert ["20.00"] * 2 == await shop.totals(CUSTOMERS[0])
