"""A decision that needs money is written down before anybody is asked for it."""

from dataclasses import replace
from datetime import datetime

from sumac.balances import service as balances
from sumac.billing import store
from sumac.billing.collect import RESUME_AFTER
from sumac.billing.execute import apply, give_rewards
from sumac.billing.model import Decision, IssueInvoice, Payment
from sumac.billing.reward_model import GiveReward
from sumac.billing.topup_books import book_success
from sumac.core.ids import new_id
from sumac.customers.model import Customer
from sumac.invoices import service as invoices
from sumac.invoices.model import Invoice
from sumac.storage.work import Work


async def record_attempt(work: Work, customer: Customer, decision: Decision, *, now: datetime, actor: str) -> Invoice:
    """Issues the decision's invoice and keeps the rest of it until that is paid, in the caller's work.

    Where credit covers the invoice, the rest is carried out at once. Raises Locked while another attempt runs.
    """
    draft = decision.invoice
    if draft is None:
        message = "a decision that charges has an invoice"
        raise AssertionError(message)
    invoice = await invoices.issue(work, customer.key, draft, now=now, collect=False)
    await give_rewards(work, customer, decision, invoice, actor=actor)
    rest = tuple(action for action in decision.actions if not isinstance(action, IssueInvoice | GiveReward))
    if invoice.is_settled:
        await apply(work, customer, replace(decision, actions=rest), at=now, actor=actor)
        await book_success(work, customer, rest, invoice, now=now)
        return invoice
    sent = decision.payment is Payment.SEND
    counted_on = tuple(await balances.live_grants(work, customer.key))
    attempt = store.Attempt(
        id=new_id("att", now=now),
        customer_key=customer.key,
        status=store.AttemptStatus.WAITING if sent else store.AttemptStatus.RUNNING,
        decision=replace(decision, actions=rest, counted_on=counted_on, decided_at=now),
        invoice_id=invoice.id,
        actor=actor,
        expires_at=None,
        next_try_at=None if sent else work.now + RESUME_AFTER,
        created_at=work.now,
    )
    await store.add_attempt(work, attempt)
    return invoice
