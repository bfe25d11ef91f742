"""Previews of billing operations on the wire (api.md §2.5). Amounts are major units."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, Self

from sumac.api.schemas.plans import PlanBody
from sumac.api.schemas.wire import Milliseconds, Number, WireModel
from sumac.billing.decide import Proposal
from sumac.billing.model import (
    Action,
    CancelPlan,
    ChangePlan,
    CustomerPlan,
    EndPlan,
    Holding,
    HoldLines,
    KeepPlan,
    PausePlan,
    Payment,
    PlanStatus,
    ReleaseLines,
    ReplaceTerms,
    ResumePlan,
    SchedulePlan,
    StartPlan,
)
from sumac.billing.requests import CancelRequest, UpdateRequest
from sumac.billing.rules.discounts import lower_draft
from sumac.billing.rules.preview import NextCycle, compute_next_cycle, merge_cycles
from sumac.billing.rules.update import intent_of
from sumac.core.money import Money
from sumac.core.tenant import Env
from sumac.core.time import Period
from sumac.invoices.model import DiscountSource, InvoiceDraft, InvoiceKind, Line, LineDraft
from sumac.invoices.rules.totals import compute_lines, compute_total, share_discount

CHECKOUT_TYPES = {
    Payment.CHECKOUT: "stripe_checkout",
    Payment.SETUP: "stripe_checkout",
    Payment.CONFIRM: "autumn_checkout",
}
EXPAND = ("incoming.plan", "outgoing.plan")


class PeriodBody(WireModel):
    """From when to when, the end not included."""

    start: Milliseconds
    end: Milliseconds

    @classmethod
    def of(cls, period: Period) -> Self:
        """As answered."""
        return cls(start=period.start, end=period.end)


class LineDiscountBody(WireModel):
    """What a reward takes off a line."""

    amount_off: Number
    percent_off: Number | None = None
    reward_id: str
    reward_name: str | None = None

    @classmethod
    def of(cls, source: DiscountSource, amount: Money) -> Self:
        """As answered; what there is not is left out."""
        optional: dict[str, Any] = {"percent_off": source.percent, "reward_name": source.name}
        known = {name: value for name, value in optional.items() if value is not None}
        return cls(amount_off=amount.major, reward_id=source.reward_id, **known)


class LineItemBody(WireModel):
    """One line of what is to be paid."""

    display_name: str
    description: str
    subtotal: Number
    total: Number
    discounts: list[LineDiscountBody]
    plan_id: str
    feature_id: str | None
    period: PeriodBody | None = None
    quantity: Number

    @classmethod
    def of(cls, line: Line, draft: LineDraft, sources: Sequence[DiscountSource]) -> Self:
        """As answered; a one-off line has no period. `draft` is what it was before rounding, lowered by `sources`."""
        optional: dict[str, Any] = {"period": PeriodBody.of(line.period)} if line.period else {}
        return cls(
            display_name=line.display_name,
            description=line.description,
            subtotal=line.amount.major,
            total=line.amount.major - Money(line.discount_minor, line.amount.currency).major,
            discounts=[
                LineDiscountBody.of(source, Money(minor, line.amount.currency))
                for key, minor in share_discount(draft, line.discount_minor)
                for source in sources
                if source.reward_use_id == key
            ],
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
    def of(cls, cycle: NextCycle, preview: Proposal) -> Self:
        """As answered."""
        draft = InvoiceDraft(InvoiceKind.RENEWAL, preview.snapshot.currency, cycle.lines, ())
        draft = lower_draft(draft, preview.rewards_after, at=cycle.starts_at)
        subtotal, total = subtotal_and_total(draft)
        features = preview.snapshot.features
        return cls(
            starts_at=cycle.starts_at,
            subtotal=subtotal.major,
            total=total.major,
            line_items=line_items(draft),
            usage_line_items=[
                UsageLineBody(
                    display_name=features[each.item.feature_id].name
                    if each.item.feature_id in features
                    else each.item.feature_id,
                    plan_id=each.plan_id,
                    feature_id=each.item.feature_id,
                    period=PeriodBody.of(each.period),
                )
                for each in cycle.usage
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


class CreditBody(WireModel):
    """The customer's credit, which pays first."""

    balance: Number
    currency: str


