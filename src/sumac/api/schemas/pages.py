"""Cursor paging on the wire (api.md §1.8)."""

from typing import Annotated, ClassVar

from pydantic import Field

from sumac.api.schemas.wire import WholeNumber, WireModel
from sumac.core.errors import BadRequest
from sumac.core.page import DEFAULT_LIMIT, Cursor

LIMIT_MAX = 1000


class PageRequest(WireModel):
    """Where a page starts and how long it is."""

    limit_max: ClassVar[int] = LIMIT_MAX

    start_cursor: Annotated[str, Field(max_length=2000)] | None = None
    limit: Annotated[WholeNumber, Field(ge=1)] = DEFAULT_LIMIT

    def cursor(self) -> Cursor | None:
        """Where to start; None at the beginning. Raises BadRequest `invalid_cursor`, or for too long a page."""
        if self.limit > self.limit_max:
            message = f"limit {self.limit} exceeds max of {self.limit_max} for this org"
            raise BadRequest(message)
        return Cursor.decode(self.start_cursor or "")
