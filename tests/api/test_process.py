"""A real server is killed, and stopped: nothing that was acknowledged is lost (design.md §5)."""

import asyncio
import json
import socket
import time
from typing import Any

import httpx

from tests.support.live import Home, home
from tests.support.server import LiveServer, live_server

__all__ = ["home"]

CALLERS = 8
ACKNOWLEDGED_MIN = 60
SECONDS_MAX = 30


def api_of(server: LiveServer, key: str) -> httpx.Client:
    """A client of the server's API with a secret key."""
    return httpx.Client(base_url=f"{server.url}/v1/", headers={"authorization": f"Bearer {key}"}, timeout=30)


def prepare(api: httpx.Client) -> None:
    """A feature without limits to track against, and somebody who has it."""
    for operation, body in (
        ("features.create", {"feature_id": "messages", "name": "Messages", "type": "metered", "consumable": True}),
        (
            "plans.create",
            {
                "plan_id": "free",
                "name": "Free",
                "auto_enable": True,
                "items": [{"feature_id": "messages", "included": 1_000_000, "reset": {"interval": "month"}}],
            },
        ),
        ("customers.get_or_create", {"customer_id": "ada"}),
    ):
        api.post(operation, json=body).raise_for_status()


def events_of(api: httpx.Client) -> list[dict[str, Any]]:
    """Every event, page by page."""
    cursor, found = "", []
    while cursor is not None:
        page = api.post("events.list", json={"start_cursor": cursor, "limit": 1000}).raise_for_status().json()
        found += page["list"]
        cursor = page["next_cursor"]
    return found


async def track_until_killed(server: LiveServer, key: str) -> set[int]:
    """Tracks in a loop from several callers, kills the server in the middle; answers what was acknowledged."""
    acknowledged: set[int] = set()
    headers = {"authorization": f"Bearer {key}"}
    deadline = time.monotonic() + SECONDS_MAX

    async def caller(number: int, client: httpx.AsyncClient) -> None:
        sent = number
        while True:
            body = {"customer_id": "ada", "feature_id": "messages", "value": 2, "properties": {"number": sent}}
            try:
                answer = await client.post(f"{server.url}/v1/balances.track", json=body, headers=headers)
            except httpx.TransportError:
                return
            assert 200 == answer.status_code, answer.text
            acknowledged.add(sent)
            sent += CALLERS

    async with httpx.AsyncClient(timeout=SECONDS_MAX) as client:
        callers = [asyncio.create_task(caller(number, client)) for number in range(CALLERS)]
        while len(acknowledged) < ACKNOWLEDGED_MIN:
            assert time.monotonic() < deadline, f"only {len(acknowledged)} tracks were acknowledged"
            await asyncio.sleep(0.01)
        server.kill()
        await asyncio.gather(*callers)
    return acknowledged


def test_a_kill_loses_no_acknowledged_track(home: Home) -> None:
    """SIGKILL under load, restart: every acknowledged track is in the balance and in the events, none is half there."""
    with live_server(home.data_dir, database_url=home.database_url) as server:
        key = server.create_key()
        with api_of(server, key) as api:
            prepare(api)
        acknowledged = asyncio.run(track_until_killed(server, key))
    with live_server(home.data_dir, database_url=home.database_url) as server, api_of(server, key) as api:
        events = events_of(api)
        balance = api.post("balances.check", json={"customer_id": "ada", "feature_id": "messages"}).json()["balance"]
        numbers = [event["properties"]["number"] for event in events]

        assert acknowledged <= set(numbers)
        assert len(numbers) == len(set(numbers))
        assert 2 * len(numbers) == balance["usage"] == sum(event["deductions"][0]["value"] for event in events)
        assert 1_000_000 - 2 * len(numbers) == balance["remaining"]

        tracked = api.post("balances.track", json={"customer_id": "ada", "feature_id": "messages"})

        assert 200 == tracked.status_code


def test_a_stop_answers_what_is_open(home: Home) -> None:
    """SIGTERM while a request is half sent: it is answered, then the process ends with 0, and the data are whole."""
    with live_server(home.data_dir, database_url=home.database_url) as server:
        key = server.create_key()
        with api_of(server, key) as api:
            prepare(api)
        body = json.dumps({"customer_id": "ada", "feature_id": "messages", "value": 5}).encode()
        head = (
            "POST /v1/balances.track HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {key}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        port = int(server.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS_MAX) as connection:
            connection.sendall(head.encode() + body[:10])
            time.sleep(0.3)
            server.process.terminate()
            time.sleep(0.3)
            connection.sendall(body[10:])
            answer = connection.recv(65_536).decode()

        assert answer.startswith("HTTP/1.1 200 "), answer
        assert 0 == server.process.wait(SECONDS_MAX)
        assert "Traceback" not in server.printed
    with live_server(home.data_dir, database_url=home.database_url) as server, api_of(server, key) as api:
        assert [5] == [event["value"] for event in events_of(api)]
