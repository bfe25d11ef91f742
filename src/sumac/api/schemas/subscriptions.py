"""What customers hold, on the wire: subscriptions and purchases (api.md §2.0, §2.16)."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from sumac.api.schemas.pages import PageRequest
from sumac.api.schemas.plans import PlanBody
from sumac.api.schemas.wire import AnyId, CustomerId, Milliseconds, PlanId, Truth, WholeNumber, WireModel
from sumac.billing.model import (
    Holding,
    PlanStatus,
)
from sumac.core.page import DEFAULT_LIMIT

WAITING = frozenset({PlanStatus.SCHEDULED, PlanStatus.PAUSED})


class SubscriptionBody(WireModel):
    """A recurring plan the customer holds, at one of its versions; with `is_custom` on terms made to measure for them.

    The contract has no word for a plan that is paused for a trial: it is shown as scheduled, for it will go on, with
    the start it had and without a running period.
    """

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
    plan_version: WholeNumber
    is_custom: Truth

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
            status="scheduled" if held.status in WAITING else "active",
            past_due=held.status is PlanStatus.PAST_DUE,
            canceled_at=held.canceled_at,
            expires_at=held.ends_at if held.paused_at is None else None,
            trial_ends_at=held.trial_ends_at if trialing else None,
            started_at=held.starts_at,
            current_period_start=held.period_start if held.paused_at is None else None,
            current_period_end=held.period_end if held.paused_at is None else None,
            quantity=1,
            scope=_scope(holding),
            plan_version=held.version,
            is_custom=held.terms is not None,
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
    plan_version: WholeNumber
    is_custom: Truth

    @classmethod
    def of(cls, holding: Holding, plan: PlanBody | None) -> Self:
        """The purchase; with `plan` it shows the plan."""
        optional: dict[str, Any] = {"plan": plan} if plan is not None else {}
        return cls(
            plan_id=holding.held.plan_id,
            expires_at=holding.held.ends_at,
            started_at=holding.held.starts_at,
            quantity=1,
            scope=_scope(holding),
            plan_version=holding.held.version,
            is_custom=holding.held.terms is not None,
            **optional,
        )


class HoldingListRequest(PageRequest):
    """Which subscriptions or purchases; without `statuses` ended ones are listed too."""

    customer_id: CustomerId | None = None
    entity_id: AnyId | None = None
    plan_id: PlanId | None = None
    statuses: Annotated[list[Literal["active", "scheduled", "past_due", "expired"]], Field(max_length=4)] | None = None
    limit: Annotated[WholeNumber, Field(ge=1, le=200)] = DEFAULT_LIMIT

    def plan_statuses(self) -> list[PlanStatus]:
        """The statuses asked for; none means every status."""
        wanted = {PlanStatus(status) for status in self.statuses or ()}
        return sorted(wanted | WAITING if wanted & WAITING else wanted)


class ListedSubscriptionBody(SubscriptionBody):
    """A subscription, running, waiting or over, and whose it is."""

    status: Literal["active", "scheduled", "expired"]  # type: ignore[assignment]  # one more than while it is held
    customer_id: str
    entity_id: str | None
    created_at: Milliseconds

    @classmethod
    def listed(cls, holding: Holding, customer_id: str, entity_id: str | None, *, now: datetime) -> Self:
        """As listed."""
        fields = dict(SubscriptionBody.of(holding, None, now=now))
        del fields["plan"]
        fields["status"] = _status(holding)
        return cls(**fields, customer_id=customer_id, entity_id=entity_id, created_at=holding.held.created_at)


class SubscriptionList(WireModel):
    """A page of subscriptions, newest first."""

    list: list[ListedSubscriptionBody]
    has_more: Truth
    next_cursor: str | None


class ListedPurchaseBody(PurchaseBody):
    """A purchase, and whose it is."""

    id: str
    status: Literal["active", "scheduled", "expired"]
    customer_id: str
    entity_id: str | None
    created_at: Milliseconds

    @classmethod
    def listed(cls, holding: Holding, customer_id: str, entity_id: str | None) -> Self:
        """As listed."""
        fields = dict(PurchaseBody.of(holding, None))
        del fields["plan"]
        held = holding.held
        return cls(
            **fields,
            id=held.subscription_id or held.id,
            status=_status(holding),
            customer_id=customer_id,
            entity_id=entity_id,
            created_at=held.created_at,
        )


class PurchaseList(WireModel):
    """A page of purchases, newest first."""

    list: list[ListedPurchaseBody]
    has_more: Truth
    next_cursor: str | None


def _scope(holding: Holding) -> Literal["customer", "entity"]:
    return "customer" if holding.held.entity_key is None else "entity"


def _status(holding: Holding) -> Literal["active", "scheduled", "expired"]:
    match holding.held.status:
        case PlanStatus.EXPIRED:
            return "expired"
        case PlanStatus.SCHEDULED | PlanStatus.PAUSED:
            return "scheduled"
        case PlanStatus.ACTIVE | PlanStatus.PAST_DUE:
            return "active"
