"""What a customer holds, what is asked of it, and what shall happen (billing.md §1.6, §10)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from sumac.balances.model import ExpireReservations, Grant, Reservation, RolledUnits
from sumac.balances.requests import TrackRequest
from sumac.billing.phases import Schedule
from sumac.billing.reward_model import GiveReward, MoveReward
from sumac.billing.topup_model import TopUp
from sumac.billing.units import Carried, Provision
from sumac.catalog.model import Feature, Plan, PlanTerms
from sumac.customers.model import Customer, Entity
from sumac.invoices.model import Invoice, InvoiceDraft, LineDraft
from sumac.rewards.model import AppliedReward, RewardUse


class PlanStatus(StrEnum):
    """Stored state of a customer plan; trialing and canceling are derived."""

    SCHEDULED = "scheduled"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    PAUSED = "paused"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CustomerPlan:
    """One attachment of a plan to a customer: a subscription when recurring, a purchase when one-off.

    `quantities` are the totals chosen per prepaid feature, included units counted; `upcoming_quantities` those that
    take over at the next renewal. `terms` are set when it was customised for this customer. Boundaries of its periods
    are `anchor_at + n x interval`, from `next_anchor_at` on counted from there. `ends_at` is set while it is canceling,
    when it was sold until then, and once it is paused or has ended. With `net_terms_days` its invoices are sent, to be
    paid within so many days, instead of charged. `schedule_id` is the schedule that placed it, `entity_key` the entity
    whose plan it is; without it is the customer's.
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
    upcoming_quantities: Mapping[str, Decimal] = field(default_factory=dict)
    terms: PlanTerms | None = None
    subscription_id: str | None = None
    schedule_id: str | None = None
    net_terms_days: int | None = None
    next_anchor_at: datetime | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None
    trial_ends_at: datetime | None = None
    canceled_at: datetime | None = None
    ends_at: datetime | None = None
    entity_key: str | None = None

    @property
    def is_usable(self) -> bool:
        """Whether it grants access (billing.md §1.6)."""
        return self.status in {PlanStatus.ACTIVE, PlanStatus.PAST_DUE}

    @property
    def is_canceling(self) -> bool:
        """Whether it runs on until its end only."""
        return self.is_usable and self.canceled_at is not None

    @property
    def paused_at(self) -> datetime | None:
        """Since when it is paused (billing.md §11): no units, no resets, nothing billed. None where it is not."""
        return self.ends_at if self.status is PlanStatus.PAUSED else None


@dataclass(frozen=True, slots=True)
class Holding:
    """A customer plan together with the plan it holds: that version, on its own terms where it was customised."""

    held: CustomerPlan
    plan: Plan


