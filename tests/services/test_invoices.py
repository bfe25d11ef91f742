"""Issuing and settling invoices, and the customer's credit (billing.md §14, payments.md §4.4)."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError

from sumac.core.errors import NotFound
from sumac.core.money import Money
from sumac.core.page import Cursor
from sumac.core.tenant import Env, Tenant
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice, InvoiceDraft, InvoiceKind, InvoiceStatus, LineDraft
from sumac.invoices.service import InvoiceFilter
from sumac.storage.database import Database
from tests.support.services import Services

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
OTHER = Tenant("org_two", Env.SANDBOX)


def draft(
    *amounts: str, kind: InvoiceKind = InvoiceKind.START, held: str = "cp", at: datetime = NEW_YEAR
) -> InvoiceDraft:
    """An invoice of lines with these exact cents."""
    lines = tuple(
        LineDraft(f"Line {number}", f"Line {number}", Decimal(amount), Decimal(1), "pro", None, None)
        for number, amount in enumerate(amounts)
    )
    return InvoiceDraft(kind, "usd", lines, ("pro",), held, at)


async def issued(services: Services, customer: Customer, wanted: InvoiceDraft) -> Invoice:
    async with services.database.work(services.tenant) as work:
        return await invoices.issue(work, customer.key, wanted, now=work.now)


async def credit(services: Services, customer: Customer) -> int:
    async with services.database.reading(services.tenant) as work:
        return (await invoices.credit_of(work, customer.key, "usd")).minor


@pytest.fixture
async def ada(services: Services) -> Customer:
    return await services.add_customer("ada")


async def test_an_invoice_is_open_until_it_is_paid(services: Services, ada: Customer) -> None:
    """Issued open and due at once; a payment settles it in full."""
    invoice = await issued(services, ada, draft("2000", "150"))
    assert (InvoiceStatus.OPEN, 2150, 2150) == (invoice.status, invoice.total.minor, invoice.amount_due.minor)
    assert services.clock.now() == invoice.next_attempt_at

    async with services.database.work(services.tenant) as work:
        await invoices.record_payment(work, invoice, payment="pay_1", now=work.now)

    paid = (await services.invoices())[0]
    assert (InvoiceStatus.PAID, 2150, "pay_1", None) == (
        paid.status,
        paid.paid.minor,
        paid.provider_payment,
        paid.next_attempt_at,
    )
    assert invoice.lines == paid.lines


@pytest.mark.parametrize(
    ("exact", "whole"),
    [
        pytest.param(["-435.4839", "1088.7097"], [-436, 1089], id="the-total-is-653"),
        pytest.param(["33.3333333333", "33.3333333333", "33.3333333334"], [33, 33, 34], id="thirds"),
        pytest.param(["0.5", "0.5", "0.5"], [1, 1, 0], id="halves"),
        pytest.param(["0.4", "0.4"], [1, 0], id="two-that-round-up-together"),
    ],
)
async def test_lines_add_up_to_the_total(services: Services, ada: Customer, exact: list[str], whole: list[int]) -> None:
    """The total is the exact sum rounded once; the lines are rounded so that they add up to it (billing.md §2.3)."""
    invoice = await issued(services, ada, draft(*exact))

    assert whole == [line.amount.minor for line in invoice.lines]
    assert sum(whole) == invoice.total.minor
    assert invoice == (await services.invoices())[0]


async def test_nothing_to_pay_is_paid(services: Services, ada: Customer) -> None:
    """A total of zero is settled as it is issued."""
    invoice = await issued(services, ada, draft("2000", "-2000"))

    assert (InvoiceStatus.PAID, 0, services.clock.now()) == (invoice.status, invoice.paid.minor, invoice.paid_at)


async def test_a_negative_total_becomes_credit(services: Services, ada: Customer) -> None:
    """It is paid at once, and the next invoices spend it before the card is asked (billing.md §14.2)."""
    negative = await issued(services, ada, draft("-1500"))
    assert (InvoiceStatus.PAID, -1500, 0) == (negative.status, negative.total.minor, negative.amount_due.minor)
    assert 1500 == await credit(services, ada)

    covered = await issued(services, ada, draft("1000", held="two"))
    partly = await issued(services, ada, draft("2000", held="three"))

    assert (InvoiceStatus.PAID, 1000, 0) == (covered.status, covered.credit_applied.minor, covered.amount_due.minor)
    assert (InvoiceStatus.OPEN, 500, 1500) == (partly.status, partly.credit_applied.minor, partly.amount_due.minor)
    assert 0 == await credit(services, ada)


async def test_a_void_invoice_gives_its_credit_back(services: Services, ada: Customer) -> None:
    """What a cancelled invoice had taken of the credit is there again, and it is not tried any more."""
    await issued(services, ada, draft("-500"))
    invoice = await issued(services, ada, draft("2000", held="two"))
    assert 0 == await credit(services, ada)

    async with services.database.work(services.tenant) as work:
        voided = await invoices.void(work, invoice, now=work.now)

    assert (InvoiceStatus.VOID, None, 500) == (voided.status, voided.next_attempt_at, await credit(services, ada))
    assert voided.is_settled


async def test_credit_is_spent_once(services: Services, ada: Customer) -> None:
    """Invoices issued at the same moment for one customer share its credit."""
    await issued(services, ada, draft("-1000"))

    async def spend(number: int) -> Invoice:
        async with services.database.work(services.tenant) as work:
            await customers.get_by_key(work, ada.key, lock=True)
            return await invoices.issue(work, ada.key, draft("700", held=f"p{number}"), now=work.now)

    spent = await asyncio.gather(*(spend(number) for number in range(4)))

    assert 1000 == sum(invoice.credit_applied.minor for invoice in spent)
    assert 0 == await credit(services, ada)


async def test_numbers_have_no_gaps(services: Services, ada: Customer) -> None:
    """Twenty issued at once, some of them rolled back: the numbers of those that stay are 1 to 13."""

    async def issue(number: int) -> None:
        async with services.database.work(services.tenant) as work:
            await invoices.issue(work, ada.key, draft("100", held=f"p{number}"), now=work.now)
            if number % 3 == 0:
                raise LookupError

    await asyncio.gather(*(issue(number) for number in range(20)), return_exceptions=True)

    assert list(range(1, 14)) == [invoice.number for invoice in await services.invoices()]


async def test_every_tenant_has_its_own_numbers(services: Services, ada: Customer) -> None:
    """Another tenant's invoices begin with 1 too."""
    await issued(services, ada, draft("100"))
    other = services.of(OTHER)
    bob = await other.add_customer("bob")

    assert 1 == (await issued(other, bob, draft("100"))).number
    assert 2 == (await issued(services, ada, draft("100", held="two"))).number


