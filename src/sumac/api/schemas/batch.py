"""Usage told many pieces at a time, on the wire (api.md §2.4, §2.16)."""

from typing import Annotated, Self

from pydantic import Field, RootModel, model_validator
from pydantic_core import PydanticCustomError

from sumac.api.schemas.balances import TrackBody

ITEMS_MAX = 1_000


class BatchItem(TrackBody):
    """Usage to count; nothing can be held back for it."""

    @model_validator(mode="after")
    def _no_lock(self) -> Self:
        if self.lock is not None:
            raise PydanticCustomError("lock", "lock: usage of a batch cannot be reserved")
        return self


class BatchTrackBody(RootModel[Annotated[list[BatchItem], Field(min_length=1, max_length=ITEMS_MAX)]]):
    """Usage to count, in this order for each customer."""