@dataclass(frozen=True, slots=True)
class HeldLine:
    """A line that goes on its plan's next invoice; `net` is what is left of it after today's discounts."""

    id: str
    line: LineDraft
    net: LineDraft | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a decision about one customer may look at, read in one transaction.

    `holdings` are usable and scheduled plans, `paused` (with their grants) those that wait for the end of a trial;
    `auto_enabled` plans that fill an empty group; `plan_ids` and `schedule_id` fresh ids; `trials_used` plan ids that
    were ever on trial; `charges` lines billed for what runs beyond now, or beyond the pause of their plan; `held_lines`
    those that wait for an invoice; `last_paid` newest paid invoices by customer plan; `reservations` those that expire;
    `unbilled` grants whose overage is not billed, whatever it would cost: a control says so (billing.md §6.3). With
    `persists_overage` what was used beyond free units counts for the next period (§9.3). `rewards` are the customer's,
    `new_rewards` the ones asked for with the request.

    What is read holds the plans of the customer and of every entity. A request is about one scope, the customer's or
    that of one entity (`entity_key`): `scoped` leaves the plans of it in `holdings` and the rest in `others`, which are
    billed along with them.
    """

    customer: Customer
    currency: str
    holdings: tuple[Holding, ...]
    grants: tuple[Grant, ...]
    features: Mapping[str, Feature]
    auto_enabled: tuple[Plan, ...]
    plan_ids: tuple[str, ...]
    schedule_id: str = ""
    has_payment_method: bool = False
    trials_used: frozenset[str] = frozenset()
    charges: tuple[LineDraft, ...] = ()
    held_lines: tuple[HeldLine, ...] = ()
    paused: tuple[Holding, ...] = ()
    unbilled: frozenset[str] = frozenset()
    last_paid: Mapping[str, Invoice] = field(default_factory=dict)
    reservations: tuple[Reservation, ...] = ()
    entities: tuple[Entity, ...] = ()
    entity_key: str | None = None
    others: tuple[Holding, ...] = ()
    entity_trials: frozenset[tuple[str, str]] = frozenset()
    persists_overage: bool = False
    rewards: tuple[AppliedReward, ...] = ()
    new_rewards: tuple[RewardUse, ...] = ()

    @property
    def everywhere(self) -> tuple[Holding, ...]:
        """The usable and scheduled plans of the customer and of every entity."""
        return (*self.holdings, *self.others)

    def scoped(self, entity_key: str | None) -> "Snapshot":
        """The same, as a request about one entity sees it, or one about the customer; taken of what was read.

        An entity has its own trials, and no plan that starts by itself (billing.md §10.2, §11, §12.5).
        """
        if entity_key is None and not self.entities:
            return self
        trials = frozenset(plan_id for key, plan_id in self.entity_trials if key == entity_key)
        return replace(
            self,
            entity_key=entity_key,
            holdings=tuple(each for each in self.holdings if each.held.entity_key == entity_key),
            others=tuple(each for each in self.holdings if each.held.entity_key != entity_key),
            paused=tuple(each for each in self.paused if each.held.entity_key == entity_key),
            auto_enabled=self.auto_enabled if entity_key is None else (),
            trials_used=self.trials_used if entity_key is None else trials,
        )

    @property
    def billed_beyond(self) -> tuple[LineDraft, ...]:
        """What was billed for the time after that instant, or will be: a credit is a share of it."""
        return (*self.charges, *(each.net or each.line for each in self.held_lines))


@dataclass(frozen=True, slots=True)
class StartPlan:
    """The plan is active from now on, with these grants; their seats are on the invoice with `seats_billed`."""

    held: CustomerPlan
    add_on: bool
    provisions: tuple[Provision, ...]
    carried: Carried | None = None
    seats_billed: bool = False
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
    """The plan runs on: it was canceling, or a schedule goes on with it."""

    held: CustomerPlan
    kind: Literal["plan_kept"] = "plan_kept"


@dataclass(frozen=True, slots=True)
class EndPlan:
    """The plan is over at its `ends_at`, and so are its grants.

    By grant id: what is left of `kept` lives on until then, what was used beyond of `billed` is on the invoice.
    """

    held: CustomerPlan
    kept: Mapping[str, datetime | None] = field(default_factory=dict)
    billed: tuple[str, ...] = ()
    kind: Literal["plan_ended"] = "plan_ended"


@dataclass(frozen=True, slots=True)
class PausePlan:
    """The plan rests from its `ends_at` on, and so do its grants, while another one is tried out in its place."""

    held: CustomerPlan
    kind: Literal["plan_paused"] = "plan_paused"


@dataclass(frozen=True, slots=True)
class ResumePlan:
    """The paused plan goes on, with these of its grants as they go on."""

    held: CustomerPlan
    grants: tuple[Grant, ...]
    kind: Literal["plan_resumed"] = "plan_resumed"


@dataclass(frozen=True, slots=True)
class RenewPlan:
    """A new period of the plan has begun."""

    held: CustomerPlan
    kind: Literal["plan_renewed"] = "plan_renewed"


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """The plan goes on in another state, and these of its grants with new amounts, balances and resets."""

    held: CustomerPlan
    grants: tuple[Grant, ...] = ()
    kind: Literal["plan_changed"] = "plan_changed"


@dataclass(frozen=True, slots=True)
class ReplaceTerms:
    """The plan goes on on other terms: these grants take the place of the ones it gave.

    What is left of the grants in `kept` lives on until then. With `seats_billed` the seats held are on the invoice.
    """

    held: CustomerPlan
    add_on: bool
    provisions: tuple[Provision, ...]
    carried: Carried | None = None
    kept: Mapping[str, datetime | None] = field(default_factory=dict)
    seats_billed: bool = False
    kind: Literal["terms_replaced"] = "terms_replaced"


@dataclass(frozen=True, slots=True)
class GiveUnits:
    """Units outlive the plan they came with, until `expires_at` of each."""

    provisions: tuple[Provision, ...]
    kind: Literal["units_kept"] = "units_kept"


@dataclass(frozen=True, slots=True)
class ExpireUnits:
    """The time of these grants is up; what is left on them is gone."""

    grants: tuple[Grant, ...]
    kind: Literal["units_expired"] = "units_expired"


@dataclass(frozen=True, slots=True)
class HoldLines:
    """These lines wait for the next invoice of their plan."""

    lines: tuple[LineDraft, ...]
    kind: Literal["lines_held"] = "lines_held"


@dataclass(frozen=True, slots=True)
class ReleaseLines:
    """These lines wait no longer: they are on an invoice of this decision, or their plan is over."""

    held_line_ids: tuple[str, ...]
    kind: Literal["lines_released"] = "lines_released"


@dataclass(frozen=True, slots=True)
class ResetGrants:
    """These grants are full again; each carries its new balance and next reset.

    By grant id: what was left of `rolled` rolls over. Of what rolled over before, `trimmed` has fewer units now, and
    `emptied` is over.
    """

    grants: tuple[Grant, ...]
    rolled: Mapping[str, RolledUnits] = field(default_factory=dict)
    trimmed: tuple[Grant, ...] = ()
    emptied: tuple[Grant, ...] = ()
    kind: Literal["balances_reset"] = "balances_reset"


@dataclass(frozen=True, slots=True)
class CountUsage:
    """This usage is counted, as these events; so many seats stay paid for, per prorated grant that it changes."""

    request: TrackRequest
    event_ids: tuple[str, ...]
    paid_seats: Mapping[str, Decimal]
    kind: Literal["usage_counted"] = "usage_counted"


@dataclass(frozen=True, slots=True)
class PlaceSchedule:
    """This is the customer's schedule from now on, in the place of any other."""

    schedule: Schedule
    kind: Literal["schedule_placed"] = "schedule_placed"


