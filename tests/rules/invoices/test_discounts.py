"""Discounts: percentages first, then fixed amounts, on charges only (billing.md §14.4)."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from sumac.invoices.model import DiscountSource, InvoiceDraft, InvoiceKind, LineDraft
from sumac.invoices.rules.discounts import Discount, choose_discounts, compute_discounts
from sumac.invoices.rules.document import compute_document_discounts, discount_text
from sumac.invoices.rules.totals import compute_lines, compute_total, share_discount


def percent(value: int, key: str = "") -> Discount:
    return Discount(percent=Decimal(value), key=key)


def off(dollars: int, key: str = "", plan_ids: frozenset[str] | None = None) -> Discount:
    return Discount(amount_minor=Decimal(dollars * 100), key=key, plan_ids=plan_ids)


def line(dollars: str, plan_id: str | None = "pro", feature_id: str | None = None) -> LineDraft:
    """A line of that many dollars."""
    return LineDraft("Line", "Line", Decimal(dollars) * 100, Decimal(1), plan_id, feature_id, None)


def total(lines: Sequence[LineDraft], *discounts: Discount) -> str:
    """The total in dollars, as it would be printed."""
    return f"{compute_total(compute_lines(compute_discounts(lines, discounts), 'usd'), 'usd').major:.2f}"


FIVE_TO_TEN = [line("-50", feature_id="seats"), line("100", feature_id="seats")]
TEN_TO_FIVE = [line("-100", feature_id="seats"), line("50", feature_id="seats")]


@pytest.mark.parametrize(
    ("lines", "discounts", "expected"),
    [
        pytest.param(FIVE_TO_TEN, [], "50.00", id="none"),
        pytest.param(FIVE_TO_TEN, [percent(20)], "30.00", id="20%"),
        pytest.param(FIVE_TO_TEN, [percent(100)], "-50.00", id="100%"),
        pytest.param(FIVE_TO_TEN, [off(10)], "40.00", id="10-off"),
        pytest.param(FIVE_TO_TEN, [off(100)], "-50.00", id="100-off"),
        pytest.param(FIVE_TO_TEN, [off(250)], "-50.00", id="more-than-the-charge"),
        pytest.param(FIVE_TO_TEN, [percent(20), percent(10)], "22.00", id="20%-and-10%"),
        pytest.param(FIVE_TO_TEN, [percent(30), off(5)], "15.00", id="30%-and-5-off"),
        pytest.param(FIVE_TO_TEN, [off(5), percent(30)], "15.00", id="in-the-other-order"),
        pytest.param(FIVE_TO_TEN, [percent(20), percent(10), off(5)], "17.00", id="20%-10%-and-5-off"),
        pytest.param(FIVE_TO_TEN, choose_discounts([percent(10)], [percent(50)]), "40.00", id="subscription-first"),
        pytest.param(FIVE_TO_TEN, choose_discounts([], [percent(50)]), "0.00", id="else-the-customer's"),
        pytest.param(TEN_TO_FIVE, [off(20)], "-70.00", id="10-to-5-with-20-off"),
        pytest.param(FIVE_TO_TEN, [percent(20)], "30.00", id="repriced-from-10-to-20"),
        pytest.param(TEN_TO_FIVE, [percent(20)], "-60.00", id="repriced-from-20-to-10"),
        pytest.param([line("20"), line("10", feature_id="words")], [percent(20)], "24.00", id="overage-too"),
        pytest.param([line("-10"), line("50")], [percent(20)], "30.00", id="an-upgrade"),
    ],
)
def test_the_table_of_discounts(lines: Sequence[LineDraft], discounts: Sequence[Discount], expected: str) -> None:
    """Every row of billing.md §14.4."""
    assert expected == total(lines, *discounts)


def test_it_may_cover_some_lines_only() -> None:
    """The base price, or the overage; a line of no plan is covered only by what covers everything."""
    lines = [line("20"), line("10", feature_id="words"), line("7", plan_id=None)]
    base = Discount(percent=Decimal(50), applies_to=frozenset({("pro", None)}))
    words = Discount(amount_minor=Decimal(400), applies_to=frozenset({("pro", "words")}))

    assert ["27.00", "33.00", "18.50"] == [total(lines, each) for each in (base, words, percent(50))]


def test_a_fixed_amount_is_shared_in_cents() -> None:
    """In proportion, by largest remainder: $10 off three equal lines is 3.34 and twice 3.33."""
    lines = compute_lines(compute_discounts([line("20")] * 3, [off(10)]), "usd")

    assert [334, 333, 333] == [each.discount_minor for each in lines]
    assert [1666, 1667, 1667] == [each.total.minor for each in lines]


def test_a_document_says_what_each_discount_took() -> None:
    """Whole cents per discount add up to what is taken off, of the document and of each line (§14.4)."""
    shared = [
        percent(20, key="fifth"),
        off(5, key="five"),
        percent(10, key="tenth"),
        off(1, key="unused", plan_ids=frozenset()),
    ]
    sources = tuple(DiscountSource(each.key, each.key, None, each.percent) for each in shared)
    drafts = compute_discounts([line("0.33"), line("19.99"), line("-4")], shared)
    document = compute_document_discounts(InvoiceDraft(InvoiceKind.START, "usd", drafts, (), discounts=sources))
    lines = compute_lines(drafts, "usd")

    assert {"fifth": 406, "five": 500, "tenth": 163} == {each.source.reward_id: each.amount.minor for each in document}
    assert [each.discount_minor for each in lines] == [
        sum(minor for _, minor in share_discount(draft, each.discount_minor))
        for draft, each in zip(drafts, lines, strict=True)
    ]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (DiscountSource("use", "launch", "Launch 20", Decimal("20.0")), "Launch 20 (20% off)"),
        (DiscountSource("use", "launch", None, Decimal("12.5")), "launch (12.5% off)"),
        (DiscountSource("use", "ten", "Ten"), "Ten"),
    ],
)
def test_what_a_discount_is_called(source: DiscountSource, text: str) -> None:
    """Its name, else its id, and the percentage where it is one."""
    assert text == discount_text(source)
