"""Parts of the contract that are not served yet are refused, never silently dropped."""

from collections.abc import Sequence

from sumac.api.schemas.wire import WireModel
from sumac.core.errors import BadRequest


def refuse_later(body: WireModel, names: Sequence[str]) -> None:
    """Raises BadRequest for the first of the fields that was given a value that would change something."""
    for name in names:
        if getattr(body, name):
            message = f"{name} is not available yet"
            raise BadRequest(message)
