"""From exact lines to whole minor units: the total is rounded once, the lines add up to it (billing.md §2.3)."""

from collections.abc import Sequence

from sumac.core.money import Money, apportion
from sumac.invoices.model import Line, LineDraft


def compute_lines(drafts: Sequence[LineDraft], currency: str) -> tuple[Line, ...]:
    """The lines with whole amounts, in the same order."""
    amounts = apportion([draft.exact_minor for draft in drafts])
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
        )
        for draft, amount in zip(drafts, amounts, strict=True)
    )


def compute_total(lines: Sequence[Line], currency: str) -> Money:
    """The sum of the lines."""
    return Money(sum(line.amount.minor for line in lines), currency)
