"""Discounts on the lines of an invoice: percentages first, then fixed amounts, on charges only (billing.md §14.4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from sumac.core.money import DECIMAL_PRECISION
from sumac.invoices.model import LineDraft

ZERO = Decimal(0)
ONE = Decimal(1)
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Discount:
    """`percent` (20 is a fifth) or `amount_minor`, exactly one of them.

    `applies_to` names what it covers, by plan and feature (None for the base price); None covers everything.
    """

    percent: Decimal | None = None
    amount_minor: Decimal | None = None
    applies_to: frozenset[tuple[str, str | None]] | None = None

    def covers(self, line: LineDraft) -> bool:
        """Whether it may be taken off the line: only off a charge; a line of no plan only where nothing is named."""
        if line.exact_minor <= 0:
            return False
        if self.applies_to is None:
            return True
        return line.plan_id is not None and (line.plan_id, line.feature_id) in self.applies_to


def choose_discounts(of_subscription: Sequence[Discount], of_customer: Sequence[Discount]) -> Sequence[Discount]:
    """The discounts that count: the customer's own only where the subscription has none."""
    return of_subscription or of_customer


def compute_discounts(lines: Sequence[LineDraft], discounts: Sequence[Discount]) -> tuple[LineDraft, ...]:
    """The lines with what is taken off each, exact: whatever the discounts' order, and never more than a line costs.

    Percentages multiply. A fixed amount is shared by the lines it covers in proportion to what is left of them.
    """
    with localcontext() as context:
        context.prec = DECIMAL_PRECISION
        left = [line.exact_minor for line in lines]
        for discount in discounts:
            if discount.percent is not None:
                kept = max(ZERO, ONE - discount.percent / HUNDRED)
                left = [rest * kept if discount.covers(line) else rest for line, rest in zip(lines, left, strict=True)]
        for discount in discounts:
            if discount.amount_minor is not None:
                left = _take(lines, left, discount, discount.amount_minor)
        return tuple(
            replace(line, exact_discount_minor=line.exact_minor - rest) for line, rest in zip(lines, left, strict=True)
        )


def _take(lines: Sequence[LineDraft], left: list[Decimal], discount: Discount, amount: Decimal) -> list[Decimal]:
    """What is left of each line after a fixed amount is taken off those that it covers."""
    covered = [rest if discount.covers(line) else ZERO for line, rest in zip(lines, left, strict=True)]
    whole = sum(covered, ZERO)
    taken = min(amount, whole)
    if not taken:
        return left
    return [rest - taken * share / whole for rest, share in zip(left, covered, strict=True)]
