"""The `expand` list of a request (api.md §1.11)."""

from collections.abc import Collection, Sequence

from sumac.core.errors import BadRequest


def check_expand(asked: Sequence[str] | None, known: Collection[str]) -> frozenset[str]:
    """What to expand. Raises BadRequest `invalid_expand` for a value this operation does not know."""
    for value in asked or ():
        if value not in known:
            message = f"expand: {value[:50]!r} is not known here; possible are: {', '.join(known)}"
            raise BadRequest(message, code="invalid_expand")
    return frozenset(asked or ())
