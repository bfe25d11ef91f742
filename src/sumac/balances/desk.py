"""Check and track for every tenant: answers from memory where memory is right, and commits that callers share.

Usage that arrives while a commit is under way waits for the next one: it is decided in the order of arrival and written
in one transaction. What one caller asks wrongly never fails another. An answer is given after its commit.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from sumac.balances.batch import Answer, Batch, Decide, Item, Told
from sumac.balances.model import BalanceSnapshot, TrackAnswer, UsageDecision
from sumac.balances.requests import CheckRequest, TrackRequest
from sumac.balances.rules.follow import to_buy
from sumac.balances.rules.resolve import has_usage_limits
from sumac.balances.service import require_settled
from sumac.balances.usage import CheckAnswer, checked_answer, count, decide, judge, tracked_by
from sumac.balances.views import View, Views, read_view
from sumac.core.tenant import Tenant
from sumac.storage.database import Database

BATCH_MAX = 500
TURNS_MAX = 50
Topup = Callable[[Tenant, str], None]


class Settled(Protocol):
    """Runs an operation, again after whatever it finds due for its customer is settled."""

    async def __call__(self, tenant: Tenant, operation: Callable[[], Awaitable[Answer]]) -> Answer:
        """What the operation answers."""
        ...


class UsageDesk:
    """Answers and counts, with `settled`, so that nothing is ever due for a customer that is looked at.

    `topup` is told of whom more is to be bought.
    """

    def __init__(self, database: Database, settled: Settled, topup: Topup) -> None:
        self._database = database
        self._settled = settled
        self._topup = topup
        self._views = Views()
        self._waiting: list[Item] = []
        self._writer: asyncio.Task[None] | None = None
        database.on_change(self._views.forget)

    async def check(self, tenant: Tenant, request: CheckRequest) -> CheckAnswer:
        """Answers a check; with `send_event` counts the units if they are allowed.

        Raises NotFound for an unknown customer, feature or entity; BadRequest; SeatsBilledError.
        """
        if request.send_event:
            return await self.submit(tenant, request.customer_id, lambda *at: _check(request, *at))
        answer, _ = self.judge(tenant, await self.view(tenant, request.customer_id), request)
        return answer

    def judge(self, tenant: Tenant, view: View, request: CheckRequest) -> tuple[CheckAnswer, bool]:
        """The answer to a check that counts nothing, and whether it is the same as long as the view is right.

        It is not where the time matters, as to usage limits, or where the check has more bought. Raises as `check`.
        """
        snapshot = view.snapshot
        customer = snapshot.customer
        access = judge(snapshot, request, now=customer.now(self._database.clock.now()))
        buys = bool(to_buy(snapshot, [each for each in snapshot.features if each.id == request.feature_id]))
        if buys:
            self._topup(tenant, customer.key)
        return CheckAnswer(customer.public_id, access, None, request.entity_id), not (
            buys or has_usage_limits(snapshot)
        )

    async def track(self, tenant: Tenant, request: TrackRequest, *, known_at: int | None = None) -> TrackAnswer:
        """Counts usage; it is on disk when this answers.

        Raises NotFound for an unknown customer, feature, entity or event name; BadRequest `insufficient_balance` with
        reject; Conflict `duplicate_idempotency_key`; SeatsBilledError; OutdatedError when the tenant's version is not
        that of `known_at`.
        """
        return await self.submit(
            tenant,
            request.customer_id,
            lambda *at: count(request, *at),
            key=request.idempotency_key,
            known_at=known_at,
        )

    async def view(self, tenant: Tenant, customer_id: str) -> View:
        """What the customer has, with nothing due. Raises NotFound."""

        async def look() -> View:
            view = await self._kept(tenant, customer_id) or await self._read(tenant, customer_id)
            require_settled(view.snapshot.customer, self._database.clock.now())
            return view

        return await self._settled(tenant, look)

    async def submit(
        self,
        tenant: Tenant,
        customer_id: str,
        decide: Decide[Answer],
        *,
        key: str | None = None,
        known_at: int | None = None,
    ) -> Answer:
        """Decides from the customer's snapshot and writes it with others; answers once it is durable.

        With an idempotency `key`, only once within 24 hours.
        """

        async def wait() -> Answer:
            answer: Answer = await self._put(Item(tenant, customer_id, decide, key, known_at))
            return answer

        return await self._settled(tenant, wait)

    def _put(self, item: Item) -> "asyncio.Future[Any]":
        """Lets it wait for the next commit; answers when it is told."""
        self._waiting.append(item)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        return item.answered

    async def close(self) -> None:
        """Waits until what was submitted is written."""
        if self._writer is not None:
            await self._writer

    async def _write(self) -> None:
        expected = 1
        try:
            while self._waiting:
                await self._gather(expected)
                batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
                expected = len(batch)
                await self._write_batch(batch)
        finally:
            self._writer = None

    async def _gather(self, expected: int) -> None:
        """Lets as many come as came last time, for some turns of the loop: who was just answered may ask again."""
        for _ in range(TURNS_MAX):
            if len(self._waiting) >= expected:
                return
            await asyncio.sleep(0)

    async def _write_batch(self, items: Sequence[Item]) -> None:
        """Writes the items together; where that fails as a whole, each by itself."""
        topups: set[tuple[Tenant, str]] = set()
        try:
            async with self._database.journal() as journal:
                topups = await Batch(journal, self._views).write(items)
        except Exception as error:  # noqa: BLE001  # whatever it is, the callers shall hear of it
            self._views.forget_all()
            if len(items) > 1:
                for item in items:
                    await self._write_batch([item])
                return
            items[0].error = error
        for item in items:
            item.tell()
        for tenant, customer_key in topups:
            self._topup(tenant, customer_key)

    async def _kept(self, tenant: Tenant, customer_id: str) -> View | None:
        """The view in memory, if it is right."""
        view = self._views.find(tenant, customer_id)
        if view is None:
            return None
        mark = self._database.watch.mark()
        if mark is None or view.mark != mark:
            if not view.is_at(await self._database.watch.versions([view.owner])):
                return None
            view.mark = mark
        return view

    async def _read(self, tenant: Tenant, customer_id: str) -> View:
        mark, moment = self._database.watch.mark(), self._views.moment
        async with self._database.reading(tenant) as work:
            view = await read_view(work, customer_id)
        view.mark = mark
        self._views.keep(view, customer_id, moment=moment)
        return view


def _check(request: CheckRequest, snapshot: BalanceSnapshot, at: datetime) -> tuple[UsageDecision, Told[CheckAnswer]]:
    access = judge(snapshot, request, now=at)
    if not access.allowed:
        return UsageDecision(), lambda after: CheckAnswer(after.customer.public_id, access, None, request.entity_id)
    tracked = tracked_by(request)
    decision = decide(snapshot, tracked, now=at)
    return decision, lambda after: checked_answer(after, tracked, access, decision)
