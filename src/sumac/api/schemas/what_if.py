"""What a changed plan would have cost, on the wire (decision 0023)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, ClassVar, Self

from pydantic import Field

from sumac.analytics.model import Comparison, CurrencyTotal, FeatureReplay, PeriodBill, Totals
from sumac.analytics.rules.compare import compute_features
from sumac.analytics.service import WhatIf
from sumac.api.schemas.pages import PageRequest
from sumac.api.schemas.plans import BasePriceIn, Items
from sumac.api.schemas.wire import CustomerId, Milliseconds, Number, PlanId, WholeNumber, WireModel
from sumac.catalog.model import Plan
from sumac.core.time import Period, add_months
from sumac.customers.model import Customer

REPLAYED_MAX = 100
CUSTOMERS_MAX = 1_000


class PlanChanges(WireModel):
    """Changed terms in the shape of `plans.update`: what is not given stays, items given replace all."""

    price: BasePriceIn | None = None
    items: Items | None = None

    def changed(self, before: Plan) -> Plan:
        """The plan after the change."""
        after = before
        if "price" in self.model_fields_set:
            after = replace(after, price=self.price.price() if self.price else None)
        if self.items is not None:
            after = replace(after, items=tuple(item.item() for item in self.items))
        return after


class ReplayedPeriod(WireModel):
    """From an instant until before another one."""

    start: Milliseconds
    end: Milliseconds


class WhatIfRequest(PageRequest):
    """Which version of a plan, what would change, and which past period to replay: the last full month by default."""

    limit_max: ClassVar[int] = REPLAYED_MAX

    plan_id: PlanId
    version: WholeNumber | None = None
    changes: PlanChanges
    period: ReplayedPeriod | None = None
    customer_ids: Annotated[list[CustomerId], Field(min_length=1, max_length=CUSTOMERS_MAX)] | None = None

    def replayed(self, now: datetime) -> Period:
        """The period to replay; months are those of UTC."""
        if self.period is not None:
            return Period(self.period.start, self.period.end)
        this_month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return Period(add_months(this_month, -1), this_month)


class PeriodBillBody(WireModel):
    """What the period costs, in major units; `total` is the sum of the other three."""

    recurring: Number
    prepaid: Number
    overage: Number
    total: Number

    @classmethod
    def of(cls, bill: PeriodBill) -> Self:
        """In the customer's currency."""
        return cls(
            recurring=bill.recurring.major,
            prepaid=bill.prepaid.major,
            overage=bill.overage.major,
            total=bill.total.major,
        )


class FeatureOutcomeBody(WireModel):
    """What was used, when nothing was left for the first time (the start of that day), and units that are refused.

    Of a credit system, `used` are the credits that paid. Hours in place of days where units are given by the hour.
    """

    used: Number
    ran_out_at: Milliseconds | None
    refused: Number

    @classmethod
    def of(cls, replay: FeatureReplay) -> Self:
        """As replayed."""
        return cls(used=replay.used, ran_out_at=replay.ran_out_at, refused=replay.refused)


class FeatureWhatIfBody(WireModel):
    """What becomes of the usage of a feature on both terms."""

    feature_id: str
    before: FeatureOutcomeBody
    after: FeatureOutcomeBody


class CustomerWhatIfBody(WireModel):
    """One subscription: the period on both terms, or the reason why it is `excluded`."""

    customer_id: str
    subscription_id: str
    excluded: str | None
    currency: str | None
    before: PeriodBillBody | None
    after: PeriodBillBody | None
    difference: Number | None
    features: list[FeatureWhatIfBody]

    @classmethod
    def of(cls, compared: Comparison, customer: Customer) -> Self:
        """In the customer's currency; the difference is what they would pay more."""
        before, after = compared.before, compared.after
        return cls(
            customer_id=customer.public_id,
            subscription_id=compared.customer_plan_id,
            excluded=compared.excluded,
            currency=before.total.currency if before else None,
            before=PeriodBillBody.of(before) if before else None,
            after=PeriodBillBody.of(after) if after else None,
            difference=(after.total - before.total).major if before and after else None,
            features=[
                FeatureWhatIfBody(
                    feature_id=now.feature_id,
                    before=FeatureOutcomeBody.of(now),
                    after=FeatureOutcomeBody.of(then),
                )
                for now, then in (compute_features(before, after) if before and after else ())
            ],
        )


class CurrencyTotalBody(WireModel):
    """Sums in one currency, in major units."""

    currency: str
    before: Number
    after: Number
    difference: Number

    @classmethod
    def of(cls, total: CurrencyTotal) -> Self:
        """Of the page."""
        return cls(
            currency=total.before.currency,
            before=total.before.major,
            after=total.after.major,
            difference=(total.after - total.before).major,
        )


class WhatIfTotalsBody(WireModel):
    """Totals of this page; those of all pages are their sum."""

    replayed: WholeNumber
    excluded: WholeNumber
    paying_more: WholeNumber
    paying_less: WholeNumber
    refused_more: WholeNumber
    amounts: list[CurrencyTotalBody]

    @classmethod
    def of(cls, totals: Totals) -> Self:
        """As counted."""
        return cls(
            replayed=totals.replayed,
            excluded=totals.excluded,
            paying_more=totals.paying_more,
            paying_less=totals.paying_less,
            refused_more=totals.refused_more,
            amounts=[CurrencyTotalBody.of(each) for each in totals.amounts],
        )


class WhatIfBody(WireModel):
    """A page of those who hold the version, newest first, on both terms."""

    plan_id: str
    version: WholeNumber
    period: ReplayedPeriod
    totals: WhatIfTotalsBody
    list: list[CustomerWhatIfBody]
    next_cursor: str | None

    @classmethod
    def of(cls, plan: Plan, period: Period, found: WhatIf, owners: Mapping[str, Customer]) -> Self:
        """`owners` has the customers by key."""
        return cls(
            plan_id=plan.id,
            version=plan.version,
            period=ReplayedPeriod(start=period.start, end=period.end),
            totals=WhatIfTotalsBody.of(found.totals),
            list=[CustomerWhatIfBody.of(each, owners[each.customer_key]) for each in found.compared],
            next_cursor=found.next_cursor,
        )
