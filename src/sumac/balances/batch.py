"""One shared commit: the requests that are in it, read, decided in the order of arrival, and written together."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sumac.balances.model import BalanceSnapshot, UsageDecision
from sumac.balances.posting import Posted, shared_writes
from sumac.balances.service import require_settled
from sumac.balances.views import View, Views, read_view
from sumac.core.errors import NotFound
from sumac.core.tenant import Tenant
from sumac.customers import service as customers
from sumac.events import service as events
from sumac.storage.changes import Owner
from sumac.storage.journal import Journal

Answer = TypeVar("Answer")
Told = Callable[[BalanceSnapshot], Answer]
Decide = Callable[[BalanceSnapshot, datetime], tuple[UsageDecision, Told[Answer]]]


def _future() -> "asyncio.Future[Any]":
    return asyncio.get_running_loop().create_future()


class OutdatedError(Exception):
    """What was known of the tenant, of its keys or settings, is not what it is now; nothing was written."""


@dataclass(slots=True, eq=False)
class Item:
    """A request that writes: what it decides from the snapshot, and who waits for it.

    `decide` says too how to answer, once it has the snapshot afterwards. `known_at` is the tenant's version at which
    the caller's key was good, if that is from memory. What it comes to, an answer or an error, is told once its
    transaction is over and its connection given back.
    """

    tenant: Tenant
    customer_id: str
    decide: Decide[Any]
    key: str | None
    known_at: int | None
    answered: "asyncio.Future[Any]" = field(default_factory=_future)
    answer: object = None
    error: Exception | None = None

    def tell(self) -> None:
        """Tells whoever waits, if anybody still does."""
        if self.answered.done():
            return
        if self.error is not None:
            self.answered.set_exception(self.error)
        else:
            self.answered.set_result(self.answer)


class Batch:
    """The items of one transaction. Memory sees what they changed only once it is committed."""

    def __init__(self, journal: Journal, views: Views) -> None:
        self._journal = journal
        self._views = views
        self._snapshots: dict[Owner, BalanceSnapshot] = {}

    async def write(self, items: Sequence[Item]) -> set[tuple[Tenant, str]]:
        """Carries out what can be, and notes on each item what it came to. Raises what fails all of them.

        Answers the customers of whom so little is left that more is to be bought, once this is committed.
        """
        topups: set[tuple[Tenant, str]] = set()
        found = await self._find_views(items)
        claimed = await self._claimed_keys(items)
        posted: list[Posted] = []
        keys: list[tuple[Tenant, str]] = []
        for item in items:
            view = found.get(item)
            if view is None or item.answered.done():
                continue
            try:
                decision, item.answer = self._decide(item, view, claimed)
            except Exception as error:  # noqa: BLE001  # it fails alone
                item.error = error
                continue
            if decision.events or decision.grants or item.key:
                posted.append((item.tenant, view.snapshot.customer.key, decision))
            if item.key is not None:
                keys.append((item.tenant, item.key))
            if decision.topups:
                topups.add((item.tenant, view.snapshot.customer.key))
        if posted:
            now = self._journal.now
            await self._journal.post([*shared_writes(posted, now), *events.key_writes(keys, now)])
            self._remember(found, {(tenant.key, key) for tenant, key, _ in posted})
        return topups

    def _decide(self, item: Item, view: View, claimed: set[tuple[Tenant, str]]) -> tuple[UsageDecision, object]:
        now = view.snapshot.customer.now(self._journal.now)
        require_settled(view.snapshot.customer, self._journal.now)
        if item.known_at is not None and item.known_at != view.tenant_version:
            raise OutdatedError
        if item.key is not None and (item.tenant, item.key) in claimed:
            raise events.already_received()
        snapshot = self._snapshots.get(view.owner, view.snapshot)
        decision, told = item.decide(snapshot, now)
        after = snapshot.after(decision)
        answer = told(after)
        self._snapshots[view.owner] = after
        if item.key is not None:
            claimed.add((item.tenant, item.key))
        return decision, answer

    def _remember(self, found: dict[Item, View], raised: set[Owner]) -> None:
        """Takes over what was written of the customers whose version was raised, and of no other."""
        for view in {view.owner: view for view in found.values() if view.owner in raised}.values():
            view.take(self._snapshots[view.owner])

    async def _find_views(self, items: Sequence[Item]) -> dict[Item, View]:
        """The view of each item whose customer exists, as of this transaction; the others have failed."""
        found: dict[Item, View] = {}
        owners: dict[Item, Owner] = {}
        for item in items:
            view = self._views.find(item.tenant, item.customer_id)
            if view is not None:
                found[item] = view
                owners[item] = view.owner
            else:
                await self._find_owner(item, owners)
        versions = await self._journal.begin(set(owners.values()))
        if versions is not None:
            self._views.epoch += 1
        unsure = {view.owner for view in found.values() if view.epoch != self._views.epoch}
        if unsure and versions is None:
            versions = await self._journal.versions(unsure)
        read: dict[Owner, View] = {}
        for item, owner in owners.items():
            view = found.get(item)
            if view is not None and view.epoch != self._views.epoch and versions is not None and view.is_at(versions):
                view.epoch = self._views.epoch
            if view is None or view.epoch != self._views.epoch:
                if owner not in read:
                    read[owner] = await self._read(item)
                found[item] = read[owner]
        return found

    async def _find_owner(self, item: Item, owners: dict[Item, Owner]) -> None:
        try:
            async with self._journal.reading(item.tenant) as work:
                owners[item] = item.tenant.key, (await customers.get(work, item.customer_id)).key
        except NotFound as error:
            item.error = error

    async def _read(self, item: Item) -> View:
        moment = self._views.moment
        async with self._journal.reading(item.tenant) as work:
            view = await read_view(work, item.customer_id)
        view.epoch = self._views.epoch
        self._views.keep(view, item.customer_id, moment=moment)
        return view

    async def _claimed_keys(self, items: Sequence[Item]) -> set[tuple[Tenant, str]]:
        """The idempotency keys of the items that were used before."""
        claimed: set[tuple[Tenant, str]] = set()
        for tenant in {item.tenant for item in items if item.key is not None}:
            keys = [item.key for item in items if item.tenant == tenant and item.key is not None]
            async with self._journal.reading(tenant) as work:
                claimed.update((tenant, key) for key in await events.claimed_keys(work, keys))
        return claimed
