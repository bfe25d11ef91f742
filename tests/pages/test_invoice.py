"""The invoice: the document, and paying it."""

from datetime import UTC, datetime
from decimal import Decimal

from sumac.billing.requests import (
    CancelAction,
)
from sumac.core.tenant import Env
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice, InvoiceDraft, InvoiceKind, InvoiceStatus, LineDraft
from tests.pages.shop import Shop, words_of
from tests.support import build

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
GOOD, DECLINES = "4242424242424242", "4000000000000341"


def page_of(invoice: Invoice) -> str:
    """The address of the invoice's page."""
    return f"/invoice/{invoice.token}"


async def open_invoice(shop: Shop) -> Invoice:
    """An invoice that Ada's card could not pay."""
    await shop.services.add_card(number=DECLINES)
    await shop.services.attach("pro")
    invoice = (await shop.services.invoices())[-1]

    assert invoice.status is InvoiceStatus.OPEN

    return invoice


async def test_a_paid_invoice(shop: Shop) -> None:
    """Number, parties, dates, lines with period and quantity, and that nothing is due; no button."""
    await shop.services.add_card()
    await shop.services.attach("pro")
    answer = await shop.visit(page_of((await shop.services.invoices())[0]))

    assert 200 == answer.status_code
    for words in (
        "Sandbox",
        "Invoice 1 Paid",
        "From Lumen Studio",
        "For Ada Lovelace ada@example.com",
        "Issued January 1, 2026",
        "Paid January 1, 2026",
        "Pro - base price Jan 1, 2026 – Feb 1, 2026 1 $20.00",
        "Total $20.00",
        "Paid −$20.00",
        "Amount due $0.00",
    ):
        assert words in words_of(answer)
    assert "<form" not in answer.text


async def test_an_open_invoice_is_paid(shop: Shop) -> None:
    """The button leads to a page that takes a card; after it the invoice's page says that it is paid."""
    invoice = await open_invoice(shop)
    shown = await shop.visit(page_of(invoice))
    pressed = await shop.submit(f"{page_of(invoice)}/pay")
    paying = await shop.visit(pressed.headers["location"])
    paid = await shop.submit(pressed.headers["location"], test_card=GOOD)

    assert "Pay $20.00" in words_of(shown)
    assert 303 == pressed.status_code
    assert "Pay invoice 1" in words_of(paying)
    assert 303 == paid.status_code
    assert paid.headers["location"].endswith(page_of(invoice))
    assert "Invoice 1 Paid" in words_of(await shop.visit(paid.headers["location"]))
    assert {"pro": "active"} == await shop.services.statuses()


async def test_paying_again_uses_the_same_page(shop: Shop) -> None:
    """Pressing the button twice opens one page."""
    invoice = await open_invoice(shop)
    first, second = [await shop.submit(f"{page_of(invoice)}/pay") for _ in range(2)]

    assert first.headers["location"] == second.headers["location"]


async def test_a_paid_invoice_is_not_paid_again(shop: Shop) -> None:
    """The button of an old page leads back to the invoice."""
    await shop.services.add_card()
    await shop.services.attach("pro")
    path = page_of((await shop.services.invoices())[0])
    pressed = await shop.submit(f"{path}/pay")

    assert 303 == pressed.status_code
    assert path == pressed.headers["location"]


async def test_credit(shop: Shop) -> None:
    """What a plan gives back becomes credit, and the next invoice says how much of it was spent."""
    await shop.services.offer(build.plan("mini", group="other", price=build.price(5)))
    await shop.services.add_card()
    await shop.services.attach("team")
    await shop.services.cancel(CancelAction.CANCEL_IMMEDIATELY, plan_id="team")
    await shop.services.attach("mini")
    in_order = sorted(await shop.services.invoices(), key=lambda invoice: invoice.number or 0)
    _, given, spent = [words_of(await shop.visit(page_of(each))) for each in in_order]

    assert "Total −$99.00 Added to your credit $99.00" in given
    assert "Total $5.00 Paid from your credit −$5.00 Amount due $0.00" in spent


async def test_a_void_invoice(shop: Shop) -> None:
    """A canceled invoice says so, and asks for nothing."""
    invoice = await open_invoice(shop)
    await shop.services.add_card(number=GOOD)
    await shop.services.attach("team")
    answer = await shop.visit(page_of(invoice))

    assert "Invoice 1 Canceled" in words_of(answer)
    assert "Amount due $0.00" in words_of(answer)
    assert "<form" not in answer.text


async def test_without_a_provider_there_is_no_button(shop: Shop) -> None:
    """Where nobody takes payments the invoice can be read only; outside the sandbox no page mentions it."""
    live = await Shop.opened(shop.services, shop.browser, "Live Studio", Env.LIVE)
    customer = await live.services.add_customer("ada")
    line = LineDraft("Pro", "Pro - base price", Decimal(2_000), Decimal(1), "pro", None, None)
    draft = InvoiceDraft(InvoiceKind.START, "usd", (line,), ("pro",), "cus_prod_1", NEW_YEAR)
    async with live.services.database.work(live.services.tenant) as work:
        issued = await invoices.issue(work, customer.key, draft, now=NEW_YEAR)
    answer = await live.visit(page_of(issued))

    assert "Invoice 1 Open" in words_of(answer)
    assert "Sandbox" not in words_of(answer)
    assert "<form" not in answer.text


async def test_unknown(shop: Shop) -> None:
    """An unknown invoice is a page that says so, read or paid."""
    for answer in (await shop.visit("/invoice/unknown"), await shop.submit("/invoice/unknown/pay")):
        assert 404 == answer.status_code
        assert "We cannot find this page" in words_of(answer)
