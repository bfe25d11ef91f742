"""A change of a plan the customer holds: bought quantities, terms, or where its periods begin (billing.md §12)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from sumac.billing.model import Action, ChangePlan, Decision, DropScheduled, Holding, KeepPlan, PlanStatus, Snapshot
from sumac.billing.requests import PlanTiming, UpdateRequest
from sumac.billing.rules.allowed import check_quantities, check_switch_later
from sumac.billing.rules.attach import switch_at_end
from sumac.billing.rules.cancel import canceling
from sumac.billing.rules.carry import EVERYTHING, check_carried
from sumac.billing.rules.change import Terms, begin_anew
from sumac.billing.rules.payment import with_payment
from sumac.billing.rules.quantities import inherited_quantities, is_bought_once, with_units_at
from sumac.billing.rules.quantity import change_quantities, top_up
from sumac.billing.rules.start import Start
from sumac.billing.rules.target import find_target
from sumac.billing.rules.terms import Replaced, TermsChange, check_cycle, check_terms, replace_terms
from sumac.billing.rules.transition import find_scheduled
from sumac.catalog.model import Plan
from sumac.catalog.rules.shape import is_free, shortest_cadence
from sumac.core.errors import BadRequest


class UpdateIntent(StrEnum):
    """What an update is about (api.md §2.5 `intent`)."""

    UPDATE_PLAN = "update_plan"
    UPDATE_QUANTITY = "update_quantity"
    UNCANCEL = "uncancel"
    NONE = "none"


def intent_of(request: UpdateRequest) -> UpdateIntent:
    """What the request is about: other terms before quantities before keeping the plan."""
    if request.version is not None or request.customize is not None:
        return UpdateIntent.UPDATE_PLAN
    if request.quantities:
        return UpdateIntent.UPDATE_QUANTITY
    return UpdateIntent.UNCANCEL if request.uncancel else UpdateIntent.NONE


def decide_update(snapshot: Snapshot, plan: Plan, request: UpdateRequest, *, now: datetime) -> Decision:
    """The actions of changing a plan; `plan` is the one it is to be, at its version and with its customisation.

    Raises NotFound `customer_product_not_found`, BadRequest where nothing would change or it cannot be done that way.
    """
    target = find_target(snapshot.holdings, request)
    check_quantities(plan if intent_of(request) is UpdateIntent.UPDATE_PLAN else target.plan, request.quantities)
    if target.held.status is PlanStatus.SCHEDULED:
        return _change_scheduled(target, request)
    kept: list[Action] = []
    if request.uncancel and target.held.is_canceling:
        kept += [DropScheduled(each.held) for each in find_scheduled(snapshot.holdings, target.plan)]
        target = Holding(replace(target.held, canceled_at=None, ends_at=None), target.plan)
        kept.append(KeepPlan(target.held))
    if intent_of(request) is UpdateIntent.UPDATE_PLAN and _waits(target, request):
        return Decision((*kept, *_change_at_end(snapshot, target, plan, request, now)))
    changed = _change(snapshot, target, plan, request, now)
    if changed is None:
        if not kept and not request.uncancel and not snapshot.new_rewards:
            message = "Nothing to update: send feature_quantities, version, customize or a cancel_action"
            raise BadRequest(message)
        return Decision(tuple(kept))
    return with_payment(
        Decision((*kept, *changed.actions)),
        snapshot,
        [changed.holding],
        redirect_mode=request.redirect_mode,
        invoice_mode=request.invoice_mode,
        bill=request.bill,
        now=now,
    )


def _waits(target: Holding, request: UpdateRequest) -> bool:
    """Whether other terms come with the next cycle; a plan that is free or bought once has none to wait for."""
    runs_on = shortest_cadence(target.plan) is not None and not is_free(target.plan)
    return runs_on and request.timing is PlanTiming.END_OF_CYCLE


def _change(snapshot: Snapshot, target: Holding, plan: Plan, request: UpdateRequest, now: datetime) -> Replaced | None:
    terms = _terms(request)
    if intent_of(request) is UpdateIntent.UPDATE_PLAN:
        check_carried(request.carry_usages, snapshot.features, "carry_over_usages")
        return replace_terms(snapshot, target, _terms_change(plan, request), terms, now=now)
    if request.quantities:
        return _change_bought(snapshot, target, request, terms, now)
    return _begin_anew(snapshot, target, request, terms, now) if request.anchor == "now" else None


def _begin_anew(snapshot: Snapshot, target: Holding, request: UpdateRequest, terms: Terms, now: datetime) -> Replaced:
    if shortest_cadence(target.plan) is None:
        message = f"billing_cycle_anchor: plan {target.plan.id} has no billing cycle"
        raise BadRequest(message)
    if request.timing is PlanTiming.END_OF_CYCLE:
        check_switch_later(target.plan, request)
    check_cycle(target, target, anew=True, now=now)
    begun = Replaced(*begin_anew(snapshot, target, terms, now=now))
    check_cycle(target, begun.holding, anew=True, now=now)
    return begun


def _terms(request: UpdateRequest) -> Terms:
    return Terms(
        bill=request.bill,
        prorate=request.prorate,
        custom_lines=request.custom_lines,
        invoice_mode=request.invoice_mode,
        carry_usages=request.carry_usages or EVERYTHING,
    )


def _terms_change(plan: Plan, request: UpdateRequest) -> TermsChange:
    return TermsChange(
        plan,
        request.quantities,
        customized=request.customize is not None,
        sets_trial=request.customize is not None and request.customize.sets_trial,
        anew=request.anchor == "now",
    )


def _change_bought(
    snapshot: Snapshot, target: Holding, request: UpdateRequest, terms: Terms, now: datetime
) -> Replaced:
    wait = request.timing is PlanTiming.END_OF_CYCLE
    if wait:
        check_switch_later(target.plan, request)
    once = [item.feature_id for item in target.plan.items if is_bought_once(item)]
    added = [feature_id for feature_id in request.quantities if feature_id in once]
    if not added:
        if request.anchor is not None:
            message = "billing_cycle_anchor: cannot be combined with feature_quantities alone"
            raise BadRequest(message)
        return change_quantities(snapshot, target, request.quantities, terms, now=now, wait=wait)
    if len(request.quantities) > 1 or request.uncancel or request.anchor is not None:
        message = f"feature_quantities: {added[0]} is bought once and can only be topped up by itself"
        raise BadRequest(message, code="invalid_options")
    return top_up(snapshot, target, added[0], request.quantities[added[0]], terms)


def _change_scheduled(target: Holding, request: UpdateRequest) -> Decision:
    if intent_of(request) is not UpdateIntent.UPDATE_QUANTITY or request.uncancel:
        message = f"Plan {target.plan.id} has not started; only the quantities it will start with can be changed"
        raise BadRequest(message)
    return Decision((ChangePlan(replace(target.held, quantities={**target.held.quantities, **request.quantities})),))


def _change_at_end(
    snapshot: Snapshot, target: Holding, plan: Plan, request: UpdateRequest, now: datetime
) -> Iterator[Action]:
    yield from (DropScheduled(each.held) for each in find_scheduled(snapshot.holdings, target.plan))
    check_terms(target, _terms_change(plan, request))
    check_switch_later(plan, request)
    ends_at = canceling(target, now).held.ends_at or now
    bought = inherited_quantities(with_units_at(target, ends_at, now), plan)
    how = Start(
        id=snapshot.plan_ids[0],
        quantities={**bought, **request.quantities},
        customized=request.customize is not None,
    )
    yield from switch_at_end(snapshot, target, plan, how, now=now)
