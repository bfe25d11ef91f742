"""A past period under the terms as they are and under changed ones (decision 0023)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sumac.core.money import Money

ZERO = Decimal(0)


class Exclusion(StrEnum):
    """Why a holder of the plan is not replayed."""

    CUSTOM_TERMS = "custom_terms"
    ENTITY_PLAN = "entity_plan"
    HELD_FOR_PART = "held_for_part"
    ON_TRIAL = "on_trial"
    NOT_SOLD_IN_CURRENCY = "not_sold_in_currency"


@dataclass(frozen=True, slots=True)
class Used:
    """Units of a feature used in the step that begins then; below zero where more was given back than used."""

    at: datetime
    feature_id: str
    units: Decimal


@dataclass(frozen=True, slots=True)
class FeatureReplay:
    """What the terms make of the usage of a feature.

    `used` counts units of it, or credits that paid for other features. `is_included` says whether the terms give any
    of it, in units or in credits. `ran_out_at` is the start of the step after which nothing was left of some units of
    it for the first time; `refused` are tracked units nobody paid for.
    """

    feature_id: str
    used: Decimal = ZERO
    refused: Decimal = ZERO
    ran_out_at: datetime | None = None
    is_included: bool = False


@dataclass(frozen=True, slots=True)
class PeriodBill:
    """What a period costs on some terms; the three parts add up to the total, which is rounded once."""

    recurring: Money
    prepaid: Money
    overage: Money
    features: Sequence[FeatureReplay]

    @property
    def total(self) -> Money:
        """All of it."""
        return self.recurring + self.prepaid + self.overage


@dataclass(frozen=True, slots=True)
class Comparison:
    """One holder of the plan: the period on both terms, or why it is not replayed."""

    customer_key: str
    customer_plan_id: str
    before: PeriodBill | None = None
    after: PeriodBill | None = None
    excluded: Exclusion | None = None


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    """The sums of those who are billed in one currency."""

    before: Money
    after: Money


@dataclass(frozen=True, slots=True)
class Totals:
    """How many were replayed and how many were not, how many would pay more or less, and sums by currency.

    `refused_more` are those who would be refused units of some feature that they are not refused now.
    """

    replayed: int = 0
    excluded: int = 0
    paying_more: int = 0
    paying_less: int = 0
    refused_more: int = 0
    amounts: Sequence[CurrencyTotal] = field(default_factory=tuple)
