"""From a request to a decision: reads what the rules may look at and the plans that are named, and asks the rules."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sumac.billing.dunning import hasten
from sumac.billing.load import billed_in, load_snapshot, plan_as_sold, plan_in
from sumac.billing.model import CustomerPlan, Decision, Snapshot
from sumac.billing.requests import (
    AttachRequest,
    BillingRequest,
    CancelRequest,
    MultiAttachRequest,
    MultiCancelRequest,
    PlanWish,
    ScheduleRequest,
    UpdateRequest,
    discounts_of,
)
from sumac.billing.rules.decision import decide
from sumac.billing.rules.discounts import rewards_after
from sumac.billing.rules.revert import check_request
from sumac.billing.rules.target import find_scope, find_target, is_meant
from sumac.catalog import service as catalog
from sumac.catalog.model import Plan
from sumac.core.ids import new_id
from sumac.core.money import Money
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice
from sumac.rewards import service as rewards
from sumac.rewards.model import AppliedReward, RewardUse
from sumac.storage.work import Work

Change = AttachRequest | CancelRequest | MultiCancelRequest | ScheduleRequest | UpdateRequest


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a request comes to at an instant: the decision that would be carried out, and what it was made from.

    `plans` are the plans that the request names, in its order; `credit` is what would be spent before a card is
    charged; `quoted_at` is the wall clock's instant of the decision.
    """

    snapshot: Snapshot
    plans: tuple[Plan, ...]
    decision: Decision
    credit: Money
    quoted_at: datetime

    @property
    def rewards_after(self) -> tuple[AppliedReward, ...]:
        """The customer's rewards once the decision is carried out."""
        return rewards_after(self.decision, self.snapshot, now=self.snapshot.customer.now(self.quoted_at))

    def plan_of(self, held: CustomerPlan) -> Plan:
        """The plan that a customer plan of the decision holds, on its own terms where it has some."""
        live = (*self.snapshot.everywhere, *self.snapshot.paused)
        known = [each.plan for each in live if each.held.terms is None]
        for plan in (*known, *self.snapshot.auto_enabled, *self.plans, *(each.plan for each in live)):
            if (plan.id, plan.version) == (held.plan_id, held.version):
                return plan if held.terms is None else plan.with_terms(held.terms)
        message = f"plan {held.plan_id} version {held.version} is not part of the proposal"
        raise AssertionError(message)


async def propose(work: Work, customer: Customer, request: BillingRequest, *, has_card: bool) -> Proposal:
    """What the request comes to now, without doing it.

    Everything is in the currency of the request, else of the customer. Raises NotFound for a plan that does not exist,
    BadRequest `currency_mismatch`, and whatever the rule of the request raises.
    """
    customer = await billed_in(work, customer, wanted_currency(request))
    snapshot = await load_scoped(work, customer, request, has_card=has_card)
    request = pinned(snapshot, request)
    if _refunds(request):
        snapshot = replace(snapshot, last_paid=await _last_paid(work, snapshot))
    check_request(snapshot, request)
    request = await hasten(work, snapshot, request)
    plans = await wanted_plans(work, snapshot, request)
    snapshot = replace(snapshot, new_rewards=await _wanted_rewards(work, snapshot, plans, request))
    decision = decide(snapshot, plans, request, now=customer.now(work.now))
    credit = await invoices.credit_of(work, customer.key, snapshot.currency)
    return Proposal(snapshot, plans, decision, credit, work.now)


async def _wanted_rewards(
    work: Work, snapshot: Snapshot, plans: Sequence[Plan], request: BillingRequest
) -> tuple[RewardUse, ...]:
    """The rewards that are asked for, as uses that the decision may give; their codes are held until the work ends."""
    now = snapshot.customer.now(work.now)
    return await rewards.redeem_discounts(
        work,
        snapshot.customer,
        [(choice, new_id("rwu", now=now)) for choice in discounts_of(request)],
        currency=snapshot.currency,
        plan_ids={plan.id for plan in plans},
    )


