"""A law: the explanation sums to the number, always: now, and at every instant that somebody remembers (issue 4)."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from sumac.balances import service as balances
from sumac.balances.explaining import ExplainedBalance, ExplainRequest, explain_balance
from sumac.balances.model import Balance
from sumac.balances.requests import OverageBehavior, Which
from sumac.balances.rules.deduct import visible
from sumac.balances.rules.explain import Explained
from sumac.balances.rules.sum import compute_balance, shown
from sumac.billing.requests import CancelAction
from sumac.catalog.model import Proration
from sumac.core.errors import SumacError
from sumac.core.page import Cursor
from sumac.core.time import Cadence, Interval
from sumac.customers import entities
from sumac.customers import service as customers
from tests.support.build import (
    DAILY,
    MONTHLY,
    ONCE,
    credit_system,
    feature,
    free_plan,
    held_item,
    item,
    plan,
    price,
    seats,
    usage_price,
)
from tests.support.rolling import capped
from tests.support.services import GOOD_CARD, Services

STEPS, AT_ONCE_MAX = 30, 3
KEPT = Proration("prorate_immediately", "none")
MILLISECOND = timedelta(milliseconds=1)
FEATURES = ("messages", "credits", "seats")
Numbers = tuple[Decimal, Decimal, Decimal, bool] | None


@dataclass(frozen=True, slots=True)
class Remembered:
    """What somebody was shown, and when."""

    at: datetime
    feature_id: str
    entity_id: str | None
    numbers: Numbers


@dataclass(slots=True)
class Person:
    """Somebody who does whatever comes to mind with the balances of a customer, and remembers what they were shown."""

    services: Services
    random: Random
    entries: list[str] = field(default_factory=list)
    locks: list[str] = field(default_factory=list)
    memory: list[Remembered] = field(default_factory=list)
    desks: int = 1

    @property
    def desk(self) -> str:
        """The entity that is there; one that comes back would be another one of the same id."""
        return f"desk{self.desks}"

    async def act(self) -> None:
        """One thing; what is refused changes nothing."""
        deeds: tuple[tuple[int, Callable[[], Awaitable[object]]], ...] = (
            (8, self._use),
            (3, self._edit),
            (2, self._undo),
            (2, self._give),
            (1, self._remove),
            (1, self._recalculate),
            (3, self._lock),
            (3, self._finalize),
            (2, self._enter_or_leave),
            (2, self._attach),
            (1, self._cancel),
            (5, self._wait),
        )
        deed = self.random.choices([each for _, each in deeds], [weight for weight, _ in deeds])[0]
        with suppress(SumacError):
            await deed()

    async def remember(self) -> None:
        """Looks at every balance, and lets a moment pass, so that nothing else happens at the same instant."""
        await self.services.billing.bring_up_to_date(self.services.tenant, "ada")
        at = await self._now()
        for feature_id in FEATURES:
            for entity_id in (None, self.desk):
                with suppress(SumacError):
                    numbers = numbers_of(await shown_balance(self.services, feature_id, entity_id))
                    self.memory.append(Remembered(at, feature_id, entity_id, numbers))
        await self.services.advance(at + MILLISECOND)

    async def _now(self) -> datetime:
        return (await self.services.customer()).now(self.services.clock.now())

    def _units(self) -> Decimal:
        return Decimal(self.random.choice(("0", "0.1", "1", "7", "30", "120", "-15", "-0.5", "0.0000000001")))

    def _whose(self) -> str | None:
        return self.random.choice((None, self.desk))

    def _which(self) -> dict[str, object]:
        choices: Sequence[dict[str, object]] = (
            {"balance_id": "gift"},
            {"balance_id": "daily"},
            {},
            {},
            {"entity_id": self.desk},
            {"interval": Interval.MONTH},
        )
        return self.random.choice(choices)

    async def _use(self) -> None:
        changes: dict[str, Any] = {"entity_id": self._whose()}
        if self.random.random() < 0.2:
            changes["occurred_at"] = await self._now() - timedelta(days=self.random.randint(1, 40))
        if self.random.random() < 0.3:
            changes["overage_behavior"] = OverageBehavior.OVERFLOW
        feature_id = self.random.choice((*FEATURES, "messages"))
        value = str(self.random.choice((1, 2, -1))) if feature_id == "seats" else str(self._units())
        await self.services.track(value, feature_id, **changes)

    async def _edit(self) -> None:
        changes: dict[str, Any] = {self.random.choice(("remaining", "add_to_balance", "usage")): self._units()}
        if self.random.random() < 0.2:
            changes["included_grant"] = abs(self._units())
        if self.random.random() < 0.2:
            changes["resets_at"] = await self._now() + timedelta(days=self.random.randint(1, 20))
        entries = await self.services.edit(
            self.random.choice(("messages", "messages", "credits")), which=self._which(), **changes
        )
        self.entries += [entry.id for entry in entries]

    async def _undo(self) -> None:
        if self.entries:
            await self.services.undo(self.random.choice(self.entries))

    async def _give(self) -> None:
        name = self.random.choice(("gift", "daily", None))
        reset = Cadence(Interval.DAY) if name == "daily" else None
        expires_at = await self._now() + timedelta(days=self.random.randint(1, 30))
        await self.services.give(
            self.random.choice(("messages", "credits")),
            included=abs(self._units()),
            balance_id=name,
            reset=reset,
            expires_at=expires_at if self.random.random() < 0.3 else None,
            entity_id=self._whose(),
        )

    async def _remove(self) -> None:
        chosen = self.random.choice(({"balance_id": "gift"}, {"balance_id": "daily"}, {"interval": Interval.DAY}))
        await self.services.remove(recalculate=self.random.random() < 0.5, feature_id="messages", **chosen)

    async def _recalculate(self) -> None:
        await self.services.grants.recalculate(self.services.tenant, Which("ada", "messages"), actor="test")

    async def _lock(self) -> None:
        lock_id = f"lock{self.random.randrange(10**9)}"
        expires_at = await self._now() + timedelta(hours=self.random.randint(1, 20))
        units = abs(self._units()) + 1
        await self.services.reserve(str(units), lock_id=lock_id, entity_id=self._whose(), expires_at=expires_at)
        self.locks.append(lock_id)

    async def _finalize(self) -> None:
        if self.locks:
            lock_id = self.locks.pop(self.random.randrange(len(self.locks)))
            await self.services.finalize(str(self._units()), lock_id)

    async def _enter_or_leave(self) -> None:
        if self.desk in await self.services.entity_ids():
            await self.services.delete_entity(self.desk)
        else:
            await self.services.add_entity(f"desk{self.desks + 1}")
            self.desks += 1

    async def _attach(self) -> None:
        await self.services.attach(
            self.random.choice(("pro", "team", "extra")), entity_id=self.random.choice((None, None, self.desk))
        )

    async def _cancel(self) -> None:
        await self.services.cancel(
            self.random.choice(list(CancelAction)), plan_id=self.random.choice(("pro", "team", "extra"))
        )

    async def _wait(self) -> None:
        await self.services.advance(await self._now() + timedelta(minutes=self.random.randint(1, 20_000)))


@pytest.mark.parametrize("seed", range(12))
async def test_the_explanation_sums_to_the_number(services: Services, seed: int) -> None:
    """Whatever was used, edited, given, taken away, held, bought and turned: the parts make each number, ever."""
    await services.offer(
        feature(),
        seats(),
        credit_system("credits", {"messages": "0.3"}),
        free_plan(
            "free",
            item("messages", 100, rollover=capped(50)),
            item("messages", 20, reset=ONCE),
            item("messages", 30, reset=MONTHLY, entity_feature_id="seats"),
            auto_enable=True,
        ),
        plan("pro", item("messages", 300, price=usage_price("0.01")), item("credits", 20), price=price(20)),
        plan(
            "team",
            item("messages", 50, reset=DAILY),
            held_item("seats", 2, price=usage_price("7.77"), proration=KEPT),
            price=price(9),
        ),
        plan("extra", item("credits", 9, reset=None), price=price(3), add_on=True),
    )
    await services.add_customer(card=GOOD_CARD, clock_at=services.clock.now())
    await services.add_entity("desk1")
    person = Person(services, Random(seed))  # noqa: S311  # a seed replays the run

    for _ in range(STEPS):
        for _ in range(person.random.randint(1, AT_ONCE_MAX)):
            await person.act()
        await person.remember()

    known = {None, *await services.entity_ids()}
    for each in person.memory:
        if each.entity_id in known:
            await assert_explained(services, each)


async def test_usage_of_the_instant_of_a_late_reset(services: Services) -> None:
    """What was used at the very instant of a reset that nobody had to wait for is of the period before, if it was."""
    await services.offer(feature(), free_plan("free", item("messages", 100), auto_enable=True))
    await services.add_customer(clock_at=services.clock.now())
    await services.track(30)
    async with services.database.work(services.tenant) as work:
        customer = await customers.get(work, "ada")
        (grant,) = await balances.live_grants(work, customer.key)
        full = replace(grant, balance=grant.granted, resets_at=customer.now(work.now) + timedelta(days=9))
        await balances.reset_grants(work, [full], cause="late", actor="test", at=customer.now(work.now))
    await services.track(4)

    explained = await explained_at(services, "messages")

    assert (Decimal(100), Decimal(96), Decimal(4), False) == numbers_of(explained.explanation.balance)
    assert numbers_of(await shown_balance(services, "messages")) == numbers_of(explained.explanation.balance)
    assert [Decimal(4)] == [taken.total for source in explained.explanation.sources for taken in source.taken]
    assert [Decimal(4)] == [event.value for event in explained.events.items]


async def test_usage_that_is_told_late(services: Services) -> None:
    """It counts when it was told: in the balance from then on, among the events by then, on every page."""
    await services.offer(feature(), free_plan("free", item("messages", 100), auto_enable=True))
    await services.add_customer(clock_at=services.clock.now())
    start = (await services.customer()).now(services.clock.now())
    for day in range(6):
        await services.advance(start + timedelta(days=40 + day))
        await services.track(day + 1, occurred_at=start + timedelta(days=day) if day % 2 else None)

    seen: list[Decimal] = []
    cursor: Cursor | None = None
    while cursor is not None or not seen:
        page = (await explained_at(services, "messages", cursor=cursor, limit=2)).events
        seen += [event.value for event in page.items]
        cursor = Cursor.decode(page.next_cursor or "")
    halfway = await explained_at(services, "messages", at=start + timedelta(days=42))

    assert [6, 5, 4, 3, 2, 1] == seen
    assert (Decimal(100), Decimal(94), Decimal(6), False) == numbers_of(halfway.explanation.balance)


async def assert_explained(services: Services, remembered: Remembered) -> None:
    """The explanation of that instant shows the number, and its parts come to it by the plainest arithmetic."""
    explained = await explained_at(services, remembered.feature_id, remembered.entity_id, remembered.at)
    balance = explained.explanation.balance

    assert (remembered, remembered.numbers) == (remembered, numbers_of(balance))
    if balance is None:
        return
    sources = [source for source in explained.explanation.sources if source.counted]
    summed = [sums_of(source) for source in sources]
    assert [(source.grant.granted, source.grant.balance, source.grant.replaceables) for source in sources] == summed
    if not balance.unlimited:
        assert balance.granted == sum(granted for granted, _, _ in summed)
        assert balance.usage == sum(granted - left for granted, left, _ in summed)
        assert balance.remaining == sum(max(Decimal(0), left) + free for _, left, free in summed)


def sums_of(source: Explained) -> tuple[Decimal, Decimal, Decimal]:
    """Granted, balance and free seats, added up from the entries and from what was taken."""
    opening, entries = source.opened.opening, source.opened.entries
    assert opening.granted_after is not None
    assert opening.balance_after is not None
    assert opening.terms_after is not None
    granted, left, free = opening.granted_after, opening.balance_after, opening.terms_after.replaceables
    for entry in entries:
        assert entry.terms_after is not None
        granted += entry.granted_change
        left += entry.balance_change
        free += entry.terms_after.replaceables_change
    for taken in source.taken:
        left -= taken.total
        free += taken.replaceables_change
    return granted, left, free


async def explained_at(
    services: Services,
    feature_id: str,
    entity_id: str | None = None,
    at: datetime | None = None,
    *,
    cursor: Cursor | None = None,
    limit: int = 50,
) -> ExplainedBalance:
    """The explanation, after whatever is due."""
    request = ExplainRequest("ada", feature_id, entity_id, at, cursor=cursor, limit=limit)

    async def step() -> ExplainedBalance:
        async with services.database.reading(services.tenant) as work:
            return await explain_balance(work, request)

    return await services.billing.due.settled(services.tenant, step)


async def shown_balance(services: Services, feature_id: str, entity_id: str | None = None) -> Balance | None:
    """What is shown now, as everybody else reads it."""
    async with services.database.reading(services.tenant) as work:
        customer = await customers.get(work, "ada")
        entity = None if entity_id is None else await entities.get(work, entity_id, customer.key)
        grants = await balances.usable_grants(work, customer.key)
        whole = compute_balance(feature_id, visible(grants, entity.key if entity else None))
        return None if whole is None else shown(whole)


def numbers_of(balance: Balance | None) -> Numbers:
    """Granted, remaining, used, and whether it is without end."""
    return None if balance is None else (balance.granted, balance.remaining, balance.usage, balance.unlimited)
