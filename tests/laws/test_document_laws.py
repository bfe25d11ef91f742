"""Documents add up: discounts, taxes, credit notes (billing.md §2.3, §14.4)."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sumac.core.money import Money
from sumac.invoices.model import (
    Invoice,
    InvoiceDraft,
    InvoiceKind,
    InvoiceStatus,
    LineDraft,
    NoteDestination,
    NoteRequest,
)
from sumac.invoices.rules.credit_notes import compute_credit_note, compute_creditable
from sumac.invoices.rules.discounts import Discount, compute_discounts
from sumac.invoices.rules.document import compute_document
from sumac.invoices.rules.totals import compute_lines, compute_total
from tests.laws.strategies import LAW
from tests.rules.offers import JANUARY

currencies = st.sampled_from(["usd", "jpy", "kwd"])
plans = st.sampled_from(["one", "two"])
amounts = st.decimals(-(10**7), 10**7, places=6)
taxes = st.decimals(0, 10**5, places=6)
percentages = st.decimals(0, 100, places=2)
discounts = st.builds(
    Discount,
    percent=percentages,
    applies_to=st.none() | st.sets(st.tuples(plans, st.none()), max_size=2).map(frozenset),
) | st.builds(Discount, amount_minor=st.decimals(0, 10**7, places=3))
shares = st.lists(st.integers(0, 100), min_size=1, max_size=5)
destinations = st.sampled_from(NoteDestination)


@st.composite
def drafts(draw: st.DrawFn) -> list[LineDraft]:
    """Some lines: charges and credits, with and without tax."""
    return [
        LineDraft(
            "",
            "",
            draw(amounts),
            Decimal(1),
            draw(plans),
            None,
            None,
            exact_tax_minor=draw(st.just(Decimal(0)) | taxes),
        )
        for _ in range(draw(st.integers(0, 6)))
    ]


@LAW
@given(drafts(), st.lists(discounts, max_size=4), currencies)
def test_a_document_adds_up_both_ways(lines: list[LineDraft], taken_off: list[Discount], currency: str) -> None:
    """Subtotal less discount with tax is the total, which is the sum of the lines' totals."""
    draft = InvoiceDraft(InvoiceKind.MANUAL, currency, compute_discounts(lines, taken_off), ())
    invoice = compute_document(draft, "c", invoice_id="i", token="t", provider_invoice="p", now=JANUARY)

    assert invoice.subtotal - invoice.discount + invoice.tax == invoice.total
    assert sum(line.total.minor for line in invoice.lines) == invoice.total.minor
    assert sum(line.amount.minor for line in invoice.lines) == invoice.subtotal.minor


@LAW
@given(drafts(), st.lists(discounts, max_size=4), currencies)
def test_nothing_is_taken_off_beyond_a_charge(lines: list[LineDraft], taken_off: list[Discount], currency: str) -> None:
    """No charge becomes negative, and what gives back is not discounted."""
    for line in compute_lines(compute_discounts(lines, taken_off), currency):
        assert 0 <= line.discount_minor <= max(0, line.amount.minor)


@LAW
@given(drafts(), st.lists(discounts, max_size=4))
def test_the_order_of_discounts_does_not_matter(lines: list[LineDraft], taken_off: list[Discount]) -> None:
    """Percentages come first, whatever order they are given in; fixed amounts on everything commute."""
    forwards, backwards = (
        compute_lines(compute_discounts(lines, each), "usd") for each in (taken_off, taken_off[::-1])
    )

    assert compute_total(forwards, "usd") == compute_total(backwards, "usd")


def issued(lines: list[LineDraft], taken_off: list[Discount], *, credit: int, is_paid: bool) -> Invoice:
    """An invoice that was paid, or waits to be; some of it from credit."""
    draft = InvoiceDraft(InvoiceKind.MANUAL, "usd", compute_discounts(lines, taken_off), ())
    made = compute_document(draft, "c", invoice_id="i", token="t", provider_invoice="p", now=JANUARY)
    applied = Money(max(0, min(credit, made.total.minor)), "usd")
    invoice = replace(made, number=1, status=InvoiceStatus.OPEN, credit_applied=applied)
    if not is_paid:
        return invoice
    return replace(invoice, status=InvoiceStatus.PAID, paid=invoice.amount_due, provider_payment="ch")


@LAW
@given(drafts(), st.lists(discounts, max_size=2), st.integers(0, 10**6), st.booleans(), shares, destinations)
def test_notes_take_back_an_invoice_and_no_more(
    lines: list[LineDraft],
    taken_off: list[Discount],
    credit: int,
    is_paid: bool,  # noqa: FBT001  # drawn
    parts: list[int],
    destination: NoteDestination,
) -> None:
    """However it is cut: each note is the sum of its lines and of its ways, and together they are the invoice."""
    invoice = issued(lines, taken_off, credit=credit, is_paid=is_paid)
    for part in (*parts, 100):
        left = compute_creditable(invoice).minor
        amount = left * part // 100
        if amount <= 0:
            continue
        request = NoteRequest(destination, amount_minor=amount)
        note = compute_credit_note(invoice, request, now=JANUARY)

        assert amount == note.total.minor == sum(line.amount.minor for line in note.lines)
        assert amount == sum(way.minor for way in (note.no_longer_due, note.refunded, note.credited, note.out_of_band))
        assert note.subtotal - note.discount + note.tax == note.total

        invoice = replace(invoice, notes=(*invoice.notes, note), refunded=invoice.refunded + note.refunded)

    assert 0 == compute_creditable(invoice).minor
    assert max(0, invoice.total.minor) == sum(note.total.minor for note in invoice.notes)
    assert invoice.refunded.minor <= invoice.paid.minor
    for position, line in enumerate(invoice.lines):
        taken = [each for note in invoice.notes for each in note.lines if each.position == position]

        assert sum(each.amount.minor for each in taken) <= max(0, line.total.minor)
