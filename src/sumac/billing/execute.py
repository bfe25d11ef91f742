"""Carries out a decision: rows, grants, invoice, and when the customer is due next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sumac.balances import reservations, usage
from sumac.balances import service as balances
from sumac.balances.model import ExpireReservations, Grant
from sumac.balances.rules.topups import is_bought_once, repay_units, spread_units
from sumac.billing import schedules, store
from sumac.billing.entrances import fill_slots, loose_grant, plan_grant, settle_entity
from sumac.billing.load import find_withheld
from sumac.billing.model import (
    Action,
    CancelPlan,
    ChangePlan,
    CountUsage,
    CustomerPlan,
    Decision,
    DropScheduled,
    EndPlan,
    ExpireUnits,
    GiveUnits,
    HeldLine,
    HoldLines,
    IssueInvoice,
    KeepPlan,
    PausePlan,
    PlaceSchedule,
    RefundPayment,
    ReleaseLines,
    RenewPlan,
    ReplaceTerms,
    ResetGrants,
    ResumePlan,
    SchedulePlan,
    StartPlan,
)
from sumac.billing.refunds import correct_invoice, owe_what_arrives
from sumac.billing.reward_model import GiveReward, MoveReward
from sumac.billing.rules.carry import loose_units
from sumac.billing.rules.turn import compute_due_at
from sumac.billing.topup_model import TopUp
from sumac.billing.units import Provision
from sumac.core.ids import new_id
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice, NoteDestination, NoteReason, NoteRequest
from sumac.organizations.settings import get_billing_settings
from sumac.rewards import service as rewards
from sumac.storage.work import Work

PlanAction = (
    StartPlan
    | SchedulePlan
    | DropScheduled
    | CancelPlan
    | KeepPlan
    | EndPlan
    | PausePlan
    | ResumePlan
    | RenewPlan
    | ChangePlan
    | ReplaceTerms
)


ABANDONED = "pool_abandoned"


@dataclass(frozen=True, slots=True)
class Applied:
    """What a decision came to: its actions in order, and the invoice if there is one."""

    actions: tuple[Action, ...]
    invoice: Invoice | None


async def apply(work: Work, customer: Customer, decision: Decision, *, at: datetime, actor: str) -> Applied:
    """Writes everything the decision says, all at the instant `at`, in the caller's transaction."""
    overtaken = [
        each for each in await store.waiting_attempts(work, customer.key) if _overtakes(decision, each.decision)
    ]
    await abandon_attempts(work, overtaken, at=at)
    invoice: Invoice | None = None
    for action in decision.actions:
        if isinstance(action, RefundPayment):
            await _refund(work, action, at=at)
        elif isinstance(action, IssueInvoice):
            invoice = await invoices.issue(work, customer.key, action.draft, now=at)
        elif isinstance(action, ResetGrants | GiveUnits | ExpireUnits | HoldLines | ReleaseLines):
            await _apply_units(work, customer, action, at=at, actor=actor)
        elif isinstance(action, CountUsage):
            await usage.count_planned(work, customer, action.request, action.event_ids, action.paid_seats)
            await settle_entity(work, customer, action.request, at=at, actor=actor)
        elif isinstance(action, ExpireReservations):
            await reservations.expire(work, customer, action.reservations, at=at)
        elif isinstance(action, TopUp):
            await _top_up(work, customer, action, at=at, actor=actor)
        elif isinstance(action, GiveReward | MoveReward):
            await _apply_reward(work, customer, action, invoice=invoice, actor=actor)
        elif isinstance(action, PlaceSchedule):
            await schedules.place_schedule(work, customer.key, action.schedule, at=at)
        else:
            await _apply_plan(work, action, at=at, actor=actor)
    started = {each.held.id for each in decision.actions if isinstance(each, StartPlan | ReplaceTerms)}
    if started:
        await fill_slots(work, customer, customer_plan_ids=started, at=at, actor=actor)
    if any(isinstance(each, EndPlan | ReplaceTerms | PausePlan | ExpireUnits) for each in decision.actions):
        await balances.end_abandoned_pools(work, customer.key, cause=ABANDONED, actor=actor, at=at)
    await refresh_due(work, customer.key)
    return Applied(decision.actions, invoice)


