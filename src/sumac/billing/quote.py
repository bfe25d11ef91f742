"""What a hosted page says and costs, and whether it still stands (payments.md §4.8)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sumac.billing.decide import Proposal, propose
from sumac.billing.load import currency_of
from sumac.billing.model import CustomerPlan, Decision, Holding, SchedulePlan, Snapshot, StartPlan
from sumac.billing.provider import DocumentLine
from sumac.billing.requests import (
    AttachRequest,
    BillingRequest,
    MultiAttachRequest,
    Phase,
    PlanWish,
    ScheduleRequest,
    UpdateRequest,
)
from sumac.billing.rules.discounts import lower_lines
from sumac.billing.rules.preview import compute_next_cycle
from sumac.billing.rules.transition import is_reverting
from sumac.billing.visits import Checkout
from sumac.catalog.rules.shape import is_free, longest_cadence, shortest_cadence
from sumac.catalog.rules.text import cadence_text, money_text
from sumac.core.errors import SumacError
from sumac.core.money import Money
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import InvoiceDiscount, Line
from sumac.invoices.rules.document import compute_document_discounts, discount_text
from sumac.invoices.rules.totals import compute_lines, compute_total
from sumac.storage.work import Work


def plan_id_of(request: BillingRequest) -> str | None:
    """The plan that is asked for, the first of several; None where none is named."""
    match request:
        case AttachRequest(plan_id=plan_id) | MultiAttachRequest(plans=(PlanWish(plan_id=plan_id), *_)):
            return plan_id
        case ScheduleRequest(phases=(Phase(plans=(PlanWish(plan_id=plan_id), *_)), *_)):
            return plan_id
        case UpdateRequest(plan_id=plan_id):
            return plan_id
        case _:
            return None


def heading_of(proposal: Proposal) -> str:
    """What the page is for, such as "Subscribe to Pro"."""
    actions = proposal.decision.actions
    begun = [action.held for action in actions if isinstance(action, StartPlan)]
    begun = begun or [action.held for action in actions if isinstance(action, SchedulePlan)]
    if not begun:
        return "Confirm the change of your plan"
    return heading_for([Holding(held, proposal.plan_of(held)) for held in begun])


def heading_for(begun: Sequence[Holding]) -> str:
    """What a page is for on which plans that begin are paid, such as "Subscribe to Pro"."""
    names = " and ".join(dict.fromkeys(each.plan.name for each in begun))
    return f"Subscribe to {names}" if any(each.held.recurring for each in begun) else f"Buy {names}"


async def amount_due(work: Work, customer: Customer, decision: Decision) -> Money:
    """What the payer would pay for a decision, after the customer's credit."""
    draft = decision.invoice
    if draft is None:
        return Money.zero(await currency_of(work, customer))
    total = compute_total(compute_lines(draft.lines, draft.currency), draft.currency)
    credit = await invoices.credit_of(work, customer.key, draft.currency)
    return _after_credit(total, credit)


def amount_of(proposal: Proposal) -> Money:
    """What the payer would pay for a proposal, after the customer's credit."""
    draft = proposal.decision.invoice
    if draft is None:
        return Money.zero(proposal.snapshot.currency)
    return _after_credit(compute_total(compute_lines(draft.lines, draft.currency), draft.currency), proposal.credit)


def _after_credit(total: Money, credit: Money) -> Money:
    return Money(max(0, total.minor - max(0, credit.minor)), total.currency)


async def lines_due(work: Work, customer: Customer, decision: Decision) -> tuple[tuple[DocumentLine, ...], Money]:
    """The lines of a decision as the payer reads them, and what the payer would pay."""
    draft = decision.invoice
    lines = compute_lines(draft.lines, draft.currency) if draft else ()
    discounts = compute_document_discounts(draft) if draft else ()
    return document_lines(lines, discounts), await amount_due(work, customer, decision)


def document_lines(lines: Iterable[Line], discounts: Iterable[InvoiceDiscount]) -> tuple[DocumentLine, ...]:
    """The lines of an invoice as the payer reads them, and after them what each reward takes off."""
    described = [DocumentLine(line.description, line.amount) for line in lines]
    lowered = [DocumentLine(discount_text(each.source), -each.amount) for each in discounts]
    return (*described, *lowered)


