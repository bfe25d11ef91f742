"""What a customer holds, what is asked of it, and what shall happen (billing.md §1.6, §10)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from sumac.balances.model import Grant
from sumac.catalog.model import Feature, ItemPrice, Plan
from sumac.core.time import Cadence
from sumac.customers.model import Customer
from sumac.invoices.model import InvoiceDraft


class PlanStatus(StrEnum):
    """Stored state of a customer plan; trialing and canceling are derived."""

    SCHEDULED = "scheduled"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CustomerPlan:
    """One attachment of a plan to a customer: a subscription when recurring, a purchase when one-off.

    `quantities` are the totals chosen per prepaid feature, included units counted. Boundaries of its periods are
    `anchor_at + n x interval`. `ends_at` is set while it is canceling, and once it has ended.
    """

    id: str
    customer_key: str
    plan_id: str
    version: int
    status: PlanStatus
    recurring: bool
    anchor_at: datetime
    starts_at: datetime
    created_at: datetime
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    subscription_id: str | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None
    trial_ends_at: datetime | None = None
    canceled_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def is_usable(self) -> bool:
        """Whether it grants access (billing.md §1.6)."""
        return self.status in {PlanStatus.ACTIVE, PlanStatus.PAST_DUE}

    @property
    def is_canceling(self) -> bool:
        """Whether it runs on until its end only."""
        return self.is_usable and self.canceled_at is not None


@dataclass(frozen=True, slots=True)
class Holding:
    """A customer plan together with the plan version it holds."""

    held: CustomerPlan
    plan: Plan


class RedirectMode(StrEnum):
    """Whether an attach may send the customer to a hosted page."""

    ALWAYS = "always"
    IF_REQUIRED = "if_required"
    NEVER = "never"


class PlanTiming(StrEnum):
    """When a change of plan takes effect."""

    IMMEDIATE = "immediate"
    END_OF_CYCLE = "end_of_cycle"


class CancelAction(StrEnum):
    """What `billing.update` may do to a running plan."""

    CANCEL_IMMEDIATELY = "cancel_immediately"
    CANCEL_END_OF_CYCLE = "cancel_end_of_cycle"
    UNCANCEL = "uncancel"


@dataclass(frozen=True, slots=True)
class AttachRequest:
    """Please give this plan to this customer. `quantities` are totals per prepaid feature, included units counted."""

    customer_id: str
    plan_id: str
    version: int | None = None
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    redirect_mode: RedirectMode = RedirectMode.IF_REQUIRED
    timing: PlanTiming | None = None
    subscription_id: str | None = None
    success_url: str | None = None
    bill: bool = True


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Please cancel, or keep, the customer's plan; the plan may be left out where there is only one candidate."""

    customer_id: str
    action: CancelAction
    plan_id: str | None = None
    subscription_id: str | None = None
    bill: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a decision about one customer may look at, read in one transaction.

    `holdings` are the usable and scheduled plans; `auto_enabled` the plans that fill an empty group; `plan_ids` fresh
    ids for customer plans the decision may make; `trial_used` the plan ids this customer ever had on trial.
    """

    customer: Customer
    currency: str
    holdings: tuple[Holding, ...]
    grants: tuple[Grant, ...]
    features: Mapping[str, Feature]
    auto_enabled: tuple[Plan, ...]
    plan_ids: tuple[str, ...]
    has_payment_method: bool = False
    trials_used: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Provision:
    """Units a started plan gives: a grant that has no id yet. `balance` already counts usage that is carried over."""

    feature_id: str
    included: Decimal
    prepaid: Decimal
    balance: Decimal
    unlimited: bool
    overage_allowed: bool
    max_purchase: Decimal | None
    reset: Cadence | None
    resets_at: datetime | None
    price: ItemPrice | None


@dataclass(frozen=True, slots=True)
class StartPlan:
    """The plan is active from now on, with these grants."""

    held: CustomerPlan
    add_on: bool
    provisions: tuple[Provision, ...]
    kind: Literal["plan_started"] = "plan_started"


@dataclass(frozen=True, slots=True)
class SchedulePlan:
    """The plan will start at its `starts_at`."""

    held: CustomerPlan
    kind: Literal["plan_scheduled"] = "plan_scheduled"


@dataclass(frozen=True, slots=True)
class DropScheduled:
    """The scheduled plan will not start after all."""

    held: CustomerPlan
    kind: Literal["schedule_dropped"] = "schedule_dropped"


@dataclass(frozen=True, slots=True)
class CancelPlan:
    """The plan will end at its `ends_at`."""

    held: CustomerPlan
    kind: Literal["plan_canceled"] = "plan_canceled"


@dataclass(frozen=True, slots=True)
class KeepPlan:
    """The plan that was canceling runs on."""

    held: CustomerPlan
    kind: Literal["plan_kept"] = "plan_kept"


@dataclass(frozen=True, slots=True)
class EndPlan:
    """The plan is over at its `ends_at`, and so are its grants."""

    held: CustomerPlan
    kind: Literal["plan_ended"] = "plan_ended"


@dataclass(frozen=True, slots=True)
class RenewPlan:
    """A new period of the plan has begun."""

    held: CustomerPlan
    kind: Literal["plan_renewed"] = "plan_renewed"


@dataclass(frozen=True, slots=True)
class ResetGrants:
    """These grants are full again; each carries its new balance and next reset."""

    grants: tuple[Grant, ...]
    kind: Literal["balances_reset"] = "balances_reset"


@dataclass(frozen=True, slots=True)
class IssueInvoice:
    """This is to be paid."""

    draft: InvoiceDraft
    kind: Literal["invoice_issued"] = "invoice_issued"


Action = (
    StartPlan | SchedulePlan | DropScheduled | CancelPlan | KeepPlan | EndPlan | RenewPlan | ResetGrants | IssueInvoice
)


class Payment(StrEnum):
    """What has to happen with the payer before a decision may be applied."""

    NONE = "none"
    CHARGE = "charge"
    CHECKOUT = "checkout"
    SETUP = "setup"


@dataclass(frozen=True, slots=True)
class Decision:
    """What shall happen, in order; executing it is somebody else's work.

    With `payment` charge, the actions wait until the invoice is paid; with checkout or setup, until the customer has
    completed a hosted page, when the decision is made again at that instant.
    """

    actions: tuple[Action, ...]
    payment: Payment = Payment.NONE

    @property
    def invoice(self) -> InvoiceDraft | None:
        """The one invoice of the decision, if any."""
        return next((action.draft for action in self.actions if isinstance(action, IssueInvoice)), None)
