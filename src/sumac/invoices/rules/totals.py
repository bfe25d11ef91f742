"""From exact lines to whole minor units: each column is rounded once, the lines add up to it (billing.md §2.3).

A line has up to three amounts: what it costs, what is taken off, and the tax. Every column's exact sum is rounded half
up and its lines share it by largest remainder, so that a document that shows all of them adds up in both directions.
"""

from collections.abc import Sequence
from decimal import Decimal, localcontext

from sumac.core.money import DECIMAL_PRECISION, Money, apportion
from sumac.invoices.model import DiscountSource, InvoiceDiscount, Line, LineDraft


def compute_lines(drafts: Sequence[LineDraft], currency: str) -> tuple[Line, ...]:
    """The lines with whole amounts, in the same order; nothing is taken off beyond what a line costs."""
    amounts = apportion([draft.exact_minor for draft in drafts])
    discounts = apportion(
        [
            min(draft.exact_discount_minor, Decimal(max(0, amount)))
            for draft, amount in zip(drafts, amounts, strict=True)
        ]
    )
    taxes = apportion([draft.exact_tax_minor for draft in drafts])
    return tuple(
        Line(
            display_name=draft.display_name,
            description=draft.description,
            amount=Money(amount, currency),
            exact_minor=draft.exact_minor,
            quantity=draft.quantity,
            plan_id=draft.plan_id,
            feature_id=draft.feature_id,
            period=draft.period,
            customer_plan_id=draft.customer_plan_id,
            discount_minor=discount,
            tax_minor=tax,
        )
        for draft, amount, discount, tax in zip(drafts, amounts, discounts, taxes, strict=True)
    )


def compute_total(lines: Sequence[Line], currency: str) -> Money:
    """The sum of the lines, discounts taken off and taxes added."""
    return Money(sum(line.total.minor for line in lines), currency)


def share_discount(draft: LineDraft, minor: int) -> list[tuple[str, int]]:
    """The whole discount of a line, shared by the discounts it is due to, by their keys."""
    with localcontext() as context:
        context.prec = DECIMAL_PRECISION
        whole = sum((part for _, part in draft.taken), Decimal(0))
        shares = apportion([minor * part / whole for _, part in draft.taken]) if whole else []
    return [(key, share) for (key, _), share in zip(draft.taken, shares, strict=False)]


def compute_discounts_taken(
    drafts: Sequence[LineDraft], sources: Sequence[DiscountSource], taken_off: Money
) -> tuple[InvoiceDiscount, ...]:
    """What each of the sources took off, in whole minor units that add up to `taken_off`; none that took nothing.

    `taken_off` is what the lines' whole discounts add up to.
    """
    with localcontext() as context:
        context.prec = DECIMAL_PRECISION
        exact = [
            sum((part for draft in drafts for key, part in draft.taken if key == source.reward_use_id), Decimal(0))
            for source in sources
        ]
        whole = sum(exact, Decimal(0))
        shares = apportion([taken_off.minor * part / whole for part in exact]) if whole else []
    return tuple(
        InvoiceDiscount(source, Money(minor, taken_off.currency))
        for source, minor in zip(sources, shares, strict=False)
        if minor
    )
