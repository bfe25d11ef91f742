"""Bills of the same period on two terms side by side, and who has none (decision 0023)."""

from collections.abc import Sequence

from sumac.analytics.model import Comparison, CurrencyTotal, Exclusion, FeatureReplay, PeriodBill, Totals
from sumac.billing.model import CustomerPlan
from sumac.core.money import Money
from sumac.core.time import Period


def compute_totals(compared: Sequence[Comparison]) -> Totals:
    """How the holders' bills differ together, sums by currency in the order of their codes."""
    bills = [(each.before, each.after) for each in compared if each.before is not None and each.after is not None]
    amounts: dict[str, CurrencyTotal] = {}
    for before, after in bills:
        currency = before.total.currency
        known = amounts.get(currency, CurrencyTotal(Money.zero(currency), Money.zero(currency)))
        amounts[currency] = CurrencyTotal(known.before + before.total, known.after + after.total)
    return Totals(
        replayed=len(bills),
        excluded=len(compared) - len(bills),
        paying_more=sum(after.total.minor > before.total.minor for before, after in bills),
        paying_less=sum(after.total.minor < before.total.minor for before, after in bills),
        refused_more=sum(_refuses_more(before, after) for before, after in bills),
        amounts=tuple(amounts[currency] for currency in sorted(amounts)),
    )


def compute_features(before: PeriodBill, after: PeriodBill) -> list[tuple[FeatureReplay, FeatureReplay]]:
    """What becomes of each feature that either terms include, on both."""
    sides = [{each.feature_id: each for each in bill.features} for bill in (before, after)]
    pairs = [
        (sides[0].get(key, FeatureReplay(key)), sides[1].get(key, FeatureReplay(key)))
        for key in sorted({*sides[0], *sides[1]})
    ]
    return [pair for pair in pairs if any(each.is_included for each in pair)]


def find_exclusion(held: CustomerPlan, period: Period) -> Exclusion | None:
    """Why a running plan is not replayed, or None."""
    if held.terms is not None:
        return Exclusion.CUSTOM_TERMS
    if held.entity_key is not None:
        return Exclusion.ENTITY_PLAN
    if held.starts_at > period.start:
        return Exclusion.HELD_FOR_PART
    if held.trial_ends_at is not None and held.trial_ends_at > period.start:
        return Exclusion.ON_TRIAL
    return None


def _refuses_more(before: PeriodBill, after: PeriodBill) -> bool:
    return any(then.refused > now.refused for now, then in compute_features(before, after))
