"""What a customer holds, on the wire: subscriptions and purchases (api.md §2.0)."""

from datetime import datetime
from typing import Any, Literal, Self

from sumac.api.schemas.plans import PlanBody
from sumac.api.schemas.wire import Milliseconds, Truth, WholeNumber, WireModel
from sumac.billing.model import Holding, PlanStatus


class SubscriptionBody(WireModel):
    """A recurring plan the customer holds."""

    id: str
    plan: PlanBody | None = None
    plan_id: str
    auto_enable: Truth
    add_on: Truth
    status: Literal["active", "scheduled"]
    past_due: Truth
    canceled_at: Milliseconds | None
    expires_at: Milliseconds | None
    trial_ends_at: Milliseconds | None
    started_at: Milliseconds
    current_period_start: Milliseconds | None
    current_period_end: Milliseconds | None
    quantity: WholeNumber
    scope: Literal["customer", "entity"]

    @classmethod
    def of(cls, holding: Holding, plan: PlanBody | None, *, now: datetime) -> Self:
        """The subscription; with `plan` it shows the plan."""
        held = holding.held
        trialing = held.trial_ends_at is not None and now < held.trial_ends_at
        optional: dict[str, Any] = {"plan": plan} if plan is not None else {}
        return cls(
            id=held.subscription_id or held.id,
            plan_id=held.plan_id,
            auto_enable=holding.plan.auto_enable,
            add_on=holding.plan.add_on,
            status="scheduled" if held.status is PlanStatus.SCHEDULED else "active",
            past_due=held.status is PlanStatus.PAST_DUE,
            canceled_at=held.canceled_at,
            expires_at=held.ends_at,
            trial_ends_at=held.trial_ends_at if trialing else None,
            started_at=held.starts_at,
            current_period_start=held.period_start,
            current_period_end=held.period_end,
            quantity=1,
            scope="customer",
            **optional,
        )


class PurchaseBody(WireModel):
    """A plan bought once."""

    plan: PlanBody | None = None
    plan_id: str
    expires_at: Milliseconds | None
    started_at: Milliseconds
    quantity: WholeNumber
    scope: Literal["customer", "entity"]

    @classmethod
    def of(cls, holding: Holding, plan: PlanBody | None) -> Self:
        """The purchase; with `plan` it shows the plan."""
        optional: dict[str, Any] = {"plan": plan} if plan is not None else {}
        return cls(
            plan_id=holding.held.plan_id,
            expires_at=holding.held.ends_at,
            started_at=holding.held.starts_at,
            quantity=1,
            scope="customer",
            **optional,
        )
