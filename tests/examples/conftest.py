"""Where the servers of the examples keep their data, and Node."""

from tests.support.live import home, node

__all__ = ["home", "node"]
