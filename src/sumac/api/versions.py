"""Which `x-api-version` a request asks for (api.md §1.4). Handlers know the newest contract only."""

import re

from sumac.api.compat.pairs import Pair
from sumac.api.compat.steps import NEWEST, OLDER, Version, find_pairs
from sumac.core.errors import BadRequest

DATES = {"2026-03-17": (2, 1, 0), "2026-03-18": (2, 2, 0)}
NEWEST_DATE = "2026-05-13"
_SEMANTIC = re.compile(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?")
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.clover)?")


def check_version(header: str | None, operation: str) -> str:
    """The version asked for; without one, 2.3.0.

    Raises BadRequest `invalid_api_version` for one that is not served at all, or not for this operation.
    """
    version = _read(header)
    if version is None or find_pairs(operation, version) is None:
        asked = (header or "").strip()[:20]
        message = f"x-api-version {asked!r} is not served for {operation}; send 2.3.0 or a later 2.x"
        raise BadRequest(message, code="invalid_api_version")
    return ".".join(str(part) for part in version)


def pairs_to_newest(header: str | None, operation: str) -> tuple[Pair, ...]:
    """How the operation is told from the version asked for to the newest, oldest first; none where it is not served."""
    version = _read(header)
    return () if version is None else find_pairs(operation, version) or ()


def _read(header: str | None) -> Version | None:
    if header is None or not header.strip():
        return NEWEST
    text = header.strip()
    calendar = _DATE.fullmatch(text)
    if calendar:
        return NEWEST if calendar.group(1) >= NEWEST_DATE else DATES.get(calendar.group(1))
    semantic = _SEMANTIC.fullmatch(text)
    if semantic is None:
        return None
    number = tuple(int(part or 0) for part in semantic.groups())
    known = number in OLDER or (number >= NEWEST and number[0] == NEWEST[0])
    return number if known else None
