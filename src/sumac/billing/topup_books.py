"""What is written when an automatic top-up has succeeded or failed, in the transaction in which it did (§6.6)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sumac.balances import service as balances
from sumac.balances.controls import AutoTopup
from sumac.balances.model import Notice
from sumac.balances.notices import tell, tell_once
from sumac.balances.rules.deduct import visible
from sumac.balances.rules.topups import compute_left
from sumac.billing import topup_store
from sumac.billing.model import Action
from sumac.billing.provider import Collection, Outcome
from sumac.billing.rules.topup import failed, succeeded
from sumac.billing.topup_model import Refusal, TopUp, TopupFailure
from sumac.customers.model import Customer
from sumac.invoices.model import Invoice
from sumac.storage.work import Work

SUCCEEDED, FAILED = "billing.auto_topup_succeeded", "billing.auto_topup_failed"


def topup_of(actions: Iterable[Action]) -> TopUp | None:
    """The automatic top-up among the actions, if that is what they are about."""
    return next((action for action in actions if isinstance(action, TopUp)), None)


async def book_success(
    work: Work, customer: Customer, actions: Iterable[Action], invoice: Invoice, *, now: datetime
) -> None:
    """Counts a purchase that was carried out, and tells of it; nothing for other actions."""
    bought = topup_of(actions)
    if bought is None:
        return
    state = await topup_store.find(work, customer.key, bought.topup.feature_id)
    await topup_store.save(work, succeeded(state, bought.topup, now=now))
    document = {
        "stripe_id": invoice.provider_invoice,
        "status": invoice.status.value,
        "total": invoice.total.minor,
        "currency": invoice.total.currency,
    }
    body = {
        **_about(customer, bought.topup),
        "quantity_granted": bought.units,
        "threshold": bought.topup.threshold,
        "balance_after": await _left(work, customer, bought.topup.feature_id),
        "invoice_mode": bought.topup.invoice_mode,
        "invoice": document,
    }
    await tell(work, customer.key, Notice(SUCCEEDED, body))


async def book_failed_charge(
    work: Work, customer: Customer, bought: TopUp, collection: Collection, *, now: datetime
) -> None:
    """Counts an attempt that nobody paid, and tells of it."""
    missing = collection.outcome is Outcome.NO_PAYMENT_METHOD
    reason = TopupFailure.MISSING_PAYMENT_METHOD if missing else TopupFailure.CHARGE_FAILED
    error = None if missing else {"code": collection.decline_code or collection.outcome.value, "type": "card_error"}
    await book_failure(work, customer, bought.topup, reason, card=bought.card, now=now, error=error)


async def book_failure(
    work: Work,
    customer: Customer,
    topup: AutoTopup,
    reason: TopupFailure,
    *,
    card: str | None,
    now: datetime,
    error: dict[str, Any] | None = None,
) -> None:
    """Counts an attempt that came to nothing, and tells of it."""
    state = await topup_store.find(work, customer.key, topup.feature_id)
    await topup_store.save(work, failed(state, card=card, now=now))
    await tell(work, customer.key, Notice(FAILED, await _failure(work, customer, topup, reason, error)))


async def tell_refused(work: Work, customer: Customer, topup: AutoTopup, refusal: Refusal) -> None:
    """Tells that nothing is bought though little is left, once for each time that it came to that."""
    if refusal.reason is None:
        return
    occasion = f"{topup.feature_id}:{refusal.reason}:{refusal.since.isoformat()}"
    notice = Notice(FAILED, await _failure(work, customer, topup, refusal.reason, None))
    await tell_once(work, customer.key, notice, occasion)


async def _failure(
    work: Work, customer: Customer, topup: AutoTopup, reason: TopupFailure, error: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        **_about(customer, topup),
        "reason": reason.value,
        "quantity": topup.quantity,
        "threshold": topup.threshold,
        "balance": await _left(work, customer, topup.feature_id),
        "invoice_mode": topup.invoice_mode,
        "error": error,
    }


def _about(customer: Customer, topup: AutoTopup) -> dict[str, Any]:
    return {"customer_id": customer.public_id, "feature_id": topup.feature_id}


async def _left(work: Work, customer: Customer, feature_id: str) -> Any:  # noqa: ANN401  # an exact number
    grants = visible(await balances.usable_grants(work, customer.key), None)
    return compute_left(grant for grant in grants if grant.feature_id == feature_id)
