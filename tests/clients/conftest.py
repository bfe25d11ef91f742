"""The published clients against a server in a process of its own."""

from collections.abc import Iterator

import pytest

from tests.support.live import ENGINES, empty_home, node
from tests.support.server import LiveServer, live_server

__all__ = ["node"]


@pytest.fixture(scope="module", params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A running server on each engine in turn."""
    with (
        empty_home(request, tmp_path_factory.mktemp("clients")) as home,
        live_server(home.data_dir, database_url=home.database_url) as started,
    ):
        yield started
