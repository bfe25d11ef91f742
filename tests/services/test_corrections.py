"""Invoices are corrected by new documents only, whoever dies or races on the way (api.md §2.16, payments.md §4.8)."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sumac.billing.correct import InvoiceDesk, ManualInvoice
from sumac.billing.requests import PlanTiming
from sumac.billing.rules.manual import FreeLine
from sumac.core.errors import Conflict, SumacError
from sumac.core.page import Cursor
from sumac.core.tenant import Env
from sumac.invoices import history
from sumac.invoices import service as invoices
from sumac.invoices.history import HistoryEntry
from sumac.invoices.model import CreditReason, Invoice, InvoiceStatus, NoteDestination, NoteRequest
from sumac.storage.schema import credit_notes, invoice_lines, refunds
from sumac.storage.schema import invoices as invoice_rows
from tests.support.bank import LosingBank
from tests.support.build import plan, price
from tests.support.failure import KilledError, Life, MortalBank, MortalDatabase
from tests.support.services import GOOD_CARD, Services

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
PROGRESS = {
    "status",
    "credit_applied_minor",
    "paid_minor",
    "refunded_minor",
    "provider_payment",
    "attempts_made",
    "next_attempt_at",
    "paid_at",
}
POINTS_MAX = 40
DECLINES = "4000 0000 0000 0341"
BOTH_WAYS = pytest.mark.parametrize("on_the_way_back", [False, True], ids=["before-the-refund", "after-the-refund"])


def desk_of(services: Services) -> InvoiceDesk:
    """What writes and corrects the tenant's invoices."""
    return InvoiceDesk(services.database, services.billing, {Env.SANDBOX: services.bank})


async def write(shop: Services, dollars: str = "20", **changes: Any) -> Invoice:  # noqa: ANN401  # as named
    """An invoice for Ada, binding unless it is said otherwise."""
    line = FreeLine(Decimal(dollars), "Work", None)
    written = await desk_of(shop).create(shop.tenant, ManualInvoice("ada", lines=(line,), **changes), actor="test")
    return written.invoice


def refund(cents: int) -> NoteRequest:
    """So much back to the card."""
    return NoteRequest(NoteDestination.REFUND, amount_minor=cents)


@pytest.fixture
async def shop(services: Services) -> Services:
    """Ada, with a card, and a plan of $20 a month."""
    await services.offer(plan("pro"), plan("team", price=price(60)))
    await services.add_customer("ada", card=GOOD_CARD, clock_at=services.clock.now())
    return services


async def documents(shop: Services) -> dict[str, list[Any]]:
    """Everything that is printed on the tenant's issued invoices and credit notes, as stored."""
    own = [column for column in invoice_rows.c if column.name not in PROGRESS]
    async with shop.database.reading(shop.tenant) as work:
        issued = await work.all(work.select_columns(invoice_rows, *own).where(invoice_rows.c.number.is_not(None)))
        ids = [row.id for row in issued]
        lines = await work.all(work.select(invoice_lines).where(invoice_lines.c.invoice_id.in_(ids)))
        notes = await work.all(work.select(credit_notes))
    return {"invoices": sorted(map(repr, issued)), "lines": sorted(map(repr, lines)), "notes": sorted(map(repr, notes))}


async def test_an_issued_document_never_changes(shop: Services) -> None:
    """Whatever is done to invoices and plans: what was once on a document is on it for ever, and nothing is removed."""
    desk, tenant = desk_of(shop), shop.tenant
    draft = await write(shop, finalize=False)
    open_, voided, noted = [await write(shop, net_terms_days=3) for _ in range(3)]

    async def declined_renewal() -> None:
        await shop.add_card(number=DECLINES)
        await shop.advance(FEBRUARY + timedelta(days=20))

    async def recovered() -> None:
        await shop.add_card(number=GOOD_CARD)
        for invoice in await shop.invoices():
            if invoice.status is InvoiceStatus.OPEN:
                await desk.pay(tenant, invoice.id)

    steps: list[Callable[[], Awaitable[object]]] = [
        lambda: desk.finalize(tenant, draft.id),
        lambda: desk.pay(tenant, open_.id),
        lambda: desk.void(tenant, voided.id),
        lambda: desk.issue_note(tenant, noted.id, NoteRequest(amount_minor=500)),
        lambda: desk.pay(tenant, noted.id),
        lambda: desk.issue_note(tenant, open_.id, refund(700)),
        lambda: shop.attach("pro"),
        lambda: shop.attach("team"),
        declined_renewal,
        recovered,
    ]
    before = await documents(shop)
    for step in steps:
        await step()
        after = await documents(shop)

        for kind, rows in before.items():
            assert set(rows) <= set(after[kind])

        before = after
    assert [1, 2, 3, 4, 5, 6, 7] == [invoice.number for invoice in sorted_by_number(await shop.invoices())]


