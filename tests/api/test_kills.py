"""A server that is killed over and over under load: nothing acknowledged is lost, nothing overspent (design.md §5)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random

import httpx

from sumac.cli.prepared import prepared
from sumac.config import Settings
from sumac.core.clock import ManualClock
from sumac.core.tenant import Env, Tenant
from sumac.organizations import service as organizations
from tests.support import forked
from tests.support.build import feature, free_plan, item
from tests.support.live import Home, home
from tests.support.rolling import assert_books
from tests.support.server import where
from tests.support.services import Services
from tests.support.usage import every_event

__all__ = ["home"]

KILLS, CALLERS = 20, 32
LATEST_SECONDS = 0.3
SECONDS_MAX = 120
CUSTOMERS = ("ada", "bob")
FEATURES = ("messages", "tokens")
MANY, TOKENS = 1_000_000, 100
MESSAGE = {"feature_id": "messages", "value": 2}
HALF_A_TOKEN = {"feature_id": "tokens", "value": 0.5, "overage_behavior": "reject"}


@dataclass
class Crowd:
    """Thirty-two callers who track without a pause, and ask again what was not answered.

    `counted` are the numbers of the tracks that were acknowledged, `refused` the customers whose tokens did not suffice
    for one; `lost` counts the requests whose connection broke.
    """

    client: httpx.AsyncClient
    url: str = ""
    up: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: bool = False
    lost: int = 0
    counted: set[int] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    async def call(self, caller: int) -> None:
        """Half a token, then two messages, and so on, of one customer; once stopping, until no token is left."""
        customer_id = CUSTOMERS[caller % 2]
        for number in count(caller, CALLERS):
            answer = await self._track(
                {
                    "customer_id": customer_id,
                    "idempotency_key": f"track-{number}",
                    "properties": {"number": number},
                    **(MESSAGE if number // CALLERS % 2 else HALF_A_TOKEN),
                }
            )
            if answer.status_code == httpx.codes.OK or answer.json()["code"] == "duplicate_idempotency_key":
                self.counted.add(number)
            else:
                assert "insufficient_balance" == answer.json()["code"], answer.text
                self.refused.add(customer_id)
            if self.stopping and customer_id in self.refused:
                return

    async def meet(self, url: str) -> None:
        """A server is up; waits for its first answer."""
        self.url = url
        self.answered.clear()
        self.up.set()
        await asyncio.wait_for(self.answered.wait(), SECONDS_MAX)

    async def _track(self, body: object) -> httpx.Response:
        while True:
            await self.up.wait()
            try:
                answer = await self.client.post(f"{self.url}/v1/balances.track", json=body)
            except httpx.TransportError:
                self.lost += 1
            else:
                self.answered.set()
                return answer


@asynccontextmanager
async def opened(home: Home) -> AsyncIterator[Services]:
    """The services of the first organization's sandbox, beside or without a server."""
    async with prepared(Settings(data_dir=home.data_dir, database_url=home.database_url)) as made:
        tenant = Tenant(made.organization.id, Env.SANDBOX)
        yield Services.over(made.parts.services.database, ManualClock(datetime.now(UTC)), tenant)


async def key_to_a_shop(home: Home) -> str:
    """Two customers with many messages and few tokens, and a key to track them with."""
    async with opened(home) as services:
        items = item("messages", MANY, reset=None), item("tokens", TOKENS, reset=None)
        await services.offer(feature(), feature("tokens"), free_plan("free", *items, auto_enable=True))
        for customer_id in CUSTOMERS:
            await services.add_customer(customer_id)
        async with services.database.system() as system:
            return await organizations.create_key(system, services.tenant.organization_id, Env.SANDBOX, name="Test")


async def track_through_kills(crowd: Crowd, home: Home, log: Path) -> None:
    """Kills one server after the other at some moment after its first answer; the last one spends every token."""
    random = Random(KILLS)  # noqa: S311  # moments, not secrets
    callers = [asyncio.create_task(crowd.call(number)) for number in range(CALLERS)]
    for _ in range(KILLS):
        process, url = forked.serve(where(home.data_dir, home.database_url), log)
        await crowd.meet(url)
        await asyncio.sleep(random.uniform(0, LATEST_SECONDS))
        crowd.up.clear()
        process.kill()
        process.join()
    process, url = forked.serve(where(home.data_dir, home.database_url), log)
    await crowd.meet(url)
    crowd.stopping = True
    await asyncio.wait_for(asyncio.gather(*callers), SECONDS_MAX)
    process.kill()
    process.join()


async def test_twenty_kills(home: Home, tmp_path: Path) -> None:
    """Under 32 concurrent tracks: every acknowledged one is there, each once, no balance is overspent, books add up."""
    key = await key_to_a_shop(home)
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {key}"}, timeout=SECONDS_MAX) as client:
        crowd = Crowd(client)
        await track_through_kills(crowd, home, tmp_path / "server.log")
    async with opened(home) as services:
        events = await every_event(services)
        numbers = Counter(event.properties["number"] for event in events)
        used = {each: sum(event.value for event in events if event.feature_id == each) for each in FEATURES}
        left = {each: [await services.remaining(each, customer_id) for customer_id in CUSTOMERS] for each in FEATURES}

        assert crowd.lost >= KILLS
        assert (crowd.counted, {1}) == (set(numbers), set(numbers.values()))
        assert ([0, 0], 2 * TOKENS) == (left["tokens"], used["tokens"])
        assert 2 * MANY - used["messages"] == sum(each or 0 for each in left["messages"])
        await assert_books(services)