class PreviewBody(WireModel):
    """What an operation would do and cost: the decision that it would carry out, not carried out."""

    customer_id: str
    line_items: list[LineItemBody]
    subtotal: Number
    total: Number
    currency: str
    next_cycle: NextCycleBody | None = None
    incoming: list[PlanChangeBody]
    outgoing: list[PlanChangeBody]
    invoice_credits: CreditBody | None = None

    @classmethod
    def of(cls, preview: Proposal, env: Env, expand: Collection[str]) -> Self:
        """As answered; `expand` shows the plans that come or go."""
        decision, currency = preview.decision, preview.snapshot.currency
        draft = decision.invoice or InvoiceDraft(InvoiceKind.CHANGE, currency, (), ())
        subtotal, total = subtotal_and_total(draft)
        cycle = _next_cycle(preview)
        optional: dict[str, Any] = {"next_cycle": NextCycleBody.of(cycle, preview)} if cycle else {}
        if preview.credit.minor > 0:
            optional["invoice_credits"] = CreditBody(balance=preview.credit.major, currency=currency)
        return cls(
            customer_id=preview.snapshot.customer.public_id,
            line_items=line_items(draft),
            subtotal=subtotal.major,
            total=total.major,
            currency=currency,
            incoming=list(_incoming(preview, env, shown="incoming.plan" in expand)),
            outgoing=list(_outgoing(preview, env, shown="outgoing.plan" in expand)),
            **optional,
            **cls._more(preview),
        )

    @classmethod
    def _more(cls, preview: Proposal) -> dict[str, Any]:  # noqa: ARG003  # for what the operation adds
        return {}


class AttachPreviewBody(PreviewBody):
    """What attaching would do, and on which page the customer would have to complete it."""

    redirect_to_checkout: bool
    checkout_type: Literal["stripe_checkout", "autumn_checkout"] | None

    @classmethod
    def _more(cls, preview: Proposal) -> dict[str, Any]:
        page = CHECKOUT_TYPES.get(preview.decision.payment)
        return {"redirect_to_checkout": page is not None, "checkout_type": page}


class UpdatePreviewBody(PreviewBody):
    """What updating would do, and what kind of change it is."""

    intent: Literal["update_plan", "update_quantity", "cancel_immediately", "cancel_end_of_cycle", "uncancel", "none"]

    @classmethod
    def for_request(
        cls, preview: Proposal, request: UpdateRequest | CancelRequest, env: Env, expand: Collection[str]
    ) -> Self:
        """As answered."""
        intent = request.action if isinstance(request, CancelRequest) else intent_of(request)
        plain = PreviewBody.of(preview, env, expand)
        return cls(**{name: getattr(plain, name) for name in plain.model_fields_set}, intent=intent.value)  # type: ignore[arg-type]  # same words


def line_items(draft: InvoiceDraft) -> list[LineItemBody]:
    """The lines of an invoice to be."""
    lines = compute_lines(draft.lines, draft.currency)
    return [LineItemBody.of(line, exact, draft.discounts) for line, exact in zip(lines, draft.lines, strict=True)]


def subtotal_and_total(draft: InvoiceDraft) -> tuple[Money, Money]:
    """What an invoice to be comes to before discounts, and after."""
    lines, zero = compute_lines(draft.lines, draft.currency), Money.zero(draft.currency)
    return sum((line.amount for line in lines), zero), compute_total(lines, draft.currency)


def _next_cycle(preview: Proposal) -> NextCycle | None:
    snapshot = preview.snapshot
    released = {
        key for each in preview.decision.actions if isinstance(each, ReleaseLines) for key in each.held_line_ids
    }
    waiting = [each.line for each in snapshot.held_lines if each.id not in released]
    waiting += [line for each in preview.decision.actions if isinstance(each, HoldLines) for line in each.lines]
    cycles: list[NextCycle | None] = []
    for held in _coming(preview.decision.actions):
        held_lines = [line for line in waiting if line.customer_plan_id == held.id]
        holding = Holding(held, preview.plan_of(held))
        cycles.append(compute_next_cycle(holding, snapshot.features, currency=snapshot.currency, held_lines=held_lines))
    return merge_cycles(cycles)


def _coming(actions: Iterable[Action]) -> Collection[CustomerPlan]:
    """The plans that start or go on, each as the last action about it leaves it."""
    stays = StartPlan | KeepPlan | ResumePlan | SchedulePlan | ChangePlan | ReplaceTerms
    return {action.held.id: action.held for action in actions if isinstance(action, stays)}.values()


def _incoming(preview: Proposal, env: Env, *, shown: bool) -> Iterator[PlanChangeBody]:
    for held in _coming(preview.decision.actions):
        starts_at = held.starts_at if held.status is PlanStatus.SCHEDULED else None
        yield PlanChangeBody.of(held, _plan(preview, held, env, shown=shown), effective_at=starts_at)


def _outgoing(preview: Proposal, env: Env, *, shown: bool) -> Iterator[PlanChangeBody]:
    for action in preview.decision.actions:
        match action:
            case EndPlan(held) | CancelPlan(held) | PausePlan(held):
                yield PlanChangeBody.of(held, _plan(preview, held, env, shown=shown), effective_at=held.ends_at)


def _plan(preview: Proposal, held: CustomerPlan, env: Env, *, shown: bool) -> PlanBody | None:
    if not shown:
        return None
    plan, snapshot, custom = preview.plan_of(held), preview.snapshot, held.terms is not None
    return PlanBody.of(plan, snapshot.features, env, currency=snapshot.currency, is_custom=custom)
