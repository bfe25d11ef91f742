"""Which `x-api-version` a request asks for (api.md §1.4). Handlers know the newest contract only."""

import re

from sumac.core.errors import BadRequest

OLDEST = (2, 3, 0)
OLDEST_DATE = "2026-05-13"
_SEMANTIC = re.compile(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?")
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.clover)?")


def check_version(header: str | None) -> str:
    """The version asked for; without one, the oldest that is served.

    Raises BadRequest `invalid_api_version` for anything but 2.3.0 and later 2.x.
    """
    if header is None or not header.strip():
        return "2.3.0"
    text = header.strip()
    calendar = _DATE.fullmatch(text)
    if calendar and calendar.group(1) >= OLDEST_DATE:
        return "2.3.0"
    semantic = _SEMANTIC.fullmatch(text)
    if semantic:
        number = tuple(int(part or 0) for part in semantic.groups())
        if number >= OLDEST and number[0] == OLDEST[0]:
            return ".".join(str(part) for part in number)
    message = f"x-api-version {text[:20]!r} is not served; send 2.3.0 or a later 2.x"
    raise BadRequest(message, code="invalid_api_version")