def sorted_by_number(found: Any) -> list[Invoice]:  # noqa: ANN401  # a sequence
    return sorted((each for each in found if each.number is not None), key=lambda each: each.number or 0)


async def test_history_cannot_touch_a_document(shop: Services) -> None:
    """An import that names one of our invoices is refused, and everything beside it is not kept either."""
    invoice = await write(shop)
    before = await documents(shop)
    customer = await shop.customer("ada")
    entries = [
        HistoryEntry(
            customer.key, stripe_id, InvoiceStatus.PAID, invoice.total, FEBRUARY, (), "stripe", None, invoice.paid, None
        )
        for stripe_id in ("in_new", invoice.provider_invoice)
    ]
    with pytest.raises(Conflict):
        async with shop.database.work(shop.tenant) as work:
            await history.import_invoices(work, entries, now=work.now)

    assert before == await documents(shop)
    assert [invoice.id] == [each.id for each in await shop.invoices()]


async def test_numbers_have_no_gaps_for_drafts(shop: Services) -> None:
    """A draft uses no number; drafts that are finalized at once share none; a voided draft leaves no hole."""
    drafts = [await write(shop, finalize=False) for _ in range(6)]
    desk = desk_of(shop)
    await desk.void(shop.tenant, drafts.pop().id)
    twice = [desk.finalize(shop.tenant, draft.id) for draft in drafts for _ in range(2)]
    answers = await asyncio.gather(*twice, return_exceptions=True)

    assert 5 == sum(isinstance(answer, Conflict) for answer in answers)
    assert [1, 2, 3, 4, 5] == [invoice.number for invoice in sorted_by_number(await shop.invoices())]


@BOTH_WAYS
async def test_a_refund_that_is_cut_short(shop: Services, *, on_the_way_back: bool) -> None:
    """The note stands at once; the job gives the money back, once, whether the first asking arrived or not."""
    invoice = (await shop.attach("pro")).invoice
    assert invoice is not None
    losing = LosingBank(shop.bank, on_the_way_back=on_the_way_back)
    desk = InvoiceDesk(shop.database, shop.billing, {Env.SANDBOX: losing})
    corrected, note = await desk.issue_note(shop.tenant, invoice.id, refund(500))

    assert (500, 500) == (note.refunded.minor, corrected.refunded.minor)

    for _ in range(2):
        await shop.billing.resume_attempts()

        assert [1500] == await shop.charged()
    assert [500] == [each.refunded.minor for each in await shop.invoices()]
    async with shop.database.reading(shop.tenant) as work:
        (owed,) = await work.all(work.select(refunds))
    assert (invoice.id, invoice.provider_payment, 500) == (owed.invoice_id, owed.payment, owed.amount_minor)


def mortal(shop: Services, address: str, life: Life) -> tuple[InvoiceDesk, MortalDatabase]:
    """The desk of a process that dies at one of its points."""
    database = MortalDatabase(address, shop.clock, life)
    bank = MortalBank(shop.bank, life)
    dying = Services.over(database, shop.clock, shop.tenant, provider=bank)
    return InvoiceDesk(database, dying.billing, {Env.SANDBOX: bank}), database


async def test_killed_anywhere_in_a_correction(shop: Services, address: str) -> None:
    """Paid, then corrected, the process dying at each point in turn: asked again, it was taken and given back once."""
    desk = desk_of(shop)
    for dies_at in range(1, POINTS_MAX):
        invoice, life = await write(shop), Life(dies_at)
        dying, database = mortal(shop, address, life)
        with suppress(KilledError):
            await dying.pay(shop.tenant, invoice.id)
            await dying.issue_note(shop.tenant, invoice.id, refund(500))
        await database.close()
        shop.clock.advance(timedelta(minutes=2))
        stored = next(each for each in await shop.invoices() if each.id == invoice.id)
        if stored.status is InvoiceStatus.OPEN:
            await desk.pay(shop.tenant, invoice.id)
        if not stored.notes:
            await desk.issue_note(shop.tenant, invoice.id, refund(500))
        await shop.billing.resume_attempts()

        assert [1500] * dies_at == await shop.charged(), life.passed
        if len(life.passed) < dies_at:
            break
    else:
        message = "the process passes more points than are tried"
        raise AssertionError(message)
    assert dies_at > 8
    assert {500} == {each.refunded.minor for each in await shop.invoices()}


