"""A real server is stopped: what was asked is answered, and nothing is lost (design.md §5)."""

import json
import socket
import time
from typing import Any

import httpx

from tests.support.live import Home, home
from tests.support.server import LiveServer, live_server

__all__ = ["home"]

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
