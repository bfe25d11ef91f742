"""What may be asked of billing: requests as values, the same whether carried out, previewed or kept for later."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from sumac.catalog.model import Customization
from sumac.core.time import Cadence
from sumac.rewards.model import RewardChoice

DEFAULT_NET_TERMS = 30


class RedirectMode(StrEnum):
    """Whether an operation may send the customer to a hosted page."""

    ALWAYS = "always"
    IF_REQUIRED = "if_required"
    NEVER = "never"


class PlanTiming(StrEnum):
    """When a change of plan takes effect."""

    IMMEDIATE = "immediate"
    END_OF_CYCLE = "end_of_cycle"


class CancelAction(StrEnum):
    """How a running plan may be ended, or kept after all."""

    CANCEL_IMMEDIATELY = "cancel_immediately"
    CANCEL_END_OF_CYCLE = "cancel_end_of_cycle"
    UNCANCEL = "uncancel"


class RefundKind(StrEnum):
    """How much of the last payment goes back to the card."""

    FULL = "full"
    PRORATED = "prorated"


@dataclass(frozen=True, slots=True)
class CarryOver:
    """Which features take something along into the new plan: all, or those listed; none when not `enabled`."""

    enabled: bool
    feature_ids: tuple[str, ...] | None = None

    def covers(self, feature_id: str) -> bool:
        """Whether the feature is one of them."""
        return self.enabled and (self.feature_ids is None or feature_id in self.feature_ids)


@dataclass(frozen=True, slots=True)
class InvoiceMode:
    """The invoice is sent, to be paid within `net_terms_days`, instead of charged (billing.md §10.7)."""

    finalize: bool = True
    enable_immediately: bool = False
    net_terms_days: int = DEFAULT_NET_TERMS


@dataclass(frozen=True, slots=True)
class CustomLine:
    """A line that the caller states: `amount` in major units, negative for a credit."""

    amount: Decimal
    description: str


@dataclass(frozen=True, slots=True)
class PlanWish:
    """One plan among several that are wanted together. `quantities` are totals per prepaid feature.

    Attached with others it may be for an entity (`entity_id`), else for the customer; in a schedule all are for one.
    """

    plan_id: str
    version: int | None = None
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    customize: Customization | None = None
    subscription_id: str | None = None
    entity_id: str | None = None


@dataclass(frozen=True, slots=True)
class AttachRequest:
    """Please give this plan to this customer. `quantities` are totals per prepaid feature, included units counted.

    `anchor` is an instant in the future from which periods are counted, or "now". With `prorate` off a change of plan
    costs nothing before its next renewal; with `bill` off nothing is billed at all. With `enable_immediately` the plan
    is given before its page is paid, or before `starts_at`; with `long_lived` the way to the page stays open for long.
    """

    customer_id: str
    plan_id: str
    version: int | None = None
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    redirect_mode: RedirectMode = RedirectMode.IF_REQUIRED
    timing: PlanTiming | None = None
    subscription_id: str | None = None
    success_url: str | None = None
    bill: bool = True
    prorate: bool = True
    customize: Customization | None = None
    invoice_mode: InvoiceMode | None = None
    anchor: datetime | Literal["now"] | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    enable_immediately: bool = False
    long_lived: bool = False
    new_subscription: bool | None = None
    custom_lines: tuple[CustomLine, ...] = ()
    carry_balances: CarryOver | None = None
    carry_usages: CarryOver | None = None
    remove_plan_ids: tuple[str, ...] = ()
    currency: str | None = None
    entity_id: str | None = None
    discounts: tuple[RewardChoice, ...] = ()
    kind: Literal["attach"] = "attach"


@dataclass(frozen=True, slots=True)
class SetupRequest:
    """Please store a card, and once it is there do the attach, if one is named (billing.md §13.3)."""

    customer_id: str
    attach: AttachRequest | None = None
    success_url: str | None = None


@dataclass(frozen=True, slots=True)
class MultiAttachRequest:
    """Please give these plans to this customer, all at once and on one invoice (billing.md §13.1).

    `trial` applies to all of them: a Customization that only sets a free trial, or takes it away. With
    `enable_immediately` they are given before their page is paid.
    """

    customer_id: str
    plans: tuple[PlanWish, ...]
    trial: Customization | None = None
    redirect_mode: RedirectMode = RedirectMode.IF_REQUIRED
    success_url: str | None = None
    invoice_mode: InvoiceMode | None = None
    anchor: Literal["now"] | None = None
    starts_at: datetime | None = None
    enable_immediately: bool = False
    new_subscription: bool = False
    prorate: bool = True
    currency: str | None = None
    discounts: tuple[RewardChoice, ...] = ()
    kind: Literal["multi_attach"] = "multi_attach"


@dataclass(frozen=True, slots=True)
class Phase:
    """Plans that run together from one instant on (billing.md §13.2).

    `starts_at` is that instant, or months or years after the first phase begins; None is now, for the first phase only.
    With `anchor_here` the periods of its plans are counted from there.
    """

    plans: tuple[PlanWish, ...]
    starts_at: datetime | Cadence | None = None
    anchor_here: bool = False


@dataclass(frozen=True, slots=True)
class ScheduleRequest:
    """Please let the customer's plans follow these phases; it replaces the schedule before (billing.md §13.2).

    The first phase begins now, or in the past. `unscheduled` plans are billed with it and never ended by the schedule.
    `trial` applies to the plans that start now: a Customization that only sets a free trial, or takes it away. `bill`
    and `prorate` are about what happens now; later phases are billed as they begin. With `enable_immediately` the
    schedule is placed, and its first phase begins, before its page is paid.
    """

    customer_id: str
    phases: tuple[Phase, ...]
    unscheduled: tuple[PlanWish, ...] = ()
    trial: Customization | None = None
    redirect_mode: RedirectMode = RedirectMode.IF_REQUIRED
    success_url: str | None = None
    invoice_mode: InvoiceMode | None = None
    anchor: Literal["now"] | None = None
    enable_immediately: bool = False
    bill: bool = True
    prorate: bool = True
    currency: str | None = None
    entity_id: str | None = None
    discounts: tuple[RewardChoice, ...] = ()
    kind: Literal["schedule"] = "schedule"


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """Please change a plan the customer holds: bought quantities, its version, its terms, or where periods begin.

    The quantity of a feature bought once is added to what is there, any other is the new total.
    """

    customer_id: str
    plan_id: str | None = None
    subscription_id: str | None = None
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    version: int | None = None
    customize: Customization | None = None
    timing: PlanTiming = PlanTiming.IMMEDIATE
    anchor: Literal["now"] | None = None
    uncancel: bool = False
    redirect_mode: RedirectMode = RedirectMode.IF_REQUIRED
    success_url: str | None = None
    bill: bool = True
    prorate: bool = True
    invoice_mode: InvoiceMode | None = None
    custom_lines: tuple[CustomLine, ...] = ()
    carry_usages: CarryOver | None = None
    entity_id: str | None = None
    discounts: tuple[RewardChoice, ...] = ()
    kind: Literal["update"] = "update"


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Please cancel, or keep, the customer's plan; the plan may be left out where there is only one candidate."""

    customer_id: str
    action: CancelAction
    plan_id: str | None = None
    subscription_id: str | None = None
    bill: bool = True
    refund: RefundKind | None = None
    entity_id: str | None = None
    kind: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True)
class MultiCancelRequest:
    """Please cancel, or keep, several plans of the customer at once."""

    customer_id: str
    changes: tuple[CancelRequest, ...]
    entity_id: str | None = None
    kind: Literal["multi_cancel"] = "multi_cancel"


BillingRequest = (
    AttachRequest | MultiAttachRequest | ScheduleRequest | UpdateRequest | CancelRequest | MultiCancelRequest
)


def discounts_of(request: BillingRequest) -> tuple[RewardChoice, ...]:
    """The rewards that are asked for."""
    return () if isinstance(request, CancelRequest | MultiCancelRequest) else request.discounts


def success_url_of(request: BillingRequest) -> str | None:
    """Where the payer goes after a hosted page."""
    return None if isinstance(request, CancelRequest | MultiCancelRequest) else request.success_url


def is_given_ahead(request: BillingRequest) -> bool:
    """Whether what needs a page is to be given before the page is completed (billing.md §10.5)."""
    return isinstance(request, AttachRequest | MultiAttachRequest | ScheduleRequest) and request.enable_immediately


def is_long_lived(request: BillingRequest) -> bool:
    """Whether the way to a page is to stay open for long (billing.md §10.5)."""
    return isinstance(request, AttachRequest) and request.long_lived
