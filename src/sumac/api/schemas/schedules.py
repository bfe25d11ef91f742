"""Schedules on the wire (api.md §2.5 `billing.create_schedule`). Amounts are major units."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from sumac.api.schemas.applied_rewards import Discounts, choices_of
from sumac.api.schemas.billing import BilledInvoice, BillingAnswer, Redirect, RequiredAction, Version, check_ahead
from sumac.api.schemas.changes import InvoiceModeBody, Quantities, WebAddress, quantities_of
from sumac.api.schemas.customize import CustomizeBody, trial_only
from sumac.api.schemas.plans import FreeTrialIn
from sumac.api.schemas.wire import (
    AnyId,
    Currency,
    CustomerId,
    Milliseconds,
    PlanId,
    Truth,
    WholeNumber,
    WireModel,
)
from sumac.billing.phases import SchedulePhase
from sumac.billing.requests import Phase, PlanWish, RedirectMode, ScheduleRequest
from sumac.billing.service import Receipt
from sumac.core.errors import BadRequest
from sumac.core.time import Cadence, Interval

OFFSET_MAX = 120
PHASES_MAX = 20
PLANS_MAX = 20


class PhasePlanBody(WireModel):
    """One plan of a phase; `feature_quantities` are totals, included units counted."""

    plan_id: PlanId
    entity_id: AnyId | None = None
    feature_quantities: Quantities | None = None
    version: Version | None = None
    customize: CustomizeBody | None = None
    subscription_id: AnyId | None = None

    def scope(self, entity_id: str | None) -> str | None:
        """The entity that it is for, or None for the customer; where it says neither, as the request, `entity_id`."""
        return self.entity_id if "entity_id" in self.model_fields_set else entity_id

    def wish(self) -> PlanWish:
        """As a wish. Raises BadRequest for a trial of its own and what is not available yet."""
        if self.customize is not None and "free_trial" in self.customize.model_fields_set:
            message = "customize.free_trial: a free trial is for all of the plans; send free_trial beside them"
            raise BadRequest(message)
        return PlanWish(
            plan_id=self.plan_id,
            version=self.version,
            quantities=quantities_of(self.feature_quantities),
            customize=self.customize.customization() if self.customize else None,
            subscription_id=self.subscription_id,
        )


def one_scope(plans: Sequence[PhasePlanBody], entity_id: str | None) -> str | None:
    """The entity that all of the plans are for, or None for the customer; a plan that names none is as the request.

    Raises BadRequest for plans of several.
    """
    named = [plan.scope(entity_id) for plan in plans]
    if len(set(named)) > 1:
        message = "entity_id: plans of the customer and of an entity, or of several, together are not available yet"
        raise BadRequest(message)
    return named[0]


PhasePlans = Annotated[list[PhasePlanBody], Field(min_length=1, max_length=PLANS_MAX)]


class OffsetBody(WireModel):
    """Calendar months or years after the first phase begins."""

    duration_type: Literal["month", "year"]
    duration_count: Annotated[WholeNumber, Field(ge=1, le=OFFSET_MAX)]

    def offset(self) -> Cadence:
        """As a span of the calendar."""
        return Cadence(Interval(self.duration_type), self.duration_count)


class PhaseBody(WireModel):
    """Plans that run together from an instant on, until the next phase begins."""

    starts_at: Literal["now"] | Milliseconds | None = None
    starting_after: OffsetBody | None = None
    plans: PhasePlans
    billing_cycle_anchor: Literal["phase_start"] | None = None

    @model_validator(mode="after")
    def _begins_once(self) -> Self:
        if (self.starts_at is None) == (self.starting_after is None):
            raise PydanticCustomError("phase", "must have one of starts_at and starting_after")
        return self

    def phase(self) -> Phase:
        """As a phase. Raises what its plans raise."""
        starts_at = None if self.starts_at == "now" else self.starts_at
        return Phase(
            plans=tuple(plan.wish() for plan in self.plans),
            starts_at=self.starting_after.offset() if self.starting_after else starts_at,
            anchor_here=self.billing_cycle_anchor is not None,
        )


class ScheduleBody(WireModel):
    """The phases that a customer's plans are to follow."""

    customer_id: CustomerId
    entity_id: AnyId | None = None
    phases: Annotated[list[PhaseBody], Field(min_length=1, max_length=PHASES_MAX)]
    unscheduled_plans: Annotated[list[PhasePlanBody], Field(max_length=PLANS_MAX)] | None = None
    free_trial: FreeTrialIn | None = None
    currency: Currency | None = None
    invoice_mode: InvoiceModeBody | None = None
    discounts: Discounts | None = None
    success_url: WebAddress | None = None
    redirect_mode: Redirect = "if_required"
    billing_behavior: Literal["prorate_immediately", "none"] | None = None
    no_billing_changes: Truth | None = None
    billing_cycle_anchor: Literal["now"] | None = None
    enable_plan_immediately: Truth | None = None

    def request(self) -> ScheduleRequest:
        """As a request. Raises BadRequest for what does not go together."""
        mode = self.invoice_mode.mode() if self.invoice_mode else None
        check_ahead(mode, enable=self.enable_plan_immediately)
        plans = [plan for phase in self.phases for plan in phase.plans] + (self.unscheduled_plans or [])
        return ScheduleRequest(
            customer_id=self.customer_id,
            phases=tuple(phase.phase() for phase in self.phases),
            unscheduled=tuple(plan.wish() for plan in self.unscheduled_plans or ()),
            trial=trial_only(self, self.free_trial),
            redirect_mode=RedirectMode(self.redirect_mode),
            success_url=self.success_url,
            invoice_mode=mode,
            anchor=self.billing_cycle_anchor,
            enable_immediately=bool(self.enable_plan_immediately),
            bill=not self.no_billing_changes,
            prorate=self.billing_behavior != "none",
            currency=self.currency,
            entity_id=one_scope(plans, self.entity_id),
            discounts=choices_of(self.discounts),
        )


class PlacedPhase(WireModel):
    """A phase of a schedule and the customer's plans that run in it."""

    phase_id: str
    starts_at: Milliseconds
    customer_product_ids: list[str]

    @classmethod
    def of(cls, phase: SchedulePhase) -> Self:
        """As answered."""
        ids = list(phase.customer_plan_ids)
        return cls(phase_id=phase.id, starts_at=phase.starts_at, customer_product_ids=ids)


class ScheduleAnswer(WireModel):
    """What a schedule came to; with status `pending_payment` nothing is placed before `payment_url` is paid.

    One that was placed ahead has both: it is over when nobody pays.
    """

    customer_id: str
    entity_id: str | None
    status: Literal["created", "pending_payment"]
    schedule_id: str | None
    phases: list[PlacedPhase]
    invoice: BilledInvoice | None = None
    payment_url: str | None
    required_action: RequiredAction | None = None

    @classmethod
    def of(cls, receipt: Receipt, public_url: str, *, entity_id: str | None) -> Self:
        """As answered."""
        billed = BillingAnswer.of(receipt, public_url)
        optional: dict[str, Any] = {
            name: getattr(billed, name) for name in ("invoice", "required_action") if name in billed.model_fields_set
        }
        placed = receipt.schedule
        return cls(
            customer_id=receipt.customer_id,
            entity_id=entity_id,
            status="pending_payment" if placed is None else "created",
            schedule_id=None if placed is None else placed.id,
            phases=[] if placed is None else [PlacedPhase.of(phase) for phase in placed.phases],
            payment_url=receipt.payment_url,
            **optional,
        )
