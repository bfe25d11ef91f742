"""A period turns while the money for a change is under way: it goes back, the change is given up (decision 0017)."""

from datetime import UTC, datetime, timedelta

import pytest

from sumac.core.errors import Locked
from sumac.invoices.model import InvoiceStatus
from sumac.storage.schema import bank_charges
from tests.support.build import feature, item, plan, price
from tests.support.services import GOOD_CARD, Services

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer with a good card, half a minute before Pro renews, and plans that cost something for that time."""
    await services.offer(
        feature(),
        plan("pro", item("messages", 100)),
        plan("huge", item("messages", 500), price=price(90_000)),
        plan("extra", price=price(90_000), add_on=True),
    )
    await services.add_customer(card=GOOD_CARD)
    await services.attach("pro")
    services.clock.move_to(FEBRUARY - timedelta(seconds=30))
    return services


async def ask(shop: Services, plan_id: str = "huge", outcome: str = "pending", *, apart: bool = False) -> str:
    """A change whose payment takes its time; the page on which it can be paid otherwise."""
    await shop.set_next_charge(outcome)
    receipt = await shop.attach(plan_id, new_subscription=apart)
    assert receipt.invoice is not None
    assert InvoiceStatus.OPEN is receipt.invoice.status
    return receipt.payment_url or ""


async def test_a_payment_that_arrives_after_the_renewal(shop: Services) -> None:
    """An upgrade was being paid while its plan renewed: the money goes back, and the plan that was renewed runs on."""
    await ask(shop)
    shop.clock.move_to(FEBRUARY)
    await shop.billing.settle_due_customers()
    await shop.billing.collect_due_invoices()
    assert {"pro": "active"} == await shop.statuses()

    shop.clock.advance(timedelta(minutes=2))
    await shop.billing.resume_attempts()
    await shop.billing.resume_attempts()

    assert ({"pro": "active"}, [2000, 2000]) == (await shop.statuses(), await shop.charged())
    _, upgrade, renewal = await shop.invoices()
    assert (InvoiceStatus.VOID, InvoiceStatus.PAID) == (upgrade.status, renewal.status)
    await shop.attach("huge")
    assert {"huge": "active"} == await shop.statuses()


async def test_another_card_after_the_renewal(shop: Services) -> None:
    """Paid on the page meanwhile, that money goes back, too, and nothing is given."""
    url = await ask(shop)
    shop.clock.move_to(FEBRUARY)
    await shop.billing.settle_due_customers()
    with pytest.raises(Locked):
        await shop.pay(url)
    await shop.billing.collect_due_invoices()
    assert [101, 2000, 2000] == await shop.charged()
    shop.clock.advance(timedelta(minutes=2))
    for _ in range(2):
        await shop.billing.resume_attempts()
        await shop.billing.settle_checkouts()

    assert ({"pro": "active"}, [2000, 2000]) == (await shop.statuses(), await shop.charged())


async def test_a_payment_that_fails_after_the_renewal(shop: Services) -> None:
    """There is nothing left to pay for: the upgrade is given up, and its invoice is void."""
    await ask(shop, outcome="pending_then_decline")
    shop.clock.move_to(FEBRUARY)
    await shop.billing.settle_due_customers()
    shop.clock.advance(timedelta(minutes=2))
    await shop.billing.resume_attempts()

    assert InvoiceStatus.VOID is (await shop.invoices())[1].status
    assert {"pro": "active"} == await shop.statuses()


async def test_nobody_waits_for_a_payment_that_comes_too_late(shop: Services) -> None:
    """Asked after the renewal and not known yet, the upgrade is given up at once; its money goes back when it comes."""
    await ask(shop)
    shop.clock.move_to(FEBRUARY)
    await shop.billing.settle_due_customers()
    await shop.billing.collect_due_invoices()
    _, upgrade, _ = await shop.invoices()
    collected = await shop.billing.collect(shop.tenant, upgrade.id)
    assert InvoiceStatus.VOID is collected.invoice.status

    await shop.attach("huge")

    assert {"huge": "active"} == await shop.statuses()
    for _ in range(2):
        shop.clock.advance(timedelta(minutes=2))
        await shop.billing.resume_attempts()
    async with shop.database.reading(shop.tenant) as work:
        taken = await work.all(work.select(bank_charges).order_by(bank_charges.c.created_at))
    assert [("paid", 0), ("paid", 101), ("paid", 0), ("paid", 0)] == [(row.status, row.refunded_minor) for row in taken]


async def test_an_add_on_paid_for_after_the_renewal(shop: Services) -> None:
    """What is not about the plan that renewed begins as it was decided."""
    await ask(shop, "extra", apart=True)
    shop.clock.move_to(FEBRUARY)
    await shop.billing.settle_due_customers()
    shop.clock.advance(timedelta(minutes=2))
    await shop.billing.resume_attempts()

    assert {"pro": "active", "extra": "active"} == await shop.statuses()