async def give_rewards(work: Work, customer: Customer, decision: Decision, invoice: Invoice, *, actor: str) -> None:
    """Gives the rewards that a decision brings as its invoice is issued: their codes are spent while it waits."""
    for action in decision.actions:
        if isinstance(action, GiveReward):
            await _apply_reward(work, customer, action, invoice=invoice, actor=actor)


async def _apply_reward(
    work: Work, customer: Customer, action: GiveReward | MoveReward, *, invoice: Invoice | None, actor: str
) -> None:
    match action:
        case GiveReward(use):
            issued_with = None if invoice is None else invoice.id
            await rewards.add_use(work, customer, replace(use, actor=actor), invoice_id=issued_with)
        case MoveReward(use_id, customer_plan_ids):
            await rewards.move_use(work, customer, use_id, customer_plan_ids)


def _overtakes(decision: Decision, waiting: Decision) -> bool:
    """Whether a decision that waits for its payer is no longer right once this one is carried out.

    It is when another choice was made, and whenever seats were taken or given up, for it bills them as they were; a
    plan that just goes on concerns only what is about that plan, and reservations that expire concern nothing.
    """
    if all(isinstance(action, ExpireReservations) for action in decision.actions):
        return False
    if any(isinstance(action, CountUsage) for action in (*decision.actions, *waiting.actions)):
        return True
    plan_actions = [action for action in decision.actions if isinstance(action, PlanAction)]
    if not all(isinstance(action, RenewPlan) for action in plan_actions):
        return True
    concerned = {action.held.id for action in waiting.actions if isinstance(action, PlanAction)}
    return not concerned.isdisjoint(action.held.id for action in plan_actions)


async def _apply_plan(work: Work, action: PlanAction, *, at: datetime, actor: str) -> None:
    match action:
        case DropScheduled(held):
            await store.remove_plan(work, held)
        case EndPlan(held):
            await store.save_plan(work, held)
            await _end_grants(work, held, at=at, actor=actor)
        case StartPlan(held, add_on, provisions) | ReplaceTerms(held, add_on, provisions):
            await store.save_plan(work, held)
            await _end_grants(work, held, at=at, actor=actor)
            opened = await _open_grants(work, held, provisions, add_on=add_on, at=at, actor=actor)
            if isinstance(action, StartPlan) and (await get_billing_settings(work)).persist_free_overage:
                await _repay(work, held, opened, at=at, actor=actor)
        case ChangePlan(held, grants):
            await store.save_plan(work, held)
            await balances.change_grants(work, grants, at=at, cause=held.id, actor=actor)
        case ResumePlan(held, grants):
            await store.save_plan(work, held)
            await balances.change_grants(work, grants, at=at, cause=held.id, actor=actor)
            await balances.rejoin_pools(work, grants, at=at, cause=held.id, actor=actor)
        case PausePlan(held):
            await store.save_plan(work, held)
            await balances.leave_pools(work, await live_grants_of(work, held), at=at, cause=held.id, actor=actor)
        case SchedulePlan(held) | CancelPlan(held) | KeepPlan(held) | RenewPlan(held):
            await store.save_plan(work, held)


async def _apply_units(
    work: Work,
    customer: Customer,
    action: ResetGrants | GiveUnits | ExpireUnits | HoldLines | ReleaseLines,
    *,
    at: datetime,
    actor: str,
) -> None:
    match action:
        case ResetGrants(grants, rolled, trimmed, emptied):
            await balances.reset_grants(work, grants, at=at, cause=action.kind, actor=actor)
            await balances.end_grants(work, emptied, at=at, cause=action.kind, actor=actor)
            await balances.trim_rolled(work, trimmed, at=at, cause=action.kind, actor=actor)
            left = [(grant, (rolled[grant.id],)) for grant in grants if grant.id in rolled]
            await balances.open_rolled(work, left, at=at, cause=action.kind, actor=actor)
        case GiveUnits(provisions):
            kept = [loose_grant(customer.key, each, at=at) for each in provisions]
            await balances.open_grants(work, kept, cause=action.kind, actor=actor, at=at)
        case ExpireUnits(grants):
            await balances.end_grants(work, grants, at=at, cause=action.kind, actor=actor)
        case HoldLines(lines):
            waiting = [HeldLine(new_id("hln", now=at), line) for line in lines]
            await store.hold_lines(work, customer.key, waiting, at=at)
        case ReleaseLines(held_line_ids):
            await store.release_lines(work, customer.key, held_line_ids)