async def decide_with_card(work: Work, customer: Customer, request: BillingRequest) -> Decision | None:
    """What was asked for before there was a card, decided as things stand; None when it is no longer possible."""
    try:
        return (await propose(work, customer, request, has_card=True)).decision
    except SumacError:
        return None


async def decide_again(work: Work, customer: Customer, checkout: Checkout) -> Decision | None:
    """What the page was opened for, decided again as things stand; None when it is no longer possible at its price.

    Pages are for what starts or is bought whole: their price does not fall with the time that passes.
    """
    decision = None if checkout.request is None else await decide_with_card(work, customer, checkout.request)
    if decision is None or (await amount_due(work, customer, decision)).minor != checkout.total_minor:
        return None
    return decision


def _started(decision: Decision) -> CustomerPlan | None:
    return next((action.held for action in decision.actions if isinstance(action, StartPlan)), None)


def terms_of(proposal: Proposal) -> str | None:
    """What will be charged later, and when; None when nothing will."""
    return " ".join((*_renewal(proposal), *_later_phases(proposal))) or None


def terms_of_held(snapshot: Snapshot, holding: Holding) -> str | None:
    """What will be charged later for a plan that runs already, and when; None when nothing will."""
    return next(_renewal_of(snapshot, holding), None)


def _renewal(proposal: Proposal) -> Iterator[str]:
    started = _started(proposal.decision)
    if started is not None:
        after = replace(proposal.snapshot, rewards=proposal.rewards_after)
        yield from _renewal_of(after, Holding(started, proposal.plan_of(started)))


def _renewal_of(snapshot: Snapshot, holding: Holding) -> Iterator[str]:
    started, plan = holding.held, holding.plan
    if started.period_end is None:
        return
    if started.schedule_id is not None and started.ends_at is not None and started.ends_at <= started.period_end:
        return
    usage = " Usage beyond what is included is added." if any(item.is_usage_based for item in plan.items) else ""
    price = _price_after(snapshot, Holding(replace(started, next_anchor_at=None), plan))
    if is_reverting(holding):
        then = "then the plan before it goes on. Nothing is charged for the trial."
        yield f"Free until {_day(started.period_end)}, {then}"
        return
    if started.trial_ends_at is not None:
        if is_free(plan):
            yield f"Free until {_day(started.trial_ends_at)}, then it ends. Nothing is charged."
            return
        then = f"then {price}, charged" if price else "then charged"
        yield f"Free until {_day(started.trial_ends_at)}, {then} automatically until you cancel.{usage}"
        return
    at_price = f" at {price}" if price else ""
    anew = started.next_anchor_at
    if anew is not None and anew <= started.period_end:
        rest = "what is not paid yet of that period is charged then, later ones renew"
        yield f"Counted anew from {_day(anew)}: {rest}{at_price}, charged automatically until you cancel.{usage}"
        return
    yield f"Renews on {_day(started.period_end)}{at_price}, charged automatically until you cancel.{usage}"


def _later_phases(proposal: Proposal) -> Iterator[str]:
    """What a schedule starts later, at the price of a whole cycle."""
    for action in proposal.decision.actions:
        if not isinstance(action, SchedulePlan) or action.held.schedule_id is None:
            continue
        held, plan = action.held, proposal.plan_of(action.held)
        price = _price_after(proposal.snapshot, Holding(replace(held, anchor_at=held.starts_at, ends_at=None), plan))
        yield f"From {_day(held.starts_at)}: {plan.name}{f' at {price}' if price else ''}."


def _price_after(snapshot: Snapshot, started: Holding) -> str | None:
    """What the next cycle costs in advance, such as "$20.00 per month"; None when only usage is billed."""
    currency = snapshot.currency
    following = compute_next_cycle(started, snapshot.features, currency=currency)
    lowered = (
        lower_lines(following.lines, snapshot.rewards, currency=currency, at=following.starts_at) if following else ()
    )
    lines = compute_lines(lowered, currency)
    if not lines:
        return None
    amount = money_text(compute_total(lines, currency))
    cadence = shortest_cadence(started.plan)
    return f"{amount} {cadence_text(cadence)}" if cadence and cadence == longest_cadence(started.plan) else amount


def _day(instant: datetime) -> str:
    return f"{instant:%B} {instant.day}, {instant.year}"
