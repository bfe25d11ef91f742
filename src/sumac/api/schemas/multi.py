"""Several plans at once, on the wire (api.md §2.5 multi_attach and multi_update). Amounts are major units."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from sumac.api.schemas.applied_rewards import Discounts, choices_of
from sumac.api.schemas.billing import Proration, Redirect, check_ahead
from sumac.api.schemas.changes import InvoiceModeBody, WebAddress
from sumac.api.schemas.customize import trial_only
from sumac.api.schemas.later import refuse_later
from sumac.api.schemas.plans import FreeTrialIn
from sumac.api.schemas.previews import PreviewBody
from sumac.api.schemas.schedules import PhasePlanBody
from sumac.api.schemas.wire import (
    AnyId,
    Currency,
    CustomerId,
    JsonObject,
    Milliseconds,
    Number,
    PlanId,
    Truth,
    WireModel,
)
from sumac.billing.decide import Proposal
from sumac.billing.model import GiveUnits, IssueInvoice, RefundPayment, ReleaseLines
from sumac.billing.requests import (
    CancelAction,
    CancelRequest,
    MultiAttachRequest,
    MultiCancelRequest,
    RedirectMode,
    RefundKind,
)
from sumac.billing.reward_model import MoveReward
from sumac.catalog.rules.shape import is_free
from sumac.core.errors import BadRequest
from sumac.core.money import Money, round_sum
from sumac.core.tenant import Env

PLANS_MAX = 20


class MultiAttachBody(WireModel):
    """Plans for a customer, all at once and on one invoice."""

    customer_id: CustomerId
    entity_id: AnyId | None = None
    plans: Annotated[list[PhasePlanBody], Field(min_length=1, max_length=PLANS_MAX)]
    free_trial: FreeTrialIn | None = None
    starts_at: Milliseconds | None = None
    currency: Currency | None = None
    invoice_mode: InvoiceModeBody | None = None
    discounts: Discounts | None = None
    billing_behavior: Literal["prorate_immediately", "none"] | None = None
    billing_cycle_anchor: Literal["now"] | None = None
    success_url: WebAddress | None = None
    redirect_mode: Redirect = "if_required"
    new_billing_subscription: Truth | None = None
    enable_plan_immediately: Truth | None = None
    expand: list[str] | None = None

    def request(self) -> MultiAttachRequest:
        """As a request. Raises BadRequest for what does not go together."""
        mode = self.invoice_mode.mode() if self.invoice_mode else None
        check_ahead(mode, enable=self.enable_plan_immediately)
        return MultiAttachRequest(
            customer_id=self.customer_id,
            plans=tuple(replace(plan.wish(), entity_id=plan.scope(self.entity_id)) for plan in self.plans),
            trial=trial_only(self, self.free_trial),
            redirect_mode=RedirectMode(self.redirect_mode),
            success_url=self.success_url,
            invoice_mode=mode,
            anchor=self.billing_cycle_anchor,
            starts_at=self.starts_at,
            enable_immediately=bool(self.enable_plan_immediately),
            new_subscription=bool(self.new_billing_subscription),
            prorate=self.billing_behavior != "none",
            currency=self.currency,
            discounts=choices_of(self.discounts),
        )


class PlanUpdateBody(WireModel):
    """What is to happen to one of the plans."""

    plan_id: PlanId | None = None
    subscription_id: AnyId | None = None
    entity_id: AnyId | None = None
    cancel_action: Literal["cancel_immediately", "cancel_end_of_cycle", "uncancel"]
    proration_behavior: Proration | None = None

    def request(self, customer_id: str, refund: RefundKind | None) -> CancelRequest:
        """As a request. Raises BadRequest for what cannot go together or is not available."""
        if self.proration_behavior == "bill_difference":
            message = "proration_behavior: bill_difference is not available yet"
            raise BadRequest(message)
        if refund is not None and self.cancel_action != "cancel_immediately":
            message = "refund_last_payment: is for cancel_immediately only"
            raise BadRequest(message)
        if refund is not None and self.proration_behavior is not None:
            message = "refund_last_payment: cannot be combined with proration_behavior"
            raise BadRequest(message)
        return CancelRequest(
            customer_id=customer_id,
            action=CancelAction(self.cancel_action),
            plan_id=self.plan_id,
            subscription_id=self.subscription_id,
            bill=self.proration_behavior != "none",
            refund=refund,
            entity_id=self.entity_id,
        )


class MultiUpdateBody(WireModel):
    """Plans of a customer that are cancelled, or kept, at once."""

    customer_id: CustomerId
    entity_id: AnyId | None = None
    updates: Annotated[list[PlanUpdateBody], Field(min_length=1, max_length=PLANS_MAX)]
    refund_last_payment: Literal["prorated", "full"] | None = None
    subscription_params: JsonObject | None = None
    expand: list[str] | None = None

    def request(self) -> MultiCancelRequest:
        """As a request. Raises BadRequest for what cannot go together or is not available."""
        refuse_later(self, ("subscription_params",))
        refund = RefundKind(self.refund_last_payment) if self.refund_last_payment else None
        return MultiCancelRequest(
            self.customer_id,
            tuple(each.request(self.customer_id, refund) for each in self.updates),
            entity_id=self.entity_id,
        )


class SubscriptionPreviewBody(PreviewBody):
    """What becomes of the plans that are billed together."""

    plan_ids: list[str]


class MultiUpdatePreviewBody(WireModel):
    """What updating several plans would do: in all, and for those billed together; free plans have no entry."""

    customer_id: str
    currency: str
    total: Number
    subscriptions: list[SubscriptionPreviewBody]

    @classmethod
    def of(cls, preview: Proposal, env: Env, expand: Collection[str]) -> Self:
        """As answered."""
        currency = preview.snapshot.currency
        draft = preview.decision.invoice
        total = round_sum([line.exact_net_minor for line in draft.lines] if draft else [])
        return cls(
            customer_id=preview.snapshot.customer.public_id,
            currency=currency,
            total=Money(total, currency).major,
            subscriptions=[_entry(part, env, expand) for part in _parts(preview)],
        )


def _entry(part: Proposal, env: Env, expand: Collection[str]) -> SubscriptionPreviewBody:
    plain = PreviewBody.of(part, env, expand)
    return SubscriptionPreviewBody(
        **{name: getattr(plain, name) for name in plain.model_fields_set - {"invoice_credits"}},
        plan_ids=list(dict.fromkeys(each.plan.id for each in part.snapshot.holdings)),
    )


def _parts(preview: Proposal) -> Iterator[Proposal]:
    """The proposal in parts, each about the plans that share one billing cycle."""
    named = {action.held.id for action in preview.decision.actions if hasattr(action, "held")}
    touched = [each for each in preview.snapshot.holdings if each.held.id in named and not is_free(each.plan)]
    for anchor in dict.fromkeys(each.held.anchor_at for each in touched):
        together = tuple(each for each in touched if each.held.anchor_at == anchor)
        own = {each.held.id for each in together}
        actions = [_part_of(action, own) for action in preview.decision.actions]
        decision = replace(preview.decision, actions=tuple(action for action in actions if action is not None))
        yield replace(preview, decision=decision, snapshot=replace(preview.snapshot, holdings=together))


def _part_of(action: Any, own: Collection[str]) -> Any:  # noqa: ANN401  # any action, or none of it
    match action:
        case IssueInvoice(draft):
            lines = tuple(line for line in draft.lines if line.customer_plan_id in own)
            return IssueInvoice(replace(draft, lines=lines)) if lines else None
        case ReleaseLines() | GiveUnits() | RefundPayment() | MoveReward():
            return None
        case _:
            return action if action.held.id in own else None
