"""The quickstarts run against a server as a newcomer would run them."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support.live import QUICKSTART_NODE, Home
from tests.support.server import live_server

QUICKSTART_PYTHON = QUICKSTART_NODE.with_name("quickstart_python")
SECONDS = 60


def run_quickstart(home: Home, folder: Path, command: Sequence[str | Path]) -> str:
    """What the program printed on a fresh server with a fresh key; it must end well."""
    with live_server(home.data_dir, database_url=home.database_url) as server:
        environment = {**os.environ, "SUMAC_URL": server.url, "SUMAC_SECRET_KEY": server.create_key()}
        run = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )

    assert 0 == run.returncode, run.stdout + run.stderr

    return run.stdout


def test_the_python_quickstart(home: Home) -> None:
    """It ends with the second invoice: $20.00 and 200 messages above at a cent."""
    printed = run_quickstart(home, QUICKSTART_PYTHON, [sys.executable, "main.py"])

    assert "second invoice: 22.00 usd, paid" in printed
    assert "now on: pro active" in printed


def test_the_node_quickstart(home: Home, node: Path) -> None:
    """The same month with the JavaScript client."""
    printed = run_quickstart(home, QUICKSTART_NODE, [node, "main.js"])

    assert "second invoice: 22.00 usd, paid" in printed
    assert "now on: pro active" in printed
