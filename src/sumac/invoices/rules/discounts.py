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
    """`percent` (20 is a fifth) or `amount_minor`, exactly one of them; `key` says whose it is.

    `applies_to` names what it covers, by plan and feature (None for the base price), `plan_ids` by plan, and
    `customer_plan_ids` by attachment; None covers everything. Lines of the attachments in `spared` are not covered.
    """

    percent: Decimal | None = None
    amount_minor: Decimal | None = None
    applies_to: frozenset[tuple[str, str | None]] | None = None
    key: str = ""
    plan_ids: frozenset[str] | None = None
    customer_plan_ids: frozenset[str] | None = None
    spared: frozenset[str] = frozenset()

    def covers(self, line: LineDraft) -> bool:
        """Whether it may be taken off the line: only off a charge; a line of no plan only where nothing is named."""
        if line.exact_minor <= 0 or not line.discountable or line.customer_plan_id in self.spared:
            return False
        if self.plan_ids is not None and line.plan_id not in self.plan_ids:
            return False
        if self.customer_plan_ids is not None and line.customer_plan_id not in self.customer_plan_ids:
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
        taken: list[list[tuple[str, Decimal]]] = [[] for _ in lines]
        for discount in sorted(discounts, key=lambda each: each.percent is None):
            for index, part in enumerate(_parts(lines, left, discount)):
                if part:
                    left[index] -= part
                    taken[index].append((discount.key, part))
        return tuple(
            replace(line, exact_discount_minor=line.exact_minor - rest, taken=tuple(parts))
            for line, rest, parts in zip(lines, left, taken, strict=True)
        )


def _parts(lines: Sequence[LineDraft], left: Sequence[Decimal], discount: Discount) -> list[Decimal]:
    """What a discount takes off each of the lines, of which so much is left."""
    covered = [rest if discount.covers(line) else ZERO for line, rest in zip(lines, left, strict=True)]
    if discount.percent is not None:
        share = min(ONE, discount.percent / HUNDRED)
        return [rest * share for rest in covered]
    whole = sum(covered, ZERO)
    taken = min(discount.amount_minor or ZERO, whole)
    return [taken * rest / whole for rest in covered] if taken else covered[:0]