async def test_one_invoice_per_plan_kind_and_period(services: Services, ada: Customer) -> None:
    """A renewal cannot be billed twice, whoever tries (design.md §4)."""
    await issued(services, ada, draft("100", kind=InvoiceKind.RENEWAL))

    with pytest.raises(IntegrityError):
        await issued(services, ada, draft("100", kind=InvoiceKind.RENEWAL))
    await issued(services, ada, draft("100", kind=InvoiceKind.RENEWAL, at=NEW_YEAR + timedelta(days=31)))

    assert [1, 2] == [invoice.number for invoice in await services.invoices()]


async def test_failed_tries(services: Services, ada: Customer) -> None:
    """Each is counted, and the next one is written down until there is none."""
    invoice = await issued(services, ada, draft("100"))
    tomorrow = NEW_YEAR + timedelta(days=1)
    for next_attempt_at in (tomorrow, None):
        async with services.database.work(services.tenant) as work:
            invoice = await invoices.record_failure(work, invoice, next_attempt_at=next_attempt_at)
            stored = await invoices.get(work, invoice.id)

        assert (invoice.attempts_made, next_attempt_at) == (stored.attempts_made, stored.next_attempt_at)

    assert 2 == invoice.attempts_made


async def test_what_is_due(services: Services, ada: Customer, database: Database) -> None:
    """Open invoices whose time has come, of customers on the wall clock; others wait for their own."""
    frozen = await services.add_customer("frozen", clock_at=NEW_YEAR)
    mine = await issued(services, ada, draft("100"))
    await issued(services, frozen, draft("100", held="other"))

    async with database.system_reading() as system:
        assert [(services.tenant, mine.id)] == list(await invoices.list_due(system, system.now, 10))
        assert [] == list(await invoices.list_due(system, system.now - timedelta(milliseconds=1), 10))
    async with database.reading(services.tenant) as work:
        waiting = await invoices.list_to_collect(work, frozen.key, now=NEW_YEAR)
        assert (1, NEW_YEAR) == (len(waiting), await invoices.next_retry_at(work, frozen.key))


async def test_pages_and_filters(services: Services, ada: Customer) -> None:
    """Newest first, also within one instant; each page goes on where the last one stopped; by customer and status."""
    bob = await services.add_customer("bob")
    for number in range(5):
        await issued(services, (ada, bob)[number % 2], draft("0" if number == 4 else "100", held=f"p{number}"))
        services.clock.advance(timedelta(seconds=number % 2))

    async def listed(chosen: InvoiceFilter, limit: int) -> list[int]:
        numbers: list[int] = []
        cursor: Cursor | None = None
        while True:
            async with services.database.reading(services.tenant) as work:
                page = await invoices.list_page(work, chosen, cursor=cursor, limit=limit)
            numbers += [invoice.number or 0 for invoice in page.items]
            if page.next_cursor is None:
                return numbers
            cursor = Cursor.decode(page.next_cursor)

    assert [[5, 4, 3, 2, 1]] * 3 == [await listed(InvoiceFilter(), limit) for limit in (1, 2, 50)]
    assert [5, 3, 1] == await listed(InvoiceFilter(customer_key=ada.key), 2)
    assert [5] == await listed(InvoiceFilter(statuses=[InvoiceStatus.PAID]), 2)
    assert [] == await listed(InvoiceFilter(customer_key=bob.key, statuses=[InvoiceStatus.VOID]), 2)


async def test_amounts_of_every_size(services: Services, ada: Customer) -> None:
    """Amounts far above four bytes are kept exactly."""
    invoice = await issued(services, ada, draft("900000000000000001"))

    assert Money(900_000_000_000_000_001, "usd") == (await services.invoices())[0].total == invoice.total


async def test_an_unknown_invoice(services: Services) -> None:
    """Not found, by id or by the address of its page."""
    async with services.database.reading(services.tenant) as work:
        with pytest.raises(NotFound) as missing:
            await invoices.get(work, "inv_unknown")
        assert None is await invoices.find_by_token(work, "unknown")
    assert "invoice_not_found" == missing.value.code
    async with services.database.system_reading() as system:
        assert None is await invoices.find_tenant(system, "unknown")
