"""Cursor paging (api.md §1.8): newest first, opaque cursors, a limit on every page."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Self, TypeVar

from sumac.core.errors import BadRequest
from sumac.core.time import from_ms, to_ms

CURSOR_VERSION = 0
DEFAULT_LIMIT = 50

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page starts: after the row of this id and creation instant."""

    id: str
    created_at: datetime

    def encoded(self) -> str:
        """The opaque text handed to the caller."""
        text = json.dumps({"v": CURSOR_VERSION, "id": self.id, "t": to_ms(self.created_at)}, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Self | None:
        """The cursor of a request; empty text is the first page. Raises BadRequest `invalid_cursor`."""
        if not text:
            return None
        try:
            padded = text + "=" * (-len(text) % 4)
            fields = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            if fields["v"] == CURSOR_VERSION and fields["id"].isprintable() and type(fields["t"]) is int:
                return cls(fields["id"], from_ms(fields["t"]))
        except (binascii.Error, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            pass
        message = "start_cursor is not a cursor of this list; leave it empty for the first page"
        raise BadRequest(message, code="invalid_cursor")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items, and the cursor of the next page if there is one."""

    items: Sequence[Item]
    next_cursor: str | None


def page_of(rows: Sequence[Item], limit: int, cursor_of: Callable[[Item], Cursor]) -> Page[Item]:
    """The page made of `limit + 1` rows read: the surplus row only says that there is more."""
    items = rows[:limit]
    more = len(rows) > limit
    return Page(items, cursor_of(items[-1]).encoded() if more else None)