async def test_parallel_notes(shop: Services) -> None:
    """Of five that want most of an invoice one gets it; never more goes back than came."""
    invoice = (await shop.attach("pro")).invoice
    assert invoice is not None
    desk = desk_of(shop)
    asked = [desk.issue_note(shop.tenant, invoice.id, refund(1500)) for _ in range(5)]
    answers = await asyncio.gather(*asked, return_exceptions=True)

    assert 4 == sum(isinstance(answer, SumacError) for answer in answers)
    assert [500] == await shop.charged()


async def test_a_note_that_races_a_payment(shop: Services) -> None:
    """Whichever comes first: what was taken, given back and credited adds up to what is still invoiced."""
    desk = desk_of(shop)
    for _ in range(4):
        invoice = await write(shop)
        racing = (
            desk.pay(shop.tenant, invoice.id),
            desk.issue_note(shop.tenant, invoice.id, refund(800)),
        )
        await asyncio.gather(*racing, return_exceptions=True)
    await shop.billing.resume_attempts()
    found = await shop.invoices()

    assert all(invoice.status is InvoiceStatus.PAID for invoice in found)
    assert sorted(invoice.paid.minor - invoice.refunded.minor for invoice in found) == await shop.charged()
    assert all(
        invoice.total.minor - sum(note.total.minor for note in invoice.notes)
        == invoice.paid.minor - invoice.refunded.minor
        for invoice in found
    )


async def test_the_ledger_of_credit(shop: Services) -> None:
    """Every movement with its reason and the invoice it belongs to, newest first; they add up to what is left."""
    desk = desk_of(shop)
    paid = await write(shop)
    await desk.pay(shop.tenant, paid.id)
    _, note = await desk.issue_note(shop.tenant, paid.id, NoteRequest(amount_minor=1500))
    shop.clock.advance(timedelta(seconds=1))
    spending = await write(shop, "10")
    await shop.advance(datetime(2026, 1, 2, tzinfo=UTC))
    partly = await write(shop)
    await shop.advance(datetime(2026, 1, 3, tzinfo=UTC))
    await desk.void(shop.tenant, partly.id)
    customer = await shop.customer("ada")
    async with shop.database.reading(shop.tenant) as work:
        entries = await invoices.list_credit(work, customer.key)
        left = await invoices.credit_of(work, customer.key, "usd")

    assert [
        (500, CreditReason.RETURNED, partly.number),
        (-500, CreditReason.SPENT, partly.number),
        (-1000, CreditReason.SPENT, spending.number),
        (1500, CreditReason.CREDIT_NOTE, paid.number),
    ] == [(entry.amount.minor, entry.reason, entry.invoice_number) for entry in entries]
    assert note.id == entries[-1].credit_note_id
    assert sum(entry.amount.minor for entry in entries) == left.minor


async def test_a_negative_invoice_is_in_the_ledger(shop: Services) -> None:
    """What a change of plan gives back is credit by its invoice."""
    await shop.attach("team")
    await shop.attach("pro", timing=PlanTiming.IMMEDIATE)
    customer = await shop.customer("ada")
    async with shop.database.reading(shop.tenant) as work:
        (entry,) = await invoices.list_credit(work, customer.key)

    assert (4000, CreditReason.INVOICE, 2) == (entry.amount.minor, entry.reason, entry.invoice_number)


async def test_lists_hold_drafts_and_history_in_their_place(shop: Services) -> None:
    """Newest first by their dates, each once over all pages, whether numbered or not."""
    first = await write(shop)
    await shop.advance(datetime(2026, 1, 2, tzinfo=UTC))
    draft = await write(shop, finalize=False)
    await shop.advance(datetime(2026, 1, 3, tzinfo=UTC))
    last = await write(shop)
    customer = await shop.customer("ada")
    old = HistoryEntry(
        customer.key,
        "in_old",
        InvoiceStatus.PAID,
        last.total,
        datetime(2025, 1, 1, tzinfo=UTC),
        (),
        "stripe",
        None,
        last.paid,
        None,
    )
    async with shop.database.work(shop.tenant) as work:
        (imported,) = await history.import_invoices(work, [old], now=work.now)
    seen: list[str] = []
    cursor: Cursor | None = None
    for _ in range(4):
        async with shop.database.reading(shop.tenant) as work:
            page = await invoices.list_page(work, invoices.InvoiceFilter(), cursor=cursor, limit=1)
        seen += [each.id for each in page.items]
        cursor = None if page.next_cursor is None else Cursor.decode(page.next_cursor)

    assert [last.id, draft.id, first.id, imported.id] == seen
    assert None is cursor
