"""Plans whose invoices are sent instead of charged (billing.md §10.7)."""

from datetime import UTC, datetime, timedelta

import pytest

from sumac.billing.requests import InvoiceMode, PlanTiming
from sumac.billing.service import Receipt
from sumac.core.errors import BadRequest
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice, InvoiceStatus
from tests.support.build import feature, free_plan, item, plan, price, usage_price
from tests.support.services import GOOD_CARD, Services

FEBRUARY, MARCH = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
DEFERRED, AT_ONCE = InvoiceMode(net_terms_days=14), InvoiceMode(net_terms_days=14, enable_immediately=True)


@pytest.fixture
async def shop(services: Services) -> Services:
    """A customer on Free without a card, and two plans."""
    await services.offer(
        feature(),
        free_plan("free", item("messages", 10), auto_enable=True),
        plan("pro", item("messages", 100, price=usage_price("0.10")), price=price(20)),
        plan("premium", item("messages", 500), price=price(50)),
    )
    await services.add_customer()
    return services


def sent(receipt: Receipt) -> Invoice:
    """The invoice that was made."""
    assert receipt.invoice is not None
    return receipt.invoice


async def test_nothing_before_it_is_paid(shop: Services) -> None:
    """The plan waits for its invoice, however long; paid on its page it starts then, and is charged from then on."""
    invoice = sent(await shop.attach("pro", invoice_mode=DEFERRED))

    assert (InvoiceStatus.OPEN, 14, shop.clock.now() + timedelta(days=14)) == (
        invoice.status, invoice.net_terms_days, invoice.due_at,
    )  # fmt: skip
    assert {"free": "active"} == await shop.statuses()

    shop.clock.advance(timedelta(days=3))
    await shop.billing.resume_attempts()
    await shop.billing.collect_due_invoices()
    assert {"free": "active"} == await shop.statuses()

    await shop.pay(await shop.billing.open_payment(shop.tenant, invoice.id))
    assert {"pro": "active"} == await shop.statuses()
    assert [2000] == await shop.charged()
    assert None is (await shop.held("pro")).net_terms_days


async def test_at_once_and_sent_again(shop: Services) -> None:
    """Enabled at once, the plan renews with another invoice to be sent; none of them makes it past due."""
    first = sent(await shop.attach("pro", invoice_mode=AT_ONCE))

    assert InvoiceStatus.OPEN is first.status
    assert {"pro": "active"} == await shop.statuses()
    await shop.advance(FEBRUARY)
    *_, second = await shop.invoices()
    assert (InvoiceStatus.OPEN, FEBRUARY + timedelta(days=14), None) == (
        second.status, second.due_at, second.next_attempt_at,
    )  # fmt: skip
    assert {"pro": "active"} == await shop.statuses()


async def test_charged_once_a_card_has_paid(shop: Services) -> None:
    """When a card has paid one of its invoices, the next renewal is charged to it."""
    first = sent(await shop.attach("pro", invoice_mode=AT_ONCE))
    await shop.pay(await shop.billing.open_payment(shop.tenant, first.id))
    await shop.advance(FEBRUARY)

    assert [2000, 2000] == await shop.charged()
    assert [InvoiceStatus.PAID, InvoiceStatus.PAID] == [invoice.status for invoice in await shop.invoices()]


async def test_a_draft(shop: Services) -> None:
    """A draft is no invoice yet; finalized and paid, it gives the plan."""
    draft = sent(await shop.attach("pro", invoice_mode=InvoiceMode(finalize=False)))

    assert (InvoiceStatus.DRAFT, None) == (draft.status, draft.number)
    async with shop.database.work(shop.tenant) as work:
        await invoices.finalize(work, await invoices.get(work, draft.id, lock=True), now=work.now, collect=False)
    assert {"free": "active"} == await shop.statuses()
    await shop.pay(await shop.billing.open_payment(shop.tenant, draft.id))
    assert {"pro": "active"} == await shop.statuses()


async def test_what_takes_its_place(shop: Services) -> None:
    """A plan attached with a card while an invoice waits voids it: only one of them is ever paid."""
    waiting = sent(await shop.attach("pro", invoice_mode=DEFERRED))
    await shop.add_card(number=GOOD_CARD)
    await shop.attach("premium")

    assert {"premium": "active"} == await shop.statuses()
    async with shop.database.reading(shop.tenant) as work:
        assert InvoiceStatus.VOID is (await invoices.get(work, waiting.id)).status


@pytest.mark.parametrize("mode", [DEFERRED, AT_ONCE, InvoiceMode(finalize=False)])
async def test_a_later_switch_sends_nothing(shop: Services, mode: InvoiceMode) -> None:
    """A downgrade waits for the end of the cycle: there is nothing to send for it now."""
    await shop.add_card(number=GOOD_CARD)
    await shop.attach("premium")
    with pytest.raises(BadRequest):
        await shop.attach("pro", timing=PlanTiming.END_OF_CYCLE, invoice_mode=mode)
    assert {"premium": "active"} == await shop.statuses()
