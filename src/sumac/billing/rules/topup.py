"""What an automatic top-up buys, and when it may not (billing.md §6.6)."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from sumac.balances.controls import AutoTopup, PurchaseLimit
from sumac.balances.rules.topups import is_bought_once
from sumac.billing.model import Decision, Holding, IssueInvoice, Payment, Snapshot
from sumac.billing.requests import InvoiceMode
from sumac.billing.rules.quantity import top_up_line
from sumac.billing.topup_model import Refusal, TopUp, TopupFailure, TopupState
from sumac.catalog.model import PlanItem
from sumac.catalog.rules.tiers import whole_packs
from sumac.core.time import Cadence, Interval, boundary
from sumac.invoices.model import InvoiceDraft, InvoiceKind

BURST = timedelta(seconds=30)
ATTEMPTS_WITHIN = timedelta(minutes=10)
ATTEMPTS_MAX = 2
FAILURE_RESTS = timedelta(hours=1)
FAILURES_MAX = 3


def find_offer(snapshot: Snapshot, feature_id: str, customer_plan_id: str | None) -> tuple[Holding, PlanItem] | None:
    """The plan whose price is paid, and its item: the plan that the top-up comes with, else the one attached last."""
    found: tuple[Holding, PlanItem] | None = None
    for holding in sorted(snapshot.holdings, key=lambda each: (each.held.created_at, each.held.id)):
        if not holding.held.is_usable or holding.held.entity_key is not None:
            continue
        if customer_plan_id not in {None, holding.held.id}:
            continue
        for item in holding.plan.items:
            if item.feature_id == feature_id and is_bought_once(item.price):
                found = (holding, item)
    return found


def decide_topup(
    snapshot: Snapshot, offer: tuple[Holding, PlanItem], topup: AutoTopup, *, card: str | None
) -> Decision:
    """Whole packs that cover the quantity, at the price of this purchase alone: its tiers begin anew.

    In invoice mode the invoice is sent and the units are there at once; else they are once `card` has paid.
    """
    holding, item = offer
    units = whole_packs(topup.quantity, Decimal(1) if item.price is None else item.price.billing_units)
    draft = InvoiceDraft(
        kind=InvoiceKind.TOP_UP,
        currency=snapshot.currency,
        lines=(top_up_line(snapshot, holding, item, units),),
        plan_ids=(holding.plan.id,),
        customer_plan_id=holding.held.id,
        net_terms_days=InvoiceMode().net_terms_days if topup.invoice_mode else None,
    )
    bought = TopUp(holding.held.id, units, topup, card)
    return Decision((IssueInvoice(draft), bought), payment=Payment.NONE if topup.invoice_mode else Payment.CHARGE)


def compute_refusal(state: TopupState, topup: AutoTopup, *, card: str | None, now: datetime) -> Refusal | None:
    """Why nothing may be bought now; None when it may.

    Another card than the one that failed may be tried at once; after a burst, after too many attempts and after the
    purchases of a window it is time that helps.
    """
    if state.attempted_at and now < state.attempted_at[-1] + BURST:
        return Refusal(None, state.attempted_at[-1], state.attempted_at[-1] + BURST)
    if state.failed_at is not None and card == state.failed_card:
        if state.failures >= FAILURES_MAX:
            return Refusal(TopupFailure.SUSPENDED_AFTER_FAILURES, state.failed_at)
        if now < state.failed_at + FAILURE_RESTS:
            return Refusal(TopupFailure.FAILED_ATTEMPT_LIMIT_REACHED, state.failed_at)
    recent = [each for each in state.attempted_at if now < each + ATTEMPTS_WITHIN]
    if len(recent) >= ATTEMPTS_MAX:
        free_at = recent[-ATTEMPTS_MAX] + ATTEMPTS_WITHIN
        return Refusal(TopupFailure.ATTEMPT_LIMIT_REACHED, recent[-1], free_at)
    if topup.purchase_limit is not None:
        running = in_window(state, topup.purchase_limit, now=now)
        if running.window_ends_at is not None and running.purchases >= topup.purchase_limit.limit:
            return Refusal(TopupFailure.PURCHASE_LIMIT_REACHED, running.window_ends_at, running.window_ends_at)
    return None


def in_window(state: TopupState, limit: PurchaseLimit, *, now: datetime) -> TopupState:
    """The state in the window that runs now; a new one begins with the first purchase after the last one is over.

    A window is never longer than the limit says.
    """
    ends_at = boundary(now, Cadence(Interval(limit.interval), limit.interval_count), 1)
    if state.window_ends_at is None or state.window_ends_at <= now:
        return replace(state, window_ends_at=ends_at, purchases=0)
    return replace(state, window_ends_at=min(ends_at, state.window_ends_at))


def attempted(state: TopupState, *, now: datetime) -> TopupState:
    """The state once an attempt is made; only as many are remembered as are looked at."""
    return replace(state, attempted_at=(*state.attempted_at, now)[-ATTEMPTS_MAX:])


def succeeded(state: TopupState, topup: AutoTopup, *, now: datetime) -> TopupState:
    """The state once units were bought: failures are forgotten, and the purchase counts in its window."""
    cleared = replace(state, failed_at=None, failures=0, failed_card=None)
    if topup.purchase_limit is None:
        return cleared
    running = in_window(cleared, topup.purchase_limit, now=now)
    return replace(running, purchases=running.purchases + 1)


def failed(state: TopupState, *, card: str | None, now: datetime) -> TopupState:
    """The state once an attempt has failed; failures of another card do not count on."""
    again = state.failed_at is not None and card == state.failed_card
    return replace(state, failed_at=now, failures=state.failures + 1 if again else 1, failed_card=card)