@dataclass(frozen=True, slots=True)
class RefundPayment:
    """So many minor units of what the card paid for an invoice go back to it, with a credit note."""

    invoice_id: str
    amount_minor: int
    kind: Literal["payment_refunded"] = "payment_refunded"


@dataclass(frozen=True, slots=True)
class IssueInvoice:
    """This is to be paid."""

    draft: InvoiceDraft
    kind: Literal["invoice_issued"] = "invoice_issued"


Action = (
    StartPlan | SchedulePlan | DropScheduled | CancelPlan | KeepPlan | EndPlan | PausePlan | ResumePlan
    | RenewPlan | ChangePlan | ReplaceTerms | GiveUnits | ExpireUnits | HoldLines | ReleaseLines | ResetGrants
    | ExpireReservations | CountUsage | TopUp | RefundPayment | PlaceSchedule | GiveReward | MoveReward | IssueInvoice
)  # fmt: skip


class Payment(StrEnum):
    """What has to happen with the payer before a decision may be applied."""

    NONE = "none"
    CHARGE = "charge"
    CHECKOUT = "checkout"
    SETUP = "setup"
    CONFIRM = "confirm"
    SEND = "send"


@dataclass(frozen=True, slots=True)
class Decision:
    """What shall happen, in order; executing it is somebody else's work.

    With `payment` charge, the actions wait until the invoice is paid; with checkout, setup or confirm, until the
    customer has completed a hosted page, when the decision is made again at that instant. With send they wait until the
    invoice that was sent is paid. Such actions began to wait at `decided_at`, when `counted_on` were the grants.
    """

    actions: tuple[Action, ...]
    payment: Payment = Payment.NONE
    counted_on: tuple[Grant, ...] = ()
    decided_at: datetime | None = None

    @property
    def invoice(self) -> InvoiceDraft | None:
        """The one invoice of the decision, if any."""
        return next((action.draft for action in self.actions if isinstance(action, IssueInvoice)), None)

    @property
    def schedule(self) -> Schedule | None:
        """The schedule that the decision places, if any."""
        return next((action.schedule for action in self.actions if isinstance(action, PlaceSchedule)), None)
