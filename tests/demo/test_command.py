"""`sumac demo` as a process: killed amid filling, started again, and what it prints is true."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from sumac.cli.demo.cast import CAST
from tests.support.server import SUMAC, LiveServer, live_server, where

PAGE = 10


def printed_key(server: LiveServer) -> str:
    """The secret key on the last line."""
    label, _, key = server.printed.strip().splitlines()[-1].rpartition("  ")

    assert "Sandbox API key:" == label.strip()
    return key


def call(server: LiveServer, operation: str, body: dict[str, Any], key: str) -> httpx.Response:
    """One operation of the API."""
    headers = {"authorization": f"Bearer {key}"}
    return httpx.post(f"{server.url}/v1/{operation}", json=body, headers=headers)


def every_customer(server: LiveServer, key: str) -> list[dict[str, Any]]:
    """All customers, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        body = {"limit": PAGE, **({"start_cursor": cursor} if cursor else {})}
        page = call(server, "customers.list", body, key).json()
        found += page["list"]
        cursor = page["next_cursor"]
    return found


def printed_curl(server: LiveServer) -> dict[str, Any]:
    """What the printed line of curl answers."""
    line = next(line for line in server.printed.splitlines() if line.strip().startswith("curl "))
    _, _, url, _, header, _, body = shlex.split(line)
    name, value = header.split(": ")
    return dict(httpx.post(url, headers={name: value}, content=body).json())


def kill_amid_filling(data_dir: Path) -> None:
    """Starts the demo, and kills it when it has said that customers are there."""
    command = [str(SUMAC), "demo", "--port", "0", *where(data_dir, None)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        begun = any(re.search(r"customers ([5-9]|\d\d)", line) for line in process.stdout)
        process.kill()

    assert begun


@pytest.mark.timeout(240)
def test_the_command(tmp_path: Path) -> None:
    """A killed start is made good by the next; later ones find the demo, with fresh keys and links that work."""
    kill_amid_filling(tmp_path)
    with live_server(tmp_path, command="demo") as server:
        key = printed_key(server)
        first = every_customer(server, key)
        shown = printed_curl(server)
        token = server.sign_in_link.partition("#link=")[2]
        own_page = {"x-client-type": "dashboard"}
        signed_in = httpx.post(f"{server.url}/v1/sessions.create", json={"link": token}, headers=own_page)
        assert 0 == server.stop()
    with live_server(tmp_path, command="demo") as server:
        again = every_customer(server, printed_key(server))
        old = call(server, "customers.list", {}, key)

        assert "Making" not in server.printed

    assert len(CAST) == len(first) == len({each["id"] or each["email"] for each in first})
    assert first == again
    assert "northgate-logistics" == shown["id"]
    assert ["team"] == [each["plan_id"] for each in shown["subscriptions"]]
    assert 200 == signed_in.status_code
    assert 401 == old.status_code
