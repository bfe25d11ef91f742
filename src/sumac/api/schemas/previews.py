"""Previews of billing operations on the wire (api.md §2.5). Amounts are major units."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, Self

from sumac.api.schemas.plans import PlanBody
from sumac.api.schemas.wire import Milliseconds, Number, WireModel
from sumac.billing.model import (
    CancelPlan,
    CustomerPlan,
    EndPlan,
    KeepPlan,
    Payment,
    SchedulePlan,
    StartPlan,
)
from sumac.billing.rules.preview import NextCycle, compute_next_cycle
from sumac.billing.service import AttachPreview
from sumac.catalog.model import Plan
from sumac.core.money import Money
from sumac.core.tenant import Env
from sumac.core.time import Period
from sumac.invoices.model import Line, LineDraft
from sumac.invoices.rules.totals import compute_lines, compute_total

EXPAND = ("incoming.plan", "outgoing.plan")


class PeriodBody(WireModel):
    """From when to when, the end not included."""

    start: Milliseconds
    end: Milliseconds

    @classmethod
    def of(cls, period: Period) -> Self:
        """As answered."""
        return cls(start=period.start, end=period.end)


class LineItemBody(WireModel):
    """One line of what is to be paid."""

    display_name: str
    description: str
    subtotal: Number
    total: Number
    discounts: list[dict[str, Any]]
    plan_id: str
    feature_id: str | None
    period: PeriodBody | None = None
    quantity: Number

    @classmethod
    def of(cls, line: Line) -> Self:
        """As answered; a one-off line has no period."""
        optional: dict[str, Any] = {"period": PeriodBody.of(line.period)} if line.period else {}
        return cls(
            display_name=line.display_name,
            description=line.description,
            subtotal=line.amount.major,
            total=line.amount.major,
            discounts=[],
            plan_id=line.plan_id or "",
            feature_id=line.feature_id,
            quantity=line.quantity,
            **optional,
        )


class UsageLineBody(WireModel):
    """Usage that will be added when it is known."""

    display_name: str
    plan_id: str
    feature_id: str | None
    period: PeriodBody | None = None


class NextCycleBody(WireModel):
    """What the next cycle will cost, as far as it is known today."""

    starts_at: Milliseconds
    subtotal: Number
    total: Number
    line_items: list[LineItemBody]
    usage_line_items: list[UsageLineBody]

    @classmethod
    def of(cls, cycle: NextCycle, preview: AttachPreview) -> Self:
        """As answered."""
        lines, total = _totals(cycle.lines, preview.snapshot.currency)
        features = preview.snapshot.features
        return cls(
            starts_at=cycle.starts_at,
            subtotal=total.major,
            total=total.major,
            line_items=[LineItemBody.of(line) for line in lines],
            usage_line_items=[
                UsageLineBody(
                    display_name=features[item.feature_id].name if item.feature_id in features else item.feature_id,
                    plan_id=preview.plan.id,
                    feature_id=item.feature_id,
                    period=PeriodBody.of(period),
                )
                for item, period in cycle.usage
            ],
        )


class PlanChangeBody(WireModel):
    """A plan that comes, stays after all, or goes; `effective_at` null means now."""

    plan_id: str
    plan: PlanBody | None = None
    feature_quantities: list[dict[str, Any]]
    effective_at: Milliseconds | None
    canceled_at: Milliseconds | None
    expires_at: Milliseconds | None

    @classmethod
    def of(cls, held: CustomerPlan, plan: PlanBody | None, *, effective_at: datetime | None) -> Self:
        """The change; with `plan` it shows the plan."""
        optional: dict[str, Any] = {"plan": plan} if plan is not None else {}
        return cls(
            plan_id=held.plan_id,
            feature_quantities=[
                {"feature_id": feature_id, "quantity": quantity} for feature_id, quantity in held.quantities.items()
            ],
            effective_at=effective_at,
            canceled_at=held.canceled_at,
            expires_at=held.ends_at,
            **optional,
        )


class AttachPreviewBody(WireModel):
    """What attaching would do and cost: the decision that attach would carry out, not carried out."""

    customer_id: str
    line_items: list[LineItemBody]
    subtotal: Number
    total: Number
    currency: str
    next_cycle: NextCycleBody | None = None
    incoming: list[PlanChangeBody]
    outgoing: list[PlanChangeBody]
    redirect_to_checkout: bool
    checkout_type: Literal["stripe_checkout", "autumn_checkout"] | None

    @classmethod
    def of(cls, preview: AttachPreview, env: Env, expand: Collection[str]) -> Self:
        """As answered; `expand` shows the plans that come or go."""
        decision, currency = preview.decision, preview.snapshot.currency
        lines, total = _totals(decision.invoice.lines if decision.invoice else (), currency)
        checkout = decision.payment in {Payment.CHECKOUT, Payment.SETUP}
        cycle = _next_cycle(preview)
        optional: dict[str, Any] = {"next_cycle": NextCycleBody.of(cycle, preview)} if cycle else {}
        return cls(
            customer_id=preview.snapshot.customer.public_id,
            line_items=[LineItemBody.of(line) for line in lines],
            subtotal=total.major,
            total=total.major,
            currency=currency,
            incoming=list(_incoming(preview, env, shown="incoming.plan" in expand)),
            outgoing=list(_outgoing(preview, env, shown="outgoing.plan" in expand)),
            redirect_to_checkout=checkout,
            checkout_type="stripe_checkout" if checkout else None,
            **optional,
        )


def _totals(drafts: Sequence[LineDraft], currency: str) -> tuple[tuple[Line, ...], Money]:
    lines = compute_lines(drafts, currency)
    return lines, compute_total(lines, currency)


def _next_cycle(preview: AttachPreview) -> NextCycle | None:
    snapshot = preview.snapshot
    for action in preview.decision.actions:
        if isinstance(action, StartPlan | KeepPlan | SchedulePlan):
            return compute_next_cycle(action.held, preview.plan, snapshot.features, currency=snapshot.currency)
    return None


def _incoming(preview: AttachPreview, env: Env, *, shown: bool) -> Iterator[PlanChangeBody]:
    for action in preview.decision.actions:
        match action:
            case StartPlan(held) | KeepPlan(held):
                yield PlanChangeBody.of(held, _plan(preview, preview.plan, env, shown=shown), effective_at=None)
            case SchedulePlan(held):
                plan = _plan(preview, preview.plan, env, shown=shown)
                yield PlanChangeBody.of(held, plan, effective_at=held.starts_at)


def _outgoing(preview: AttachPreview, env: Env, *, shown: bool) -> Iterator[PlanChangeBody]:
    plans = {each.held.id: each.plan for each in preview.snapshot.holdings}
    for action in preview.decision.actions:
        match action:
            case EndPlan(held) | CancelPlan(held):
                plan = _plan(preview, plans[held.id], env, shown=shown)
                yield PlanChangeBody.of(held, plan, effective_at=held.ends_at)


def _plan(preview: AttachPreview, plan: Plan, env: Env, *, shown: bool) -> PlanBody | None:
    return PlanBody.of(plan, preview.snapshot.features, env) if shown else None
