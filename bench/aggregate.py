"""A year of one customer's usage by days, after few events and after many: python bench/aggregate.py."""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import httpx
import uvloop

from sumac.app import create_server
from sumac.cli.prepared import prepared
from sumac.config import Settings
from sumac.core.tenant import Env, Tenant
from sumac.core.time import to_ms
from sumac.customers import service as customers
from sumac.events import service as events
from sumac.events.model import UsageEvent
from sumac.organizations import service as organizations
from sumac.storage.database import Database

SIZES = (10_000, 100_000, 1_000_000)
START, END = datetime(2025, 7, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
BATCH = 5_000
ADDRESS = "http://bench.test"


def usage(customer_key: str, number: int) -> Iterator[list[UsageEvent]]:
    """So many events over the year, one after the other at uneven times, of values with four decimals."""
    random = Random(number)  # noqa: S311  # the same year each time
    apart = (END - START) / number
    for first in range(0, number, BATCH):
        found = []
        for each in range(first, min(first + BATCH, number)):
            at = START + apart * (each + random.random())
            value = Decimal(random.randrange(100_000)).scaleb(-4)
            found.append(UsageEvent(f"evt_{each:08}", customer_key, "messages", None, value, {}, at, at, ()))
        yield found


async def fill(client: httpx.AsyncClient, database: Database, tenant: Tenant) -> None:
    """A metered feature, and a customer for each size with as many events."""
    feature = {"feature_id": "messages", "name": "Messages", "type": "metered", "consumable": True}
    (await client.post("/v1/features.create", json=feature)).raise_for_status()
    for size in SIZES:
        body = {"customer_id": f"customer_{size}"}
        (await client.post("/v1/customers.get_or_create", json=body)).raise_for_status()
        async with database.reading(tenant) as work:
            customer = await customers.get(work, body["customer_id"])
        for batch in usage(customer.key, size):
            async with database.work(tenant) as work:
                await events.append(work, batch)


async def run(client: httpx.AsyncClient, zone: str, seconds: float) -> dict[int, float]:
    """The median time of an answer in milliseconds, by size; the sizes take turns."""
    span = {"start": to_ms(START), "end": to_ms(END)}
    asked: dict[str, Any] = {"feature_id": "messages", "custom_range": span, "bin_size": "day", "timezone": zone}
    took: dict[int, list[float]] = {size: [] for size in SIZES}
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        for size in SIZES:
            begun = time.perf_counter()
            answer = await client.post("/v1/events.aggregate", json={**asked, "customer_id": f"customer_{size}"})
            took[size].append((time.perf_counter() - begun) * 1000)
            assert answer.json()["total"]["messages"]["count"] == size, answer.text
    return {size: statistics.median(each) for size, each in took.items()}


async def main() -> None:
    """Fills a database, measures, prints a line per case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="per case")
    parser.add_argument("--database-url", help="PostgreSQL instead of SQLite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(data_dir=Path(directory), database_url=options.database_url)
        async with prepared(settings) as made:
            database = made.parts.services.database
            async with database.system() as system:
                key = await organizations.create_key(system, made.organization.id, Env.SANDBOX, name="bench")
            transport = httpx.ASGITransport(create_server(made.parts.services))
            headers = {"authorization": f"Bearer {key}"}
            async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers=headers, timeout=60) as client:
                await fill(client, database, Tenant(made.organization.id, Env.SANDBOX))
                print(f"{'a year by days':26}{'events':>12}{'ms':>8}{'ratio':>8}")
                for zone in ("UTC", "Europe/Berlin"):
                    found = await run(client, zone, options.seconds)
                    for size, took in found.items():
                        print(f"{zone:26}{size:12,}{took:8.0f}{took / found[SIZES[0]]:8.2f}")


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
