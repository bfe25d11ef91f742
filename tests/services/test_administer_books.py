"""A law: whatever is edited, used, given back and reset, the books say what every balance is (billing.md §1.7, §8)."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from sumac.core.errors import BadRequest, Conflict, NotFound
from sumac.core.time import Cadence, Interval
from tests.support.build import MONTHLY, ONCE, feature, free_plan, item, seats
from tests.support.rolling import assert_books, capped
from tests.support.services import Services

STEPS = 40
REFUSALS = (BadRequest, Conflict, NotFound)


class Person:
    """Somebody who does whatever comes to mind with the balances of a customer with an entity."""

    def __init__(self, services: Services, random: Random) -> None:
        self._services = services
        self._random = random
        self._entries: list[str] = []

    async def act(self) -> None:
        """One thing; what is refused changes nothing."""
        choices = (self._edit, self._edit, self._use, self._use, self._give, self._remove, self._undo, self._wait)
        with suppress(*REFUSALS):
            await self._random.choice(choices)()

    def _units(self) -> Decimal:
        return Decimal(self._random.choice(("0", "0.1", "1", "7", "30", "120", "-15", "-0.5")))

    def _which(self) -> dict[str, object]:
        named: Sequence[dict[str, object]] = ({"balance_id": "gift"}, {"balance_id": "daily"})
        filtered: Sequence[dict[str, object]] = ({}, {}, {"entity_id": "desk"}, {"interval": Interval.MONTH})
        return self._random.choice((*named, *filtered))

    async def _edit(self) -> None:
        name = self._random.choice(("remaining", "add_to_balance", "usage"))
        changes: dict[str, Any] = {name: self._units()}
        if self._random.random() < 0.2:
            changes["included_grant"] = abs(self._units())
        if self._random.random() < 0.1:
            now = (await self._services.customer()).now(self._services.clock.now())
            changes["resets_at"] = now + timedelta(days=self._random.randint(1, 20))
        entries = await self._services.edit(which=self._which(), **changes)
        self._entries += [entry.id for entry in entries]

    async def _use(self) -> None:
        await self._services.track(str(self._units()), entity_id=self._random.choice((None, "desk")))

    async def _give(self) -> None:
        name = self._random.choice(("gift", "daily", None))
        reset = Cadence(Interval.DAY) if name == "daily" else None
        await self._services.give(included=abs(self._units()), balance_id=name, reset=reset)

    async def _remove(self) -> None:
        await self._services.remove(
            recalculate=self._random.random() < 0.5,
            feature_id="messages",
            **self._random.choice(({"balance_id": "gift"}, {"interval": Interval.DAY})),
        )

    async def _undo(self) -> None:
        if self._entries:
            await self._services.undo(self._random.choice(self._entries))

    async def _wait(self) -> None:
        now = (await self._services.customer()).now(self._services.clock.now())
        await self._services.advance(now + timedelta(days=self._random.randint(1, 12)))


@pytest.mark.parametrize("seed", range(6))
async def test_the_books_say_what_every_balance_is(services: Services, seed: int) -> None:
    """After every few steps each balance is the sum of its entries, less what usage took."""
    await services.offer(
        feature(),
        seats(),
        free_plan(
            "free",
            item("messages", 100, rollover=capped(50)),
            item("messages", 20, reset=ONCE),
            item("messages", 30, reset=MONTHLY, entity_feature_id="seats"),
        ),
    )
    await services.add_customer(clock_at=services.clock.now())
    await services.add_entity("desk")
    await services.attach("free")
    person = Person(services, Random(seed))  # noqa: S311  # a seed replays the run
    for step in range(STEPS):
        await person.act()
        if step % 10 == 9:
            await assert_books(services)
