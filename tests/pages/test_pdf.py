"""The invoice as a PDF: it opens, says what the page says, and is the same every time."""

from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO

import pytest
from pypdf import PdfReader

from sumac.billing.correct import InvoiceDesk
from sumac.core.tenant import Env
from sumac.core.time import Period
from sumac.invoices import service as invoices
from sumac.invoices.model import (
    Invoice,
    InvoiceDraft,
    InvoiceKind,
    LineDraft,
    NoteDestination,
    NoteReason,
    NoteRequest,
)
from sumac.pages.pdf import compose_pdf
from sumac.pages.seller import Seller
from sumac.pages.sheet import Fact, Sheet, SheetLine, Sum
from tests.pages.shop import Shop, words_of

MONTH = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))


def read(content: bytes) -> list[str]:
    """The words of each page, on one line."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(content), strict=True).pages]


def sheet(**changes: object) -> Sheet:
    """A short invoice."""
    parts: dict[str, object] = {
        "title": "Invoice 7",
        "status": "Open",
        "facts": (Fact("From", "Lumen"), Fact("For", "Ada", "ada@example.com")),
        "lines": (SheetLine("Pro", "Jan 1 – Feb 1", "1", "$20.00"),),
        "sums": (Sum("Total", "$20.00"), Sum("Amount due", "$20.00", stands_out=True)),
        "memo": None,
    }
    return Sheet(**{**parts, **changes})  # type: ignore[arg-type]  # each test changes what it names


async def issue(shop: Shop, currency: str, *lines: LineDraft, **terms: object) -> Invoice:
    """An open invoice for Ada."""
    async with shop.services.database.work(shop.services.tenant) as work:
        customer = await shop.services.customer("ada")
        draft = InvoiceDraft(InvoiceKind.MANUAL, currency, lines, ("pro",), **terms)  # type: ignore[arg-type]  # as named
        return await invoices.issue(work, customer.key, draft, now=work.now)


def line(exact: str, *, discount: str = "0", tax: str = "0", quantity: str = "1") -> LineDraft:
    """A line of the month."""
    return LineDraft(
        "Pro",
        "Pro - base price",
        Decimal(exact),
        Decimal(quantity),
        "pro",
        None,
        MONTH,
        exact_discount_minor=Decimal(discount),
        exact_tax_minor=Decimal(tax),
    )


async def test_it_says_what_the_page_says(shop: Shop) -> None:
    """Number, parties, dates, every line with period and quantity, and every sum, in the same words."""
    memo = "Thank you for your order"
    invoice = await issue(
        shop, "usd", line("123450", discount="23450", tax="19000", quantity="1200"), net_terms_days=14, memo=memo
    )
    page = await shop.visit(f"/invoice/{invoice.token}")
    answer = await shop.visit(f"/invoice/{invoice.token}/pdf")
    (words,) = read(answer.content)

    assert f'href="/invoice/{invoice.token}/pdf"' in page.text
    assert ("application/pdf", 'inline; filename="invoice-1.pdf"') == (
        answer.headers["content-type"],
        answer.headers["content-disposition"],
    )
    for said in (
        "Invoice 1 Open",
        "From Lumen Studio",
        "For Ada Lovelace ada@example.com",
        "Issued January 1, 2026",
        "Due January 15, 2026",
        "Pro - base price Jan 1, 2026 – Feb 1, 2026 1,200 $1,234.50",
        "Subtotal $1,234.50",
        "Discount −$234.50",
        "Tax $190.00",
        "Total $1,190.00",
        "Amount due $1,190.00",
        memo,
    ):
        assert said in words
        assert said in words_of(page)
    assert "Sandbox: no real money moves" in words


@pytest.mark.parametrize(
    ("currency", "minor", "shown"),
    [
        ("jpy", "1234", "¥1,234"),
        ("eur", "123456", "€1,234.56"),
        ("kwd", "1234567", "KWD 1,234.567"),
        ("inr", "150", "₹1.50"),
        ("krw", "5000", "₩5,000"),
        ("ils", "150", "₪1.50"),
    ],
)
async def test_every_currency(shop: Shop, currency: str, minor: str, shown: str) -> None:
    """Amounts have their sign and exactly their decimals: 0, 2 or 3."""
    invoice = await issue(shop, currency, line(minor))
    (words,) = read((await shop.visit(f"/invoice/{invoice.token}/pdf")).content)

    assert f"Amount due {shown}" in words
    assert f"Amount due {shown}" in words_of(await shop.visit(f"/invoice/{invoice.token}"))


async def test_each_credit_note_is_a_page(shop: Shop) -> None:
    """The corrected invoice keeps its own page; the note says what it corrects, why, and where the money went."""
    await shop.services.add_card()
    await shop.services.attach("pro")
    (invoice,) = await shop.services.invoices()
    services = shop.services
    desk = InvoiceDesk(services.database, services.billing, {Env.SANDBOX: services.bank})
    request = NoteRequest(
        NoteDestination.REFUND, amount_minor=500, reason=NoteReason.PRODUCT_UNSATISFACTORY, memo="Sorry"
    )
    await desk.issue_note(services.tenant, invoice.id, request)
    first, second = read((await shop.visit(f"/invoice/{invoice.token}/pdf")).content)
    page = words_of(await shop.visit(f"/invoice/{invoice.token}"))

    assert "Total $20.00 Paid −$20.00 Refunded $5.00 Amount due $0.00" in first
    for said in (
        "Credit note 1",
        "Corrects Invoice 1",
        "Reason Not as expected",
        "Pro - base price $5.00",
        "Total credited $5.00 Back to your card $5.00",
        "Sorry",
    ):
        assert said in second
        assert said in page


async def test_the_same_invoice_gives_the_same_bytes(shop: Shop) -> None:
    """Whenever it is downloaded, as long as nothing happened to it."""
    invoice = await issue(shop, "usd", line("2000"))
    first, second = [(await shop.visit(f"/invoice/{invoice.token}/pdf")).content for _ in range(2)]

    assert first == second
    assert first.startswith(b"%PDF-")


async def test_nothing_but_issued_invoices(shop: Shop) -> None:
    """A draft has neither page nor PDF, and neither has an unknown token."""
    async with shop.services.database.work(shop.services.tenant) as work:
        customer = await shop.services.customer("ada")
        draft = InvoiceDraft(InvoiceKind.MANUAL, "usd", (line("2000"),), ("pro",))
        unissued = await invoices.issue(work, customer.key, draft, now=work.now, finalize=False)
    for token in (unissued.token, "unknown"):
        for path in (f"/invoice/{token}", f"/invoice/{token}/pdf"):
            assert 404 == (await shop.visit(path)).status_code


def test_names_of_every_script() -> None:
    """They are in the document as letters that can be searched and copied; nothing in a name acts as markup."""
    names = (
        "Łukasz Żółć",
        "Ελένη",
        "Надежда",
        "株式会社サンプル",
        "주식회사",
        "有限公司",
        "<b>&amp;</b><br/>",
        "Zoë’s",
    )
    facts = tuple(Fact("For", name) for name in names)
    (words,) = read(compose_pdf([sheet(facts=facts)], Seller("Lumen", in_sandbox=False)))

    for name in names:
        assert name in words
    assert "Sandbox" not in words


def test_letters_that_no_font_has() -> None:
    """An emoji or a control character is a blank square, and does not stop the document."""
    (words,) = read(compose_pdf([sheet(memo="Thanks \N{GRINNING FACE}\x07!")], Seller("Lumen", in_sandbox=True)))

    assert "Thanks \N{WHITE SQUARE}\N{WHITE SQUARE}!" in words


def test_a_long_invoice_goes_on() -> None:
    """Lines run over as many pages as they need, each with the heads of the columns and its number."""
    lines = tuple(SheetLine(f"Line {number} " + "long " * 40, "Jan", "1", "$1.00") for number in range(60))
    pages = read(compose_pdf([sheet(lines=lines)], Seller("Lumen", in_sandbox=True)))

    assert len(pages) > 3
    for number, words in enumerate(pages, start=1):
        assert f"Invoice 7 · page {number}" in words
    assert all("Description Quantity Amount" in words for words in pages[:-1])
    assert all(f"Line {number} " in " ".join(pages) for number in range(60))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"memo": "Ж" * 5_000}, id="memo"),
        pytest.param({"facts": (Fact("For", "Ж" * 5_000),)}, id="name"),
        pytest.param({"lines": (SheetLine("Ж" * 5_000, None, "1", "$1.00"),)}, id="description"),
    ],
)
def test_a_text_longer_than_a_page(changes: dict[str, object]) -> None:
    """The longest text that is taken, without a space in it, goes over several pages, wherever it stands."""
    pages = read(compose_pdf([sheet(**changes), sheet()], Seller("Lumen", in_sandbox=True)))

    assert 5_000 == "".join(pages).count("Ж")
