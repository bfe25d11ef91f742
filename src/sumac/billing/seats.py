"""Usage that takes or gives up prorated seats: it is paid for before it is counted (billing.md §5.8)."""

import asyncio

from sumac.balances import usage
from sumac.balances.model import PlannedUsage, TrackAnswer
from sumac.balances.requests import TrackRequest
from sumac.billing import store
from sumac.billing.attempts import record_attempt
from sumac.billing.collect import Collected, Collector, Providers, provider_of, require_ready
from sumac.billing.execute import abandon_attempts, apply
from sumac.billing.load import load_snapshot
from sumac.billing.model import Payment
from sumac.billing.provider import Outcome
from sumac.billing.rules.seats import decide_count
from sumac.core.errors import Locked, PaymentRequired
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.invoices.model import Invoice
from sumac.storage.database import Database

PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
NOT_COUNTED = "These seats could not be paid for; nothing was counted"
UNPAID = "pay_invoice_failed"


class SeatDesk:
    """The prorated seats of every tenant's customers."""

    def __init__(self, database: Database, providers: Providers, *, collector: Collector) -> None:
        self._database = database
        self._providers = providers
        self._collector = collector

    async def count(self, tenant: Tenant, request: TrackRequest, *, actor: str) -> TrackAnswer:
        """Counts the usage, once what it costs at once is paid. Waits a moment while another operation runs.

        Raises as `usage.track` does, SomethingDueError, Locked while another billing operation of the customer goes
        on running, BadRequest `stripe_config_not_found`, and PaymentRequired `pay_invoice_failed`, when nothing is
        counted and nothing is owed.
        """
        for pause in PAUSES:
            try:
                return await self._count(tenant, request, actor=actor)
            except Locked:
                await asyncio.sleep(pause)
        return await self._count(tenant, request, actor=actor)

    async def _count(self, tenant: Tenant, request: TrackRequest, *, actor: str) -> TrackAnswer:
        planned, invoice = await self._decide(tenant, request, actor=actor)
        if invoice is not None and not invoice.is_settled:
            collected = await self._collector.collect(tenant, invoice.id)
            if not collected.invoice.is_settled:
                await self._give_up(tenant, collected)
        async with self._database.reading(tenant) as work:
            customer = await customers.get(work, request.customer_id)
            answer = await usage.counted_usage(work, customer, planned)
        if answer is None:
            raise PaymentRequired(NOT_COUNTED, code=UNPAID)
        return answer

    async def _decide(
        self, tenant: Tenant, request: TrackRequest, *, actor: str
    ) -> tuple[PlannedUsage, Invoice | None]:
        """Counts what costs nothing now; otherwise writes down what is to be counted, and answers its invoice."""
        async with self._database.work(tenant) as work:
            customer = await customers.get_for_update(work, request.customer_id)
            await require_ready(work, customer)
            now = customer.now(work.now)
            planned = await usage.plan_usage(work, customer, request)
            decision = decide_count(await load_snapshot(work, customer), planned, now=now)
            if decision.payment is Payment.NONE:
                await apply(work, customer, decision, at=now, actor=actor)
                return planned, None
            provider_of(self._providers, tenant)
            return planned, await record_attempt(work, customer, decision, now=now, actor=actor)

    async def _give_up(self, tenant: Tenant, collected: Collected) -> None:
        """Cancels the invoice that was not paid, and with it what was to be counted; raises PaymentRequired.

        Money that is under way may still arrive: then the usage is counted.
        """
        if collected.collection is not None and collected.collection.outcome is Outcome.PROCESSING:
            message = "The payment for these seats is under way; they are counted once it has arrived"
            raise PaymentRequired(message, code=UNPAID)
        async with self._database.work(tenant) as work:
            customer = await customers.get_by_key(work, collected.invoice.customer_key, lock=True)
            attempt = await store.find_attempt(work, collected.invoice.id)
            if attempt is not None and attempt.status is store.AttemptStatus.WAITING:
                await abandon_attempts(work, [attempt], at=customer.now(work.now))
        raise PaymentRequired(NOT_COUNTED, code=UNPAID)
