"""Payments a customer makes by hand for something that waits: nothing is given up meanwhile, and nothing is lost."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from sumac.billing.provider import Outcome
from sumac.billing.requests import InvoiceMode
from sumac.core.errors import Locked
from sumac.invoices.model import InvoiceStatus
from tests.support.bank import SlowBank
from tests.support.build import feature, free_plan, item, plan, price
from tests.support.services import GOOD_CARD, Services

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
TEN_MINUTES = timedelta(minutes=10)


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer on Free with a good card, and plans to buy."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 10), auto_enable=True),
        plan("pro", item("messages", 100)),
        plan("premium", item("messages", 500), price=price(50)),
        plan("extra", price=price(5), add_on=True),
    )
    await services.add_customer(card=GOOD_CARD)
    return services


async def declined(shop: Services) -> str:
    """The invoice of an attach that was declined."""
    await shop.set_next_charge("decline")
    receipt = await shop.attach("pro")
    assert receipt.invoice is not None
    return receipt.invoice.id


async def statuses(shop: Services) -> list[InvoiceStatus]:
    """Where each invoice stands, oldest first."""
    return [invoice.status for invoice in await shop.invoices()]


async def test_money_under_way_for_a_waiting_attach(shop: Services) -> None:
    """Paid by hand with a charge that takes its time, past the ten minutes: the plan starts when it arrives."""
    invoice_id = await declined(shop)
    shop.clock.advance(TEN_MINUTES - timedelta(seconds=1))
    await shop.set_next_charge("pending")

    collected = await shop.billing.collect(shop.tenant, invoice_id)

    assert collected.collection is not None
    assert Outcome.PROCESSING is collected.collection.outcome
    shop.clock.advance(timedelta(seconds=30))
    await shop.billing.resume_attempts()
    assert ([InvoiceStatus.OPEN], {"free": "active"}) == (await statuses(shop), await shop.statuses())
    shop.clock.advance(timedelta(minutes=1))
    await shop.billing.resume_attempts()
    assert ({"pro": "active"}, [2000]) == (await shop.statuses(), await shop.charged())


async def test_a_waiting_attach_is_not_paid_in_the_middle_of_another(shop: Services) -> None:
    """While another change of the customer is being charged, the first one's invoice cannot be paid by hand."""
    invoice_id = await declined(shop)
    slow = SlowBank(shop.bank)
    upgrade = asyncio.create_task(shop.paid_through(slow).attach("premium"))
    await slow.asked.wait()

    with pytest.raises(Locked):
        await shop.billing.collect(shop.tenant, invoice_id)
    slow.answer.set()
    await upgrade

    assert [InvoiceStatus.VOID, InvoiceStatus.PAID] == await statuses(shop)
    assert ({"premium": "active"}, [5000]) == (await shop.statuses(), await shop.charged())


@pytest.mark.parametrize("outcome", ["decline", "require_action", "pending_then_decline"])
async def test_a_sent_invoice_survives_a_bad_card(shop: Services, outcome: str) -> None:
    """It may be paid within its terms, whatever was tried before: the ten minutes are not for it (§10.6)."""
    receipt = await shop.attach("pro", invoice_mode=InvoiceMode(net_terms_days=30))
    assert receipt.invoice is not None
    await shop.set_next_charge(outcome)
    await shop.billing.collect(shop.tenant, receipt.invoice.id)
    for _ in range(3):
        shop.clock.advance(timedelta(days=1))
        await shop.billing.resume_attempts()
    assert ([InvoiceStatus.OPEN], {"free": "active"}) == (await statuses(shop), await shop.statuses())

    await shop.billing.collect(shop.tenant, receipt.invoice.id)

    assert ({"pro": "active"}, [2000]) == (await shop.statuses(), await shop.charged())


async def test_a_sent_invoice_survives_a_renewal_of_something_else(shop: Services) -> None:
    """What else the customer holds goes on beside it; the plan starts when the invoice is paid."""
    await shop.attach("extra")
    receipt = await shop.attach("pro", invoice_mode=InvoiceMode(net_terms_days=60))
    assert receipt.invoice is not None

    await shop.advance(FEBRUARY + timedelta(days=10))
    assert [InvoiceStatus.PAID, InvoiceStatus.OPEN, InvoiceStatus.PAID] == await statuses(shop)
    await shop.billing.collect(shop.tenant, receipt.invoice.id)

    assert {"pro": "active", "extra": "active"} == await shop.statuses()


async def test_a_renewal_of_the_plan_it_would_replace_gives_a_change_up(shop: Services) -> None:
    """The upgrade was priced for a period that is over; it has to be asked for again."""
    await shop.attach("pro")
    shop.clock.move_to(FEBRUARY - timedelta(days=2))
    await shop.set_next_charge("decline")
    await shop.attach("premium")
    shop.clock.move_to(FEBRUARY)

    await shop.billing.settle_due_customers()

    assert [InvoiceStatus.PAID, InvoiceStatus.VOID, InvoiceStatus.OPEN] == await statuses(shop)
    assert {"pro": "active"} == await shop.statuses()
