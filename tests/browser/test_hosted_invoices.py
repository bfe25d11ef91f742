"""The invoice in a real browser, on a phone and on a desk: read, paid, corrected, and kept as a PDF."""

from io import BytesIO
from typing import Any

from playwright.async_api import expect
from pypdf import PdfReader

from tests.browser.conftest import Api, Tab
from tests.browser.hosted import GOOD, open_sound, press

WORK = {"amount": 1234.5, "description": "Set-up and training on site, with travel, for two people over three days"}
DONAUDAMPF = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"


def invoice_of(api: Api, customer_id: str) -> dict[str, Any]:
    """An open invoice of a customer with a very long name, part of which credit has paid and a note has lowered."""
    api("customers.get_or_create", customer_id=customer_id, name=DONAUDAMPF, email=f"{customer_id}@example.com")
    api("sandbox.add_card", customer_id=customer_id)
    first = written(api, customer_id)
    api("invoices.pay", invoice_id=first["id"])
    api("invoices.issue_credit_note", invoice_id=first["id"], amount=200)
    second = written(api, customer_id)
    note = {"reason": "order_change", "memo": "As agreed on the phone"}
    api("invoices.issue_credit_note", invoice_id=second["id"], amount=34.5, **note)
    return second


def written(api: Api, customer_id: str) -> dict[str, Any]:
    """A binding invoice of a plan and a line of its own."""
    answer = api(
        "invoices.create",
        customer_id=customer_id,
        plans=[{"plan_id": "pro"}],
        custom_line_items=[WORK],
        net_terms_days=14,
        memo="Thank you for your order.\nSee you next year!",
        issue_method="finalize",
    )
    invoice: dict[str, Any] = answer["invoice"]
    return invoice


async def words_of_pdf(tab: Tab) -> str:
    """What the PDF behind the page's button says, on one line."""
    link = await tab.page.get_by_role("link", name="Download PDF").get_attribute("href")
    answer = await tab.page.request.get(f"{tab.url}{link}")

    assert (200, "application/pdf") == (answer.status, answer.headers["content-type"])

    pages = PdfReader(BytesIO(await answer.body()), strict=True).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


async def test_an_invoice_is_read_and_paid(window: Tab, api: Api) -> None:
    """Lines, sums, note and credit are on the page and in the PDF; once it is paid nothing is due in either."""
    invoice = invoice_of(api, f"reader_{window.name}")
    await open_sound(window, invoice["hosted_invoice_url"])
    for said in ("Subtotal", "Paid from your credit", "Credit note", "As agreed on the phone", "See you next year!"):
        await expect(window.page.get_by_text(said).first).to_be_visible()
    await window.page.get_by_text("Your credit: $0.00").click()
    await expect(window.page.get_by_text("Spent on invoice")).to_be_visible()

    printed = await words_of_pdf(window)
    assert "Total $1,254.50 Paid from your credit −$200.00" in printed
    assert "Amount due $1,020.00" in printed

    await press(window, "Pay $1,020.00")
    await window.page.get_by_label("Card number").fill(GOOD)
    await press(window, "Pay $1,020.00")
    await open_sound(window, invoice["hosted_invoice_url"])
    await expect(window.page.get_by_role("button")).to_have_count(0)

    assert "Paid −$1,020.00 Amount due $0.00" in await words_of_pdf(window)
