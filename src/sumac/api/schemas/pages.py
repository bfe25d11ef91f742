"""Cursor paging on the wire (api.md §1.8)."""

from typing import Annotated

from pydantic import Field

from sumac.api.schemas.wire import WholeNumber, WireModel
from sumac.core.errors import BadRequest
from sumac.core.page import DEFAULT_LIMIT, Cursor

LIMIT_MAX = 1000


class PageRequest(WireModel):
    """Where a page starts and how long it is."""

    start_cursor: Annotated[str, Field(max_length=2000)] | None = None
    limit: Annotated[WholeNumber, Field(ge=1)] = DEFAULT_LIMIT

    def cursor(self) -> Cursor | None:
        """Where to start; None at the beginning. Raises BadRequest `invalid_cursor`, or for too long a page."""
        if self.limit > LIMIT_MAX:
            message = f"limit {self.limit} exceeds max of {LIMIT_MAX} for this org"
            raise BadRequest(message)
        return Cursor.decode(self.start_cursor or "")