async def load_scoped(work: Work, customer: Customer, request: BillingRequest, *, has_card: bool) -> Snapshot:
    """What the rules may look at, as the request sees it: about the customer, or about one entity (billing.md §10.2).

    A plan that is named by its subscription is found wherever it is. Where several plans are attached, or those of
    several scopes are changed, that is all of them: each plan is about its own. Raises NotFound `entity_not_found`.
    """
    snapshot = await load_snapshot(work, customer, has_payment_method=has_card)
    if isinstance(request, MultiAttachRequest):
        return snapshot
    changes: Sequence[Change] = request.changes if isinstance(request, MultiCancelRequest) else (request,)
    scopes = {_scope_of(snapshot, each, request.entity_id) for each in changes}
    return snapshot if len(scopes) > 1 else snapshot.scoped(scopes.pop())


def pinned(snapshot: Snapshot, request: BillingRequest) -> BillingRequest:
    """Changes of plans of several scopes, each by the id of its customer plan, found where the change says.

    Any other request as it is. Raises as finding and changing one of the plans by itself does.
    """
    if not isinstance(request, MultiCancelRequest):
        return request
    scopes = [_scope_of(snapshot, change, request.entity_id) for change in request.changes]
    if len(set(scopes)) == 1:
        return request
    changes = []
    for key, change in zip(scopes, request.changes, strict=True):
        scope = snapshot.scoped(key)
        check_request(scope, change)
        target = find_target(scope.holdings, change)
        changes.append(replace(change, plan_id=None, subscription_id=target.held.id, entity_id=None))
    return replace(request, changes=tuple(changes), entity_id=None)


def _scope_of(snapshot: Snapshot, request: Change, of_all: str | None) -> str | None:
    entity_id = request.entity_id or of_all
    if entity_id is not None:
        return find_scope(snapshot, entity_id)
    if isinstance(request, CancelRequest | UpdateRequest) and request.subscription_id is not None:
        meant = [each for each in (*snapshot.holdings, *snapshot.paused) if is_meant(each, request)]
        return meant[0].held.entity_key if meant else None
    return None


async def wanted_plans(work: Work, snapshot: Snapshot, request: BillingRequest) -> tuple[Plan, ...]:
    """The plans that the request names, in its order, as they would be for the customer."""
    return tuple([await _wanted(work, snapshot, wish, held) for wish, held in _wishes(snapshot, request)])


def wanted_currency(request: BillingRequest) -> str | None:
    """The currency the request asks to be billed in, if any."""
    return request.currency if isinstance(request, AttachRequest | MultiAttachRequest | ScheduleRequest) else None


def _refunds(request: BillingRequest) -> bool:
    match request:
        case CancelRequest():
            return request.refund is not None
        case MultiCancelRequest():
            return any(each.refund is not None for each in request.changes)
        case _:
            return False


async def _last_paid(work: Work, snapshot: Snapshot) -> dict[str, Invoice]:
    found: dict[str, Invoice] = {}
    for each in snapshot.holdings:
        invoice = await invoices.last_paid(work, snapshot.customer.key, each.held.id)
        if invoice is not None:
            found[each.held.id] = invoice
    return found


async def _wanted(work: Work, snapshot: Snapshot, wish: PlanWish, held: Plan | None) -> Plan:
    """The plan in the customer's currency, made to measure where that is wished.

    A plan that is held is changed from what it is for the customer already.
    """
    plan = await catalog.get_plan(work, wish.plan_id, wish.version) if held is None else await plan_as_sold(work, held)
    if wish.customize is not None:
        plan = await catalog.customize(work, plan, wish.customize)
    return await plan_in(work, snapshot.currency, plan)


def _wishes(snapshot: Snapshot, request: BillingRequest) -> Iterator[tuple[PlanWish, Plan | None]]:
    """The plans that the request names, and with each the held one it is a change of."""
    match request:
        case AttachRequest():
            yield PlanWish(request.plan_id, request.version, customize=request.customize), None
        case MultiAttachRequest():
            yield from ((wish, None) for wish in request.plans)
        case ScheduleRequest():
            yield from ((wish, None) for phase in request.phases for wish in phase.plans)
            yield from ((wish, None) for wish in request.unscheduled)
        case UpdateRequest():
            target = find_target(snapshot.holdings, request)
            wish = PlanWish(target.plan.id, request.version, customize=request.customize)
            yield wish, target.plan if request.version is None else None
        case CancelRequest() | MultiCancelRequest():
            return
