"""One operation of an older contract, told in the next newer one: two pure functions over JSON."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
Told = Callable[[Json], Json]


def unchanged(value: Json) -> Json:
    """The same in both contracts."""
    return value


@dataclass(frozen=True, slots=True)
class Pair:
    """`up` tells a request in the newer contract, `down` tells its answer in the older one."""

    up: Told = unchanged
    down: Told = unchanged


SAME = Pair()
