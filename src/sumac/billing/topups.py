"""Buys more of what has run low, by itself (billing.md §6.6).

What is to be bought follows from the state: `topup_at` of a customer says that there is something to look at, and the
balance is read again under the lock before anything is charged. So however many ask for it at once, one purchase is
made; and whoever dies after the charge leaves an attempt that ends like any other one.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from sumac.balances.controls import AutoTopup, PurchaseLimit
from sumac.balances.model import BalanceSnapshot
from sumac.balances.rules.resolve import Decided, resolve_topups, tiers_of
from sumac.balances.rules.topups import find_topup
from sumac.balances.view import load_snapshot as load_balances
from sumac.billing import store, topup_store
from sumac.billing.attempts import record_attempt
from sumac.billing.collect import require_ready, work_off
from sumac.billing.execute import apply
from sumac.billing.load import load_snapshot
from sumac.billing.model import Payment
from sumac.billing.rules.discounts import with_discounts
from sumac.billing.rules.topup import attempted, compute_refusal, decide_topup, find_offer, in_window
from sumac.billing.service import BillingService
from sumac.billing.topup_books import book_failure, book_success, tell_refused
from sumac.billing.topup_model import TopupFailure, TopupState
from sumac.core.errors import Locked, NotFound
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.invoices.model import Invoice
from sumac.storage.database import Database
from sumac.storage.work import Work

log = structlog.get_logger("sumac.billing")

REST = timedelta(seconds=30)
LOOKED_MAX = 10_000
ACTOR = "system:auto_topup"
BATCH = 100
BUSY_FOR = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Bought:
    """A purchase that was made or tried: the feature, and its invoice as it stands."""

    feature_id: str
    invoice: Invoice


class TopupDesk:
    """The automatic top-ups of every tenant's customers."""

    def __init__(self, database: Database, billing: BillingService) -> None:
        self._database = database
        self._billing = billing
        self._looking: set[asyncio.Task[None]] = set()
        self._looked: dict[tuple[str, str], datetime] = {}

    def nudge(self, tenant: Tenant, customer_key: str) -> None:
        """Has the customer looked at soon, without waiting for it: once in half a minute, for the rest is the job's."""
        owner, now = (tenant.key, customer_key), self._database.clock.now()
        looked_at = self._looked.get(owner)
        if looked_at is not None and now < looked_at + REST:
            return
        if len(self._looked) >= LOOKED_MAX:
            self._looked.clear()
        self._looked[owner] = now
        task = asyncio.create_task(self.look(tenant, customer_key))
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def look(self, tenant: Tenant, customer_key: str, *, only: str | None = None) -> None:
        """Buys what has run low, for somebody who does not care whether it can be bought now."""
        try:
            with suppress(NotFound, Locked):
                await self.buy(tenant, customer_key, only=only)
        except Exception:
            log.exception("topping_up_failed", tenant=tenant.key, item=customer_key)

    async def close(self) -> None:
        """Waits until whatever was begun is over."""
        await asyncio.gather(*self._looking)

    async def asked_at(self, work: Work, customer_key: str) -> datetime | None:
        """When there is next something to look at, by the customer's clock; None when there is nothing."""
        return await topup_store.asked_at(work, customer_key)

    async def states(self, work: Work, customer_key: str) -> Mapping[str, TopupState]:
        """What became of the customer's top-ups, by feature."""
        return {state.feature_id: state for state in await topup_store.list_of(work, customer_key)}

    async def set_count(
        self, work: Work, customer: Customer, feature_id: str, limit: PurchaseLimit, count: int
    ) -> None:
        """Says how many purchases were made in the window that runs; it ends when it would have. The row is locked."""
        state = await topup_store.find(work, customer.key, feature_id)
        running = in_window(state, limit, now=customer.now(work.now))
        await topup_store.save(work, replace(running, purchases=count))

    async def buy_waiting(self) -> int:
        """Looks at a batch of customers of whom something is to be bought; answers how many."""
        async with self._database.system_reading() as system:
            found = await topup_store.waiting(system, BATCH)
        return await work_off("topping_up_failed", found, self._buy)

    async def buy(self, tenant: Tenant, customer_key: str, *, only: str | None = None) -> list[Bought]:
        """Buys what has run low, of each feature once, or of one only; answers what was bought or tried.

        Nothing is done while another billing operation of the customer runs: it is looked at again afterwards.
        """
        done: list[Bought] = []
        while True:
            card = await self._card(tenant, customer_key)
            begun = await self._billing.due.settled(tenant, lambda: self._begin(tenant, customer_key, card, only))  # noqa: B023  # awaited at once
            if begun is None:
                return done
            if not begun.invoice.is_settled and begun.invoice.net_terms_days is None:
                collected = await self._billing.collect(tenant, begun.invoice.id)
                begun = Bought(begun.feature_id, collected.invoice)
            done.append(begun)

    async def _buy(self, tenant: Tenant, customer_key: str) -> bool:
        await self.buy(tenant, customer_key)
        async with self._database.reading(tenant) as work:
            customer = await customers.get_by_key(work, customer_key)
            left = await topup_store.asked_at(work, customer_key)
        return left is None or left > customer.now(work.now)

    async def _card(self, tenant: Tenant, customer_key: str) -> str | None:
        """The stored card that would be charged; the provider is asked only if anything is to be bought with it."""
        async with self._database.reading(tenant) as work:
            customer = await customers.get_by_key(work, customer_key)
            low = _low(await load_balances(work, customer), None)
        if all(each.entry.invoice_mode for each in low):
            return None
        cards = await self._billing.cards.list_cards(tenant, customer)
        return cards[0].id if cards else None

    async def _begin(self, tenant: Tenant, customer_key: str, card: str | None, only: str | None) -> Bought | None:
        """Writes down the next purchase, or carries it out where nothing is to be charged; None when there is none."""
        async with self._database.work(tenant) as work:
            customer = await customers.find_free(work, customer_key)
            if customer is None:
                return None
            now = customer.now(work.now)
            if await store.find_running(work, customer_key) is not None:
                await topup_store.ask(work, customer_key, now + BUSY_FOR)
                return None
            await require_ready(work, customer)
            again_at: list[datetime] = []
            for topup in _low(await load_balances(work, customer), only):
                charged = None if topup.entry.invoice_mode else card
                state = await topup_store.find(work, customer_key, topup.entry.feature_id)
                refusal = compute_refusal(state, topup.entry, card=charged, now=now)
                if refusal is None:
                    bought = await self._purchase(work, customer, topup, charged, now=now)
                    if bought is not None:
                        return bought
                    continue
                await tell_refused(work, customer, topup.entry, refusal)
                if refusal.again_at is not None:
                    again_at.append(refusal.again_at)
            if only is None or again_at:
                await topup_store.ask(work, customer_key, min(again_at, default=None))
        return None

    async def _purchase(
        self, work: Work, customer: Customer, topup: Decided[AutoTopup], card: str | None, *, now: datetime
    ) -> Bought | None:
        snapshot = await load_snapshot(work, customer, has_payment_method=card is not None)
        entry, plan = topup.entry, topup.plan
        offer = find_offer(snapshot, entry.feature_id, plan.customer_plan_id if plan else None)
        if offer is None or (card is None and not entry.invoice_mode):
            reason = TopupFailure.MISSING_CUSTOMER_PRODUCT if offer is None else TopupFailure.MISSING_PAYMENT_METHOD
            await book_failure(work, customer, entry, reason, card=card, now=now)
            return None
        state = await topup_store.find(work, customer.key, entry.feature_id)
        await topup_store.save(work, attempted(state, now=now))
        decision = with_discounts(decide_topup(snapshot, offer, entry, card=card), snapshot, now=now)
        if decision.payment is not Payment.NONE:
            return Bought(entry.feature_id, await record_attempt(work, customer, decision, now=now, actor=ACTOR))
        invoice = (await apply(work, customer, decision, at=now, actor=ACTOR)).invoice
        if invoice is None:
            message = "a top-up has an invoice"
            raise AssertionError(message)
        await book_success(work, customer, decision.actions, invoice, now=now)
        return Bought(entry.feature_id, invoice)


def _low(snapshot: BalanceSnapshot, only: str | None) -> list[Decided[AutoTopup]]:
    """The top-ups of features of which so little is left that more is to be bought."""
    tiers = tiers_of(snapshot, None)
    wanted = [] if tiers is None else [each for each in resolve_topups(tiers) if only in {None, each}]
    found = [find_topup(snapshot, feature_id) for feature_id in wanted]
    return [each for each in found if each is not None]
