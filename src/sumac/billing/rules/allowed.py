"""What a request to attach may combine, checked before anything is decided (billing.md §10.8 to §10.10, §22)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from sumac.billing.model import Holding, Snapshot
from sumac.billing.requests import AttachRequest, CarryOver, PlanTiming, UpdateRequest
from sumac.billing.rules.carry import check_carried, check_counted, grants_of
from sumac.billing.rules.lines import one_off_lines
from sumac.billing.rules.quantities import is_bought_once
from sumac.billing.rules.transition import are_billed_together, find_paid, is_trialing, is_upgrade
from sumac.catalog.model import Plan
from sumac.catalog.rules.shape import is_free, is_one_off
from sumac.core.errors import BadRequest, Conflict, NotFound
from sumac.core.quantity import LARGEST

ZERO = Decimal(0)
SOON = timedelta(minutes=1)


def is_later(starts_at: datetime, now: datetime) -> bool:
    """Whether a start is in the future: more than a minute away."""
    return starts_at > now + SOON


def is_about_now(starts_at: datetime, now: datetime) -> bool:
    """Whether a start is at most a minute away: clocks differ a little."""
    return abs(starts_at - now) <= SOON


def check_quantities(plan: Plan, quantities: Mapping[str, Decimal]) -> None:
    """Raises BadRequest `invalid_options` for a feature that is not bought in advance, or a quantity out of range."""
    for feature_id, quantity in quantities.items():
        if not any(item.is_prepaid for item in plan.items if item.feature_id == feature_id):
            message = f"feature_quantities: {feature_id} is not a prepaid feature of plan {plan.id}"
            raise BadRequest(message, code="invalid_options")
        if not 0 <= quantity <= LARGEST:
            message = f"feature_quantities: the quantity of {feature_id} must be between 0 and {LARGEST:f}"
            raise BadRequest(message, code="invalid_options")


def check_switch_later(plan: Plan, request: AttachRequest | UpdateRequest) -> None:
    """Raises BadRequest for what a switch at the end of the cycle cannot do."""
    for item in plan.items:
        if is_bought_once(item) and request.quantities.get(item.feature_id, ZERO) > 0:
            message = f"feature_quantities: {item.feature_id} is bought once and cannot be chosen for a later switch"
            raise BadRequest(message, code="invalid_options")
    check_later(request)


def check_later(request: AttachRequest | UpdateRequest) -> None:
    """Raises BadRequest for what is only about changes that take effect at once."""
    for name in ("carry_balances", "carry_usages", "custom_lines", "invoice_mode", "anchor", "remove_plan_ids"):
        wanted = getattr(request, name, None)
        if wanted.enabled if isinstance(wanted, CarryOver) else wanted:
            wire = {"carry_balances": "carry_over_balances", "carry_usages": "carry_over_usages",
                    "custom_lines": "custom_line_items", "anchor": "billing_cycle_anchor"}.get(name, name)  # fmt: skip
            _refuse(f"{wire}: is for changes that take effect at once; this one waits")


def check_subscription_ids(holdings: Sequence[Holding], wanted: Sequence[str | None]) -> None:
    """Raises Conflict `duplicate_subscription_id` for one that is taken, or wanted twice."""
    taken = {each.held.subscription_id for each in holdings}
    for subscription_id in wanted:
        if subscription_id is None:
            continue
        if subscription_id in taken:
            message = f"subscription_id {subscription_id} is already used by another plan of this customer"
            raise Conflict(message, code="duplicate_subscription_id")
        taken.add(subscription_id)


def check_backdated(snapshot: Snapshot, starts_at: datetime, *, charged: bool, now: datetime) -> None:
    """Raises BadRequest for a start in the past where something is billed already, or nobody could be charged."""
    if starts_at >= now - SOON:
        return
    if find_paid(snapshot.everywhere):
        _refuse("starts_at: a plan can be backdated only where nothing else is billed yet")
    if not snapshot.has_payment_method and charged:
        _refuse("starts_at: a plan can be backdated only for a customer with a payment method")


def check_attach(
    snapshot: Snapshot, plan: Plan, current: Holding | None, request: AttachRequest, *, now: datetime
) -> None:
    """Raises BadRequest or Conflict for what cannot go together."""
    check_subscription_ids(snapshot.everywhere, [request.subscription_id])
    check_carried(request.carry_balances, snapshot.features, "carry_over_balances")
    check_carried(request.carry_usages, snapshot.features, "carry_over_usages")
    if current is not None:
        check_counted(request.carry_balances, grants_of(snapshot.grants, current.held.id))
    if request.custom_lines and not _changes_subscription(snapshot, plan, current, request):
        _refuse("custom_line_items: needs a running subscription that becomes larger")
    if request.new_subscription is False and not find_paid(snapshot.everywhere):
        _refuse("new_billing_subscription: the customer has no subscription to join")
    if request.anchor is not None:
        _check_anchor(plan, request, now)
    if request.starts_at is not None:
        _check_start(snapshot, plan, request, now)
    if request.ends_at is not None:
        _check_end(plan, request, now)


def check_started(
    snapshot: Snapshot, starting: Holding, current: Holding | None, request: AttachRequest, *, now: datetime
) -> None:
    """Raises BadRequest for what cannot go together now that it is known whether the plan starts with a trial."""
    if request.anchor is not None and starting.held.trial_ends_at is not None:
        _refuse("billing_cycle_anchor: cannot be combined with a free trial, whose end is the anchor")
    ends_trial = current is not None and is_trialing(current, now) and starting.held.trial_ends_at is None
    if ends_trial and request.custom_lines:
        _refuse("custom_line_items: the end of a free trial is charged as the plan has it")
    joins = starting.held.recurring and find_paid(snapshot.everywhere) and not request.new_subscription
    if request.prorate or not request.bill or not joins or request.anchor == "now":
        return
    if ends_trial and not is_free(starting.plan):
        _refuse("proration_behavior: none is not possible where a free trial ends, which has to be charged")
    if any(one_off_lines(starting, snapshot.features, currency=snapshot.currency)):
        _refuse(f"proration_behavior: none is not possible with what plan {starting.plan.id} costs once")


def find_removed(holdings: Sequence[Holding], plan_ids: Collection[str], current: Holding | None) -> list[Holding]:
    """The running plans that are to go along with the change.

    Raises NotFound for one that is not running, BadRequest for one that is billed at other times.
    """
    removed: list[Holding] = []
    for plan_id in plan_ids:
        found = next((each for each in holdings if each.held.is_usable and each.plan.id == plan_id), None)
        if found is None:
            message = f"remove_plan_ids: the customer does not have plan {plan_id}"
            raise NotFound(message, code="customer_product_not_found")
        if found is not current and found not in removed:
            removed.append(found)
    leaving = removed if current is None else [current, *removed]
    if not are_billed_together(leaving):
        names = " and ".join(each.plan.id for each in leaving)
        _refuse(f"remove_plan_ids: {names} are billed at different times and cannot go together")
    return removed


def check_again(request: AttachRequest) -> None:
    """Raises BadRequest for what is about a plan that starts, where one that runs goes on."""
    for name in ("anchor", "starts_at", "ends_at", "remove_plan_ids", "new_subscription"):
        if getattr(request, name):
            wire = {"anchor": "billing_cycle_anchor", "new_subscription": "new_billing_subscription"}.get(name, name)
            _refuse(f"{wire}: plan {request.plan_id} runs already; use billing.update to change it")


def _changes_subscription(snapshot: Snapshot, plan: Plan, current: Holding | None, request: AttachRequest) -> bool:
    if current is not None:
        return not is_free(current.plan) and is_upgrade(current.plan, plan)
    joins = bool(find_paid(snapshot.everywhere)) and not request.new_subscription
    return joins and not is_one_off(plan) and not is_free(plan)


def _check_anchor(plan: Plan, request: AttachRequest, now: datetime) -> None:
    if is_free(plan) or is_one_off(plan):
        _refuse(f"billing_cycle_anchor: plan {plan.id} has no billing cycle")
    later = request.starts_at is not None and is_later(request.starts_at, now)
    if later or request.timing is PlanTiming.END_OF_CYCLE:
        _refuse("billing_cycle_anchor: cannot be combined with a later start")
    if isinstance(request.anchor, datetime):
        if request.anchor <= now:
            _refuse("billing_cycle_anchor: must be in the future")
        if request.ends_at is not None and request.anchor >= request.ends_at:
            _refuse("billing_cycle_anchor: must be before ends_at")


def _check_start(snapshot: Snapshot, plan: Plan, request: AttachRequest, now: datetime) -> None:
    starts_at = request.starts_at or now
    if is_free(plan) or is_one_off(plan):
        _refuse(f"starts_at: only a paid, recurring plan can start at another time; {plan.id} is none")
    asked = request.customize is not None and request.customize.sets_trial
    if plan.free_trial is not None and (asked or plan.id not in snapshot.trials_used):
        _refuse("starts_at: cannot be combined with a free trial")
    if is_later(starts_at, now):
        if request.invoice_mode is not None:
            _refuse("starts_at: a plan that starts later cannot be combined with invoice_mode")
        if request.timing is PlanTiming.END_OF_CYCLE:
            _refuse("starts_at: cannot be combined with plan_schedule end_of_cycle")
    else:
        check_backdated(snapshot, starts_at, charged=request.bill and request.invoice_mode is None, now=now)


def _check_end(plan: Plan, request: AttachRequest, now: datetime) -> None:
    ends_at = request.ends_at or now
    if is_free(plan):
        _refuse(f"ends_at: plan {plan.id} is free and has no end")
    if ends_at <= max(now, request.starts_at or now):
        _refuse("ends_at: must be in the future and after starts_at")


def _refuse(sentence: str) -> None:
    raise BadRequest(sentence)