async def _top_up(work: Work, customer: Customer, action: TopUp, *, at: datetime, actor: str) -> None:
    """The units go where they are owed by now, and are the plan's; where it is over, they outlive it."""
    feature_id = action.topup.feature_id
    live = await balances.live_grants(work, customer.key)
    of_plan = [
        each for each in live if (each.customer_plan_id, each.feature_id) == (action.customer_plan_id, feature_id)
    ]
    bought = next((each for each in of_plan if each.entity_key is None and is_bought_once(each.price)), None)
    if bought is None:
        grant = loose_grant(customer.key, loose_units(feature_id, action.units), at=at)
        await balances.open_grants(work, [grant], cause=action.kind, actor=actor, at=at)
        return
    await balances.change_grants(work, spread_units(live, bought, action.units), cause=action.kind, actor=actor, at=at)
    for held in await store.plans_of(work, [customer.key]):
        if held.id == action.customer_plan_id:
            total = bought.included + bought.prepaid + action.units
            await store.save_plan(work, replace(held, quantities={**held.quantities, feature_id: total}))


async def _refund(work: Work, action: RefundPayment, *, at: datetime) -> None:
    """The credit note, and the refund as owed: the provider is asked for it afterwards."""
    invoice = await invoices.get(work, action.invoice_id, lock=True)
    note = NoteRequest(NoteDestination.REFUND, action.amount_minor, reason=NoteReason.ORDER_CHANGE)
    await correct_invoice(work, invoice, note, now=at)


async def refresh_due(work: Work, customer_key: str) -> None:
    """Writes down when anything of the customer turns next."""
    held = await store.plans_of(work, [customer_key])
    grants = await balances.live_grants(work, customer_key)
    expiring = await reservations.list_expiring(work, customer_key)
    withheld = await find_withheld(work, held)
    await customers.set_due(work, customer_key, compute_due_at(held, grants, expiring, withheld))


async def abandon_attempts(work: Work, attempts: Sequence[store.Attempt], *, at: datetime) -> None:
    """Gives up decisions that were waiting for a payment, and cancels their invoices; what still arrives goes back."""
    for attempt in attempts:
        invoice = await invoices.get(work, attempt.invoice_id, lock=True)
        if not invoice.is_settled:
            await owe_what_arrives(work, invoice)
            await invoices.void(work, invoice, now=at)
        for action in attempt.decision.actions:
            if isinstance(action, CountUsage):
                await usage.forget_usage(work, action.request)
        await store.change_attempt(work, attempt, store.AttemptStatus.ABANDONED, expires_at=None)


async def _end_grants(work: Work, held: CustomerPlan, *, at: datetime, actor: str) -> None:
    await balances.end_grants(work, await live_grants_of(work, held), cause=held.id, actor=actor, at=at)


async def live_grants_of(work: Work, held: CustomerPlan) -> Sequence[Grant]:
    """The grants of the plan that have not ended."""
    return [each for each in await balances.live_grants(work, held.customer_key) if each.customer_plan_id == held.id]


async def _open_grants(
    work: Work, held: CustomerPlan, provisions: Sequence[Provision], *, add_on: bool, at: datetime, actor: str
) -> Sequence[Grant]:
    there = {each.key for each in await customers.list_entities(work, held.customer_key)}
    given = [each for each in provisions if each.entity_key is None or each.entity_key in there]
    opened = [plan_grant(held, each, add_on=add_on, at=at) for each in given]
    holders = await balances.open_grants(work, opened, cause=held.id, actor=actor, at=at)
    along = [(holder, each.rolled) for holder, each in zip(holders, given, strict=True)]
    await balances.open_rolled(work, along, cause=held.id, actor=actor, at=at)
    return opened


async def _repay(work: Work, held: CustomerPlan, opened: Sequence[Grant], *, at: datetime, actor: str) -> None:
    """Bought units pay for what would be taken from the next period, as it is by now."""
    for bought in opened:
        live = await balances.live_grants(work, held.customer_key)
        await balances.change_grants(work, repay_units(live, bought), cause=held.id, actor=actor, at=at)
