"""What has to happen with the payer before a change may be carried out (billing.md §10.5 to §10.7)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sumac.billing.model import Decision, Holding, Payment, Snapshot
from sumac.billing.requests import InvoiceMode, RedirectMode
from sumac.billing.rules.discounts import with_discounts
from sumac.billing.rules.transition import find_paid
from sumac.catalog.rules.shape import is_free
from sumac.core.errors import BadRequest
from sumac.core.money import round_sum


def with_payment(
    decision: Decision,
    snapshot: Snapshot,
    started: Sequence[Holding],
    *,
    redirect_mode: RedirectMode,
    invoice_mode: InvoiceMode | None = None,
    bill: bool = True,
    now: datetime,
) -> Decision:
    """The decision with what it needs of the payer; `started` are the plans that start with it or go on changed.

    What the payer pays is what is left after discounts.

    Raises BadRequest `customer_has_no_payment_method` when a card is needed and nobody may be sent to a page, and for
    an invoice that is to be sent for nothing.
    """
    if not bill:
        return decision
    about, plans = [each.held.id for each in started], [each.plan for each in started]
    decision = with_discounts(decision, snapshot, about=about, plans=plans, now=now)
    if invoice_mode is not None:
        return _sent(decision, started, invoice_mode)
    total = _total(decision)
    paid = [each for each in started if not is_free(each.plan)]
    subscribed = find_paid(snapshot.everywhere) or snapshot.paused
    subscribes = any(each.held.recurring for each in paid) and not subscribed
    once = not any(each.held.recurring for each in paid)
    on_a_page = Payment.CHECKOUT if total > 0 else Payment.SETUP
    if redirect_mode is RedirectMode.ALWAYS:
        return replace(decision, payment=on_a_page if paid and (subscribes or once) else Payment.CONFIRM)
    if not paid:
        return decision
    wanted = total > 0 or (subscribes and any(_needs_card(each) for each in paid))
    lacks_card = not snapshot.has_payment_method and wanted
    if lacks_card and redirect_mode is RedirectMode.NEVER:
        message = f"Customer {snapshot.customer.public_id} has no payment method, and redirect_mode is never"
        raise BadRequest(message, code="customer_has_no_payment_method")
    charged = Payment.CHARGE if total > 0 else Payment.NONE
    return replace(decision, payment=on_a_page if lacks_card and (subscribes or once) else charged)


def _sent(decision: Decision, started: Sequence[Holding], mode: InvoiceMode) -> Decision:
    if decision.invoice is None:
        if any(each.held.trial_ends_at is not None for each in started):
            return decision
        message = "invoice_mode: this change costs nothing, so there is no invoice to send"
        raise BadRequest(message)
    if mode.enable_immediately:
        return decision
    if _total(decision) <= 0:
        message = "invoice_mode: a change that gives money back does not wait to be paid; set enable_plan_immediately"
        raise BadRequest(message)
    return replace(decision, payment=Payment.SEND)


def _total(decision: Decision) -> int:
    """What the decision costs or gives back now, in minor units."""
    lines = decision.invoice.lines if decision.invoice else ()
    return round_sum([line.exact_net_minor for line in lines])


def _needs_card(holding: Holding) -> bool:
    trial = holding.plan.free_trial if holding.held.trial_ends_at is not None else None
    return trial is None or trial.card_required
