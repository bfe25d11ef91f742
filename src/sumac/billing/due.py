"""What is due of a customer is turned before anything else is done with it (billing.md §9.4, §15.3)."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from sumac.balances import usage
from sumac.balances.model import BalanceSnapshot
from sumac.balances.service import SomethingDueError
from sumac.billing import store
from sumac.billing.cards import CardDesk
from sumac.billing.collect import Collector, work_off
from sumac.billing.execute import Applied, apply, refresh_due
from sumac.billing.load import load_snapshot
from sumac.billing.rules.turn import decide_turn
from sumac.billing.rules.upcoming import Upcoming, compute_upcoming
from sumac.core.errors import Locked
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.customers.model import Customer
from sumac.storage.database import Database
from sumac.storage.work import Work

ACTOR = "system:calendar"
BATCH = 100
TURNS_MAX = 10_000
TRIES_MAX = 5

Answer = TypeVar("Answer")


class DueDesk:
    """Turns what is due for the customers of every tenant."""

    def __init__(self, database: Database, *, collector: Collector, cards: CardDesk) -> None:
        self._database = database
        self._collector = collector
        self._cards = cards

    async def settled(self, tenant: Tenant, operation: Callable[[], Awaitable[Answer]]) -> Answer:
        """Runs an operation, again after whatever it finds due for its customer is settled.

        Raises Locked when something is due again and again.
        """
        for _ in range(TRIES_MAX):
            try:
                return await operation()
            except SomethingDueError as due:
                await self.settle(tenant, due.customer_key)
        raise Locked(store.BUSY)

    async def change(
        self, tenant: Tenant, customer_id: str, step: Callable[[Work, BalanceSnapshot], Awaitable[Answer]]
    ) -> Answer:
        """Runs a step with the customer locked and up to date, and writes down when anything of them turns next.

        Raises NotFound `customer_not_found`, and as `settled` and the step do.
        """

        async def run() -> Answer:
            async with self._database.work(tenant) as work:
                snapshot = await usage.load_settled(work, customer_id, lock=True)
                answer = await step(work, snapshot)
                await refresh_due(work, snapshot.customer.key)
                return answer

        return await self.settled(tenant, run)

    async def settle(self, tenant: Tenant, customer_key: str) -> None:
        """Turns everything due for the customer by its present, each at its own instant and in its own transaction.

        A billing operation that was cut short before is carried on first: what it decided lies before what is due.
        """
        await self._settle(tenant, customer_key, customers.get_locked)

    async def settle_customers(self) -> int:
        """Settles a batch of customers on the wall clock with something due; answers how many.

        Where none of a batch could be settled, the next one is looked at, so that they hold up nobody behind them.
        """
        after: tuple[datetime, str] | None = None
        while True:
            async with self._database.system_reading() as system:
                due = await store.due_customers(system, system.now, after, BATCH)
            done = await work_off("settling_failed", [(tenant, key) for tenant, key, _ in due], self._settle_free)
            if done or len(due) < BATCH:
                return done
            after = (due[-1][2], due[-1][1])

    async def carry_on(self, tenant: Tenant, customer_key: str) -> None:
        """Asks the provider again about the customer's running operation, if there is one."""
        async with self._database.reading(tenant) as work:
            running = await store.find_running(work, customer_key)
        if running is not None:
            await self._collector.collect(tenant, running.invoice_id)

    async def can_convert(self, tenant: Tenant, customer_key: str) -> bool:
        """Whether a plan can be paid for once its trial ends. The provider is asked only while there is a trial."""
        async with self._database.reading(tenant) as work:
            customer = await customers.get_by_key(work, customer_key)
            held = await store.plans_of(work, [customer_key])
        trying = any(each.trial_ends_at is not None and each.trial_ends_at == each.period_end for each in held)
        return trying and bool(await self._cards.list_cards(tenant, customer))

    async def upcoming(self, tenant: Tenant, customer_key: str) -> Sequence[Upcoming]:
        """The invoices that the customer's plans will be charged next, as things stand, the soonest first."""
        has_card = await self.can_convert(tenant, customer_key)
        async with self._database.reading(tenant) as work:
            customer = await customers.get_by_key(work, customer_key)
            return compute_upcoming(await load_snapshot(work, customer, has_payment_method=has_card))

    async def turn(self, work: Work, customer: Customer, *, at: datetime, has_card: bool) -> Applied:
        """Turns what is due for the customer at exactly this instant, in the caller's work.

        `has_card` says whether a plan whose trial ends can be paid for; one that cannot is over.
        """
        snapshot = await load_snapshot(work, customer, has_payment_method=has_card, at=at)
        return await apply(work, customer, decide_turn(snapshot, at=at), at=at, actor=ACTOR)

    async def _settle_free(self, tenant: Tenant, customer_key: str) -> bool:
        """The same for a customer whom nobody else is busy with; False when there was nothing to turn."""
        return await self._settle(tenant, customer_key, customers.find_free)

    async def _settle(
        self, tenant: Tenant, customer_key: str, lock: Callable[[Work, str], Awaitable[Customer | None]]
    ) -> bool:
        await self.carry_on(tenant, customer_key)
        has_card = await self.can_convert(tenant, customer_key)
        for turned in range(TURNS_MAX):
            async with self._database.work(tenant) as work:
                customer = await lock(work, customer_key)
                if customer is None or customer.due_at is None or customer.due_at > customer.now(work.now):
                    return turned > 0
                await self.turn(work, customer, at=customer.due_at, has_card=has_card)
        return True
